// SPDX-License-Identifier: GPL-2.0
/* Guest memory as a row of cells, each of them a range of the same size. */
#include <string.h>

#include "heat.h"

/* Index of the first range that ends behind @addr. */
static size_t find_range(const struct ranges *r, uint64_t addr)
{
	size_t low = 0, high = r->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->v[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* The top of the address space ends the last row, whatever its length. */
static uint64_t cells_end(uint64_t start, uint64_t size, size_t nr)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(size, nr, &bytes) || start + bytes < start)
		return UINT64_MAX;
	return start + bytes;
}

/* The part of @range that is in [start, end). */
static bool cut(struct range *range, uint64_t start, uint64_t end)
{
	if (range->start < start)
		range->start = start;
	if (range->end > end)
		range->end = end;
	return range->start < range->end;
}

/* The part of @range in the cell that it begins in is cut off it, and returned. */
static uint64_t cut_cell(struct range *range, uint64_t start, uint64_t size, size_t *cell)
{
	uint64_t left, n = range->end - range->start;

	*cell = (range->start - start) / size;
	left = size - (range->start - start) % size;
	if (n > left)
		n = left;
	range->start += n;
	return n;
}

void heat_fill(const struct vm *vm, uint64_t start, uint64_t size,
	       struct heat_cell *cells, size_t nr)
{
	const struct ranges *memory = &vm->slots.memory, *shared = &vm->map.shared;
	uint64_t end = cells_end(start, size, nr);
	struct range range;
	bool is_shared;
	struct walk w;
	size_t i;

	memset(cells, 0, nr * sizeof(*cells));
	walk_start(&w, memory, shared);
	w.mem = find_range(memory, start);
	w.shr = find_range(shared, start);
	while (walk_next(&w, &range, &is_shared) && range.start < end) {
		if (!cut(&range, start, end))
			continue;
		while (range.start < range.end) {
			uint64_t n = cut_cell(&range, start, size, &i);

			*(is_shared ? &cells[i].shared : &cells[i].other) += n;
		}
	}
}

void heat_mark(const struct ranges *changes, uint64_t start, uint64_t size,
	       struct heat_cell *cells, size_t nr)
{
	uint64_t end = cells_end(start, size, nr);
	size_t i, cell;

	for (i = find_range(changes, start); i < changes->nr; i++) {
		struct range range = changes->v[i];

		if (range.start >= end)
			break;
		if (!cut(&range, start, end))
			continue;
		while (range.start < range.end) {
			cut_cell(&range, start, size, &cell);
			cells[cell].changed = true;
		}
	}
}

enum heat_kind heat_kind(const struct vm *vm, const struct heat_cell *cell)
{
	if (!cell->other)
		return cell->shared ? HEAT_SHARED : HEAT_HOLE;
	if (!vm->has_map || !vm->map.tracked || !vm->map.complete)
		return HEAT_UNKNOWN;
	return cell->shared ? HEAT_MIXED : HEAT_PRIVATE;
}

static void next_in(const struct ranges *r, uint64_t addr, bool *found, uint64_t *used)
{
	size_t i = find_range(r, addr);
	uint64_t start;

	if (i == r->nr)
		return;
	start = r->v[i].start > addr ? r->v[i].start : addr;
	if (!*found || start < *used)
		*used = start;
	*found = true;
}

bool heat_next_used(const struct vm *vm, uint64_t addr, uint64_t *used)
{
	bool found = false;

	next_in(&vm->slots.memory, addr, &found, used);
	next_in(&vm->map.shared, addr, &found, used);
	return found;
}

static void prev_in(const struct ranges *r, uint64_t addr, bool *found, uint64_t *used)
{
	size_t i;
	uint64_t last;

	if (!addr)
		return;
	i = find_range(r, addr - 1);
	if (i < r->nr && r->v[i].start < addr)
		last = addr - 1;
	else if (i)
		last = r->v[i - 1].end - 1;
	else
		return;
	if (!*found || last > *used)
		*used = last;
	*found = true;
}

bool heat_prev_used(const struct vm *vm, uint64_t addr, uint64_t *used)
{
	bool found = false;

	prev_in(&vm->slots.memory, addr, &found, used);
	prev_in(&vm->map.shared, addr, &found, used);
	return found;
}

/* The places where a list of ranges begins and ceases, in order. */
struct edges {
	const struct ranges *r;
	size_t i;		/* two for each range */
};

static bool edge(const struct edges *e, uint64_t *at)
{
	if (e->i == 2 * e->r->nr)
		return false;
	*at = e->i % 2 ? e->r->v[e->i / 2].end : e->r->v[e->i / 2].start;
	return true;
}

/* The next edge of the two. */
static bool next_edge(struct edges *a, struct edges *b, uint64_t *at)
{
	uint64_t x, y;
	bool has_x = edge(a, &x), has_y = edge(b, &y);

	if (!has_x && !has_y)
		return false;
	if (has_x && (!has_y || x <= y)) {
		*at = x;
		a->i++;
	} else {
		*at = y;
		b->i++;
	}
	return true;
}

static int add_coarse(struct ranges *r, uint64_t start, uint64_t end, uint64_t grain)
{
	struct range *last = r->nr ? &r->v[r->nr - 1] : NULL;

	start -= start % grain;
	if (end % grain)
		end = cells_end(end - end % grain, grain, 1);
	if (!last || start > last->end)
		return ranges_add(r, start, end);
	if (end > last->end)
		last->end = end;
	return 0;
}

/* In place: the list only gets shorter. */
static void make_coarse(struct ranges *r, uint64_t grain)
{
	size_t i, nr = r->nr;

	r->nr = 0;
	for (i = 0; i < nr; i++)
		add_coarse(r, r->v[i].start, r->v[i].end, grain);
}

int heat_changes(const struct ranges *a, const struct ranges *b, struct ranges *changes)
{
	struct edges x = { .r = a }, y = { .r = b };
	uint64_t at, start = 0, grain = HEAT_CELL_MIN;
	bool in = false;

	*changes = (struct ranges){ 0 };
	if (a->nr == b->nr && (!a->nr || !memcmp(a->v, b->v, a->nr * sizeof(*a->v))))
		return 0;
	for (; next_edge(&x, &y, &at); in = !in) {
		if (!in) {
			start = at;
			continue;
		}
		if (start < at && add_coarse(changes, start, at, grain))
			return -1;
		for (; changes->nr > HEAT_CHANGES_MAX; grain *= 4)
			make_coarse(changes, grain * 4);
	}
	return 0;
}
