/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory as a row of cells, each of them a range of the same size. */
#ifndef ENCSTAT_HEAT_H
#define ENCSTAT_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"
#include "vm.h"

#define HEAT_CELL_MIN	(1ULL << PAGE_SHIFT_4K)
#define HEAT_CELL_MAX	(1ULL << 54)

/* How many ranges a list of changes may have; beyond, it becomes coarser. */
#define HEAT_CHANGES_MAX	(1 << 14)

enum heat_kind { HEAT_HOLE, HEAT_PRIVATE, HEAT_SHARED, HEAT_MIXED, HEAT_UNKNOWN, HEAT_KINDS };

struct heat_cell {
	uint64_t shared;	/* bytes */
	uint64_t other;		/* memory that is not shared: private, if all is known */
	bool changed;
};

/* The cells [@start, @start + @nr * @size) of @vm. */
void heat_fill(const struct vm *vm, uint64_t start, uint64_t size,
	       struct heat_cell *cells, size_t nr);

/* Marks the cells that any of @changes touches. */
void heat_mark(const struct ranges *changes, uint64_t start, uint64_t size,
	       struct heat_cell *cells, size_t nr);

enum heat_kind heat_kind(const struct vm *vm, const struct heat_cell *cell);

/*
 * The first address from @addr on, or the last one below it, that is memory or
 * shared. False: there is none.
 */
bool heat_next_used(const struct vm *vm, uint64_t addr, uint64_t *used);
bool heat_prev_used(const struct vm *vm, uint64_t addr, uint64_t *used);

/* What is in one of @a and @b only, a bit more if it is too much to tell. */
int heat_changes(const struct ranges *a, const struct ranges *b, struct ranges *changes);

#endif
