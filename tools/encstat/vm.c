// SPDX-License-Identifier: GPL-2.0
/* The VMs of a host, and what debugfs says about each. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "io.h"
#include "msg.h"
#include "process.h"
#include "recording.h"
#include "root.h"
#include "sampler.h"
#include "text.h"
#include "vm.h"

#define DEBUGFS		"/sys/kernel/debug"
#define DEBUGFS_KVM	DEBUGFS "/kvm"

#define FAULTS_MAX	7		/* one for each file of a VM, one for all counters */
#define LOAD_TRIES	5
#define NEW_S		1
#define LOAD_PAUSE_US	5000

static const char hint_mount[] = "mount -t debugfs none " DEBUGFS;
static const char hint_kvm[] = "modprobe kvm_amd, or kvm_intel";
static const char hint_kernel[] =
	"the host kernel needs the page encryption status series and CONFIG_KVM_PAGE_ENC_STATUS=y";

static bool exists(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return !access(full, F_OK);
}

static bool dir_is_empty(const char *root, const char *path)
{
	char full[PATH_MAX];
	struct dirent *e;
	bool empty = true;
	DIR *dir;

	snprintf(full, sizeof(full), "%s%s", root, path);
	dir = opendir(full);
	if (!dir)
		return false;
	while (empty && (e = readdir(dir)))
		empty = e->d_name[0] == '.';
	closedir(dir);
	return empty;
}

/* There is no directory of KVM in debugfs: why? */
static void tell_no_kvm_dir(const struct vms *vms, const char *root, int err)
{
	if (err != ENOENT) {
		struct fault fault = { 0 };

		errno = err;
		fault_errno(&fault, vms->dir);
		msg_fault(&fault);
	} else if (!exists(root, DEBUGFS)) {
		msg_error(EXIT_UNSUPPORTED, "no-debugfs", NULL,
			  "%s" DEBUGFS " does not exist: no debugfs in this kernel", root);
	} else if (dir_is_empty(root, DEBUGFS)) {
		msg_error(EXIT_ERROR, "debugfs-not-mounted", hint_mount,
			  "debugfs is not mounted on %s" DEBUGFS, root);
	} else {
		msg_error(EXIT_ERROR, "kvm-not-loaded", hint_kvm,
			  "%s does not exist: the kvm module is not loaded", vms->dir);
	}
}

bool vm_parse_id(const char *id, struct vm *vm)
{
	const char *p = id, *end = id + strlen(id);
	uint64_t pid, fd;

	if (end - id >= (ptrdiff_t)sizeof(vm->id))
		return false;
	if (!text_parse_uint(&p, end, &pid) || *p++ != '-' ||
	    !text_parse_uint(&p, end, &fd) || p != end || pid > INT_MAX || fd > INT_MAX)
		return false;
	*vm = (struct vm){ .thread = pid, .pid = pid, .fd = fd };
	strcpy(vm->id, id);
	return true;
}

bool vm_is_of_pid(const struct vm *vm, int pid)
{
	return vm->pid == pid || vm->thread == pid;
}

bool vm_wanted(const struct vm *vm, const struct vm_filter *filter)
{
	if (filter->pid && !vm_is_of_pid(vm, filter->pid))
		return false;
	return !filter->name || (vm->name && !strcmp(vm->name, filter->name));
}

static int leave_out(struct vms *vms, const struct vm *vm)
{
	char (*ids)[32] = reallocarray(vms->left_out, vms->nr_left_out + 1, sizeof(*ids));

	if (!ids)
		return -1;
	vms->left_out = ids;
	strcpy(ids[vms->nr_left_out++], vm->id);
	return 0;
}

int vms_add(struct vms *vms, struct vm *vm, const struct vm_filter *filter)
{
	struct vm *v = NULL;
	int ret = -1;

	if (!vm_wanted(vm, filter))
		ret = leave_out(vms, vm);
	else
		v = reallocarray(vms->v, vms->nr + 1, sizeof(*v));
	if (!v) {
		vm_unload(vm);
		free(vm->name);
		return ret;
	}
	vms->v = v;
	vms->v[vms->nr++] = *vm;
	return 0;
}

bool vm_same(const struct vm *a, const struct vm *b)
{
	return !strcmp(a->id, b->id) &&
	       (!a->instance || !b->instance || a->instance == b->instance);
}

const struct vm *vms_find_same(const struct vms *vms, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < vms->nr; i++)
		if (vm_same(&vms->v[i], vm))
			return &vms->v[i];
	return NULL;
}

bool vms_left_out(const struct vms *vms, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < vms->nr_left_out; i++)
		if (!strcmp(vms->left_out[i], vm->id))
			return true;
	return false;
}

/*
 * debugfs never gives a directory the number of one that was there before; of a
 * copied tree, numbers say nothing.
 */
static uint64_t find_instance(const struct vms *vms, const char *id)
{
	char path[PATH_MAX + 256];
	struct statfs fs;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", vms->dir, id);
	if (statfs(path, &fs) || fs.f_type != DEBUGFS_MAGIC || stat(path, &st))
		return 0;
	return st.st_ino;
}

static int add_vm(struct vms *vms, const char *id, const struct vm_filter *filter)
{
	struct process p;
	struct vm vm;

	if (!vm_parse_id(id, &vm))
		return 0;
	if (process_of_vm(filter->root, vm.thread, vm.fd, &p)) {
		vm.pid = p.pid;
		vm.name = vm_name(p.args, p.len);
		free(p.args);
	}
	vm.instance = find_instance(vms, id);
	return vms_add(vms, &vm, filter);
}

static int vm_order(const void *a, const void *b)
{
	const struct vm *x = a, *y = b;

	return x->pid != y->pid ? x->pid - y->pid : x->fd - y->fd;
}

static int read_vms(struct vms *vms, DIR *dir, const struct vm_filter *filter)
{
	struct dirent *e;

	for (errno = 0; (e = readdir(dir)); errno = 0)
		if (add_vm(vms, e->d_name, filter))
			return -1;
	if (errno)
		return -1;
	if (vms->nr)
		qsort(vms->v, vms->nr, sizeof(*vms->v), vm_order);
	return 0;
}

/*
 * A copied tree may lack the parameter, and a host without VMs has no map; one
 * of them is enough to know the series.
 */
static bool has_series(const struct vms *vms, const struct vm_filter *filter)
{
	char path[PATH_MAX];
	size_t i;

	if (exists(filter->root, VM_PARAMETER))
		return true;
	for (i = 0; i < vms->nr; i++) {
		snprintf(path, sizeof(path), DEBUGFS_KVM "/%s/page_enc_map", vms->v[i].id);
		if (exists(filter->root, path))
			return true;
	}
	return exists(filter->root, DEBUGFS_KVM "/page_enc_calls");
}

static bool parameter_is_on(const char *root)
{
	char path[PATH_MAX], *value;
	bool on = false;
	size_t len;

	snprintf(path, sizeof(path), "%s" VM_PARAMETER, root);
	value = read_whole(AT_FDCWD, path, 16, &len);
	if (value)
		on = *value == 'Y' || *value == '1';
	free(value);
	return on;
}

/* A filter must let somebody through. */
int vms_check(const struct vms *vms, const struct vm_filter *filter)
{
	if (vms->nr || (!filter->name && !filter->pid))
		return 0;
	if (filter->name)
		msg_error(EXIT_ERROR, "no-such-vm", NULL, "no VM named %s", filter->name);
	else
		msg_error(EXIT_ERROR, "no-such-vm", NULL, "no VM with pid %d", filter->pid);
	return -1;
}

static int find_in_debugfs(struct vms *vms, const struct vm_filter *filter)
{
	struct fault fault = { 0 };
	DIR *dir;
	int ret;

	vms->root = filter->root;
	snprintf(vms->dir, sizeof(vms->dir), "%s" DEBUGFS_KVM, filter->root);
	dir = opendir(vms->dir);
	if (!dir) {
		tell_no_kvm_dir(vms, filter->root, errno);
		return -1;
	}
	ret = read_vms(vms, dir, filter);
	if (ret)
		fault_errno(&fault, vms->dir);
	closedir(dir);
	msg_fault(&fault);

	vms->tracking_default = parameter_is_on(filter->root);
	if (!ret && !has_series(vms, filter)) {
		msg_error(EXIT_UNSUPPORTED, "unsupported-kernel", hint_kernel,
			  "this kernel does not track page encryption status");
		ret = -1;
	}
	return ret;
}

int vms_find_again(struct vms *vms, const struct vm_filter *filter)
{
	struct when when;
	int ret;

	*vms = (struct vms){ 0 };
	if (filter->file)
		ret = recording_last(filter, vms, &when) < 0 ? -1 : 0;
	else
		ret = find_in_debugfs(vms, filter);
	if (ret)
		vms_free(vms);
	return ret;
}

int vms_find(struct vms *vms, const struct vm_filter *filter)
{
	int ret = vms_find_again(vms, filter) ?: vms_check(vms, filter);

	if (ret)
		vms_free(vms);
	return ret;
}

void vms_free(struct vms *vms)
{
	size_t i;

	for (i = 0; i < vms->nr; i++) {
		vm_unload(&vms->v[i]);
		free(vms->v[i].name);
	}
	free(vms->v);
	vms->v = NULL;
	vms->nr = 0;
	free(vms->left_out);
	vms->left_out = NULL;
	vms->nr_left_out = 0;
}

/* A file of a VM while it is read. */
struct vm_file {
	char path[PATH_MAX + 64];
	struct reader r;
	struct fault *fault;
};

static bool file_open(struct vm_file *f, const struct vms *vms, const struct vm *vm,
		      const char *file, struct fault *fault)
{
	snprintf(f->path, sizeof(f->path), "%s/%s/%s", vms->dir, vm->id, file);
	f->fault = fault;
	if (!reader_open(&f->r, AT_FDCWD, f->path, f->path))
		return true;
	fault_errno(fault, f->path);
	return false;
}

static void load_map(struct vm *vm, const struct vms *vms, struct fault *fault)
{
	struct vm_file f;

	if (!file_open(&f, vms, vm, "page_enc_map", fault))
		return;
	if (vms->only_stats)
		vm->has_map = !map_read_header(&f.r, &vm->map, fault);
	else
		vm->has_map = !map_read(&f.r, &vm->map, fault) || vm->map.has_header;
	reader_close(&f.r);
}

static void load_slots(struct vm *vm, const struct vms *vms, struct fault *fault)
{
	struct vm_file f;

	if (!file_open(&f, vms, vm, "page_enc_slots", fault))
		return;
	vm->has_slots = !slots_read(&f.r, &vm->slots, fault);
	reader_close(&f.r);
}

/*
 * Lockdown leaves to root what may only be read. Statistics that grow can also be
 * reset, by writing, so they are not among that.
 */
static void tell_lockdown(const struct vms *vms)
{
	static bool told;
	char *name;

	if (told || vms->lockdown_told)
		return;
	told = true;
	name = root_lockdown(vms->root);
	msg_note("lockdown", NULL, "kernel lockdown%s%s%s: " VM_LOCKDOWN, name ? " (" : "",
		 name ?: "", name ? ")" : "");
	free(name);
}

/* One number, as all statistics of KVM in debugfs. */
static bool load_stat(const struct vm *vm, const struct vms *vms, const char *file,
		      uint64_t *v, struct fault *fault)
{
	const char *line, *end;
	struct vm_file f;
	bool ok;

	if (!file_open(&f, vms, vm, file, fault))
		return false;
	ok = reader_line(&f.r, &line, &end) == 1 && text_parse_uint(&line, end, v) &&
	     line == end;
	if (!ok)
		fault_set(fault, "malformed", "%s: expected a number", f.path);
	reader_close(&f.r);
	return ok;
}

const char *const vm_counter_keys[VM_COUNTERS] = {
	[VM_CALLS]		= "calls",
	[VM_TO_SHARED]		= "pages_to_shared",
	[VM_TO_PRIVATE]		= "pages_to_private",
	[VM_REFUSED_INVAL]	= "refused_inval",
	[VM_REFUSED_PERM]	= "refused_perm",
	[VM_READY_SET]		= "ready_set",
	[VM_READY_CLEARED]	= "ready_cleared",
};

static void load_counters(struct vm *vm, const struct vms *vms, struct fault *fault)
{
	static const char *const files[VM_COUNTERS] = {
		[VM_CALLS]		= "page_enc_calls",
		[VM_TO_SHARED]		= "page_enc_to_shared",
		[VM_TO_PRIVATE]		= "page_enc_to_private",
		[VM_REFUSED_INVAL]	= "page_enc_refused_inval",
		[VM_REFUSED_PERM]	= "page_enc_refused_perm",
		[VM_READY_SET]		= "page_enc_ready_set",
		[VM_READY_CLEARED]	= "page_enc_ready_cleared",
	};
	int i;

	vm->has_counters = true;
	for (i = 0; i < VM_COUNTERS; i++)
		vm->has_counters &= load_stat(vm, vms, files[i], &vm->counters[i], fault);
}

static void load_shared(struct vm *vm, const struct vms *vms, struct fault *fault)
{
	uint64_t pages = 0;

	vm->has_shared = load_stat(vm, vms, "page_enc_shared_pages", &pages, fault);
	vm->shared_bytes = pages << PAGE_SHIFT_4K;
}

/* Older kernels have no such file, which is nothing to tell. */
static void load_violations(struct vm *vm, const struct vms *vms, struct fault *fault)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s/page_enc_violations", vms->dir, vm->id);
	vm->has_violations = !access(path, F_OK) &&
			     load_stat(vm, vms, "page_enc_violations", &vm->violations, fault);
}

/* "KEY NUMBER" with that key, in one of the lines of a file. */
static bool find_number(struct reader *r, const char *key, uint64_t *v)
{
	const char *line, *end;
	size_t len = strlen(key);

	while (reader_line(r, &line, &end) == 1) {
		if ((size_t)(end - line) <= len || memcmp(line, key, len) || line[len] != ' ')
			continue;
		line += len + 1;
		return text_parse_uint(&line, end, v) && line == end;
	}
	return false;
}

/* Only VMs with guest_memfd have this file, of kernels that convert memory. */
static void load_double_backed(struct vm *vm, const struct vms *vms, struct fault *fault)
{
	char path[PATH_MAX + 64];
	struct vm_file f;

	snprintf(path, sizeof(path), "%s/%s/private_mem", vms->dir, vm->id);
	if (access(path, F_OK) || !file_open(&f, vms, vm, "private_mem", fault))
		return;
	vm->has_double = find_number(&f.r, "double_backed_bytes", &vm->double_bytes);
	if (!vm->has_double)
		fault_set(fault, "malformed", "%s: no double_backed_bytes", f.path);
	reader_close(&f.r);
}

/*
 * Its files are made right after its directory; what is missing later on stays so,
 * and is not worth any waiting.
 */
static bool vm_is_new(const struct vm *vm, const struct vms *vms)
{
	char path[PATH_MAX + 32];
	struct stat st;
	int64_t age;

	snprintf(path, sizeof(path), "%s/%s", vms->dir, vm->id);
	if (stat(path, &st))
		return false;
	age = (int64_t)(time_now_ms() / 1000) - st.st_mtime;
	return age >= 0 && age <= NEW_S;
}

static bool vm_gone(const struct vm *vm, const struct vms *vms)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", vms->dir, vm->id);
	return access(path, F_OK) && errno == ENOENT;
}

static void load_all(struct vm *vm, const struct vms *vms, struct fault *fault)
{
	uint64_t ready = 0;

	load_map(vm, vms, &fault[0]);
	if (vms->only_stats)
		load_shared(vm, vms, &fault[1]);
	else
		load_slots(vm, vms, &fault[1]);
	vm->has_ready = load_stat(vm, vms, "page_enc_ready", &ready, &fault[2]);
	vm->ready = ready;
	vm->has_bytes = load_stat(vm, vms, "page_enc_bytes", &vm->tracker_bytes, &fault[3]);
	if (vms->want_counters || vms->only_stats)
		load_counters(vm, vms, &fault[4]);
	load_violations(vm, vms, &fault[5]);
	if (!vms->only_stats)
		load_double_backed(vm, vms, &fault[6]);
}

static bool any_fault(const struct fault *fault, bool missing)
{
	int i;

	for (i = 0; i < FAULTS_MAX; i++)
		if (fault[i].code && (!missing || fault[i].missing))
			return true;
	return false;
}

/*
 * A VM on its way in has no files yet; one on its way out has them, but they
 * do not open any more. Both take no time, so look again after a little.
 */
bool vm_load(struct vm *vm, const struct vms *vms)
{
	struct fault fault[FAULTS_MAX];
	int i;

	if (vms->recorded)
		return true;
	for (i = 0; i < LOAD_TRIES; i++) {
		if (i)
			usleep(LOAD_PAUSE_US);
		vm_unload(vm);
		memset(fault, 0, sizeof(fault));
		load_all(vm, vms, fault);
		if (any_fault(fault, false) && vm_gone(vm, vms)) {
			vm_unload(vm);
			return false;
		}
		if (!any_fault(fault, true) || !vm_is_new(vm, vms))
			break;
	}
	for (i = 0; i < FAULTS_MAX; i++)
		if (fault[i].locked)
			tell_lockdown(vms);
		else
			msg_fault(&fault[i]);
	return true;
}

void vm_unload(struct vm *vm)
{
	ranges_free(&vm->map.shared);
	slots_free(&vm->slots);
	vm->has_map = false;
	vm->has_slots = false;
}
