// SPDX-License-Identifier: GPL-2.0
/* encstat check in a host. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "io.h"
#include "msg.h"
#include "process.h"
#include "qemu_args.h"
#include "root.h"
#include "text.h"

#define PARAMETERS	"/sys/module/kvm/parameters"
#define DEBUGFS		"/sys/kernel/debug"
#define CONFIG_MAX	(4 << 20)
#define ARGS_MAX	(1 << 20)

static const char hint_series[] =
	"the host kernel needs the page encryption status series and CONFIG_KVM_PAGE_ENC_STATUS=y";
static const char hint_parameter[] =
	"echo Y > " VM_PARAMETER ", or kvm.page_enc_status=Y on the kernel command line; "
	"then start the VM again";
static const char hint_cpu[] =
	"start QEMU with -cpu host,migratable=off, "
	"which shows the guest KVM's feature bits 16 and 17";
static const char hint_again[] =
	"kvm.page_enc_status is on, but was not when the VM was created: start it again";
static const char hint_guest[] = "run encstat check in the guest";

struct host {
	const struct settings *s;
	const char *root;
	bool has_parameter;
	bool on;
	unsigned int tracked;
	unsigned int untracked;
	bool lockdown;
};

static bool is_yes(const char *text)
{
	return *text == 'Y' || *text == '1';
}

/* Of /boot, which may belong to another build of the same release. */
static void check_config(const struct host *h)
{
	char path[PATH_MAX], *release, *config;

	release = root_read(h->root, "/proc/sys/kernel/osrelease", 256);
	snprintf(path, sizeof(path), "/boot/config-%s", release ?: "");
	config = release ? root_read(h->root, path, CONFIG_MAX) : NULL;
	if (h->has_parameter)
		check_found(CHECK_OK, "kernel", NULL, NULL,
			    "%s tracks page encryption status", release ?: "this kernel");
	else if (config && strstr(config, "\nCONFIG_KVM_PAGE_ENC_STATUS=y"))
		check_found(CHECK_WRONG, "kernel", NULL, "boot the kernel again, or load kvm again",
			    "%s has CONFIG_KVM_PAGE_ENC_STATUS, but not the kvm that runs", path);
	else if (config && strstr(config, "\n# CONFIG_KVM_PAGE_ENC_STATUS is not set"))
		check_found(CHECK_WRONG, "kernel", NULL,
			    "build it with CONFIG_KVM_PAGE_ENC_STATUS=y",
			    "%s: CONFIG_KVM_PAGE_ENC_STATUS is not set", path);
	else
		check_found(CHECK_WRONG, "kernel", NULL, hint_series,
			    "%s does not track page encryption status", release ?: "this kernel");
	free(release);
	free(config);
}

/* Stock QEMU does not ask for tracking, so the parameter decides. */
static void check_parameter(const struct host *h)
{
	if (h->on)
		check_found(CHECK_OK, "page_enc_status", NULL, NULL,
			    "kvm.page_enc_status is on: new VMs are tracked");
	else if (h->tracked && !h->untracked)
		check_found(CHECK_WARNING, "page_enc_status", NULL, hint_parameter,
			    "kvm.page_enc_status is off; "
			    "the VMs that run are tracked all the same");
	else
		check_found(CHECK_WRONG, "page_enc_status", NULL, hint_parameter,
			    "kvm.page_enc_status is off");
}

static void check_sim(const struct host *h)
{
	char *sim = root_read(h->root, PARAMETERS "/sev_sim", 16);
	char *strict = root_read(h->root, PARAMETERS "/sev_sim_strict", 16);

	if (sim && is_yes(sim))
		check_found(CHECK_WARNING, "sev_sim", NULL,
			    "echo N > " PARAMETERS "/sev_sim, unless this is a test",
			    "kvm.sev_sim is on: new VMs run as simulated SEV guests, "
			    "which protects nothing");
	else if (sim)
		check_found(CHECK_OK, "sev_sim", NULL, NULL,
			    "kvm.sev_sim is off: SEV is not simulated");
	if (sim && strict)
		check_found(CHECK_OK, "sev_sim_strict", NULL, NULL, "kvm.sev_sim_strict is %s",
			    is_yes(strict) ? "on: accesses against the status are counted" : "off");
	free(sim);
	free(strict);
}

static void check_features(const struct host *h, const struct kvm_answers *a)
{
	uint32_t bits = KVM_FEATURE_BIT_HYPERCALL | KVM_FEATURE_BIT_MSR;

	if (!a->has_features)
		check_found(CHECK_UNKNOWN, "kvm-cpuid", NULL, NULL,
			    "KVM does not say which CPUID it supports");
	else if ((a->features & bits) == bits)
		check_found(CHECK_OK, "kvm-cpuid", NULL, NULL, "KVM offers feature bits 16 and 17");
	else if (!h->on && a->cap)
		check_found(CHECK_OK, "kvm-cpuid", NULL, NULL,
			    "KVM offers feature bits 16 and 17 to VMs that are tracked only");
	else
		check_found(CHECK_WRONG, "kvm-cpuid", NULL,
			    h->has_parameter ? hint_parameter : hint_series,
			    "KVM does not offer feature bits 16 and 17");
}

static void check_no_device(const struct host *h, int err)
{
	if (err != ENOENT)
		check_found(CHECK_UNKNOWN, "dev-kvm", NULL,
			    hint_root("run encstat as root, or join the group kvm"),
			    "/dev/kvm: %s", strerror(err));
	else if (!root_is_copy(h->root))
		check_found(CHECK_WRONG, "dev-kvm", NULL,
			    "modprobe kvm_amd, or kvm_intel; "
			    "look for virtualization in the firmware's set-up",
			    "/dev/kvm: %s", strerror(err));
}

static void check_device(const struct host *h)
{
	struct kvm_answers a;

	if (kvm_ask(h->root, &a)) {
		check_no_device(h, errno);
		return;
	}
	check_found(CHECK_OK, "dev-kvm", NULL, NULL, "/dev/kvm can be used");
	if (a.cap)
		check_found(CHECK_OK, "cap", NULL, NULL,
			    "a VMM may ask for tracking (KVM_CAP_PAGE_ENC_STATUS)");
	else
		check_found(h->has_parameter ? CHECK_WARNING : CHECK_WRONG, "cap", NULL,
			    hint_series, "KVM has no KVM_CAP_PAGE_ENC_STATUS");
	check_features(h, &a);
}

/* Root may read files that nobody may write, and these only. */
static void check_lockdown(struct host *h)
{
	char *name = root_lockdown(h->root);

	if (name)
		check_found(CHECK_UNKNOWN, "lockdown", NULL,
			    "Secure Boot or lockdown= on the kernel's command line turns it on",
			    "kernel lockdown (%s): " VM_LOCKDOWN, name);
	h->lockdown = name;
	free(name);
}

/* Can the directories of the VMs be listed? */
static bool check_debugfs(const struct host *h)
{
	char path[PATH_MAX];
	DIR *dir;

	snprintf(path, sizeof(path), "%s" DEBUGFS "/kvm", h->root);
	dir = opendir(path);
	if (dir) {
		closedir(dir);
		check_found(CHECK_OK, "debugfs", NULL, NULL, DEBUGFS "/kvm can be read");
		return true;
	}
	if (errno == EACCES)
		check_found(CHECK_UNKNOWN, "debugfs", NULL, hint_root("run encstat as root"),
			    DEBUGFS "/kvm: %s", geteuid() ? "readable by root only" :
			    strerror(errno));
	else if (!root_exists(h->root, DEBUGFS))
		check_found(CHECK_WRONG, "debugfs", NULL, "build the kernel with CONFIG_DEBUG_FS=y",
			    DEBUGFS " does not exist");
	else
		check_found(CHECK_WRONG, "debugfs", NULL, "mount -t debugfs none " DEBUGFS
			    ", unless it is mounted and the kvm module is not loaded",
			    DEBUGFS "/kvm does not exist");
	return false;
}

static bool read_args(const struct host *h, int pid, struct qemu_args *q)
{
	char path[PATH_MAX], *args;
	size_t len;

	snprintf(path, sizeof(path), "%s/proc/%d/cmdline", h->root, pid);
	args = read_whole(AT_FDCWD, path, ARGS_MAX, &len);
	if (!args)
		return false;
	qemu_args_parse(q, args, len);
	free(args);
	return q->is_qemu;
}

static bool read_args_of_vm(const struct host *h, const struct vm *vm, struct qemu_args *q)
{
	struct process p;

	if (!process_of_vm(h->root, vm->thread, vm->fd, &p))
		return false;
	qemu_args_parse(q, p.args, p.len);
	free(p.args);
	return q->is_qemu;
}

static void check_args(const struct qemu_args *q, const char *subject)
{
	if (q->shows_all_bits)
		check_found(CHECK_OK, "qemu-cpu", subject, NULL, "QEMU runs with -cpu %s", q->cpu);
	else if (*q->cpu)
		check_found(CHECK_WRONG, "qemu-cpu", subject, hint_cpu,
			    "QEMU runs with -cpu %s", q->cpu);
	else
		check_found(CHECK_WRONG, "qemu-cpu", subject, hint_cpu, "QEMU runs without -cpu");
}

static void check_ready(const struct vm *vm)
{
	if (vm->has_ready && vm->ready)
		check_found(CHECK_OK, "ready", vm->id, NULL,
			    "the guest says that it announced everything");
	else if (vm->has_ready && vm->has_counters && vm->counters[VM_READY_CLEARED])
		check_found(CHECK_WRONG, "ready", vm->id, hint_guest,
			    "the guest has withdrawn READY");
	else if (vm->has_ready)
		check_found(CHECK_WRONG, "ready", vm->id, hint_guest,
			    "the guest has not set READY");
}

static void check_counters(const struct vm *vm)
{
	uint64_t refused;

	if (!vm->has_counters) {
		check_found(CHECK_UNKNOWN, "calls", vm->id, NULL,
			    "how many calls the guest has made cannot be read");
		return;
	}
	refused = vm->counters[VM_REFUSED_INVAL] + vm->counters[VM_REFUSED_PERM];
	if (refused)
		check_found(CHECK_WARNING, "refused", vm->id, hint_guest,
			    "%llu calls of the guest were refused", (unsigned long long)refused);
	if (!vm->counters[VM_CALLS])
		check_found(CHECK_WRONG, "calls", vm->id, hint_guest,
			    "the guest has announced nothing");
	else
		check_found(CHECK_OK, "calls", vm->id, NULL, "the guest has made %llu calls",
			    (unsigned long long)vm->counters[VM_CALLS]);
}

static void check_violations(const struct vm *vm)
{
	if (!vm->has_violations)
		return;
	if (vm->violations)
		check_found(CHECK_WRONG, "violations", vm->id,
			    "encstat trace shows where; "
			    "the guest uses memory against what it announced",
			    "%llu accesses against the announced status",
			    (unsigned long long)vm->violations);
	else
		check_found(CHECK_OK, "violations", vm->id, NULL,
			    "no access against the announced status was seen");
}

static void check_tracked(const struct vm *vm, struct host *h)
{
	if (!vm->has_map) {
		check_found(CHECK_UNKNOWN, "tracked", vm->id, NULL, "its map cannot be read");
	} else if (!vm->map.tracked) {
		h->untracked++;
		check_found(CHECK_WRONG, "tracked", vm->id,
			    h->on ? hint_again : hint_parameter, "the VM is not tracked");
	} else {
		h->tracked++;
		check_found(CHECK_OK, "tracked", vm->id, NULL, "the VM is tracked");
	}
}

static bool guest_has_called(const struct vm *vm)
{
	if (vm->has_counters)
		return vm->counters[VM_CALLS];
	return (vm->has_ready && vm->ready) || (vm->has_shared && vm->shared_bytes);
}

static void check_vm(struct vm *vm, struct host *h)
{
	struct qemu_args q;

	check_tracked(vm, h);
	/* a guest that made calls has seen the bits, whatever QEMU was told */
	if (!guest_has_called(vm) && read_args_of_vm(h, vm, &q))
		check_args(&q, vm->id);
	if (!vm->has_map || !vm->map.tracked)
		return;
	check_counters(vm);
	check_ready(vm);
	check_violations(vm);
}

static void check_vms(struct host *h)
{
	struct vms vms;
	size_t i;

	if (vms_find(&vms, &h->s->filter))
		return;
	vms.only_stats = true;
	vms.lockdown_told = h->lockdown;
	for (i = 0; i < vms.nr; i++)
		if (vm_load(&vms.v[i], &vms))
			check_vm(&vms.v[i], h);
	if (!vms.nr)
		check_found(CHECK_OK, "vms", NULL, NULL, "no VM is running");
	vms_free(&vms);
}

/* What can be known without debugfs: how QEMU was started. */
static void check_qemu_of(const struct host *h, const char *name)
{
	const char *p = name, *end = name + strlen(name);
	struct qemu_args q;
	uint64_t pid;

	if (!text_parse_uint(&p, end, &pid) || p != end || pid > INT_MAX)
		return;
	if (h->s->filter.pid && pid != (uint64_t)h->s->filter.pid)
		return;
	if (read_args(h, pid, &q) && q.kvm)
		check_args(&q, name);
}

static void check_qemus(const struct host *h)
{
	struct dirent **list;
	char path[PATH_MAX];
	int i, n;

	snprintf(path, sizeof(path), "%s/proc", h->root);
	n = scandir(path, &list, NULL, versionsort);
	if (n < 0)
		return;
	for (i = 0; i < n; i++) {
		check_qemu_of(h, list[i]->d_name);
		free(list[i]);
	}
	free(list);
}

bool check_host(const struct settings *s)
{
	struct host h = { .s = s, .root = s->filter.root };
	char *parameter = root_read(h.root, VM_PARAMETER, 16);
	bool readable;

	if (!root_exists(h.root, "/sys/module/kvm") && !root_exists(h.root, "/dev/kvm")) {
		free(parameter);
		return false;
	}
	h.has_parameter = parameter;
	h.on = parameter && is_yes(parameter);
	free(parameter);

	check_config(&h);
	check_sim(&h);
	check_device(&h);
	check_lockdown(&h);
	readable = check_debugfs(&h);
	if (readable && h.has_parameter)
		check_vms(&h);
	else
		check_qemus(&h);
	if (h.has_parameter)
		check_parameter(&h);
	return true;
}
