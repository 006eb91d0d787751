// SPDX-License-Identifier: GPL-2.0
/* encstat stat: how fast each VM converts memory, a line for each interval. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "logfile.h"
#include "msg.h"
#include "out.h"
#include "recording.h"
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

/* A sample; the last one is kept, because the next is compared with it. */
struct sample {
	uint64_t running_ms;	/* for the length of intervals */
	uint64_t time_ms;
	struct vms vms;
};

/* Where samples come from: this host at a pace, or a recording at once. */
struct source {
	const struct settings *s;
	struct pace pace;
	struct recording rec;
	uint64_t left;		/* intervals of a recording; 0: no end */
};

static const struct vm *find_past(const struct sample *past, const char *id)
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

static void show_shared(const struct vm *vm, bool tracked)
{
	if (tracked && vm->has_shared)
		out_size(COL_SHARED, vm->shared_bytes);
	else
		out_none(COL_SHARED, vm->has_map && !tracked ? "off" : "-");
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
	show_shared(vm, tracked);
}

static void show_vm(const struct vm *vm, const struct sample *now, const struct sample *past)
{
	uint64_t ms = now->running_ms > past->running_ms ?
		      now->running_ms - past->running_ms : 1;

	out_row();
	out_clock(COL_TIME, now->time_ms);
	out_str(COL_VM, vm->id);
	out_uint(COL_PID, vm->pid);
	if (vm->name)
		out_str(COL_NAME, vm->name);
	else
		out_none(COL_NAME, "-");
	show_numbers(vm, find_past(past, vm->id), ms);
	out_row_end();
}

static void show_sample(const struct sample *now, const struct sample *past)
{
	size_t i;

	for (i = 0; i < now->vms.nr; i++)
		show_vm(&now->vms.v[i], now, past);
	out_flush();
}

/* Leaves out the VMs that are gone. */
static int live_sample(struct sample *now, const struct settings *s)
{
	struct vms *vms = &now->vms;
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
	now->running_ms = time_running_ms();
	now->time_ms = time_now_ms();
	return 1;
}

/* What is malformed has been told, and is passed over. */
static int recorded_sample(struct source *src, struct sample *now)
{
	size_t i;
	int ret;

	do {
		ret = recording_next(&src->rec, &src->s->filter, &now->vms, &now->time_ms);
	} while (ret < 0);
	if (!ret)
		return 0;
	now->running_ms = now->time_ms;
	for (i = 0; i < now->vms.nr; i++) {
		struct vm *vm = &now->vms.v[i];

		vm->has_shared = vm->has_map && vm->map.complete;
		vm->shared_bytes = ranges_bytes(&vm->map.shared);
	}
	return 1;
}

/* 1: here it is; 0: there are no more; -1: it has been told why. */
static int next_sample(struct source *src, struct sample *now)
{
	if (!src->s->filter.file)
		return pace_next(&src->pace) ? live_sample(now, src->s) : 0;
	if (src->left && !--src->left)
		return 0;
	return recorded_sample(src, now);
}

/* Opens the source and takes the first sample, which none can be compared with. */
static int source_open(struct source *src, const struct settings *s, struct sample *first)
{
	uint64_t samples = s->count ? s->count + 1 : 0;

	*src = (struct source){ .s = s, .left = samples ? samples + 1 : 0 };
	if (!s->filter.file) {
		pace_start(&src->pace, s->interval_ms, samples);
		return next_sample(src, first) > 0 ? 0 : -1;
	}
	if (recording_open(&src->rec, s->filter.file))
		return -1;
	if (next_sample(src, first) > 0)
		return 0;
	msg_error(EXIT_ERROR, "no-sample", NULL, "%s: no sample", s->filter.file);
	recording_close(&src->rec);
	return -1;
}

static void source_close(struct source *src)
{
	if (src->s->filter.file)
		recording_close(&src->rec);
}

static void show_all(struct source *src, struct sample *past, struct logfile *log)
{
	struct sample now;

	while (!out_failed() && next_sample(src, &now) > 0) {
		if (!log || !logfile_follow(log))
			show_sample(&now, past);
		vms_free(&past->vms);
		*past = now;
	}
}

/* A hang-up is how others are told of rotation; it is seen without. */
static struct logfile *open_log(struct logfile *log, const char *path)
{
	if (!path || logfile_open(log, path))
		return NULL;
	signal(SIGHUP, SIG_IGN);
	return log;
}

void cmd_stat(const struct settings *s)
{
	struct logfile file, *log;
	struct sample past;
	struct source src;

	if (s->csv)
		out_csv();
	if (source_open(&src, s, &past))
		return;
	log = open_log(&file, s->log);
	if (log || !s->log) {
		out_table("intervals", cols, sizeof(cols) / sizeof(*cols), OUT_STREAM);
		out_flush();
		show_all(&src, &past, log);
		out_table_end();
	}
	vms_free(&past.vms);
	source_close(&src);
}
