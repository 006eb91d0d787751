// SPDX-License-Identifier: GPL-2.0
/* encstat trace: what guests announce, as it happens. */
#include "encstat.h"
#include "msg.h"

#ifndef HAVE_TRACEFS

void cmd_trace(const struct settings *s)
{
	msg_error(EXIT_UNSUPPORTED, "no-tracefs", NULL,
		  "this encstat was built without libtracefs and cannot trace");
}

#else

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm_para.h>
#include <tracefs.h>

#include "io.h"
#include "out.h"
#include "process.h"
#include "sampler.h"
#include "text.h"

#define SYSTEM		"kvm"
#define PREFIX		"kvm_page_enc_"
#define INSTANCE	"encstat"
#define POLL_MS		100
#define FORMAT_MAX	(1 << 16)
#define NS_PER_S	1000000000

enum {
	COL_NS, COL_SECONDS, COL_CPU, COL_PID, COL_EVENT, COL_START, COL_END, COL_SIZE,
	COL_STATUS, COL_CHANGED, COL_GPA, COL_PAGES, COL_ATTRS, COL_ERROR, COL_ERROR_NAME,
	COL_READY, COL_RIP, COL_VCPU, COL_CODE, COL_DETAIL,
};

static const struct out_col cols[] = {
	[COL_NS]	= { "time_ns" },
	[COL_SECONDS]	= { NULL,		"SECONDS",	OUT_RIGHT,	14 },
	[COL_CPU]	= { "cpu" },
	[COL_PID]	= { "pid",		"PID",		OUT_RIGHT,	7 },
	[COL_EVENT]	= { "event",		"EVENT",	OUT_LEFT,	9 },
	[COL_START]	= { "start_gpa",	"START",	OUT_LEFT,	18 },
	[COL_END]	= { "end_gpa" },
	[COL_SIZE]	= { "size_bytes",	"SIZE",		OUT_RIGHT,	10 },
	[COL_STATUS]	= { "status",		"STATUS",	OUT_LEFT,	7 },
	[COL_CHANGED]	= { "changed_pages" },
	[COL_GPA]	= { "call_gpa" },
	[COL_PAGES]	= { "call_pages" },
	[COL_ATTRS]	= { "call_attrs" },
	[COL_ERROR]	= { "error" },
	[COL_ERROR_NAME] = { "error_name" },
	[COL_READY]	= { "ready" },
	[COL_RIP]	= { "rip" },
	[COL_VCPU]	= { "vcpu" },
	[COL_CODE]	= { "error_code" },
	[COL_DETAIL]	= { NULL,		"DETAIL" },
};

enum kind { SET, REFUSED, READY, VIOLATION, KINDS };

static const char *const names[KINDS] = {
	[SET]		= "set",
	[REFUSED]	= "refused",
	[READY]		= "ready",
	[VIOLATION]	= "violation",
};

struct event {
	enum kind kind;
	unsigned long long ns;
	int cpu;
	int pid;		/* of the thread that created the VM, as the kernel tells it */
	bool has_range;
	struct range range;
	bool has_status;
	bool shared;
	unsigned long long changed, new_control, rip, vcpu, code;
	unsigned long long gpa, pages, attrs;	/* of the call, as the guest sent them */
	int error;
};

struct trace {
	const struct settings *s;
	char dir[PATH_MAX];		/* of tracefs */
	struct tep_handle *tep;
	struct tracefs_instance *instance;
	bool own;			/* made here, to be removed here */
	bool missing[KINDS];		/* this kernel lacks the event */
	uint64_t shown;
	uint64_t missed;
	struct vm vm;			/* of the last event, as far as /proc tells */
};

static unsigned long long field(struct tep_event *event, struct tep_record *record,
				const char *name)
{
	unsigned long long v = 0;

	if (tep_get_field_val(NULL, event, name, record, &v, 0))
		return 0;
	return v;
}

static void set_range(struct event *e, uint64_t start, uint64_t pages)
{
	uint64_t end = start + (pages << PAGE_SHIFT_4K);

	e->has_range = pages && end > start;
	e->range = (struct range){ start, end };
}

/*
 * The pages that a call was about, for filters: what was refused may be no range
 * at all.
 */
static void set_asked(struct event *e)
{
	uint64_t first = e->gpa >> PAGE_SHIFT_4K;

	if (e->pages <= (UINT64_MAX >> PAGE_SHIFT_4K) - first)
		set_range(e, first << PAGE_SHIFT_4K, e->pages);
}

static bool parse_event(struct event *e, struct tep_event *event, struct tep_record *record)
{
	const char *name = event->name + strlen(PREFIX);

	if (strncmp(event->name, PREFIX, strlen(PREFIX)))
		return false;
	for (e->kind = 0; e->kind < KINDS && strcmp(name, names[e->kind]); e->kind++)
		;
	e->ns = record->ts;
	e->pid = field(event, record, "vm_pid");
	switch (e->kind) {
	case SET:
		set_range(e, field(event, record, "gfn") << PAGE_SHIFT_4K,
			  field(event, record, "npages"));
		e->has_status = true;
		e->shared = field(event, record, "shared");
		e->changed = field(event, record, "changed");
		return true;
	case REFUSED:
		e->gpa = field(event, record, "gpa");
		e->pages = field(event, record, "npages");
		e->attrs = field(event, record, "attrs");
		set_asked(e);
		e->error = field(event, record, "error");
		return true;
	case READY:
		e->new_control = field(event, record, "new");
		return true;
	case VIOLATION:
		set_range(e, field(event, record, "gpa") & ~4095ULL, 1);
		e->has_status = true;
		e->shared = field(event, record, "shared");
		e->rip = field(event, record, "rip");
		e->code = field(event, record, "error_code");
		e->vcpu = field(event, record, "vcpu_id");
		return true;
	default:
		return false;
	}
}

/* Events of one VM come in a row; looking into /proc for each is too much. */
static void find_vm(struct trace *t, int thread)
{
	struct process p;

	if (t->vm.thread == thread)
		return;
	free(t->vm.name);
	t->vm = (struct vm){ .pid = thread };
	if (!process_of_vm(t->s->filter.root, thread, -1, &p))
		return;
	t->vm = (struct vm){ .thread = thread, .pid = p.pid, .name = vm_name(p.args, p.len) };
	free(p.args);
}

/* What has no range or no status is not what a filter for them lets through. */
static bool wanted(const struct event *e, const struct settings *s, const struct vm *vm)
{
	struct range part;

	if (s->addr.nr && !(e->has_range && filter_part(&s->addr, &e->range, &part)))
		return false;
	if (s->state.nr &&
	    !(e->has_status &&
	      state_wanted(&s->state, e->shared ? STATE_SHARED : STATE_PRIVATE)))
		return false;
	if (s->min_pages &&
	    !(e->has_range && (e->range.end - e->range.start) >> PAGE_SHIFT_4K >= s->min_pages))
		return false;
	return vm_wanted(vm, &s->filter);
}

static void show_uint(unsigned int col, bool known, uint64_t v)
{
	if (known)
		out_uint(col, v);
	else
		out_none(col, "-");
}

static void show_hex(unsigned int col, bool known, uint64_t v)
{
	if (known)
		out_hex(col, v);
	else
		out_none(col, "-");
}

/* Nobody has checked what was refused, so it is no range of pages. */
static void show_range(const struct event *e)
{
	if (e->has_range && e->kind != REFUSED) {
		out_addr(COL_START, e->range.start);
		out_addr(COL_END, e->range.end);
		out_size(COL_SIZE, e->range.end - e->range.start);
	} else {
		out_none(COL_START, "-");
		out_none(COL_END, "-");
		out_none(COL_SIZE, "-");
	}
	if (e->has_status)
		out_str(COL_STATUS, e->shared ? "shared" : "private");
	else
		out_none(COL_STATUS, "-");
}

/* NULL: it has none. Hypercalls have a number of their own for one of them. */
static const char *error_name(int error)
{
	if (error == -KVM_ENOSYS)
		return "ENOSYS";
	return error < 0 && error != INT_MIN ? strerrorname_np(-error) : NULL;
}

static void refused_text(char *text, size_t size, const struct event *e)
{
	const char *name = error_name(e->error);
	char number[24];

	snprintf(number, sizeof(number), "error %d", e->error);
	snprintf(text, size, "%s: gpa 0x%llx, pages %llu, attrs 0x%llx", name ?: number,
		 e->gpa, e->pages, e->attrs);
}

static void show_detail(const struct event *e)
{
	char text[128];

	switch (e->kind) {
	case SET:
		snprintf(text, sizeof(text), "%llu pages changed", e->changed);
		break;
	case REFUSED:
		refused_text(text, sizeof(text), e);
		break;
	case READY:
		snprintf(text, sizeof(text), "READY %s", e->new_control & 1 ? "set" : "withdrawn");
		break;
	default:
		snprintf(text, sizeof(text), "vcpu %llu rip 0x%llx code 0x%llx", e->vcpu,
			 e->rip, e->code);
	}
	out_long(COL_DETAIL, text);
}

static void show_call(const struct event *e)
{
	bool refused = e->kind == REFUSED;
	const char *name = refused ? error_name(e->error) : NULL;

	show_hex(COL_GPA, refused, e->gpa);
	show_hex(COL_PAGES, refused, e->pages);
	show_hex(COL_ATTRS, refused, e->attrs);
	if (refused)
		out_int(COL_ERROR, e->error);
	else
		out_none(COL_ERROR, "-");
	if (name)
		out_str(COL_ERROR_NAME, name);
	else
		out_none(COL_ERROR_NAME, "-");
}

static void show_event(const struct event *e)
{
	char seconds[40];

	snprintf(seconds, sizeof(seconds), "%llu.%06llu", e->ns / NS_PER_S,
		 e->ns % NS_PER_S / 1000);
	out_row();
	out_uint(COL_NS, e->ns);
	out_str(COL_SECONDS, seconds);
	out_uint(COL_CPU, e->cpu);
	out_uint(COL_PID, e->pid);
	out_str(COL_EVENT, names[e->kind]);
	show_range(e);
	show_uint(COL_CHANGED, e->kind == SET, e->changed);
	show_call(e);
	if (e->kind == READY)
		out_bool(COL_READY, e->new_control & 1);
	else
		out_none(COL_READY, "-");
	show_hex(COL_RIP, e->kind == VIOLATION, e->rip);
	show_uint(COL_VCPU, e->kind == VIOLATION, e->vcpu);
	show_hex(COL_CODE, e->kind == VIOLATION, e->code);
	show_detail(e);
	out_row_end();
}

static bool enough(const struct trace *t)
{
	return t->s->count && t->shown >= t->s->count;
}

/* Of tracefs_iterate_raw_events(): not 0 ends it. */
static int got_event(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	struct event e = { .cpu = cpu };
	struct trace *t = arg;

	if (enough(t))
		return 1;
	if (record->missed_events > 0)
		t->missed += record->missed_events;
	if (!parse_event(&e, event, record))
		return 0;
	find_vm(t, e.pid);
	if (wanted(&e, t->s, &t->vm)) {
		e.pid = t->vm.pid;
		show_event(&e);
		t->shown++;
	}
	return 0;
}

static bool is_there(const struct trace *t, const char *fmt, const char *arg)
{
	char path[2 * PATH_MAX], tail[128];

	snprintf(tail, sizeof(tail), fmt, arg);
	snprintf(path, sizeof(path), "%s/%s", t->dir, tail);
	return !access(path, F_OK);
}

static int find_tracefs(struct trace *t)
{
	static const char *const dirs[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	bool denied = false;
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(t->dir, sizeof(t->dir), "%s%s", t->s->filter.root, dirs[i]);
		if (is_there(t, "%s", "events"))
			return 0;
		denied |= errno == EACCES;
	}
	if (denied)
		msg_error(EXIT_ERROR, "permission",
			  hint_root("tracing is for root only; run encstat as root"),
			  "%s: Permission denied", t->dir);
	else
		msg_error(EXIT_UNSUPPORTED, "no-tracefs-mounted",
			  "mount -t tracefs none /sys/kernel/tracing",
			  "tracefs is not mounted, or not in this kernel");
	return -1;
}

static int find_events(struct trace *t)
{
	enum kind k;

	for (k = 0; k < KINDS; k++)
		t->missing[k] = !is_there(t, "events/" SYSTEM "/" PREFIX "%s", names[k]);
	if (!t->missing[SET])
		return 0;
	if (is_there(t, "%s", "events/" SYSTEM))
		msg_error(EXIT_UNSUPPORTED, "no-tracepoints",
			  "the host kernel needs the page encryption status series",
			  "this kernel has no tracepoints " SYSTEM ":" PREFIX "*");
	else
		msg_error(EXIT_UNSUPPORTED, "no-tracepoints", "modprobe kvm_amd, or kvm_intel",
			  "there are no tracepoints of KVM: the kvm module is not loaded");
	return -1;
}

static int complain(const struct trace *t, const char *what)
{
	msg_error(EXIT_ERROR, "tracefs", NULL, "%s: %s: %s", t->dir, what, strerror(errno));
	return -1;
}

static bool is_running(const char *pid)
{
	return !kill(atoi(pid), 0) || errno != ESRCH;
}

/* What an encstat left that was killed. */
static void remove_stale(const struct trace *t)
{
	char path[PATH_MAX + 16];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/instances", t->dir);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, INSTANCE "-", strlen(INSTANCE) + 1) ||
		    is_running(e->d_name + strlen(INSTANCE) + 1))
			continue;
		unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

static int make_instance(struct trace *t)
{
	char name[32];
	enum kind k;

	remove_stale(t);
	snprintf(name, sizeof(name), INSTANCE "-%d", getpid());
	tracefs_set_tracing_dir(t->dir);
	t->instance = tracefs_instance_create(name);
	if (!t->instance)
		return complain(t, "cannot make an instance");
	t->own = true;
	for (k = 0; k < KINDS; k++) {
		char event[64];

		snprintf(event, sizeof(event), PREFIX "%s", names[k]);
		if (!t->missing[k] && tracefs_event_enable(t->instance, SYSTEM, event))
			return complain(t, event);
	}
	return 0;
}

/* A file below events/ of which the kernel makes a page at most. */
static char *read_format(const struct trace *t, const char *file, size_t *len)
{
	char path[PATH_MAX + 128], *text;

	snprintf(path, sizeof(path), "%s/events/%s", t->dir, file);
	text = read_whole(AT_FDCWD, path, FORMAT_MAX, len);
	if (!text)
		complain(t, file);
	return text;
}

/* 0: the format is known from now on. */
static int read_event(struct trace *t, enum kind k)
{
	char file[64], *text;
	size_t len;
	int ret;

	snprintf(file, sizeof(file), SYSTEM "/" PREFIX "%s/format", names[k]);
	text = read_format(t, file, &len);
	if (!text)
		return -1;
	ret = tep_parse_event(t->tep, text, len, SYSTEM);
	free(text);
	if (ret)
		msg_error(EXIT_ERROR, "tracefs", NULL, "%s: malformed: %s", t->dir, file);
	return ret ? -1 : 0;
}

/*
 * Only what is needed: tracefs_local_events_system() reads all symbols of the
 * kernel, too.
 */
static int read_formats(struct trace *t)
{
	enum kind k;
	size_t len;
	char *text = read_format(t, "header_page", &len);

	if (!text)
		return -1;
	t->tep = tep_alloc();
	if (t->tep)
		tep_parse_header_page(t->tep, text, len, sizeof(long));
	free(text);
	if (!t->tep)
		return complain(t, "events");
	for (k = 0; k < KINDS; k++)
		if (!t->missing[k] && read_event(t, k))
			return -1;
	return 0;
}

/* A copied tree has a buffer that was filled once. */
static int open_instance(struct trace *t)
{
	if (read_formats(t))
		return -1;
	if (!*t->s->filter.root)
		return make_instance(t);
	t->instance = tracefs_instance_alloc(t->dir, INSTANCE);
	return t->instance ? 0 : complain(t, "no instance " INSTANCE);
}

static void read_events(struct trace *t)
{
	tracefs_iterate_raw_events(t->tep, t->instance, NULL, 0, got_event, t);
	out_flush();
}

static void follow(struct trace *t)
{
	struct pace pace;

	/* whoever closes the pipe must not keep the instance from being removed */
	signal(SIGPIPE, SIG_IGN);
	pace_start(&pace, POLL_MS, 0);
	while (!enough(t) && !out_failed() && pace_next(&pace)) {
		read_events(t);
		if (!t->own)
			break;
	}
	/* what happened before the signal is shown, too */
	if (t->own && !enough(t) && !out_failed()) {
		tracefs_trace_off(t->instance);
		read_events(t);
	}
}

static void close_instance(struct trace *t)
{
	if (t->own) {
		tracefs_trace_off(t->instance);
		if (tracefs_instance_destroy(t->instance))
			complain(t, "cannot remove the instance");
	}
	if (t->instance)
		tracefs_instance_free(t->instance);
	if (t->tep)
		tep_free(t->tep);
}

void cmd_trace(const struct settings *s)
{
	struct trace t = { .s = s };

	if (find_tracefs(&t) || find_events(&t))
		return;
	if (!open_instance(&t)) {
		out_table("events", cols, sizeof(cols) / sizeof(*cols), OUT_STREAM);
		out_flush();
		follow(&t);
		out_table_end();
	}
	close_instance(&t);
	free(t.vm.name);
	if (t.missed)
		msg_note("missed", "enlarge the buffer: tracing was slower than the guests",
			 "%llu events were lost", (unsigned long long)t.missed);
}

#endif
