// SPDX-License-Identifier: GPL-2.0
/* encstat record: samples of all VMs in a file; encstat replay: shows them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "encstat.h"
#include "json.h"
#include "msg.h"
#include "recording.h"

#define NS_PER_MS	1000000
#define MS_PER_S	1000

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

/* So that the last line is whole. */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = stop };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

static uint64_t now_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / NS_PER_MS;
}

/* False: a signal came. */
static bool sleep_until(uint64_t ms)
{
	struct timespec ts = {
		.tv_sec = ms / MS_PER_S,
		.tv_nsec = ms % MS_PER_S * NS_PER_MS,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	return !stopped;
}

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
	out_row();
	vm_show(vm);
	write_ranges("memory", vm->has_slots, &vm->slots.memory);
	write_ranges("shared", vm->has_map, &vm->map.shared);
	json_key("shared_complete");
	json_bool(vm->map.complete);
	out_row_end();
}

static void write_sample(struct vms *vms, const bool *loaded, uint64_t time_ms)
{
	size_t i;

	json_object();
	json_key("time_ms");
	json_uint(time_ms);
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

/* Everything is read, and told about, before anything is written. */
static int sample(int fd, const struct settings *s)
{
	uint64_t time_ms = now_ms(CLOCK_REALTIME);
	struct vms vms;
	bool *loaded;
	size_t i;
	int ret;

	if (vms_find(&vms, &s->filter))
		return -1;
	loaded = calloc(vms.nr + 1, sizeof(*loaded));
	if (!loaded) {
		vms_free(&vms);
		return tell_write_error("memory");
	}
	for (i = 0; i < vms.nr; i++)
		loaded[i] = vm_load(&vms.v[i], &vms);

	out_file_begin(fd);
	write_sample(&vms, loaded, time_ms);
	ret = out_file_end() ? tell_write_error(s->args[0]) : 0;
	free(loaded);
	vms_free(&vms);
	return ret;
}

static void record(int fd, const struct settings *s)
{
	uint64_t next = now_ms(CLOCK_MONOTONIC), n;

	out_file_begin(fd);
	write_header();
	if (out_file_end()) {
		tell_write_error(s->args[0]);
		return;
	}
	for (n = 0; !s->count || n < s->count; n++) {
		if (n && !sleep_until(next))
			break;
		if (sample(fd, s))
			break;
		/* after a pause of the machine, do not catch up */
		next += s->interval_ms;
		if (next < now_ms(CLOCK_MONOTONIC))
			next = now_ms(CLOCK_MONOTONIC);
	}
}

void cmd_record(const struct settings *s)
{
	int fd = open(s->args[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0) {
		tell_write_error(s->args[0]);
		return;
	}
	catch_signals();
	record(fd, s);
	if (close(fd))
		tell_write_error(s->args[0]);
}

enum { COL_TIME };

static const struct out_col cols[] = {
	[COL_TIME]	= { "time_ms",	"TIME" },
};

void cmd_replay(const struct settings *s)
{
	struct recording r;
	uint64_t time_ms;
	struct vms vms;
	int ret;

	if (recording_open(&r, s->args[0]))
		return;
	out_table("samples", cols, 1, OUT_BLOCK);
	while ((ret = recording_next(&r, &s->filter, &vms, &time_ms))) {
		if (ret < 0)
			continue;
		out_row();
		out_time(COL_TIME, time_ms);
		show_list(&vms);
		out_row_end();
		vms_free(&vms);
	}
	out_table_end();
	recording_close(&r);
}
