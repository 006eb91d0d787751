// SPDX-License-Identifier: GPL-2.0
/* encstat list: which columns, and in which order the VMs. */
#include <stdlib.h>
#include <string.h>

#include "list_cols.h"

struct list_col {
	const char *name;	/* for -o and --sort */
	const char *head;
	unsigned int col;
};

static const struct list_col list_cols[] = {
	{ "pid",	"PID",		VM_COL_PID },
	{ "name",	"NAME",		VM_COL_NAME },
	{ "memory",	"MEMORY",	VM_COL_MEMORY },
	{ "private",	"PRIVATE",	VM_COL_PRIVATE },
	{ "shared",	"SHARED",	VM_COL_SHARED },
	{ "share",	"SHARE",	VM_COL_SHARE },
	{ "ranges",	"RANGES",	VM_COL_RANGES },
	{ "ready",	"READY",	VM_COL_READY },
	{ "tracker",	"TRACKER",	VM_COL_TRACKER },
	{ "vm",		"VM",		VM_COL_VM },
	{ "readonly",	"READONLY",	VM_COL_READONLY },
	{ "unbacked",	"UNBACKED",	VM_COL_UNBACKED },
	{ "tracked",	"TRACKED",	VM_COL_TRACKED },
	{ "sim",	"SIM",		VM_COL_SIM },
	{ "c-bit",	"C-BIT",	VM_COL_C_BIT },
	{ "complete",	"COMPLETE",	VM_COL_COMPLETE },
	{ "violations",	"VIOLATIONS",	VM_COL_VIOLATIONS },
	{ "double-backed", "DOUBLE",	VM_COL_DOUBLE },
	{ "conversions", "CONV/s",	VM_COL_RATE },
	{ "since",	"READY-SINCE",	VM_COL_SINCE },
};

#define NR_COLS	(sizeof(list_cols) / sizeof(*list_cols))

static const struct list_col *find_col(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < NR_COLS; i++)
		if (strlen(list_cols[i].name) == len && !memcmp(list_cols[i].name, name, len))
			return &list_cols[i];
	return NULL;
}

bool list_choice_add(struct list_choice *c, const char *names)
{
	const struct list_col *col;
	unsigned int i;
	size_t len;

	for (; ; names += len + 1) {
		len = strcspn(names, ",");
		col = find_col(names, len);
		if (!col || c->nr == NR_COLS)
			return false;
		for (i = 0; i < c->nr; i++)
			if (c->order[i] == col->col)
				return false;
		c->order[c->nr] = col->col;
		c->heads[c->nr++] = col->head;
		if (!names[len])
			return true;
	}
}

bool list_choice_has(const struct list_choice *c, unsigned int col)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (c->order[i] == col)
			return true;
	return false;
}

bool list_sort_set(struct list_sort *s, const char *name)
{
	const struct list_col *col;

	s->reverse = *name == '-';
	name += s->reverse;
	col = find_col(name, strlen(name));
	s->on = col;
	s->col = col ? col->col : 0;
	return col;
}

const char *list_col_name(size_t i)
{
	return i < NR_COLS ? list_cols[i].name : NULL;
}

static bool known(bool is_known, uint64_t value, uint64_t *v)
{
	*v = value;
	return is_known;
}

static bool memory_value(const struct vm *vm, unsigned int col, uint64_t *v)
{
	const struct ranges *memory = &vm->slots.memory, *shared = &vm->map.shared;
	bool tracked = vm->has_map && vm->map.tracked && vm->map.complete;
	uint64_t total = ranges_bytes(memory);

	switch (col) {
	case VM_COL_MEMORY:
		return known(vm->has_slots, total, v);
	case VM_COL_READONLY:
		return known(vm->has_slots, vm->slots.readonly_bytes, v);
	case VM_COL_SHARED:
		return known(tracked, ranges_bytes(shared), v);
	case VM_COL_RANGES:
		return known(tracked, shared->nr, v);
	}
	if (!tracked || !vm->has_slots)
		return false;
	*v = private_bytes(memory, shared);
	if (col == VM_COL_SHARE)
		*v = total ? (total - *v) * 1000 / total : 0;
	else if (col == VM_COL_UNBACKED)
		*v = ranges_bytes(shared) - (total - *v);
	return true;
}

/* What to sort by; false: it is not known. */
static bool value(const struct vm *vm, unsigned int col, uint64_t *v)
{
	switch (col) {
	case VM_COL_READY:
		return known(vm->has_ready, vm->ready, v);
	case VM_COL_TRACKER:
		return known(vm->has_bytes, vm->tracker_bytes, v);
	case VM_COL_TRACKED:
		return known(vm->has_map, vm->map.tracked, v);
	case VM_COL_SIM:
		return known(vm->has_map, vm->map.sev_sim, v);
	case VM_COL_C_BIT:
		return known(vm->has_map && vm->map.c_bit >= 0, vm->map.c_bit, v);
	case VM_COL_COMPLETE:
		return known(true, vm->has_slots && vm->has_map && vm->map.complete, v);
	case VM_COL_VIOLATIONS:
		return known(vm->has_violations, vm->violations, v);
	case VM_COL_DOUBLE:
		return known(vm->has_double, vm->double_bytes, v);
	case VM_COL_RATE:
		return known(vm->has_rate, vm->rate_tenths, v);
	case VM_COL_SINCE:
		return known(vm->since_ms, vm->since_ms, v);
	default:
		return memory_value(vm, col, v);
	}
}

static int compare_ids(const struct vm *a, const struct vm *b)
{
	return a->pid != b->pid ? a->pid - b->pid : a->fd - b->fd;
}

static int compare_values(const struct vm *a, const struct vm *b, const struct list_sort *s)
{
	uint64_t x = 0, y = 0;
	bool has_x = value(a, s->col, &x), has_y = value(b, s->col, &y);
	int order = x < y ? 1 : -(x > y);

	if (has_x != has_y)
		return has_x ? -1 : 1;	/* what is not known comes last */
	return has_x ? order * (s->reverse ? -1 : 1) : 0;
}

static int compare_names(const struct vm *a, const struct vm *b, const struct list_sort *s)
{
	if (!a->name || !b->name)
		return !a->name - !b->name;
	return strcmp(a->name, b->name) * (s->reverse ? -1 : 1);
}

static int compare(const void *p, const void *q, void *arg)
{
	const struct vm *a = p, *b = q;
	const struct list_sort *s = arg;
	int order;

	if (s->col == VM_COL_PID || s->col == VM_COL_VM)
		return compare_ids(a, b) * (s->reverse ? -1 : 1);
	order = s->col == VM_COL_NAME ? compare_names(a, b, s) : compare_values(a, b, s);
	return order ?: compare_ids(a, b);
}

void list_sort(struct vms *vms, const struct list_sort *s)
{
	struct list_sort copy = *s;

	if (vms->nr)
		qsort_r(vms->v, vms->nr, sizeof(*vms->v), compare, &copy);
}
