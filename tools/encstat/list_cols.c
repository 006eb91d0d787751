// SPDX-License-Identifier: GPL-2.0
/* encstat list: which columns, and in which order the VMs. */
#include <stdlib.h>
#include <string.h>

#include "list_cols.h"
#include "vm_value.h"

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

const char *list_col_name(size_t i, const char **head)
{
	*head = i < NR_COLS ? list_cols[i].head : NULL;
	return i < NR_COLS ? list_cols[i].name : NULL;
}

/* A share is sorted in millionths, so that small ones differ. */
static struct value share(const struct vm_sums *sums)
{
	uint64_t shared;
	bool known = vm_share(sums, &shared);

	return value(known, known ? shared * 1e6 / sums->memory.v : 0);
}

static struct value memory_value(const struct vm *vm, unsigned int col)
{
	struct vm_sums sums = vm_sums(vm);

	switch (col) {
	case VM_COL_MEMORY:
		return sums.memory;
	case VM_COL_READONLY:
		return sums.readonly;
	case VM_COL_PRIVATE:
		return sums.private;
	case VM_COL_SHARED:
		return sums.shared;
	case VM_COL_UNBACKED:
		return sums.unbacked;
	case VM_COL_RANGES:
		return sums.ranges;
	default:
		return share(&sums);
	}
}

/* What to sort by. */
static struct value sort_value(const struct vm *vm, unsigned int col)
{
	switch (col) {
	case VM_COL_READY:
		return vm_ready(vm);
	case VM_COL_TRACKER:
		return vm_tracker_bytes(vm);
	case VM_COL_TRACKED:
		return vm_tracked(vm);
	case VM_COL_SIM:
		return value(vm->has_map, vm->map.sev_sim);
	case VM_COL_C_BIT:
		return value(vm->has_map && vm->map.c_bit >= 0, vm->map.c_bit);
	case VM_COL_COMPLETE:
		return value(true, vm->has_slots && vm->has_map && vm->map.complete);
	case VM_COL_VIOLATIONS:
		return vm_violations(vm);
	case VM_COL_DOUBLE:
		return value(vm->has_double, vm->double_bytes);
	case VM_COL_RATE:
		return vm->conversion_tenths;
	case VM_COL_SINCE:
		return value(vm->since_ms, vm->since_ms);
	default:
		return memory_value(vm, col);
	}
}

static int compare_ids(const struct vm *a, const struct vm *b)
{
	return a->pid != b->pid ? a->pid - b->pid : a->fd - b->fd;
}

static int compare_values(const struct vm *a, const struct vm *b, const struct list_sort *s)
{
	struct value x = sort_value(a, s->col), y = sort_value(b, s->col);
	int order = x.v < y.v ? 1 : -(x.v > y.v);

	if (x.known != y.known)
		return x.known ? -1 : 1;	/* what is not known comes last */
	return order * (s->reverse ? -1 : 1);
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
