// SPDX-License-Identifier: GPL-2.0
/* encstat record: samples of all VMs in a file; encstat replay: shows them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "json.h"
#include "msg.h"
#include "newfile.h"
#include "recording.h"
#include "sampler.h"
#include "since.h"

static void write_ranges(const char *key, bool known, const struct ranges *ranges)
{
	size_t i;

	json_key(key);
	if (!known) {
		json_null();
		return;
	}
	json_array();
	for (i = 0; i < ranges->nr; i++) {
		json_array();
		json_uint(ranges->v[i].start);
		json_uint(ranges->v[i].end);
		json_end();
	}
	json_end();
}

static void write_vm(const struct vm *vm)
{
	int i;

	out_row();
	vm_show(vm);
	json_key("instance");
	json_uint(vm->instance);
	write_ranges("memory", vm->has_slots, &vm->slots.memory);
	write_ranges("shared", vm->has_map, &vm->map.shared);
	json_key("shared_complete");
	json_bool(vm->map.complete);
	for (i = 0; i < VM_COUNTERS; i++) {
		json_key(vm_counter_keys[i]);
		if (vm->has_counters)
			json_uint(vm->counters[i]);
		else
			json_null();
	}
	out_row_end();
}

static void write_sample(struct vms *vms, const bool *loaded, const struct when *when)
{
	size_t i;

	json_object();
	json_key("time_ms");
	json_uint(when->time_ms);
	json_key("running_ms");
	json_uint(when->running_ms.v);
	out_table("vms", vm_cols, vm_cols_nr, OUT_TABLE);
	for (i = 0; i < vms->nr; i++)
		if (loaded[i])
			write_vm(&vms->v[i]);
	out_table_end();
	json_end();
}

static void write_header(void)
{
	json_object();
	json_key("encstat_recording");
	json_uint(RECORDING_VERSION);
	json_key("encstat_version");
	json_string(ENCSTAT_VERSION);
	json_end();
}

static int tell_write_error(const char *path)
{
	msg_error(EXIT_ERROR, "write", NULL, "%s: %s", path, strerror(errno));
	return -1;
}

struct recorder {
	const struct settings *s;
	struct newfile file;
	bool begun;		/* there is a sample in it */
};

/* With the first sample, it is worth to take the place of an older one. */
static int write_to_file(struct recorder *r, struct vms *vms, const bool *loaded,
			 const struct when *when)
{
	const char *path = r->s->args[0];

	if (!r->begun && newfile_open(&r->file, path, 0600))
		return tell_write_error(path);
	out_file_begin(r->file.fd);
	if (!r->begun)
		write_header();
	write_sample(vms, loaded, when);
	if (!out_file_end() && (r->begun || !newfile_keep(&r->file))) {
		r->begun = true;
		return 0;
	}
	tell_write_error(path);
	if (!r->begun)
		newfile_close(&r->file);
	return -1;
}

/* Everything is read, and told about, before anything is written. */
static int sample(struct recorder *r)
{
	struct when when = when_now();
	struct vms vms;
	bool *loaded;
	size_t i;
	int ret;

	if (r->begun ? vms_find_again(&vms, &r->s->filter) : vms_find(&vms, &r->s->filter))
		return -1;
	vms.want_counters = true;
	loaded = calloc(vms.nr + 1, sizeof(*loaded));
	if (!loaded) {
		vms_free(&vms);
		return tell_write_error("memory");
	}
	for (i = 0; i < vms.nr; i++)
		loaded[i] = vm_load(&vms.v[i], &vms);
	ret = write_to_file(r, &vms, loaded, &when);
	free(loaded);
	vms_free(&vms);
	return ret;
}

void cmd_record(const struct settings *s)
{
	struct recorder r = { .s = s };
	struct pace pace;

	pace_start(&pace, s->interval_ms, s->count);
	while (pace_next(&pace))
		if (sample(&r))
			break;
	if (r.begun && newfile_close(&r.file))
		tell_write_error(s->args[0]);
}

enum { COL_TIME };

static const struct out_col cols[] = {
	[COL_TIME]	= { "time_ms",	"TIME" },
};

void cmd_replay(const struct settings *s)
{
	struct since since = { 0 };
	struct recording r;
	bool any = false;
	struct when when;
	struct vms vms;
	int ret;

	if (recording_open(&r, s->args[0]))
		return;
	out_table("samples", cols, 1, OUT_BLOCK);
	while ((ret = recording_next(&r, &s->filter, &vms, &when))) {
		any = true;
		if (ret < 0)
			continue;
		since_update(&since, &vms, when.time_ms);
		out_row();
		out_time(COL_TIME, when.time_ms);
		show_list(&vms);
		out_row_end();
		vms_free(&vms);
	}
	out_table_end();
	if (!any)
		msg_error(EXIT_ERROR, "no-sample", NULL, "%s: no sample", s->args[0]);
	since_free(&since);
	recording_close(&r);
}
