// SPDX-License-Identifier: GPL-2.0
/* encstat map: the ranges of a VM's memory and their status. */
#include <stdio.h>

#include "encstat.h"
#include "guest.h"
#include "msg.h"
#include "out.h"
#include "where.h"

enum { RANGE_START, RANGE_END, RANGE_SIZE, RANGE_STATUS, RANGE_SLOT, RANGE_FLAGS, RANGE_WHERE };

static const struct out_col cols[] = {
	[RANGE_START]	= { "start_gpa",	"START",	OUT_LEFT,	18 },
	[RANGE_END]	= { "end_gpa",		"END",		OUT_LEFT,	18 },
	[RANGE_SIZE]	= { "size_bytes",	"SIZE",		OUT_RIGHT,	12 },
	[RANGE_STATUS]	= { "status",		"STATUS",	OUT_LEFT,	7 },
	[RANGE_SLOT]	= { "slot",		"SLOT",		OUT_RIGHT,	4 },
	[RANGE_FLAGS]	= { "slot_flags",	"FLAGS",	OUT_LEFT,	6 },
	[RANGE_WHERE]	= { "where",		"WHERE" },
};

#define COLS_USUAL	(RANGE_STATUS + 1)
#define COLS_WHERE	(RANGE_WHERE + 1)

static void show_place(const struct place *place)
{
	if (place->slot) {
		out_uint(RANGE_SLOT, place->slot->id);
		out_str(RANGE_FLAGS, place->slot->flags);
	} else {
		out_none(RANGE_SLOT, "-");
		out_none(RANGE_FLAGS, "-");
	}
	if (place->where)
		out_str(RANGE_WHERE, place->where);
	else
		out_none(RANGE_WHERE, "-");
}

static void show_range(const struct range *range, bool is_shared, const struct place *place)
{
	out_row();
	out_addr(RANGE_START, range->start);
	out_addr(RANGE_END, range->end);
	out_size(RANGE_SIZE, range->end - range->start);
	out_str(RANGE_STATUS, is_shared ? "shared" : "private");
	if (place)
		show_place(place);
	out_row_end();
}

/* A range that is in several places is cut there. */
static void show_places(const struct slot_map *slots, struct range range, bool is_shared)
{
	struct place place;
	uint64_t end = range.end;

	for (; range.start < end; range.start = range.end) {
		place_at(slots, range.start, &place);
		range.end = place.until < end ? place.until : end;
		show_range(&range, is_shared, &place);
	}
}

/* Without all of the map and all of the slots, nothing is known to be private. */
static void show_ranges(const struct vm *vm, const struct settings *s)
{
	static const struct ranges nothing;
	bool all = vm->map.complete && vm->has_slots;
	struct range range, part;
	bool is_shared;
	struct walk w;

	out_table("ranges", cols, s->where ? COLS_WHERE : COLS_USUAL, OUT_STREAM);
	walk_start(&w, all ? &vm->slots.memory : &nothing, &vm->map.shared);
	while (walk_next(&w, &range, &is_shared)) {
		if (!state_wanted(&s->state, is_shared ? STATE_SHARED : STATE_PRIVATE))
			continue;
		for (; filter_part(&s->addr, &range, &part); range.start = part.end) {
			if (s->where)
				show_places(&vm->slots, part, is_shared);
			else
				show_range(&part, is_shared, NULL);
		}
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
		"kvm.page_enc_status is on now, but was not when the VM was created: "
		"start it again" :
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

	if (!s->filter.file && guest_is_here(s->filter.root)) {
		guest_map(s);
		return;
	}
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
		msg_error(EXIT_ERROR, "no-vm", NULL,
			  s->filter.file ? "no VM was running" : "no VM is running");
	vms_free(&vms);
}
