/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared code of tests of KVM_CAP_PRIVATE_MEM_CONVERSION: VMs whose only
 * private memory is at DATA_GPA, which the guest sees at the same virtual
 * address. Code and page tables of the guest stay shared: KVM's emulator skips
 * instructions on some CPUs, and reads them from the userspace mapping.
 */
#ifndef SELFTEST_KVM_PRIVATE_MEM_H
#define SELFTEST_KVM_PRIVATE_MEM_H

#include <fcntl.h>
#include <linux/kvm_para.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm_util.h"
#include "page_enc_vmm.h"
#include "processor.h"
#include "test_util.h"

#define NOTIFY		KVM_PRIVATE_MEM_NOTIFY
#define ENFORCE		KVM_PRIVATE_MEM_ENFORCE
#define PUNCH		KVM_PRIVATE_MEM_PUNCH
#define EMULATE		KVM_PRIVATE_MEM_EMULATE
#define GUARD		KVM_PRIVATE_MEM_GUARD
#define PRIVATE		KVM_MEMORY_ATTRIBUTE_PRIVATE
#define SHARED		0ULL

#define DATA_SLOT	10
#define DATA_GPA	(4ULL << 30)

/* The end of the guest's page tables, for which there is little room */
#define MAPPED		(64ULL << 20)

/* A memslot with guest_memfd, that the VM library doesn't know of */
struct data {
	uint64_t gpa;
	uint64_t size;
	uint32_t slot;
	uint8_t *hva;
	int gmem;
	bool anonymous;		/* not shared, i.e. not a file */
};

/* A VM without vCPUs */
static inline struct kvm_vm *create_vm(unsigned long type, uint64_t flags,
				       unsigned int nr_vcpus, uint64_t data)
{
	const struct vm_shape shape = { .mode = VM_MODE_DEFAULT, .type = type };
	struct kvm_vm *vm = __vm_create(shape, nr_vcpus, 2 * MAPPED / PAGE_SIZE / 512);

	if (flags)
		vm_enable_cap(vm, KVM_CAP_PRIVATE_MEM_CONVERSION, flags);
	if (data)
		virt_map(vm, DATA_GPA, DATA_GPA, min_t(uint64_t, data, MAPPED) / PAGE_SIZE);
	return vm;
}

static inline void set_data_slot(struct kvm_vm *vm, const struct data *d, bool there)
{
	vm_set_user_memory_region2(vm, d->slot, KVM_MEM_GUEST_MEMFD, d->gpa,
				   there ? d->size : 0, d->hva, d->gmem, 0);
}

static inline struct data add_data_of(struct kvm_vm *vm, uint64_t size, bool anonymous)
{
	struct data d = {
		.gpa = DATA_GPA, .size = size, .slot = DATA_SLOT, .anonymous = anonymous,
	};

	d.gmem = vm_create_guest_memfd(vm, size, 0);
	d.hva = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_NORESERVE |
		     (anonymous ? MAP_PRIVATE : MAP_SHARED), -1, 0);
	TEST_ASSERT(d.hva != MAP_FAILED, "mmap() failed");
	set_data_slot(vm, &d, true);
	return d;
}

static inline struct data add_data(struct kvm_vm *vm, uint64_t size)
{
	return add_data_of(vm, size, false);
}

static inline void free_data(struct data *d)
{
	munmap(d->hva, d->size);
	close(d->gmem);
}

/* Convert all of it, going on after signals; returns errno or 0. */
static inline int convert(struct kvm_vm *vm, uint64_t gpa, uint64_t size,
			  uint64_t attributes)
{
	struct kvm_convert_memory c = {
		.gpa = gpa, .size = size, .attributes = attributes,
	};
	int r;

	do {
		r = __vm_ioctl(vm, KVM_CONVERT_MEMORY, &c);
	} while (r < 0 && errno == EINTR);
	TEST_ASSERT(r || (!c.size && c.gpa == gpa + size),
		    "%llx+%llx left of %lx+%lx", c.gpa, c.size, gpa, size);
	return r ? errno : 0;
}

/* Get a byte for each page: is it private? */
static inline void get_attributes(struct kvm_vm *vm, uint64_t gpa, uint64_t size,
				  uint8_t *private)
{
	struct kvm_memory_attribute_extent e[256];
	struct kvm_memory_attribute_extents args = {
		.gfn = gpa / PAGE_SIZE, .end = (gpa + size) / PAGE_SIZE,
	};
	uint64_t i, start = args.gfn;

	memset(private, 0, size / PAGE_SIZE);
	while (args.gfn < args.end) {
		args.nr = ARRAY_SIZE(e);
		args.extents = (uintptr_t)e;
		vm_ioctl(vm, KVM_GET_MEMORY_ATTRIBUTES, &args);
		for (i = 0; i < args.nr; i++)
			memset(private + e[i].gfn - start, !!(e[i].attributes & PRIVATE),
			       e[i].npages);
	}
}

static inline uint64_t nr_private(struct kvm_vm *vm, uint64_t gpa, uint64_t size)
{
	uint8_t *private = malloc(size / PAGE_SIZE);
	uint64_t i, nr = 0;

	get_attributes(vm, gpa, size, private);
	for (i = 0; i < size / PAGE_SIZE; i++)
		nr += private[i];
	free(private);
	return nr;
}

/* Status and attributes of memory that has a memslot say the same. */
static inline void check_in_step(struct kvm_vm *vm, uint64_t gpa, uint64_t size)
{
	uint64_t i, npages = size / PAGE_SIZE, gfn = gpa / PAGE_SIZE;
	uint8_t *private = malloc(npages), *shared = malloc(npages);
	struct kvm_page_enc_status status;

	get_attributes(vm, gpa, size, private);
	page_enc_get_all(vm, gfn, gfn + npages, shared, &status);
	for (i = 0; i < npages; i++)
		TEST_ASSERT(private[i] == !shared[i], "gfn %lx is %s, status is %s", gfn + i,
			    private[i] ? "private" : "shared", shared[i] ? "shared" : "private");
	free(private);
	free(shared);
}

/*
 * Memory held according to debugfs: by guest_memfd, for private and for shared
 * pages, and by the VMM's mapping, for private pages.  Callers require debugfs
 * first.
 */
static inline void held_bytes3(struct kvm_vm *vm, uint64_t *private,
			       uint64_t *stale_private, uint64_t *stale_shared)
{
	unsigned long long flags;
	uint64_t twice;
	char path[128];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/private_mem", getpid(), vm->fd);
	f = fopen(path, "r");
	TEST_ASSERT(f, "%s: errno %d", path, errno);
	n = fscanf(f, "version 1\nflags %llx\nprivate_bytes %lu\ndouble_backed_bytes %lu\n"
		   "stale_private_bytes %lu\nstale_shared_bytes %lu\nend\n",
		   &flags, private, &twice, stale_private, stale_shared);
	TEST_ASSERT(n == 5 && feof(f), "%s isn't as documented", path);
	TEST_ASSERT_EQ(twice, *stale_private + *stale_shared);
	fclose(f);
}

/* The same of guest_memfd only */
static inline void held_bytes(struct kvm_vm *vm, uint64_t *private, uint64_t *twice)
{
	uint64_t stale_shared;

	held_bytes3(vm, private, twice, &stale_shared);
}

static inline bool have_debugfs(void)
{
	return !access("/sys/kernel/debug/kvm", R_OK | X_OK);
}

static inline void check_held(struct kvm_vm *vm, uint64_t private, uint64_t twice)
{
	uint64_t p, t;

	held_bytes(vm, &p, &t);
	TEST_ASSERT_EQ(p, private);
	TEST_ASSERT_EQ(t, twice);
}

static inline void check_stale_shared(struct kvm_vm *vm, uint64_t bytes)
{
	uint64_t p, t, s;

	held_bytes3(vm, &p, &t, &s);
	TEST_ASSERT_EQ(s, bytes);
}

#endif /* SELFTEST_KVM_PRIVATE_MEM_H */
