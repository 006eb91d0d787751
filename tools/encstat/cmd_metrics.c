// SPDX-License-Identifier: GPL-2.0
/*
 * encstat metrics: Prometheus' text format 0.0.4, for the textfile collector of
 * node-exporter. It is not OpenMetrics: there, the TYPE of a counter lacks the
 * "_total" that its samples have, and that collector then finds no TYPE for them.
 */
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "msg.h"
#include "out.h"
#include "text.h"
#include "vm_value.h"

enum type { GAUGE, COUNTER };

enum metric {
	MEMORY, READONLY, PRIVATE, SHARED, RANGES, READY, TRACKED, TRACKER, CALLS,
	TO_SHARED, TO_PRIVATE, REFUSED_INVAL, REFUSED_PERM, READY_SET, READY_CLEARED,
	VIOLATIONS, DOUBLE_BACKED, METRICS,
};

/* Neighbours of one name are one family. */
static const struct {
	const char *name;
	enum type type;
	const char *help;
	const char *label;	/* one more, or NULL */
} metrics[METRICS] = {
	[MEMORY]	= { "memory_bytes", GAUGE,
			    "Memory that the VMM has mapped into the guest" },
	[READONLY]	= { "memory_readonly_bytes", GAUGE,
			    "Mapped memory that the guest cannot write" },
	[PRIVATE]	= { "private_bytes", GAUGE,
			    "Memory that is encrypted" },
	[SHARED]	= { "shared_bytes", GAUGE,
			    "Memory that is shared with the host" },
	[RANGES]	= { "shared_ranges", GAUGE,
			    "Shared ranges" },
	[READY]		= { "ready", GAUGE,
			    "1: the guest says that it announced everything" },
	[TRACKED]	= { "tracked", GAUGE,
			    "1: KVM tracks page encryption status of this VM" },
	[TRACKER]	= { "tracker_bytes", GAUGE,
			    "Host memory spent on tracking" },
	[CALLS]		= { "calls_total", COUNTER,
			    "Calls of KVM_HC_MAP_GPA_RANGE" },
	[TO_SHARED]	= { "to_shared_pages_total", COUNTER,
			    "Pages that became shared" },
	[TO_PRIVATE]	= { "to_private_pages_total", COUNTER,
			    "Pages that became private" },
	[REFUSED_INVAL]	= { "refused_total", COUNTER,
			    "Calls that were refused", "reason=\"inval\"" },
	[REFUSED_PERM]	= { "refused_total", COUNTER,
			    "Calls that were refused", "reason=\"perm\"" },
	[READY_SET]	= { "ready_set_total", COUNTER,
			    "How often READY was set" },
	[READY_CLEARED]	= { "ready_cleared_total", COUNTER,
			    "How often READY was withdrawn" },
	[VIOLATIONS]	= { "violations_total", COUNTER,
			    "Accesses against the announced status that strict mode saw" },
	[DOUBLE_BACKED]	= { "double_backed_bytes", GAUGE,
			    "Memory that the guest does not see and the host could free" },
};

struct values {
	struct value v[METRICS];
};

static void put(const char *s)
{
	out_raw(s, strlen(s));
}

static void put_uint(uint64_t v)
{
	char buf[TEXT_NUM];

	out_raw(buf, text_uint(buf, v));
}

/* Three characters have escapes; what is no text, or no terminal should see, U+FFFD. */
static void put_label(const char *s)
{
	for (; *s; s++) {
		size_t len = text_utf8(s);

		if (*s == '\\')
			put("\\\\");
		else if (*s == '"')
			put("\\\"");
		else if (*s == '\n')
			put("\\n");
		else if (!len || text_is_unsafe(text_code_point(s, len)))
			put("\xef\xbf\xbd");
		else
			out_raw(s, len);
		s += len > 1 ? len - 1 : 0;
	}
}

static void put_head(const char *name, enum type type, const char *help)
{
	put("# HELP encstat_");
	put(name);
	put(" ");
	put(help);
	put(".\n# TYPE encstat_");
	put(name);
	put(type == COUNTER ? " counter\n" : " gauge\n");
}

static void put_vm(const struct vm *vm)
{
	put("{vm=\"");
	put_label(vm->id);
	put("\"");
}

static void get_values(struct values *v, const struct vm *vm)
{
	static const enum metric counters[VM_COUNTERS] = {
		[VM_CALLS]		= CALLS,
		[VM_TO_SHARED]		= TO_SHARED,
		[VM_TO_PRIVATE]		= TO_PRIVATE,
		[VM_REFUSED_INVAL]	= REFUSED_INVAL,
		[VM_REFUSED_PERM]	= REFUSED_PERM,
		[VM_READY_SET]		= READY_SET,
		[VM_READY_CLEARED]	= READY_CLEARED,
	};
	struct vm_sums sums = vm_sums(vm);
	int i;

	v->v[MEMORY] = sums.memory;
	v->v[READONLY] = sums.readonly;
	v->v[PRIVATE] = sums.private;
	v->v[SHARED] = sums.shared;
	v->v[RANGES] = sums.ranges;
	v->v[READY] = vm_ready(vm);
	v->v[TRACKED] = vm_tracked(vm);
	v->v[TRACKER] = vm_tracker_bytes(vm);
	for (i = 0; i < VM_COUNTERS; i++)
		v->v[counters[i]] = vm_count(vm, i);
	v->v[VIOLATIONS] = vm_violations(vm);
	v->v[DOUBLE_BACKED] = value(vm->has_double, vm->double_bytes);
}

static void put_sample(enum metric m, const struct vm *vm, const struct values *v)
{
	if (!v->v[m].known)
		return;
	put("encstat_");
	put(metrics[m].name);
	put_vm(vm);
	if (metrics[m].label) {
		put(",");
		put(metrics[m].label);
	}
	put("} ");
	put_uint(v->v[m].v);
	put("\n");
}

static void put_info(const struct vms *vms)
{
	size_t i;

	put_head("vm_info", GAUGE, "1, with the process of a VM and the name that QEMU was given");
	for (i = 0; i < vms->nr; i++) {
		put("encstat_vm_info");
		put_vm(&vms->v[i]);
		put(",pid=\"");
		put_uint(vms->v[i].pid);
		put("\",name=\"");
		put_label(vms->v[i].name ?: "");
		put("\"} 1\n");
	}
}

static void put_all(const struct vms *vms, const struct values *v)
{
	enum metric m;
	size_t i;

	put_head("vms", GAUGE, "VMs of this host");
	put("encstat_vms ");
	put_uint(vms->nr);
	put("\n");
	put_info(vms);
	for (m = 0; m < METRICS; m++) {
		if (!m || strcmp(metrics[m].name, metrics[m - 1].name))
			put_head(metrics[m].name, metrics[m].type, metrics[m].help);
		for (i = 0; i < vms->nr; i++)
			put_sample(m, &vms->v[i], &v[i]);
	}
}

/* All VMs are read before the first line, because a family has all of them. */
static size_t load(struct vms *vms, struct values *v)
{
	size_t i, n = 0;

	for (i = 0; i < vms->nr; i++) {
		struct vm *vm = &vms->v[i];

		if (!vm_load(vm, vms)) {
			free(vm->name);
			continue;
		}
		get_values(&v[n], vm);
		vm_unload(vm);
		vms->v[n++] = *vm;
	}
	return n;
}

void cmd_metrics(const struct settings *s)
{
	struct values *v;
	struct vms vms;

	if (vms_find(&vms, &s->filter))
		return;
	vms.want_counters = true;
	v = calloc(vms.nr + 1, sizeof(*v));
	if (v) {
		vms.nr = load(&vms, v);
		put_all(&vms, v);
	} else {
		msg_error(EXIT_ERROR, "memory", NULL, "out of memory");
	}
	free(v);
	vms_free(&vms);
}
