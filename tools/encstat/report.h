/* SPDX-License-Identifier: GPL-2.0 */
/* What encstat report keeps of many samples, and the pictures of it. */
#ifndef ENCSTAT_REPORT_H
#define ENCSTAT_REPORT_H

#include "feed.h"

#define REPORT_POINTS	128	/* at least, of a long time */
#define REPORT_BINS	40	/* parts of a VM's memory, in its timeline */

enum report_bin { BIN_NONE, BIN_PRIVATE, BIN_LITTLE, BIN_HALF, BIN_MUCH, BIN_SHARED, BIN_UNKNOWN };

/* An interval, or several in a row: sums, and what it was at the end. */
struct report_point {
	uint64_t start_ms, end_ms;
	uint64_t ms;			/* what the sums are about; 0: there are none */
	uint64_t grown[VM_COUNTERS];
	struct value ready, shared;
	uint8_t bins[REPORT_BINS];
	bool changed[REPORT_BINS];
};

struct report_vm {
	struct vm vm;			/* as it was last */
	unsigned long version;
	struct vm_sums sums;
	uint64_t first_ms, last_ms;
	struct ranges layout;		/* the memory that is divided into bins */
	struct ranges changed;		/* in the last interval */

	struct report_point *points;
	size_t nr;
	unsigned int stride;		/* intervals in a point */
	unsigned int pending;		/* of them, in the last point */
};

struct report {
	struct report_vm *v;
	size_t nr;
	uint64_t start_ms, end_ms;	/* these, and those of points: feed.line_ms */
	size_t samples;
};

/* -1: no memory. */
int report_add(struct report *r, const struct feed *f);
void report_free(struct report *r);

enum report_bin report_bin(uint64_t shared, uint64_t other, bool known);
uint64_t report_bin_size(const struct report_vm *v);
struct value report_rate(const struct report_point *p, uint64_t n);	/* in tenths */

/* Pictures, and their heights; @id makes the names in each of them its own. */
#define SVG_WIDTH	960
#define SVG_MARGIN	20	/* of texts around them */

typedef unsigned int svg_fn(FILE *f, const struct report *r, const struct report_vm *v, size_t id);

svg_fn svg_map, svg_timeline, svg_history;
void svg_map_note(FILE *f, const struct report_vm *v);

/* What colours and lines are: a list of HTML, or at @y of a picture, up to what is returned. */
enum svg_legend { SVG_STATUS, SVG_RATES };

void svg_legend(FILE *f, enum svg_legend which);
unsigned int svg_legend_inside(FILE *f, enum svg_legend which, unsigned int y);

#define MS_PER_DAY	(24 * 60 * 60 * 1000)

/* Is the time of day not enough to tell its times apart? */
static inline bool report_has_days(const struct report *r)
{
	return r->start_ms / MS_PER_DAY != r->end_ms / MS_PER_DAY;
}

#endif
