// SPDX-License-Identifier: GPL-2.0
/* What one source says about the memory of one VM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "recording.h"
#include "text.h"
#include "view.h"

static int complain(const struct view *v, const char *code, const char *hint, const char *what)
{
	msg_error(EXIT_ERROR, code, hint, "%s: %s", v->from, what);
	return -1;
}

static bool is_vm(const struct vm *vm, const char *id)
{
	const char *p = id, *end = id + strlen(id);
	uint64_t pid;

	if (text_parse_uint(&p, end, &pid) && p == end)
		return pid <= INT_MAX && vm_is_of_pid(vm, pid);
	return !strcmp(id, vm->id);
}

/* The one VM that is meant; @id may be a pid, or NULL for any. */
static struct vm *choose(const struct view *v, struct vms *vms, const char *id)
{
	struct vm *found = NULL;
	size_t i, nr = 0;

	for (i = 0; i < vms->nr; i++) {
		if (id && !is_vm(&vms->v[i], id))
			continue;
		found = &vms->v[i];
		nr++;
	}
	if (nr == 1)
		return found;
	if (nr)
		complain(v, "ambiguous", "say which by PID-FD, -p or -g; encstat -j lists them",
			 "there are several VMs");
	else
		complain(v, "no-such-vm", NULL, "no such VM");
	return NULL;
}

/* Takes over what is known about @vm; it must be all. */
static int take_vm(struct view *v, struct vm *vm)
{
	if (vm->has_map && !vm->map.tracked)
		return complain(v, "not-tracked", NULL, "the VM is not tracked");
	if (!vm->has_map || !vm->map.complete)
		return complain(v, "incomplete", NULL, "the map is not complete");
	strcpy(v->id, vm->id);
	v->name = vm->name;
	v->shared = vm->map.shared;
	vm->name = NULL;
	vm->map.shared = (struct ranges){ 0 };
	return 0;
}

static int open_live(struct view *v, const char *id, const struct vm_filter *filter)
{
	struct vms vms;
	struct vm *vm;
	int ret = -1;

	v->kind = "live";
	if (vms_find(&vms, filter))
		return -1;
	vm = choose(v, &vms, id);
	if (vm && !vm_load(vm, &vms))
		complain(v, "no-such-vm", NULL, "the VM has ended");
	else if (vm)
		ret = take_vm(v, vm);
	vms_free(&vms);
	return ret;
}

static int open_recording(struct view *v, const char *path, const char *id,
			  const struct vm_filter *filter)
{
	struct vm_filter in = *filter;
	struct vms vms = { 0 };
	struct when when;
	struct vm *vm;
	int ret = -1;

	v->kind = "recording";
	in.file = path;
	if (recording_last(&in, &vms, &when) < 0)
		return -1;
	v->time_ms = when.time_ms;
	v->has_time = true;
	vm = choose(v, &vms, id);
	if (vm)
		ret = take_vm(v, vm);
	vms_free(&vms);
	return ret;
}

static int open_map(struct view *v, struct reader *r)
{
	struct enc_map map = { 0 };
	struct fault fault = { 0 };
	int ret;

	v->kind = "map";
	ret = map_read(r, &map, &fault);
	msg_fault(&fault);
	if (!ret && !map.tracked)
		ret = complain(v, "not-tracked", NULL, "the VM was not tracked");
	v->shared = map.shared;
	return ret;
}

static int open_guest(struct view *v, struct reader *r)
{
	struct fault fault = { 0 };
	int ret;

	v->kind = "guest";
	ret = decrypted_read(r, &v->shared, &v->mixed, &fault);
	msg_fault(&fault);
	return ret;
}

static bool begins(const char *text, size_t len, const char *with)
{
	return len >= strlen(with) && !memcmp(text, with, strlen(with));
}

static int open_text(struct view *v, struct reader *r, const char *path, const char *id,
		     const struct vm_filter *filter)
{
	const char *text;
	size_t len;

	if (reader_peek(r, &text, &len))
		return complain(v, "read", NULL, strerror(errno));
	if (begins(text, len, "{"))
		return open_recording(v, path, id, filter);
	if (id)
		return complain(v, "malformed", NULL, "only a recording holds several VMs");
	if (begins(text, len, "version "))
		return open_map(v, r);
	if (begins(text, len, "0x") || begins(text, len, "end "))
		return open_guest(v, r);
	return complain(v, "malformed", NULL,
			"neither a recording, nor a page_enc_map, nor a guest's list");
}

static int open_file(struct view *v, const char *path, const char *id,
		     const struct vm_filter *filter)
{
	struct fault fault = { 0 };
	struct reader r;
	int ret;

	if (!strcmp(path, "-"))
		path = "/dev/stdin";
	if (reader_open(&r, AT_FDCWD, path, path)) {
		fault_errno(&fault, path);
		fault.hint = NULL;
		msg_fault(&fault);
		return -1;
	}
	ret = open_text(v, &r, path, id, filter);
	reader_close(&r);
	return ret;
}

static bool is_id(const char *s)
{
	const char *p = s, *end = s + strlen(s);
	uint64_t pid;
	struct vm vm;

	return vm_parse_id(s, &vm) || (text_parse_uint(&p, end, &pid) && p == end);
}

/* "FILE:ID", unless there is a file of just that name. */
static int open_file_of(struct view *v, const char *spec, const struct vm_filter *filter)
{
	const char *colon = strrchr(spec, ':');
	char *path;
	int ret;

	if (!colon || !is_id(colon + 1) || !access(spec, F_OK))
		return open_file(v, spec, NULL, filter);
	path = strndup(spec, colon - spec);
	if (!path)
		return complain(v, "read", NULL, strerror(errno));
	ret = open_file(v, path, colon + 1, filter);
	free(path);
	return ret;
}

int view_open(struct view *v, const char *spec, const struct vm_filter *filter)
{
	*v = (struct view){ .from = spec };
	if (!strcmp(spec, "live"))
		return open_live(v, NULL, filter);
	if (is_id(spec))
		return open_live(v, spec, filter);
	return open_file_of(v, spec, filter);
}

void view_close(struct view *v)
{
	ranges_free(&v->shared);
	ranges_free(&v->mixed);
	free(v->name);
}
