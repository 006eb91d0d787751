// SPDX-License-Identifier: GPL-2.0
/* encstat stat: how fast each VM converts memory, a line for each interval. */
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "msg.h"
#include "out.h"
#include "sampler.h"

enum {
	COL_TIME, COL_VM, COL_PID, COL_NAME, COL_CALLS, COL_TO_SHARED, COL_TO_PRIVATE,
	COL_REFUSED, COL_READY_SET, COL_READY_CLEARED, COL_READY, COL_SHARED,
};

static const struct out_col cols[] = {
	[COL_TIME]		= { "time_ms",		"UTC",		OUT_LEFT,	8 },
	[COL_VM]		= { "vm" },
	[COL_PID]		= { "pid",		"PID",		OUT_RIGHT,	7 },
	[COL_NAME]		= { "name",		"NAME",		OUT_LEFT,	12 },
	[COL_CALLS]		= { "calls_per_s",	"CALLS/s",	OUT_RIGHT,	9 },
	[COL_TO_SHARED]		= { "pages_to_shared_per_s", "SHARED/s", OUT_RIGHT,	10 },
	[COL_TO_PRIVATE]	= { "pages_to_private_per_s", "PRIVATE/s", OUT_RIGHT,	10 },
	[COL_REFUSED]		= { "refused_per_s",	"REFUSED/s",	OUT_RIGHT,	9 },
	[COL_READY_SET]		= { "ready_set",	"READY+",	OUT_RIGHT,	6 },
	[COL_READY_CLEARED]	= { "ready_cleared",	"READY-",	OUT_RIGHT,	6 },
	[COL_READY]		= { "ready",		"READY",	OUT_LEFT,	5 },
	[COL_SHARED]		= { "shared_bytes",	"SHARED",	OUT_RIGHT,	10 },
};

/* What is kept of a sample for the next one. */
struct past {
	uint64_t running_ms;
	struct vms vms;
};

static const struct vm *find_past(const struct past *past, const char *id)
{
	size_t i;

	for (i = 0; i < past->vms.nr; i++)
		if (!strcmp(past->vms.v[i].id, id))
			return &past->vms.v[i];
	return NULL;
}

static void show_rate(unsigned int col, uint64_t n, uint64_t ms)
{
	out_tenths(col, (n * 10000 + ms / 2) / ms);
}

static void show_counters(const struct vm *vm, const struct vm *before, uint64_t ms)
{
	show_rate(COL_CALLS, vm_grown(vm, before, VM_CALLS), ms);
	show_rate(COL_TO_SHARED, vm_grown(vm, before, VM_TO_SHARED), ms);
	show_rate(COL_TO_PRIVATE, vm_grown(vm, before, VM_TO_PRIVATE), ms);
	show_rate(COL_REFUSED, vm_grown(vm, before, VM_REFUSED_INVAL) +
			       vm_grown(vm, before, VM_REFUSED_PERM), ms);
	out_uint(COL_READY_SET, vm_grown(vm, before, VM_READY_SET));
	out_uint(COL_READY_CLEARED, vm_grown(vm, before, VM_READY_CLEARED));
}

/* Of a VM that is not tracked, all numbers are 0 and say nothing. */
static void show_numbers(const struct vm *vm, const struct vm *before, uint64_t ms)
{
	bool tracked = vm->has_map && vm->map.tracked;
	unsigned int col;

	if (tracked && vm->has_counters)
		show_counters(vm, before, ms);
	else
		for (col = COL_CALLS; col <= COL_READY_CLEARED; col++)
			out_none(col, "-");
	if (tracked && vm->has_ready)
		out_bool(COL_READY, vm->ready);
	else
		out_none(COL_READY, "-");
	if (tracked && vm->has_shared)
		out_size(COL_SHARED, vm->shared_bytes);
	else
		out_none(COL_SHARED, vm->has_map && !tracked ? "off" : "-");
}

static void show_vm(const struct vm *vm, const struct past *past, uint64_t time_ms,
		    uint64_t ms)
{
	out_row();
	out_clock(COL_TIME, time_ms);
	out_str(COL_VM, vm->id);
	out_uint(COL_PID, vm->pid);
	if (vm->name)
		out_str(COL_NAME, vm->name);
	else
		out_none(COL_NAME, "-");
	show_numbers(vm, find_past(past, vm->id), ms);
	out_row_end();
}

/* Leaves out the VMs that are gone. */
static int sample(struct vms *vms, const struct settings *s)
{
	size_t i, n = 0;

	if (vms_find(vms, &s->filter))
		return -1;
	vms->only_stats = true;
	for (i = 0; i < vms->nr; i++) {
		if (vm_load(&vms->v[i], vms))
			vms->v[n++] = vms->v[i];
		else
			free(vms->v[i].name);
	}
	vms->nr = n;
	return 0;
}

static void show_sample(const struct vms *vms, const struct past *past, uint64_t running_ms)
{
	uint64_t ms = running_ms - past->running_ms, time_ms = time_now_ms();
	size_t i;

	for (i = 0; i < vms->nr; i++)
		show_vm(&vms->v[i], past, time_ms, ms ?: 1);
	out_flush();
}

void cmd_stat(const struct settings *s)
{
	struct past past = { 0 };
	uint64_t running_ms;
	struct pace pace;
	struct vms vms;

	if (s->csv)
		out_csv();
	/* the first sample is only what the second is compared with */
	pace_start(&pace, s->interval_ms, s->count ? s->count + 1 : 0);
	if (!pace_next(&pace) || sample(&past.vms, s))
		return;
	past.running_ms = time_running_ms();

	out_table("intervals", cols, sizeof(cols) / sizeof(*cols), OUT_STREAM);
	out_flush();
	while (pace_next(&pace)) {
		if (sample(&vms, s))
			break;
		running_ms = time_running_ms();
		show_sample(&vms, &past, running_ms);
		vms_free(&past.vms);
		past = (struct past){ running_ms, vms };
	}
	out_table_end();
	vms_free(&past.vms);
}
