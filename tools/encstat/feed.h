/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMs over time, sample after sample: from this host or from a recording. What
 * has not changed is not read again, so that looking costs little.
 */
#ifndef ENCSTAT_FEED_H
#define ENCSTAT_FEED_H

#include "growth.h"
#include "recording.h"
#include "vm.h"
#include "vm_value.h"

#define FEED_HISTORY	5	/* samples that count as recent */

struct feed_vm {
	struct vm vm;
	struct vm_sums sums;
	struct growth growth;	/* since the sample before */

	struct ranges changed[FEED_HISTORY];	/* the last sample first */
	unsigned long version;	/* another one: the map or what has changed is another */

	uint64_t read_ms;	/* when the map was read last, and how long that took */
	uint64_t cost_ms;
	bool stale;		/* the counters say that it is another by now */
};

struct feed {
	const struct vm_filter *filter;
	bool exact;		/* read maps that change at any cost */
	struct feed_vm *v;
	size_t nr;
	struct when when;	/* of the sample */
	struct value interval;	/* since the one before, in ms */
	uint64_t line_ms;	/* the first one's time, and all intervals since */
	bool begun;		/* there is one before */
	bool found;		/* ... or was, before a leap: the VMs that are meant exist */
	char (*left_out)[32];	/* of the last sample */
	size_t nr_left_out;
	unsigned long versions;

	struct recording rec;
	bool recorded;
	struct feed_place *places;	/* of the samples of a recording */
	size_t nr_places;
	size_t pos;			/* the next one */
};

/* -1: it has been told why. */
int feed_open(struct feed *f, const struct vm_filter *filter);
void feed_close(struct feed *f);

/* 1: here is a sample; 0: the recording is at its end; -1: it has been told why. */
int feed_next(struct feed *f);

/* What was shown is not current any more, and nothing is to be compared with it. */
void feed_forget(struct feed *f);

/* Shows sample @pos of a recording, and what changed since the one before. */
int feed_seek(struct feed *f, size_t pos);

#endif
