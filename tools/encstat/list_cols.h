/* SPDX-License-Identifier: GPL-2.0 */
/* encstat list: which columns, and in which order the VMs. */
#ifndef ENCSTAT_LIST_COLS_H
#define ENCSTAT_LIST_COLS_H

#include "out.h"
#include "vm.h"

/* What there is to say about a VM: the indices of vm_cols[]. */
enum {
	VM_COL_VM, VM_COL_PID, VM_COL_NAME, VM_COL_MEMORY, VM_COL_READONLY, VM_COL_PRIVATE,
	VM_COL_SHARED, VM_COL_SHARE, VM_COL_UNBACKED, VM_COL_RANGES, VM_COL_READY,
	VM_COL_TRACKED, VM_COL_TRACKER, VM_COL_SIM, VM_COL_C_BIT, VM_COL_COMPLETE,
	VM_COL_VIOLATIONS, VM_COL_DOUBLE, VM_COL_RATE, VM_COL_SINCE,
};

/* -o; nothing: the usual ones. */
struct list_choice {
	unsigned int nr;
	unsigned int order[OUT_COLS_MAX];
	const char *heads[OUT_COLS_MAX];
};

/* --sort */
struct list_sort {
	bool on;
	bool reverse;
	unsigned int col;
};

/* Names with commas in between; false: one is not known, or stands twice. */
bool list_choice_add(struct list_choice *c, const char *names);
bool list_choice_has(const struct list_choice *c, unsigned int col);

/* Large numbers first, names from A to Z; the other way round if "-" is in front. */
bool list_sort_set(struct list_sort *s, const char *name);
void list_sort(struct vms *vms, const struct list_sort *s);

/* NULL: there are no more */
const char *list_col_name(size_t i, const char **head);

#define LIST_USUAL	"pid,name,memory,private,shared,share,ranges,ready,tracker"

#endif
