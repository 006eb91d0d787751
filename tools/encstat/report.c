// SPDX-License-Identifier: GPL-2.0
/* What encstat report keeps of many samples: little, however many they are. */
#include <stdlib.h>
#include <string.h>

#include "heat.h"
#include "report.h"

enum report_bin report_bin(uint64_t shared, uint64_t other, bool known)
{
	if (!shared && !other)
		return BIN_NONE;
	if (other && !known)
		return BIN_UNKNOWN;
	if (!shared)
		return BIN_PRIVATE;
	if (!other)
		return BIN_SHARED;
	if (shared < other / 3)
		return BIN_LITTLE;
	return shared / 3 <= other ? BIN_HALF : BIN_MUCH;
}

struct value report_rate(const struct report_point *p, uint64_t n)
{
	return rate_tenths(n, p->ms);
}

static struct report_vm *find_vm(struct report *r, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < r->nr; i++)
		if (vm_same(&r->v[i].vm, vm))
			return &r->v[i];
	return NULL;
}

static struct report_vm *new_vm(struct report *r, const struct feed_vm *from, uint64_t time_ms)
{
	struct report_vm *v = reallocarray(r->v, r->nr + 1, sizeof(*v));

	if (!v)
		return NULL;
	r->v = v;
	v += r->nr;
	*v = (struct report_vm){ .first_ms = time_ms, .stride = 1 };
	strcpy(v->vm.id, from->vm.id);
	v->vm.instance = from->vm.instance;
	v->points = calloc(2 * REPORT_POINTS, sizeof(*v->points));
	if (!v->points)
		return NULL;
	r->nr++;
	return v;
}

static int copy_ranges(struct ranges *to, const struct ranges *from)
{
	struct range *v = reallocarray(to->v, from->nr + 1, sizeof(*v));

	if (!v)
		return -1;
	if (from->nr)
		memcpy(v, from->v, from->nr * sizeof(*v));
	*to = (struct ranges){ .v = v, .nr = from->nr, .alloc = from->nr + 1 };
	return 0;
}

/* What is there now replaces what was; the ranges only if they are others. */
static int copy_vm(struct report_vm *v, const struct feed_vm *from)
{
	struct ranges shared = v->vm.map.shared, memory = v->vm.slots.memory;
	char *name = v->vm.name;
	int ret = 0;

	v->vm = from->vm;
	v->vm.name = name;
	if (!name && from->vm.name)
		v->vm.name = strdup(from->vm.name);
	if (v->version != from->version)
		ret = copy_ranges(&shared, &from->vm.map.shared) ?:
		      copy_ranges(&memory, &from->vm.slots.memory) ?:
		      copy_ranges(&v->changed, &from->changed[0]);
	v->vm.map.shared = shared;
	v->vm.slots = (struct slot_map){
		.memory = memory,
		.readonly_bytes = from->vm.slots.readonly_bytes,
	};
	v->version = from->version;
	v->sums = from->sums;
	return ret;
}

uint64_t report_bin_size(const struct report_vm *v)
{
	uint64_t pages = ranges_bytes(&v->layout) >> PAGE_SHIFT_4K;

	return (pages / REPORT_BINS + 1) << PAGE_SHIFT_4K;
}

/* The bins are parts of equal size of the memory, without the holes in it. */
static void fill_bins(const struct report_vm *v, const struct feed_vm *from,
		      struct report_point *p)
{
	uint64_t size = report_bin_size(v), done = 0, at, n;
	struct heat_cell bins[REPORT_BINS] = { 0 }, cell;
	size_t i;

	for (i = 0; i < v->layout.nr; i++) {
		for (at = v->layout.v[i].start; at < v->layout.v[i].end; at += n, done += n) {
			struct heat_cell *bin = &bins[done / size];

			n = size - done % size;
			if (n > v->layout.v[i].end - at)
				n = v->layout.v[i].end - at;
			heat_fill(&from->vm, at, n, &cell, 1);
			heat_mark(&from->changed[0], at, n, &cell, 1);
			bin->shared += cell.shared;
			bin->other += cell.other;
			bin->changed |= cell.changed;
		}
	}
	for (i = 0; i < REPORT_BINS; i++) {
		p->bins[i] = report_bin(bins[i].shared, bins[i].other, from->sums.private.known);
		p->changed[i] = bins[i].changed;
	}
}

/* It begins with the sample before, @before_ms, if the VM was there. */
static void make_point(const struct report_vm *v, const struct feed_vm *from,
		       uint64_t before_ms, uint64_t time_ms, struct report_point *p)
{
	bool was_there = v->nr && v->last_ms == before_ms;

	*p = (struct report_point){
		.start_ms = was_there ? before_ms : time_ms,
		.end_ms = time_ms,
		.ready = vm_ready(&from->vm),
		.shared = from->sums.shared,
	};
	if (was_there && from->growth.known && from->growth.ms.known) {
		p->ms = from->growth.ms.v;
		memcpy(p->grown, from->growth.n, sizeof(p->grown));
	}
	fill_bins(v, from, p);
}

/* @b follows @a and goes into it: what is known of either is known of both. */
static void merge(struct report_point *a, const struct report_point *b)
{
	struct report_point sum = *b;
	int i;

	sum.start_ms = a->start_ms;
	sum.ms += a->ms;
	for (i = 0; i < VM_COUNTERS; i++)
		sum.grown[i] += a->grown[i];
	for (i = 0; i < REPORT_BINS; i++)
		sum.changed[i] |= a->changed[i];
	*a = sum;
}

/* When there is no room for more, two become one. */
static void add_point(struct report_vm *v, const struct report_point *p)
{
	size_t i;

	if (v->pending && v->pending < v->stride) {
		merge(&v->points[v->nr - 1], p);
		v->pending++;
		return;
	}
	if (v->nr == 2 * REPORT_POINTS) {
		for (i = 0; i < REPORT_POINTS; i++) {
			v->points[i] = v->points[2 * i];
			merge(&v->points[i], &v->points[2 * i + 1]);
		}
		v->nr = REPORT_POINTS;
		v->stride *= 2;
	}
	v->points[v->nr++] = *p;
	v->pending = 1;
}

static int add_vm(struct report *r, const struct feed *f, const struct feed_vm *from,
		  uint64_t before_ms)
{
	struct report_vm *v = find_vm(r, &from->vm) ?: new_vm(r, from, f->line_ms);
	struct report_point p;

	if (!v || copy_vm(v, from))
		return -1;
	if (!v->layout.nr && copy_ranges(&v->layout, &from->vm.slots.memory))
		return -1;
	make_point(v, from, before_ms, f->line_ms, &p);
	add_point(v, &p);
	v->last_ms = f->line_ms;
	return 0;
}

int report_add(struct report *r, const struct feed *f)
{
	uint64_t before_ms = r->end_ms;
	size_t i;

	if (!r->samples++)
		r->start_ms = f->line_ms;
	r->end_ms = f->line_ms;
	for (i = 0; i < f->nr; i++)
		if (add_vm(r, f, &f->v[i], before_ms))
			return -1;
	return 0;
}

void report_free(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr; i++) {
		vm_unload(&r->v[i].vm);
		free(r->v[i].vm.name);
		ranges_free(&r->v[i].layout);
		ranges_free(&r->v[i].changed);
		free(r->v[i].points);
	}
	free(r->v);
}
