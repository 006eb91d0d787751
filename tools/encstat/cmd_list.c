// SPDX-License-Identifier: GPL-2.0
/* encstat list: a line for each VM. */
#include <stdio.h>
#include <string.h>

#include "encstat.h"
#include "msg.h"
#include "out.h"

enum {
	COL_VM, COL_PID, COL_NAME, COL_MEMORY, COL_READONLY, COL_PRIVATE, COL_SHARED,
	COL_SHARE, COL_UNBACKED, COL_RANGES, COL_READY, COL_TRACKED, COL_TRACKER,
	COL_SIM, COL_C_BIT, COL_COMPLETE, COL_VIOLATIONS,
};

const struct out_col vm_cols[] = {
	[COL_VM]	= { "vm" },
	[COL_PID]	= { "pid",			"PID",		OUT_RIGHT },
	[COL_NAME]	= { "name",			"NAME" },
	[COL_MEMORY]	= { "memory_bytes",		"MEMORY",	OUT_RIGHT },
	[COL_READONLY]	= { "memory_readonly_bytes" },
	[COL_PRIVATE]	= { "private_bytes",		"PRIVATE",	OUT_RIGHT },
	[COL_SHARED]	= { "shared_bytes",		"SHARED",	OUT_RIGHT },
	[COL_SHARE]	= { NULL,			"SHARE",	OUT_RIGHT },
	[COL_UNBACKED]	= { "shared_without_memory_bytes" },
	[COL_RANGES]	= { "shared_ranges",		"RANGES",	OUT_RIGHT },
	[COL_READY]	= { "ready",			"READY" },
	[COL_TRACKED]	= { "tracked" },
	[COL_TRACKER]	= { "tracker_bytes",		"TRACKER",	OUT_RIGHT },
	[COL_SIM]	= { "sev_sim" },
	[COL_C_BIT]	= { "c_bit" },
	[COL_COMPLETE]	= { "complete" },
	[COL_VIOLATIONS] = { "violations" },
};

const unsigned int vm_cols_nr = sizeof(vm_cols) / sizeof(*vm_cols);

static void show_size(unsigned int col, bool known, uint64_t bytes)
{
	if (known)
		out_size(col, bytes);
	else
		out_none(col, "-");
}

static void show_flag(unsigned int col, bool known, bool v)
{
	if (known)
		out_bool(col, v);
	else
		out_none(col, "-");
}

/* How much of the memory is shared: to one decimal, but never 0.0 if some is. */
static void show_share(bool known, uint64_t shared, uint64_t memory)
{
	char buf[32];

	if (!known || !memory) {
		out_none(COL_SHARE, "-");
		return;
	}
	snprintf(buf, sizeof(buf), "%.1f%%", 100.0 * shared / memory);
	if (shared && !strcmp(buf, "0.0%"))
		strcpy(buf, "<0.1%");
	out_str(COL_SHARE, buf);
}

static void show_memory(const struct vm *vm)
{
	const struct ranges *memory = &vm->slots.memory, *shared = &vm->map.shared;
	bool tracked = vm->has_map && vm->map.tracked && vm->map.complete;
	bool both = tracked && vm->has_slots;
	uint64_t total = ranges_bytes(memory), shr = ranges_bytes(shared);
	uint64_t priv = both ? private_bytes(memory, shared) : 0;

	show_size(COL_MEMORY, vm->has_slots, total);
	show_size(COL_READONLY, vm->has_slots, vm->slots.readonly_bytes);
	show_size(COL_PRIVATE, both, priv);
	show_size(COL_SHARED, tracked, shr);
	show_share(both, total - priv, total);
	show_size(COL_UNBACKED, both, shr - (total - priv));
	if (tracked)
		out_uint(COL_RANGES, shared->nr);
	else
		out_none(COL_RANGES, "-");
}

static void show_tracker(const struct vm *vm)
{
	show_flag(COL_READY, vm->has_ready && (!vm->has_map || vm->map.tracked), vm->ready);
	show_flag(COL_TRACKED, vm->has_map, vm->map.tracked);
	if (vm->has_map && !vm->map.tracked)
		out_none(COL_TRACKER, "off");
	else
		show_size(COL_TRACKER, vm->has_bytes, vm->tracker_bytes);
	show_flag(COL_SIM, vm->has_map, vm->map.sev_sim);
	if (vm->has_map && vm->map.c_bit >= 0)
		out_uint(COL_C_BIT, vm->map.c_bit);
	else
		out_none(COL_C_BIT, "-");
	show_flag(COL_COMPLETE, true, vm->has_slots && vm->has_map && vm->map.complete);
	if (vm->has_violations)
		out_uint(COL_VIOLATIONS, vm->violations);
	else
		out_none(COL_VIOLATIONS, "-");
}

void vm_show(const struct vm *vm)
{
	out_str(COL_VM, vm->id);
	out_uint(COL_PID, vm->pid);
	if (vm->name)
		out_str(COL_NAME, vm->name);
	else
		out_none(COL_NAME, "-");
	show_memory(vm);
	show_tracker(vm);
}

void show_list(struct vms *vms)
{
	size_t i;

	out_table("vms", vm_cols, vm_cols_nr, OUT_TABLE);
	for (i = 0; i < vms->nr; i++) {
		if (!vm_load(&vms->v[i], vms))
			continue;
		out_row();
		vm_show(&vms->v[i]);
		out_row_end();
		vm_unload(&vms->v[i]);
	}
	out_table_end();
}

void cmd_list(const struct settings *s)
{
	struct vms vms;

	if (vms_find(&vms, &s->filter))
		return;
	show_list(&vms);
	if (!vms.nr)
		msg_note("no-vm", NULL, "no VM is running");
	vms_free(&vms);
}
