/* SPDX-License-Identifier: GPL-2.0 */
/* Two samples of a VM: how long lies between them, what has grown, how fast. */
#ifndef ENCSTAT_GROWTH_H
#define ENCSTAT_GROWTH_H

#include "value.h"
#include "vm.h"

/* When a sample was taken. */
struct when {
	uint64_t time_ms;		/* for people; anybody may set that clock */
	struct value running_ms;	/* of a clock that is never set */
};

struct when when_now(void);

/* The milliseconds from @a to @b; not known, if the clock was set in between. */
struct value when_between(const struct when *a, const struct when *b);

struct growth {
	bool known;
	uint64_t n[VM_COUNTERS];
	struct value ms;		/* in what time */
};

/*
 * From @before to @now. Without @before: if it @began since then, its counters
 * began at 0; else nothing is known.
 */
struct growth growth_between(const struct vm *before, const struct vm *now, bool began,
			     struct value ms);

/* The same, where @past holds all VMs of the sample before. */
struct growth growth_since(const struct vms *past, const struct vm *now, struct value ms);

/* Either or both of two counters, and the same a second, in tenths. */
struct value growth_count(const struct growth *g, enum vm_counter c);
struct value growth_rate(const struct growth *g, enum vm_counter c);
struct value growth_rate_of_two(const struct growth *g, enum vm_counter c, enum vm_counter d);

/* @n in @ms, as tenths a second; not known, if that is more than 64 bits. */
struct value rate_tenths(uint64_t n, uint64_t ms);

#endif
