/* SPDX-License-Identifier: GPL-2.0 */
/* Pieces of a page of HTML that is well-formed XML, too. */
#ifndef ENCSTAT_HTML_H
#define ENCSTAT_HTML_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * @s may be hostile: neither markup nor anything that changes how the text
 * around it is shown gets through; such bytes become \xNN, as in a terminal.
 */
void html_text(FILE *f, const char *s);

void html_size(FILE *f, uint64_t bytes);
void html_time(FILE *f, uint64_t ms);		/* UTC, with the date */
void html_clock(FILE *f, uint64_t ms, bool date);	/* without UTC, or a date */

void html_begin(FILE *f, const char *title);	/* with the style of all parts */
void html_end(FILE *f);

void html_svg_style(FILE *f);	/* of a picture that stands alone */

#endif
