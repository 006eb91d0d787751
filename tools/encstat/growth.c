// SPDX-License-Identifier: GPL-2.0
/* Two samples of a VM: how long lies between them, what has grown, how fast. */
#include "growth.h"
#include "sampler.h"
#include "vm_value.h"

struct when when_now(void)
{
	return (struct when){
		.time_ms = time_now_ms(),
		.running_ms = value(true, time_running_ms()),
	};
}

static struct value forward(uint64_t from, uint64_t to)
{
	return value(to > from, to - from);
}

struct value when_between(const struct when *a, const struct when *b)
{
	if (a->running_ms.known != b->running_ms.known)
		return value(false, 0);
	if (a->running_ms.known)
		return forward(a->running_ms.v, b->running_ms.v);
	return forward(a->time_ms, b->time_ms);
}

/*
 * A counter that went back was reset, or belongs to another VM of that id: what
 * it did before that is not known, and of the other counters neither.
 */
struct growth growth_between(const struct vm *before, const struct vm *now, bool began,
			     struct value ms)
{
	struct growth g = { .known = before || began, .ms = ms };
	int i;

	for (i = 0; i < VM_COUNTERS; i++) {
		struct value old = before ? vm_count(before, i) : value(true, 0);
		struct value new = vm_count(now, i);

		g.known &= old.known && new.known && old.v <= new.v;
		g.n[i] = new.v - old.v;
	}
	return g;
}

struct growth growth_since(const struct vms *past, const struct vm *now, struct value ms)
{
	const struct vm *before = vms_find_same(past, now);

	return growth_between(before, now, !before && !vms_left_out(past, now), ms);
}

struct value growth_count(const struct growth *g, enum vm_counter c)
{
	return value(g->known, g->n[c]);
}

struct value rate_tenths(uint64_t n, uint64_t ms)
{
	unsigned __int128 tenths = ms ? ((unsigned __int128)n * 10000 + ms / 2) / ms : 0;

	return value(ms && tenths <= UINT64_MAX, tenths);
}

static struct value rate(const struct growth *g, uint64_t n)
{
	return g->known && g->ms.known ? rate_tenths(n, g->ms.v) : value(false, 0);
}

struct value growth_rate(const struct growth *g, enum vm_counter c)
{
	return rate(g, g->n[c]);
}

struct value growth_rate_of_two(const struct growth *g, enum vm_counter c, enum vm_counter d)
{
	return rate(g, g->n[c] + g->n[d]);
}
