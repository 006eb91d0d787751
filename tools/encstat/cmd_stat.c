// SPDX-License-Identifier: GPL-2.0
/* encstat stat: how fast each VM converts memory, a line for each interval. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "growth.h"
#include "logfile.h"
#include "msg.h"
#include "newfile.h"
#include "out.h"
#include "recording.h"
#include "sampler.h"
#include "vm_value.h"

enum {
	COL_TIME, COL_VM, COL_PID, COL_NAME, COL_CALLS, COL_TO_SHARED, COL_TO_PRIVATE,
	COL_REFUSED, COL_READY_SET, COL_READY_CLEARED, COL_READY, COL_SHARED, COL_CSV_VM,
};

static const struct out_col cols[] = {
	[COL_TIME]		= { "time_ms",		"UTC",		OUT_LEFT,	19 },
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
	/* behind the others, as rows are appended to files without it, too */
	[COL_CSV_VM]		= { .csv = "vm" },
};

/* A sample; the last one is kept, because the next is compared with it. */
struct sample {
	struct when when;
	struct vms vms;
};

/* Where samples come from: this host at a pace, or a recording at once. */
struct source {
	const struct settings *s;
	struct pace pace;
	struct recording rec;
	uint64_t left;		/* intervals of a recording; 0: no end */
	bool begun;		/* the VMs that are meant have been seen */
};

static void show_growth(const struct growth *g)
{
	out_tenths_value(COL_CALLS, growth_rate(g, VM_CALLS));
	out_tenths_value(COL_TO_SHARED, growth_rate(g, VM_TO_SHARED));
	out_tenths_value(COL_TO_PRIVATE, growth_rate(g, VM_TO_PRIVATE));
	out_tenths_value(COL_REFUSED, growth_rate_of_two(g, VM_REFUSED_INVAL, VM_REFUSED_PERM));
	out_value(COL_READY_SET, growth_count(g, VM_READY_SET));
	out_value(COL_READY_CLEARED, growth_count(g, VM_READY_CLEARED));
}

static void show_shared(const struct vm *vm)
{
	bool tracked = vm->has_map && vm->map.tracked;

	if (tracked && vm->has_shared)
		out_size(COL_SHARED, vm->shared_bytes);
	else
		out_none(COL_SHARED, vm->has_map && !tracked ? "off" : "-");
}

static void show_vm(const struct vm *vm, const struct sample *now, const struct sample *past)
{
	struct growth g = growth_since(&past->vms, vm, when_between(&past->when, &now->when));

	out_row();
	out_clock(COL_TIME, now->when.time_ms);
	out_str(COL_VM, vm->id);
	out_uint(COL_PID, vm->pid);
	if (vm->name)
		out_str(COL_NAME, vm->name);
	else
		out_none(COL_NAME, "-");
	show_growth(&g);
	out_bool_value(COL_READY, vm_ready(vm));
	show_shared(vm);
	out_str(COL_CSV_VM, vm->id);
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
static int live_sample(struct source *src, struct sample *now)
{
	struct vms *vms = &now->vms;
	size_t i, n = 0;

	now->when = when_now();
	if (src->begun ? vms_find_again(vms, &src->s->filter) : vms_find(vms, &src->s->filter))
		return -1;
	src->begun = true;
	vms->only_stats = true;
	for (i = 0; i < vms->nr; i++) {
		if (vm_load(&vms->v[i], vms))
			vms->v[n++] = vms->v[i];
		else
			free(vms->v[i].name);
	}
	vms->nr = n;
	return 1;
}

/* What is malformed has been told, and is passed over. */
static int recorded_sample(struct source *src, struct sample *now)
{
	size_t i;
	int ret;

	do {
		ret = recording_next(&src->rec, &src->s->filter, &now->vms, &now->when);
	} while (ret < 0);
	if (!ret)
		return 0;
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
		return pace_next(&src->pace) ? live_sample(src, now) : 0;
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

	if (s->log && s->filter.file && newfile_is(s->log, s->filter.file)) {
		msg_error(EXIT_USAGE, "usage", NULL, "%s is the recording: no log goes there",
			  s->log);
		return;
	}
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
