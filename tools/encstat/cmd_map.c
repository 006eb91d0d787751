// SPDX-License-Identifier: GPL-2.0
/* encstat map: the ranges of a VM's memory and their status. */
#include <stdio.h>

#include "encstat.h"
#include "msg.h"
#include "out.h"

enum { COL_START, COL_END, COL_SIZE, COL_STATUS };

static const struct out_col cols[] = {
	[COL_START]	= { "start_gpa",	"START",	OUT_LEFT,	18 },
	[COL_END]	= { "end_gpa",		"END",		OUT_LEFT,	18 },
	[COL_SIZE]	= { "size_bytes",	"SIZE",		OUT_RIGHT,	12 },
	[COL_STATUS]	= { "status",		"STATUS",	OUT_LEFT,	0 },
};

static void show_range(const struct range *range, bool is_shared)
{
	out_row();
	out_addr(COL_START, range->start);
	out_addr(COL_END, range->end);
	out_size(COL_SIZE, range->end - range->start);
	out_str(COL_STATUS, is_shared ? "shared" : "private");
	out_row_end();
}

/* Without all of the map and all of the slots, nothing is known to be private. */
static void show_ranges(const struct vm *vm, const struct settings *s)
{
	static const struct ranges nothing;
	bool all = vm->map.complete && vm->has_slots;
	struct range range, part;
	bool is_shared;
	struct walk w;

	out_table("ranges", cols, sizeof(cols) / sizeof(*cols), OUT_STREAM);
	walk_start(&w, all ? &vm->slots.memory : &nothing, &vm->map.shared);
	while (walk_next(&w, &range, &is_shared)) {
		if (is_shared ? s->private_only : s->shared_only)
			continue;
		for (; filter_part(&s->addr, &range, &part); range.start = part.end)
			show_range(&part, is_shared);
	}
	out_table_end();
}

struct count {
	size_t tracked;
	size_t untracked;
	const char *untracked_id;	/* the last of them */
};

/* It is an error only if there was nothing else to show. */
static void tell_untracked(const struct count *n, bool parameter_on)
{
	const char *hint = parameter_on ?
		"kvm.page_enc_status is on now, but was not when the VM was created: start it again" :
		"turn on kvm.page_enc_status (echo Y > " VM_PARAMETER
		") and start the VM again";
	char text[64];

	if (n->untracked == 1)
		snprintf(text, sizeof(text), "VM %s is not tracked", n->untracked_id);
	else
		snprintf(text, sizeof(text), "%zu VMs are not tracked", n->untracked);
	if (n->tracked)
		msg_note("not-tracked", hint, "%s", text);
	else
		msg_error(EXIT_ERROR, "not-tracked", hint, "%s", text);
}

static void show_vm(const struct vm *vm, const struct settings *s, struct count *n)
{
	bool untracked = vm->has_map && !vm->map.tracked;

	out_row();
	vm_show(vm);
	if (vm->has_map && !untracked)
		show_ranges(vm, s);
	out_row_end();

	if (untracked) {
		n->untracked++;
		n->untracked_id = vm->id;
	} else {
		n->tracked++;
	}
}

void cmd_map(const struct settings *s)
{
	struct count n = { 0 };
	struct vms vms;
	size_t i;

	if (vms_find(&vms, &s->filter))
		return;

	out_table("vms", vm_cols, vm_cols_nr, OUT_BLOCK);
	for (i = 0; i < vms.nr; i++) {
		if (vm_load(&vms.v[i], &vms))
			show_vm(&vms.v[i], s, &n);
		vm_unload(&vms.v[i]);
	}
	out_table_end();

	if (n.untracked)
		tell_untracked(&n, vms.tracking_default);
	if (!vms.nr)
		msg_error(EXIT_ERROR, "no-vm", NULL, "no VM is running");
	vms_free(&vms);
}
