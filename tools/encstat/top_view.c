// SPDX-License-Identifier: GPL-2.0
/*
 * encstat top: which part of a VM's memory is on the screen. Rows begin at
 * multiples of their length; those without any memory are left out.
 */
#include "top.h"

static uint64_t row_bytes(const struct view *v)
{
	return v->cell * v->cols;
}

static uint64_t row_of(const struct view *v, uint64_t addr)
{
	return addr - addr % row_bytes(v);
}

/* The first row with memory, from the one of @addr on. */
static bool next_row(const struct view *v, const struct vm *vm, uint64_t addr, uint64_t *row)
{
	if (!heat_next_used(vm, row_of(v, addr), row))
		return false;
	*row = row_of(v, *row);
	return true;
}

static bool row_below(const struct view *v, const struct vm *vm, uint64_t row, uint64_t *below)
{
	uint64_t end = row + row_bytes(v);

	return end > row && next_row(v, vm, end, below);
}

static bool row_above(const struct view *v, const struct vm *vm, uint64_t row, uint64_t *above)
{
	if (!heat_prev_used(vm, row, above))
		return false;
	*above = row_of(v, *above);
	return true;
}

/* No more than @max. */
static unsigned int count_rows(const struct view *v, const struct vm *vm, unsigned int max)
{
	unsigned int n = 0;
	uint64_t row;

	if (!next_row(v, vm, 0, &row))
		return 0;
	do {
		n++;
	} while (n < max && row_below(v, vm, row, &row));
	return n;
}

/* The smallest cells with which all fits. */
static uint64_t fitting_cell(const struct view *v, const struct vm *vm)
{
	struct view try = *v;

	for (try.cell = HEAT_CELL_MIN; try.cell < HEAT_CELL_MAX; try.cell *= 2)
		if (count_rows(&try, vm, v->rows + 1) <= v->rows)
			break;
	return try.cell;
}

void view_reset(struct view *v)
{
	*v = (struct view){ .fit = true, .cell = HEAT_CELL_MIN };
}

/* Rows of 2^n or 3 * 2^n cells begin at round addresses. */
static unsigned int round_cols(unsigned int width)
{
	unsigned int n = 1;

	while (n * 2 <= width && n * 2 <= VIEW_COLS_MAX / 2)
		n *= 2;
	return n >= 2 && n / 2 * 3 <= width ? n / 2 * 3 : n;
}

/* The cursor is in memory, and on the screen. */
static void keep_cursor(struct view *v, const struct vm *vm)
{
	uint64_t row, top, at = row_of(v, v->cursor);
	unsigned int i;

	if (!next_row(v, vm, at, &row) && !row_above(v, vm, at, &row))
		return;
	if (row != at)
		v->cursor = row;
	top = row_of(v, v->top);
	if (row < top)
		v->top = row;
	for (i = 1, top = row; i < v->rows && top > row_of(v, v->top); i++)
		if (!row_above(v, vm, top, &top))
			break;
	if (top > row_of(v, v->top))
		v->top = top;
}

static void list_rows(struct view *v, const struct vm *vm)
{
	uint64_t row;
	bool more = next_row(v, vm, v->top, &row);

	for (v->used = 0; more && v->used < v->rows; more = row_below(v, vm, row, &row))
		v->row[v->used++] = row;
}

void view_layout(struct view *v, const struct vm *vm, unsigned int width, unsigned int height)
{
	v->cols = width > VIEW_LABEL ? round_cols(width - VIEW_LABEL) : 1;
	v->rows = height < VIEW_ROWS_MAX ? height : VIEW_ROWS_MAX;
	v->used = 0;
	if (!v->rows)
		return;
	if (v->fit) {
		v->cell = fitting_cell(v, vm);
		v->top = 0;
	}
	keep_cursor(v, vm);
	list_rows(v, vm);
}

void view_zoom(struct view *v, const struct vm *vm, int steps)
{
	uint64_t largest = fitting_cell(v, vm), half;

	for (; steps > 0 && v->cell > HEAT_CELL_MIN; steps--)
		v->cell /= 2;
	for (; steps < 0 && v->cell < largest; steps++)
		v->cell *= 2;
	v->fit = v->cell >= largest;
	half = row_bytes(v) * (v->rows / 2);
	v->top = v->cursor > half ? v->cursor - half : 0;
}

static void move_row(struct view *v, const struct vm *vm, bool down)
{
	uint64_t at = row_of(v, v->cursor), row;

	if (down ? row_below(v, vm, at, &row) : row_above(v, vm, at, &row))
		v->cursor = row + (v->cursor - at);
}

static void move_cell(struct view *v, const struct vm *vm, bool right)
{
	uint64_t col = v->cursor % row_bytes(v) / v->cell, row = row_of(v, v->cursor);

	if (right && col + 1 == v->cols) {
		if (row_below(v, vm, row, &row))
			v->cursor = row;
	} else if (!right && !col) {
		if (row_above(v, vm, row, &row))
			v->cursor = row + row_bytes(v) - v->cell;
	} else {
		v->cursor = row + (right ? col + 1 : col - 1) * v->cell;
	}
}

void view_move(struct view *v, const struct vm *vm, int rows, int cells)
{
	for (; rows; rows += rows > 0 ? -1 : 1)
		move_row(v, vm, rows > 0);
	for (; cells; cells += cells > 0 ? -1 : 1)
		move_cell(v, vm, cells > 0);
}

void view_home(struct view *v, const struct vm *vm, bool end)
{
	uint64_t at;

	if (end ? heat_prev_used(vm, UINT64_MAX, &at) : heat_next_used(vm, 0, &at))
		v->cursor = at - at % v->cell;
}

void view_point(struct view *v, unsigned int row, unsigned int col)
{
	if (row < v->used && col < v->cols)
		v->cursor = v->row[row] + col * v->cell;
}
