// SPDX-License-Identifier: GPL-2.0
/* Lists of ranges of guest memory. */
#include <stdlib.h>

#include "map.h"

static int ranges_grow(struct ranges *r)
{
	size_t alloc = r->alloc ? r->alloc * 2 : 64;
	struct range *v = reallocarray(r->v, alloc, sizeof(*v));

	if (!v)
		return -1;
	r->v = v;
	r->alloc = alloc;
	return 0;
}

/* The caller sees to the order. */
int ranges_add(struct ranges *r, uint64_t start, uint64_t end)
{
	if (r->nr && r->v[r->nr - 1].end == start) {
		r->v[r->nr - 1].end = end;
		return 0;
	}
	if (r->nr == r->alloc && ranges_grow(r))
		return -1;
	r->v[r->nr++] = (struct range){ start, end };
	return 0;
}

void ranges_free(struct ranges *r)
{
	free(r->v);
	*r = (struct ranges){ 0 };
}

uint64_t ranges_bytes(const struct ranges *r)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < r->nr; i++)
		sum += r->v[i].end - r->v[i].start;
	return sum;
}

void walk_start(struct walk *w, const struct ranges *memory, const struct ranges *shared)
{
	*w = (struct walk){ .memory = memory, .shared = shared };
}

/* The part of the next memory range that is not done yet. */
static bool walk_memory(struct walk *w, struct range *range)
{
	while (w->mem < w->memory->nr && w->memory->v[w->mem].end <= w->pos)
		w->mem++;
	if (w->mem == w->memory->nr)
		return false;

	*range = w->memory->v[w->mem];
	if (range->start < w->pos)
		range->start = w->pos;
	return true;
}

bool walk_next(struct walk *w, struct range *range, bool *is_shared)
{
	const struct range *shared = w->shared->v + w->shr;
	bool more_shared = w->shr < w->shared->nr;
	bool more_memory = walk_memory(w, range);

	*is_shared = more_shared && (!more_memory || shared->start <= range->start);
	if (*is_shared) {
		*range = *shared;
		w->shr++;
	} else if (!more_memory) {
		return false;
	} else if (more_shared && shared->start < range->end) {
		range->end = shared->start;
	}
	w->pos = range->end;
	return true;
}

uint64_t private_bytes(const struct ranges *memory, const struct ranges *shared)
{
	struct range range;
	uint64_t sum = 0;
	bool is_shared;
	struct walk w;

	walk_start(&w, memory, shared);
	while (walk_next(&w, &range, &is_shared))
		if (!is_shared)
			sum += range.end - range.start;
	return sum;
}
