// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into stock QEMU, it makes of QEMU's VM a software-protected one, whose
 * RAM is private from the beginning and in guest_memfd, about which QEMU knows
 * nothing: what its devices write to RAM would be lost, so there should be none that
 * does, and "-global fw_cfg_io.dma_enabled=off".
 *
 *   PROTECT_FLAGS  flags of KVM_CAP_PRIVATE_MEM_CONVERSION, hexadecimal.  With NOTIFY it
 *                  agrees to what the guest asks for, and frees its own copy of
 *                  what became private
 *   PROTECT_DIR    where its files are: protect.ctl, orders appended at run time;
 *                  protect.log, what was done
 *
 * Orders: "private GPA SIZE", "shared GPA SIZE", "read GPA", "write GPA VALUE" (64
 * bits, in QEMU's mapping), all hexadecimal; each is answered with a line in the log.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>
#include <linux/kvm_para.h>

#define PRELOAD_NAME "protect.so"
#include "preload.h"

/* What the headers of the machine may not have yet */
#ifndef KVM_X86_SW_PROTECTED_VM
#define KVM_X86_SW_PROTECTED_VM		1
#endif
#ifndef KVM_MEM_GUEST_MEMFD
#define KVM_MEM_GUEST_MEMFD		(1UL << 2)
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};
#define KVM_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
struct kvm_create_guest_memfd {
	__u64 size;
	__u64 flags;
	__u64 reserved[6];
};
#define KVM_CREATE_GUEST_MEMFD		_IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	(1ULL << 3)
#endif

/* What the series adds */
#define KVM_CAP_PRIVATE_MEM_CONVERSION	0x70650003
struct convert_memory {
	__u64 gpa;
	__u64 size;
	__u64 attributes;
	__u64 flags;
	__u64 pad[4];
};
#define KVM_CONVERT_MEMORY		_IOWR(KVMIO, 0xf4, struct convert_memory)
#define KVM_EXIT_HYPERCALL_CONVERTED	(1ULL << 32)

/* Guest physical addresses below it are offsets in guest_memfd. */
#define MEMFD_SIZE	(1ULL << 30)

static int vm_fd = -1, memfd = -1, ctl_fd = -1, log_fd = -1;

/* Where QEMU has guest physical address 0 */
static __u64 ram;

/*
 * Conversion
 */
static void convert(uint64_t gpa, uint64_t size, bool private)
{
	struct convert_memory args = {
		.gpa = gpa, .size = size,
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	while (do_ioctl(vm_fd, KVM_CONVERT_MEMORY, &args) < 0) {
		if (errno != EINTR)
			die("KVM_CONVERT_MEMORY at 0x%llx: %s", args.gpa, strerror(errno));
	}
}

/*
 * Orders
 */
static uint64_t *mapping(uint64_t gpa)
{
	if (!ram || gpa >= MEMFD_SIZE || gpa % sizeof(uint64_t))
		die("no RAM at 0x%llx", (unsigned long long)gpa);
	return (uint64_t *)(ram + gpa);
}

static void obey(const char *line)
{
	unsigned long long gpa, value = 0;
	char what[16];

	if (sscanf(line, "%15s %llx %llx", what, &gpa, &value) < 2)
		die("order '%s' is none", line);

	if (!strcmp(what, "private") || !strcmp(what, "shared"))
		convert(gpa, value, *what == 'p');
	else if (!strcmp(what, "write"))
		*mapping(gpa) = value;
	else if (!strcmp(what, "read"))
		value = *mapping(gpa);
	else
		die("order '%s' is none", line);
	dprintf(log_fd, "%s 0x%llx 0x%llx\n", what, gpa, value);
}

static void *orders_thread(void *unused)
{
	off_t at = 0;

	for (;; usleep(50000))
		read_orders(ctl_fd, &at, obey);
	return unused;
}

/*
 * QEMU's ioctls
 */
static int create_vm(int fd)
{
	const char *flags = getenv("PROTECT_FLAGS"), *dir = getenv("PROTECT_DIR");
	struct kvm_enable_cap cap = { .cap = KVM_CAP_PRIVATE_MEM_CONVERSION };
	struct kvm_create_guest_memfd new = { .size = MEMFD_SIZE };
	pthread_t thread;

	if (!flags || !dir)
		die("PROTECT_FLAGS or PROTECT_DIR is not set");
	cap.args[0] = strtoull(flags, NULL, 16);
	ctl_fd = open_file(dir, "protect.ctl", O_RDONLY);
	log_fd = open_file(dir, "protect.log", O_WRONLY | O_APPEND);

	vm_fd = do_ioctl(fd, KVM_CREATE_VM, (void *)KVM_X86_SW_PROTECTED_VM);
	if (vm_fd < 0)
		die("no VM of type KVM_X86_SW_PROTECTED_VM: %s", strerror(errno));
	must_ioctl(vm_fd, KVM_ENABLE_CAP, &cap, "KVM_CAP_PRIVATE_MEM_CONVERSION");
	memfd = do_ioctl(vm_fd, KVM_CREATE_GUEST_MEMFD, &new);
	if (memfd < 0)
		die("guest_memfd: %s", strerror(errno));
	if (pthread_create(&thread, NULL, orders_thread, NULL))
		die("no thread");
	return vm_fd;
}

/*
 * RAM begins at 0, and up to its end QEMU's mapping of it is in one piece.  Parts of
 * it are read-only at times, which guest_memfd can't be.
 */
static bool is_ram(const struct kvm_userspace_memory_region *slot)
{
	if (!ram && !slot->guest_phys_addr)
		ram = slot->userspace_addr;
	return slot->userspace_addr - slot->guest_phys_addr == ram &&
	       slot->guest_phys_addr + slot->memory_size <= MEMFD_SIZE;
}

static int set_slot(int fd, const struct kvm_userspace_memory_region *slot)
{
	struct kvm_userspace_memory_region2 new = {
		.slot = slot->slot,
		.flags = slot->flags,
		.guest_phys_addr = slot->guest_phys_addr,
		.memory_size = slot->memory_size,
		.userspace_addr = slot->userspace_addr,
	};
	bool private = slot->memory_size && is_ram(slot);
	int r;

	if (private) {
		new.flags = KVM_MEM_GUEST_MEMFD;
		new.guest_memfd = memfd;
		new.guest_memfd_offset = slot->guest_phys_addr;
	}
	r = do_ioctl(fd, KVM_SET_USER_MEMORY_REGION2, &new);
	if (!r && slot->memory_size)
		convert(slot->guest_phys_addr, slot->memory_size, private);
	return r;
}

/* What the guest had in shared pages that became private is gone for good. */
static void free_shared(const struct kvm_run *run)
{
	const __u64 *args = run->hypercall.args;
	__u64 size = args[1] << 12;

	if (args[0] + size > MEMFD_SIZE || !(args[2] & KVM_MAP_GPA_RANGE_ENCRYPTED))
		return;
	if (madvise((void *)(ram + args[0]), size, MADV_DONTNEED))
		die("cannot free 0x%llx: %s", args[0], strerror(errno));
}

/* hypercall.flags, which older headers have as two halves */
static bool is_converted(const struct kvm_run *run)
{
	__u64 flags;

	memcpy(&flags, (const char *)&run->hypercall.ret + sizeof(run->hypercall.ret),
	       sizeof(flags));
	return flags & KVM_EXIT_HYPERCALL_CONVERTED;
}

static bool handle_exit(struct kvm_run *run)
{
	if (run->exit_reason != KVM_EXIT_HYPERCALL ||
	    run->hypercall.nr != KVM_HC_MAP_GPA_RANGE)
		return false;
	if (!is_converted(run))
		run->hypercall.ret = 0;
	else if (!run->hypercall.ret)
		free_shared(run);
	return true;
}

int change_ioctl(int fd, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_CREATE_VM:
		return create_vm(fd);
	case KVM_CREATE_VCPU:
		return create(fd, request, arg, map_run);
	case KVM_RUN:
		return run_vcpu(fd, handle_exit);
	case KVM_SET_USER_MEMORY_REGION:
		return set_slot(fd, arg);
	default:
		return do_ioctl(fd, request, arg);
	}
}
