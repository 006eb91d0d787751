/* SPDX-License-Identifier: GPL-2.0 */
/* A picture of encstat report that stands alone, as an SVG file. */
#ifndef ENCSTAT_PICTURE_H
#define ENCSTAT_PICTURE_H

#include <stdbool.h>
#include <stdio.h>

#include "report.h"

struct picture;

const struct picture *picture_find(const char *name);	/* NULL: there is none */

/* Is there one VM in @r, and enough of it? If not, says so. */
bool picture_possible(const struct picture *p, const struct report *r);

int picture_write(FILE *f, const struct picture *p, const struct report *r);	/* -1: no memory */

#endif
