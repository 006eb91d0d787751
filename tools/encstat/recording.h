/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recordings: JSON lines. The first says what it is and its version, each
 * other is a sample: the time and all VMs. A recording that was cut off is
 * good up to there. Keys that are not known are passed over.
 */
#ifndef ENCSTAT_RECORDING_H
#define ENCSTAT_RECORDING_H

#include <stdio.h>

#include "growth.h"
#include "vm.h"

#define RECORDING_VERSION	1

struct recording {
	const char *path;
	FILE *f;
	char *line;		/* a line that was read, and is not used yet */
	size_t line_size;
	unsigned long line_nr;
};

/* @path may be "-": stdin. -1: it has been told why. */
int recording_open(struct recording *r, const char *path);
void recording_close(struct recording *r);

/* For who goes back and forth: the rest of a pipe is put into a file. -1: told why. */
int recording_make_seekable(struct recording *r);

/*
 * The next sample, or the last one. 1: here it is, to be freed by vms_free();
 * 0: there is none; -1: it has been told why.
 */
int recording_next(struct recording *r, const struct vm_filter *filter,
		   struct vms *vms, struct when *when);
int recording_last(const struct vm_filter *filter, struct vms *vms, struct when *when);

#endif
