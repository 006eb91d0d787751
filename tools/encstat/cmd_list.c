// SPDX-License-Identifier: GPL-2.0
/* encstat list: a line for each VM. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "growth.h"
#include "guest.h"
#include "list_cols.h"
#include "msg.h"
#include "out.h"
#include "recording.h"
#include "sampler.h"
#include "since.h"
#include "text.h"
#include "vm_value.h"

const struct out_col vm_cols[] = {
	[VM_COL_VM]	= { "vm" },
	[VM_COL_PID]	= { "pid",			"PID",		OUT_RIGHT },
	[VM_COL_NAME]	= { "name",			"NAME" },
	[VM_COL_MEMORY]	= { "memory_bytes",		"MEMORY",	OUT_RIGHT },
	[VM_COL_READONLY]	= { "memory_readonly_bytes", NULL,	OUT_RIGHT },
	[VM_COL_PRIVATE]	= { "private_bytes",		"PRIVATE",	OUT_RIGHT },
	[VM_COL_SHARED]	= { "shared_bytes",		"SHARED",	OUT_RIGHT },
	[VM_COL_SHARE]	= { NULL,			"SHARE",	OUT_RIGHT },
	[VM_COL_UNBACKED]	= { "shared_without_memory_bytes", NULL, OUT_RIGHT },
	[VM_COL_RANGES]	= { "shared_ranges",		"RANGES",	OUT_RIGHT },
	[VM_COL_READY]	= { "ready",			"READY" },
	[VM_COL_TRACKED]	= { "tracked" },
	[VM_COL_TRACKER]	= { "tracker_bytes",		"TRACKER",	OUT_RIGHT },
	[VM_COL_SIM]	= { "sev_sim" },
	[VM_COL_C_BIT]	= { "c_bit",		NULL,		OUT_RIGHT },
	[VM_COL_COMPLETE]	= { "complete" },
	[VM_COL_VIOLATIONS] = { "violations",	NULL,		OUT_RIGHT },
	[VM_COL_DOUBLE]	= { "double_backed_bytes", NULL, OUT_RIGHT },
	[VM_COL_RATE]	= { "conversions_per_s", NULL,		OUT_RIGHT },
	[VM_COL_SINCE]	= { "ready_since_ms" },
};

const unsigned int vm_cols_nr = sizeof(vm_cols) / sizeof(*vm_cols);

static void show_flag(unsigned int col, bool known, bool v)
{
	if (known)
		out_bool(col, v);
	else
		out_none(col, "-");
}

static void show_memory(const struct vm *vm)
{
	struct vm_sums sums = vm_sums(vm);
	char share[TEXT_NUM] = "-";
	uint64_t shared;

	if (vm_share(&sums, &shared))
		text_share(share, shared, sums.memory.v);
	out_size_value(VM_COL_MEMORY, sums.memory);
	out_size_value(VM_COL_READONLY, sums.readonly);
	out_size_value(VM_COL_PRIVATE, sums.private);
	out_size_value(VM_COL_SHARED, sums.shared);
	out_str(VM_COL_SHARE, share);
	out_size_value(VM_COL_UNBACKED, sums.unbacked);
	out_value(VM_COL_RANGES, sums.ranges);
}

static void show_tracker(const struct vm *vm)
{
	out_bool_value(VM_COL_READY, vm_ready(vm));
	out_bool_value(VM_COL_TRACKED, vm_tracked(vm));
	if (vm->has_map && !vm->map.tracked)
		out_none(VM_COL_TRACKER, "off");
	else
		out_size_value(VM_COL_TRACKER, vm_tracker_bytes(vm));
	show_flag(VM_COL_SIM, vm->has_map, vm->map.sev_sim);
	out_value(VM_COL_C_BIT, value(vm->has_map && vm->map.c_bit >= 0, vm->map.c_bit));
	show_flag(VM_COL_COMPLETE, true, vm->has_slots && vm->has_map && vm->map.complete);
	out_value(VM_COL_VIOLATIONS, vm_violations(vm));
	out_size_value(VM_COL_DOUBLE, value(vm->has_double, vm->double_bytes));
	out_tenths_value(VM_COL_RATE, vm->conversion_tenths);
	if (vm->since_ms && vm_ready(vm).v)
		out_time(VM_COL_SINCE, vm->since_ms);
	else
		out_none(VM_COL_SINCE, "-");
}

void vm_show(const struct vm *vm)
{
	out_str(VM_COL_VM, vm->id);
	out_uint(VM_COL_PID, vm->pid);
	if (vm->name)
		out_str(VM_COL_NAME, vm->name);
	else
		out_none(VM_COL_NAME, "-");
	show_memory(vm);
	show_tracker(vm);
}

static void show_row(const struct vm *vm)
{
	out_row();
	vm_show(vm);
	out_row_end();
}

void show_list(struct vms *vms)
{
	size_t i;

	out_table("vms", vm_cols, vm_cols_nr, OUT_TABLE);
	for (i = 0; i < vms->nr; i++) {
		if (vm_load(&vms->v[i], vms))
			show_row(&vms->v[i]);
		vm_unload(&vms->v[i]);
	}
	out_table_end();
}

/* Leaves out the VMs that are gone. */
static void load_all(struct vms *vms)
{
	size_t i, n = 0;

	for (i = 0; i < vms->nr; i++) {
		if (vm_load(&vms->v[i], vms))
			vms->v[n++] = vms->v[i];
		else
			free(vms->v[i].name);
	}
	vms->nr = n;
}

/* In another way than the usual one; to sort them, all must be there at once. */
static void show_chosen(struct vms *vms, const struct settings *s)
{
	struct list_choice c = s->columns;
	size_t i;

	/* who waits for rates wants to see them */
	if (s->has_interval && !c.nr)
		list_choice_add(&c, LIST_USUAL ",conversions");
	load_all(vms);
	if (s->sort.on)
		list_sort(vms, &s->sort);
	out_table("vms", vm_cols, vm_cols_nr, OUT_TABLE);
	if (c.nr)
		out_table_order(c.order, c.nr, c.heads);
	for (i = 0; i < vms->nr; i++)
		show_row(&vms->v[i]);
	out_table_end();
}

/* What each counter was, an interval ago. */
struct before {
	struct vms vms;
	struct when when;
};

static bool wait_interval(struct before *b, const struct settings *s)
{
	struct pace pace;
	size_t i;

	pace_start(&pace, s->interval_ms, 2);
	if (!pace_next(&pace))
		return false;
	b->when = when_now();
	if (vms_find(&b->vms, &s->filter))
		return false;
	b->vms.only_stats = true;
	for (i = 0; i < b->vms.nr; i++)
		vm_load(&b->vms.v[i], &b->vms);
	return pace_next(&pace);
}

static void set_rates(struct vms *vms, const struct before *b, const struct when *now)
{
	struct value ms = when_between(&b->when, now);
	size_t i;

	for (i = 0; i < vms->nr; i++) {
		struct growth g = growth_since(&b->vms, &vms->v[i], ms);

		vms->v[i].conversion_tenths =
			growth_rate_of_two(&g, VM_TO_SHARED, VM_TO_PRIVATE);
	}
}

static void list_rates(const struct settings *s)
{
	struct before before = { 0 };
	struct vms vms = { 0 };
	struct when now;

	if (!wait_interval(&before, s)) {
		vms_free(&before.vms);
		return;
	}
	now = when_now();
	if (!vms_find_again(&vms, &s->filter)) {
		vms.want_counters = true;
		load_all(&vms);
		set_rates(&vms, &before, &now);
		vms.recorded = true;	/* there is nothing more to load */
		show_chosen(&vms, s);
	}
	vms_free(&vms);
	vms_free(&before.vms);
}

static bool wants_since(const struct settings *s)
{
	return list_choice_has(&s->columns, VM_COL_SINCE) ||
	       (s->sort.on && s->sort.col == VM_COL_SINCE);
}

/*
 * The last sample; to know since when a VM is READY, all must be looked at. One
 * that cannot be read is not replaced by the one before it.
 */
static int find_last_since(struct vms *vms, const struct settings *s)
{
	struct since since = { 0 };
	bool any = false, good = false;
	struct recording r;
	struct when when;
	struct vms next;
	int ret;

	*vms = (struct vms){ 0 };
	if (recording_open(&r, s->filter.file))
		return -1;
	while ((ret = recording_next(&r, &s->filter, &next, &when))) {
		any = true;
		good = ret > 0;
		if (!good)
			continue;
		since_update(&since, &next, when.time_ms);
		vms_free(vms);
		*vms = next;
	}
	if (!any)
		msg_error(EXIT_ERROR, "no-sample", NULL, "%s: no sample", r.path);
	since_free(&since);
	recording_close(&r);
	if (good && !vms_check(vms, &s->filter))
		return 0;
	vms_free(vms);
	return -1;
}

static int find_last(struct vms *vms, const struct settings *s)
{
	return s->filter.file && wants_since(s) ? find_last_since(vms, s) :
	       vms_find(vms, &s->filter);
}

static const struct out_col help_cols[] = {
	{ "name",	"NAME" },
	{ "head",	"HEAD" },
};

/* As text, what a shell can read. */
static void list_help_columns(void)
{
	const char *name, *head;
	size_t i;

	if (out_is_json())
		out_table("columns", help_cols, 2, OUT_STREAM);
	for (i = 0; (name = list_col_name(i, &head)); i++) {
		if (!out_is_json()) {
			out_raw(name, strlen(name));
			out_raw("\n", 1);
			continue;
		}
		out_row();
		out_str(0, name);
		out_str(1, head);
		out_row_end();
	}
	if (out_is_json())
		out_table_end();
}

void cmd_list(const struct settings *s)
{
	struct vms vms;

	if (s->help_columns) {
		list_help_columns();
		return;
	}
	if (!s->filter.file && guest_is_here(s->filter.root)) {
		guest_list(s);
		return;
	}
	if (s->has_interval) {
		list_rates(s);
		return;
	}
	if (find_last(&vms, s))
		return;
	if (s->sort.on || s->columns.nr)
		show_chosen(&vms, s);
	else
		show_list(&vms);
	if (!vms.nr)
		msg_note("no-vm", NULL, s->filter.file ? "no VM was running" : "no VM is running");
	vms_free(&vms);
}
