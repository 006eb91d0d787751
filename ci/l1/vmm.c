// SPDX-License-Identifier: GPL-2.0
/*
 * A VMM with a will of its own: preloaded into stock QEMU, it changes some of
 * QEMU's ioctls for KVM on their way, and answers exits that QEMU knows nothing
 * of.  Documentation/writing-tests.rst describes its settings.
 *
 *   VMM_SETTINGS  what to do, comma separated
 *   VMM_DIR       where its files are: vmm.ctl, orders appended at run time;
 *                 vmm.log, what the guest did, and what this VMM makes of it
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/kvm.h>
#include <linux/kvm_para.h>

#define PRELOAD_NAME "vmm.so"
#include "preload.h"

#define MSR_MIGRATION_CONTROL	0x4b564d08
#define CPUID_KVM_FEATURES	0x40000001
#define MAX_ORDERS		16

enum msr_mode {
	MSR_AS_IT_IS,
	MSR_ACCEPT,
	MSR_REFUSE,
};

/* What is to be done to the call with the number nr; 0: a free entry. */
struct order {
	unsigned long nr;
	int err;
	unsigned int delay_ms;
	bool hold;
};

/* What happens to a call before it is answered */
struct wait {
	unsigned int delay_ms;
	bool hold;
};

static uint32_t features_set, features_clear;
static bool exit_hypercall;
static enum msr_mode msr_mode;

/* Protects what follows: vCPUs exit at the same time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct order orders[MAX_ORDERS];
static unsigned long nr_calls;
static int answer_all;
static bool released;
static uint64_t migration_control;
static int ctl_fd = -1, log_fd = -1;
static off_t ctl_read;

/*
 * Settings
 */
static void set(const char *text)
{
	char end;

	if (sscanf(text, "features=%x:%x%c", &features_set, &features_clear, &end) == 2)
		return;
	if (!strcmp(text, "exit"))
		exit_hypercall = true;
	else if (!strcmp(text, "msr=accept"))
		msr_mode = MSR_ACCEPT;
	else if (!strcmp(text, "msr=refuse"))
		msr_mode = MSR_REFUSE;
	else
		die("setting '%s' is none", text);
}

static void __attribute__((constructor)) init(void)
{
	const char *settings = getenv("VMM_SETTINGS"), *dir = getenv("VMM_DIR");
	char *copy, *word, *rest;

	if (!settings || !dir)
		die("VMM_SETTINGS or VMM_DIR is not set");

	copy = strdup(settings);
	for (word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		set(word);
	free(copy);

	ctl_fd = open_file(dir, "vmm.ctl", O_RDONLY);
	log_fd = open_file(dir, "vmm.log", O_WRONLY | O_APPEND);
}

/*
 * Orders
 */
static void add_order(const struct order *new)
{
	int i;

	for (i = 0; i < MAX_ORDERS; i++) {
		if (!orders[i].nr) {
			orders[i] = *new;
			return;
		}
	}
	die("more than %d orders", MAX_ORDERS);
}

static void obey(const char *line)
{
	struct order new = { };
	char end;

	if (sscanf(line, "answer_all %d%c", &answer_all, &end) == 1)
		return;
	if (!strcmp(line, "forget")) {
		dprintf(log_fd, "view forgotten\n");
		return;
	}
	if (!strcmp(line, "release")) {
		released = true;
		return;
	}
	new.hold = sscanf(line, "hold %lu%c", &new.nr, &end) == 1;
	if (!new.hold &&
	    sscanf(line, "answer %lu %d%c", &new.nr, &new.err, &end) != 2 &&
	    sscanf(line, "delay %lu %u%c", &new.nr, &new.delay_ms, &end) != 2)
		die("order '%s' is none", line);
	if (!new.nr)
		die("calls are counted from 1");

	new.nr += nr_calls;
	add_order(&new);
}

/*
 * Exits
 */
static void wait_ms(unsigned int ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000L };

	/* A kick of QEMU's is not lost: it leaves immediate_exit behind. */
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static bool is_released(void)
{
	bool yes;

	pthread_mutex_lock(&lock);
	read_orders(ctl_fd, &ctl_read, obey);
	yes = released;
	pthread_mutex_unlock(&lock);
	return yes;
}

static void wait_for(const struct wait *wait)
{
	wait_ms(wait->delay_ms);
	while (wait->hold && !is_released())
		wait_ms(20);
}

/* What is answered to this call, and how late */
static int decide(struct wait *wait)
{
	int i, err = answer_all;

	nr_calls++;
	for (i = 0; i < MAX_ORDERS; i++) {
		if (orders[i].nr != nr_calls)
			continue;
		if (orders[i].err)
			err = orders[i].err;
		wait->delay_ms += orders[i].delay_ms;
		wait->hold |= orders[i].hold;
		orders[i].nr = 0;
	}
	return -err;
}

/*
 * As VMMs in the field do that migrate SEV guests: any attribute means private, a
 * hint at the page size, too.
 */
static void log_view(const __u64 *args)
{
	dprintf(log_fd, "view 0x%llx %llu %s\n", args[0], args[1],
		args[2] ? "private" : "shared");
}

static bool handle_hypercall(struct kvm_run *run)
{
	const __u64 *args = run->hypercall.args;
	struct wait wait = { };
	int answer;

	if (run->hypercall.nr != KVM_HC_MAP_GPA_RANGE)
		return false;

	pthread_mutex_lock(&lock);
	read_orders(ctl_fd, &ctl_read, obey);
	answer = decide(&wait);
	dprintf(log_fd, "call 0x%llx %llu 0x%llx %d\n", args[0], args[1],
		args[2], answer);
	if (!answer)
		log_view(args);
	pthread_mutex_unlock(&lock);

	wait_for(&wait);
	run->hypercall.ret = (__s64)answer;
	return true;
}

static void access_control(struct kvm_run *run, bool write)
{
	bool good = msr_mode == MSR_ACCEPT &&
		    (!write || !(run->msr.data & ~(uint64_t)KVM_MIGRATION_READY));

	pthread_mutex_lock(&lock);
	if (good && write)
		migration_control = run->msr.data;
	else if (good)
		run->msr.data = migration_control;
	if (write)
		dprintf(log_fd, "wrmsr 0x%llx %s\n", run->msr.data,
			good ? "accepted" : "refused");
	pthread_mutex_unlock(&lock);

	run->msr.error = !good;
}

static bool handle_msr(struct kvm_run *run, bool write)
{
	if (run->msr.index == MSR_MIGRATION_CONTROL)
		access_control(run, write);
	else if (run->msr.reason == KVM_MSR_EXIT_REASON_UNKNOWN)
		run->msr.error = 1;	/* QEMU has not asked for these */
	else
		return false;
	return true;
}

/* False: the exit is QEMU's. */
static bool handle_exit(struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_HYPERCALL:
		return handle_hypercall(run);
	case KVM_EXIT_X86_WRMSR:
		return handle_msr(run, true);
	case KVM_EXIT_X86_RDMSR:
		return handle_msr(run, false);
	default:
		return false;
	}
}

/*
 * Set-up
 */
static __u64 msr_reasons(void)
{
	switch (msr_mode) {
	case MSR_ACCEPT:
		return KVM_MSR_EXIT_REASON_UNKNOWN;
	case MSR_REFUSE:
		return KVM_MSR_EXIT_REASON_FILTER;
	default:
		return 0;
	}
}

/* Deny the MSR in a free range.  QEMU's own denied ranges stay. */
static void deny_msr(struct kvm_msr_filter *filter)
{
	static uint64_t denied;
	struct kvm_msr_filter_range *range = filter->ranges;

	while (range->nmsrs)
		if (++range == filter->ranges + KVM_MSR_FILTER_MAX_RANGES)
			die("no free range in the MSR filter");

	*range = (struct kvm_msr_filter_range) {
		.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
		.nmsrs = 1,
		.base = MSR_MIGRATION_CONTROL,
		.bitmap = (__u8 *)&denied,
	};
}

static int set_msr_filter(int fd, const struct kvm_msr_filter *theirs)
{
	struct kvm_msr_filter filter = *theirs;

	if (msr_mode == MSR_REFUSE)
		deny_msr(&filter);
	return do_ioctl(fd, KVM_X86_SET_MSR_FILTER, &filter);
}

static int enable_cap(int fd, const struct kvm_enable_cap *theirs)
{
	struct kvm_enable_cap cap = *theirs;

	if (cap.cap == KVM_CAP_X86_USER_SPACE_MSR)
		cap.args[0] |= msr_reasons();
	return do_ioctl(fd, KVM_ENABLE_CAP, &cap);
}

static void set_up_vm(int fd)
{
	struct kvm_enable_cap hypercalls = {
		.cap = KVM_CAP_EXIT_HYPERCALL,
		.args = { 1 << KVM_HC_MAP_GPA_RANGE },
	};
	struct kvm_enable_cap msrs = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = { msr_reasons() },
	};
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };

	if (exit_hypercall)
		must_ioctl(fd, KVM_ENABLE_CAP, &hypercalls, "KVM_CAP_EXIT_HYPERCALL");
	if (msr_mode != MSR_AS_IT_IS)
		must_ioctl(fd, KVM_ENABLE_CAP, &msrs, "KVM_CAP_X86_USER_SPACE_MSR");
	if (msr_mode == MSR_REFUSE) {
		deny_msr(&filter);
		must_ioctl(fd, KVM_X86_SET_MSR_FILTER, &filter, "KVM_X86_SET_MSR_FILTER");
	}
}

static void change_features(struct kvm_cpuid2 *cpuid)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == CPUID_KVM_FEATURES)
			entry->eax = (entry->eax & ~features_clear) | features_set;
	}
}

int change_ioctl(int fd, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_RUN:
		return run_vcpu(fd, handle_exit);
	case KVM_CREATE_VM:
		return create(fd, request, arg, set_up_vm);
	case KVM_CREATE_VCPU:
		return create(fd, request, arg, map_run);
	case KVM_ENABLE_CAP:
		return enable_cap(fd, arg);
	case KVM_X86_SET_MSR_FILTER:
		return set_msr_filter(fd, arg);
	case KVM_SET_CPUID2:
		change_features(arg);
		break;
	}

	return do_ioctl(fd, request, arg);
}
