// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page encryption status for userspace: KVM_CAP_PAGE_ENC_STATUS, its ioctls, and
 * the dirty log and ring.
 */
#include <asm/barrier.h>
#include <asm/kvm_para.h>
#include <linux/bitmap.h>
#include <linux/kvm_para.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "kvm_param.h"
#include "kvm_util.h"
#include "page_enc.h"
#include "processor.h"
#include "test_util.h"

#define CHUNK		KVM_PAGE_ENC_CHUNK_PAGES
#define CHANGED		KVM_PAGE_ENC_GET_CHANGED
#define CLEAR		KVM_PAGE_ENC_GET_CLEAR
#define ALL_GFNS	BIT_ULL(40)

#define MEM_SLOT	5
#define MEM_GPA		(4ULL << 30)
#define MEM_GFN		(MEM_GPA >> 12)
#define MEM_PAGES	(4 * CHUNK)
#define MEM_END		(MEM_GFN + MEM_PAGES)

/* The smallest ring that has room for what the CPU logs, in entries. */
#define RING_ENTRIES	1024

#define expect_stat(vm, name, value) \
	TEST_ASSERT_EQ(vm_get_stat(vm, "page_enc_" #name), value)

static struct kvm_vm *create_vm_without_vcpu(bool enable)
{
	struct kvm_vm *vm = vm_create(1);

	if (enable)
		vm_enable_cap(vm, KVM_CAP_PAGE_ENC_STATUS,
			      KVM_PAGE_ENC_STATUS_ENABLE);
	return vm;
}

static void add_memory(struct kvm_vm *vm, uint32_t flags)
{
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, flags);
}

static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu, uint32_t flags)
{
	struct kvm_vm *vm = create_vm_without_vcpu(true);

	*vcpu = vm_vcpu_add(vm, 0, guest_code);
	add_memory(vm, flags);
	return vm;
}

static void share(struct kvm_vcpu *vcpu, uint64_t gfn, uint64_t npages)
{
	TEST_ASSERT_EQ(call(vcpu, gfn << 12, npages, DECRYPTED), 0);
}

static void unshare(struct kvm_vcpu *vcpu, uint64_t gfn, uint64_t npages)
{
	TEST_ASSERT_EQ(call(vcpu, gfn << 12, npages, ENCRYPTED), 0);
}

static struct kvm_page_enc_status get(struct kvm_vm *vm, uint64_t gfn,
				      uint64_t end, uint64_t flags,
				      struct kvm_page_enc_extent *extents,
				      uint64_t nr)
{
	struct kvm_page_enc_status s = {
		.gfn = gfn, .end = end, .flags = flags,
		.nr = nr, .extents = (uintptr_t)extents,
	};

	vm_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &s);
	TEST_ASSERT(s.nr <= nr, "more than there is room for");
	return s;
}

static uint64_t get_generation(struct kvm_vm *vm)
{
	return get(vm, 0, 0, 0, NULL, 0).generation;
}

static bool differs(struct kvm_vm *vm, uint64_t *generation)
{
	uint64_t old = *generation;

	*generation = get_generation(vm);
	return *generation != old;
}

/* Returns 0, or the errno of the ioctl. */
static int try_ioctl(struct kvm_vm *vm, unsigned long cmd, void *arg)
{
	return ioctl(vm->fd, cmd, arg) ? errno : 0;
}

static int try_get(struct kvm_vm *vm, struct kvm_page_enc_status s)
{
	return try_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &s);
}

static int try_set(struct kvm_vm *vm, struct kvm_page_enc_extent *extents,
		   uint64_t nr)
{
	struct kvm_page_enc_status s = {
		.nr = nr, .extents = (uintptr_t)extents,
	};

	return try_ioctl(vm, KVM_SET_PAGE_ENC_STATUS, &s);
}

#define E(_gfn, _npages, _flags) \
	((struct kvm_page_enc_extent) { _gfn, _npages, _flags })

#define expect_get(vm, gfn, end, flags, ...)					\
do {										\
	struct kvm_page_enc_extent __want[] = { __VA_ARGS__ };			\
										\
	__expect_get(vm, gfn, end, flags, __want, ARRAY_SIZE(__want), 64);	\
	__expect_get(vm, gfn, end, (flags) & ~CLEAR, __want,			\
		     (flags) & CLEAR ? 0 : ARRAY_SIZE(__want), 1);		\
} while (0)

/* Check the extents, read @room at a time. */
static void __expect_get(struct kvm_vm *vm, uint64_t gfn, uint64_t end,
			 uint64_t flags, struct kvm_page_enc_extent *want,
			 unsigned int nr, unsigned int room)
{
	struct kvm_page_enc_extent got[64];
	struct kvm_page_enc_status s;
	unsigned int i, n = 0;

	do {
		s = get(vm, gfn, end, flags, got, room);
		for (i = 0; i < s.nr; i++, n++) {
			TEST_ASSERT(n < nr, "extent %u: %llu+%llu is too much", n,
				    got[i].gfn, got[i].npages);
			TEST_ASSERT(!memcmp(got + i, want + n, sizeof(*want)),
				    "extent %u: %llu+%llu flags %llu, not %llu+%llu flags %llu",
				    n, got[i].gfn, got[i].npages, got[i].flags,
				    want[n].gfn, want[n].npages, want[n].flags);
		}
		TEST_ASSERT(s.gfn > gfn || s.gfn == (end ?: ALL_GFNS), "stuck");
		gfn = s.gfn;
	} while (gfn != (end ?: ALL_GFNS));
	TEST_ASSERT_EQ(n, nr);
}

#define SHARED	KVM_PAGE_ENC_SHARED

TEST(capability)
{
	struct kvm_vm *vm = create_vm_without_vcpu(false);
	struct kvm_page_enc_status s = {};
	struct kvm_enable_cap cap = { .cap = KVM_CAP_PAGE_ENC_STATUS };

	TEST_ASSERT_EQ(kvm_check_cap(KVM_CAP_PAGE_ENC_STATUS),
		       KVM_PAGE_ENC_STATUS_ENABLE);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &s), ENOTTY);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_SET_PAGE_ENC_STATUS, &s), ENOTTY);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &s), ENOTTY);

	TEST_ASSERT_EQ(try_ioctl(vm, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = KVM_PAGE_ENC_STATUS_ENABLE | 2;
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = KVM_PAGE_ENC_STATUS_ENABLE;
	cap.args[3] = 1;
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[3] = 0;
	cap.flags = 1;
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.flags = 0;
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &s), ENOTTY);

	vm_enable_cap(vm, KVM_CAP_PAGE_ENC_STATUS, KVM_PAGE_ENC_STATUS_ENABLE);
	vm_enable_cap(vm, KVM_CAP_PAGE_ENC_STATUS, KVM_PAGE_ENC_STATUS_ENABLE);
	vm_vcpu_add(vm, 0, guest_code);
	vm_enable_cap(vm, KVM_CAP_PAGE_ENC_STATUS, KVM_PAGE_ENC_STATUS_ENABLE);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &s), 0);
	TEST_ASSERT_EQ(s.control, 1);
	kvm_vm_free(vm);

	/* Too late: a vCPU's guest may have seen that there is no tracking. */
	vm = create_vm_without_vcpu(false);
	vm_vcpu_add(vm, 0, guest_code);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_ENABLE_CAP, &cap), EINVAL);
	kvm_vm_free(vm);

	kvm_param_set("page_enc_status", true);
	vm = create_vm_without_vcpu(true);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &s), 0);
	kvm_param_set("page_enc_status", false);
	kvm_vm_free(vm);
}

TEST(get_errors)
{
	struct kvm_page_enc_extent e[2];
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);
	struct kvm_page_enc_status ok = { .nr = 2, .extents = (uintptr_t)e }, s;
	unsigned int i;

#define bad(field, value) \
	({ s = ok; s.field = value; TEST_ASSERT_EQ(try_get(vm, s), EINVAL); })

	share(vcpu, MEM_GFN, 1);
	TEST_ASSERT_EQ(try_get(vm, ok), 0);
	bad(flags, 4);
	bad(flags, 1ull << 63);
	bad(flags, CLEAR);
	bad(end, ALL_GFNS + 1);
	bad(gfn, ALL_GFNS + 1);
	bad(nr, ~0ull);
	bad(nr, ~0ull / sizeof(e[0]));
	bad(extents, -(uint64_t)sizeof(e[0]));
	for (i = 0; i < ARRAY_SIZE(s.pad); i++)
		bad(pad[i], 1);
	s = ok;
	s.gfn = 2;
	s.end = 1;
	TEST_ASSERT_EQ(try_get(vm, s), EINVAL);

	/* A mark is for a whole chunk. */
	ok.flags = CHANGED | CLEAR;
	bad(gfn, 1);
	bad(end, CHUNK + 1);

	s = ok;
	s.extents = 0;
	TEST_ASSERT_EQ(try_get(vm, s), EFAULT);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, NULL), EFAULT);

	/* No call so far has cleared marks. */
	expect_get(vm, MEM_GFN, MEM_END, CHANGED, E(MEM_GFN, 1, SHARED),
		   E(MEM_GFN + 1, CHUNK - 1, 0));
	kvm_vm_free(vm);
}

TEST(get_shared)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);

	__expect_get(vm, 0, 0, 0, NULL, 0, 1);
	share(vcpu, MEM_GFN + 1, 2);
	share(vcpu, MEM_GFN + 4, 1);
	share(vcpu, MEM_GFN + CHUNK - 1, 2 * CHUNK);
	expect_get(vm, 0, 0, 0, E(MEM_GFN + 1, 2, SHARED),
		   E(MEM_GFN + 4, 1, SHARED),
		   E(MEM_GFN + CHUNK - 1, 2 * CHUNK, SHARED));

	/* Cut at the ends of the range. */
	expect_get(vm, MEM_GFN + 2, MEM_GFN + CHUNK + 5, 0,
		   E(MEM_GFN + 2, 1, SHARED), E(MEM_GFN + 4, 1, SHARED),
		   E(MEM_GFN + CHUNK - 1, 6, SHARED));
	expect_get(vm, MEM_GFN + 2 * CHUNK, MEM_GFN + 2 * CHUNK + 1, 0,
		   E(MEM_GFN + 2 * CHUNK, 1, SHARED));
	__expect_get(vm, MEM_GFN + 3, MEM_GFN + 4, 0, NULL, 0, 1);
	__expect_get(vm, MEM_GFN, MEM_GFN, 0, NULL, 0, 1);
	kvm_vm_free(vm);
}

/* An extent of more chunks than KVM looks at in one go. */
TEST(get_long)
{
	struct kvm_page_enc_extent e = E(7, 10000 * CHUNK, SHARED);
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);

	TEST_ASSERT_EQ(try_set(vm, &e, 1), 0);
	expect_get(vm, 0, 0, 0, e);
	kvm_vm_free(vm);
}

/* More extents than KVM handles at a time. */
TEST(get_many)
{
	static struct kvm_page_enc_extent e[MEM_PAGES / 2 + 1];
	static const unsigned int rooms[] = { 1000, 1024, 1025, ARRAY_SIZE(e) };
	struct kvm_page_enc_status s;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);
	unsigned int i, n, r;
	uint64_t gfn;

	for (i = 0; i < MEM_PAGES; i += 2)
		share(vcpu, MEM_GFN + i, 1);

	for (r = 0; r < ARRAY_SIZE(rooms); r++) {
		for (gfn = 0, n = 0; gfn != ALL_GFNS; gfn = s.gfn) {
			s = get(vm, gfn, 0, 0, e, rooms[r]);
			for (i = 0; i < s.nr; i++, n++) {
				TEST_ASSERT_EQ(e[i].gfn, MEM_GFN + 2 * n);
				TEST_ASSERT_EQ(e[i].npages, 1);
			}
		}
		TEST_ASSERT_EQ(n, MEM_PAGES / 2);
	}

	/* A chunk is forgotten as a whole. */
	s = (struct kvm_page_enc_status) {
		.flags = CHANGED | CLEAR, .nr = 1023, .extents = (uintptr_t)e,
	};
	TEST_ASSERT_EQ(try_get(vm, s), ENOSPC);
	expect_stat(vm, changed_chunks, 4);
	s = get(vm, 0, 0, CHANGED | CLEAR, e, 1500);
	TEST_ASSERT_EQ(s.nr, CHUNK);
	expect_stat(vm, changed_chunks, 3);
	s = get(vm, s.gfn, 0, CHANGED | CLEAR, e, ARRAY_SIZE(e));
	TEST_ASSERT_EQ(s.nr, 2 * CHUNK);
	s = get(vm, s.gfn, 0, CHANGED | CLEAR, e, ARRAY_SIZE(e));
	TEST_ASSERT_EQ(s.nr, CHUNK);
	TEST_ASSERT_EQ(s.gfn, ALL_GFNS);
	expect_stat(vm, changed_chunks, 0);
	kvm_vm_free(vm);
}

TEST(changed)
{
	struct kvm_page_enc_status s = {
		.flags = CHANGED | CLEAR, .nr = 2, .extents = 8,
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);

	__expect_get(vm, 0, 0, CHANGED, NULL, 0, 1);
	share(vcpu, MEM_GFN + 5, 1);
	share(vcpu, MEM_GFN + 2 * CHUNK, CHUNK);
	expect_stat(vm, changed_chunks, 2);
	expect_get(vm, 0, 0, CHANGED, E(MEM_GFN, 5, 0), E(MEM_GFN + 5, 1, SHARED),
		   E(MEM_GFN + 6, CHUNK - 6, 0),
		   E(MEM_GFN + 2 * CHUNK, CHUNK, SHARED));

	/* In pieces. */
	expect_get(vm, MEM_GFN, MEM_GFN + CHUNK, CHANGED | CLEAR,
		   E(MEM_GFN, 5, 0), E(MEM_GFN + 5, 1, SHARED),
		   E(MEM_GFN + 6, CHUNK - 6, 0));
	expect_stat(vm, changed_chunks, 1);

	/* Marks stay if userspace can't get the extents. */
	TEST_ASSERT_EQ(try_get(vm, s), EFAULT);
	expect_get(vm, 0, 0, CHANGED | CLEAR,
		   E(MEM_GFN + 2 * CHUNK, CHUNK, SHARED));
	__expect_get(vm, 0, 0, CHANGED, NULL, 0, 1);

	/* Announcing the same status again is no change. */
	share(vcpu, MEM_GFN + 5, 1);
	unshare(vcpu, MEM_GFN + 6, 1);
	__expect_get(vm, 0, 0, CHANGED, NULL, 0, 1);

	/* All private: the entry stays until it has been harvested. */
	unshare(vcpu, MEM_GFN, 3 * CHUNK);
	expect_get(vm, 0, 0, CHANGED | CLEAR, E(MEM_GFN, CHUNK, 0),
		   E(MEM_GFN + 2 * CHUNK, CHUNK, 0));
	expect_stat(vm, changed_chunks, 0);
	expect_stat(vm, bytes, 0);
	kvm_vm_free(vm);
}

/* Cleared extents were written, and userspace is told. */
TEST(clear_faults)
{
	const size_t size = 2 * CHUNK * sizeof(struct kvm_page_enc_extent);
	struct kvm_page_enc_status s = { .flags = CHANGED | CLEAR, .nr = 4 * CHUNK };
	struct kvm_page_enc_status *ro;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);
	unsigned int i;
	void *e;

	for (i = 0; i < MEM_PAGES; i += 2)
		share(vcpu, MEM_GFN + i, 1);
	e = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(e != MAP_FAILED, "mmap");
	munmap(e + size, size);

	/* The third chunk faults. */
	s.extents = (uintptr_t)e;
	vm_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &s);
	TEST_ASSERT_EQ(s.nr, 2 * CHUNK);
	TEST_ASSERT_EQ(s.gfn, MEM_GFN + 2 * CHUNK);
	expect_stat(vm, changed_chunks, 2);

	/* The same at the first extent: nothing is lost. */
	s.extents = (uintptr_t)e + size;
	TEST_ASSERT_EQ(try_get(vm, s), EFAULT);
	expect_stat(vm, changed_chunks, 2);

	/* Nothing is lost, either, if userspace can't be told. */
	ro = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(ro != MAP_FAILED, "mmap");
	*ro = s;
	ro->nr = 2 * CHUNK;
	ro->extents = (uintptr_t)e;
	mprotect(ro, getpagesize(), PROT_READ);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, ro), EFAULT);
	expect_stat(vm, changed_chunks, 2);
	kvm_vm_free(vm);
}

TEST(generation)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);
	uint64_t old = get_generation(vm);

	TEST_ASSERT(!differs(vm, &old), "without a change");
	share(vcpu, MEM_GFN, 1);
	TEST_ASSERT(differs(vm, &old), "shared");
	share(vcpu, MEM_GFN, 1);
	TEST_ASSERT(!differs(vm, &old), "the same again");
	expect_get(vm, 0, 0, CHANGED | CLEAR, E(MEM_GFN, 1, SHARED),
		   E(MEM_GFN + 1, CHUNK - 1, 0));
	TEST_ASSERT(!differs(vm, &old), "harvested");
	unshare(vcpu, MEM_GFN, 1);
	TEST_ASSERT(differs(vm, &old), "private");
	guest_control(vcpu, 0);
	TEST_ASSERT(differs(vm, &old), "ready");
	guest_control(vcpu, 0);
	TEST_ASSERT(!differs(vm, &old), "ready again");
	TEST_ASSERT_EQ(get(vm, 0, 0, 0, NULL, 0).control, 0);
	kvm_vm_free(vm);
}

TEST(set)
{
	struct kvm_page_enc_extent e[] = {
		E(5, 2, SHARED),
		E(7, 1, SHARED),
		E(MEM_GFN + CHUNK, CHUNK + 1, SHARED),
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);

	share(vcpu, MEM_GFN, 1);
	share(vcpu, MEM_GFN + CHUNK, 1);
	TEST_ASSERT_EQ(try_set(vm, e, ARRAY_SIZE(e)), 0);
	expect_get(vm, 0, 0, 0, E(5, 3, SHARED),
		   E(MEM_GFN + CHUNK, CHUNK + 1, SHARED));
	expect_stat(vm, shared_pages, 3 + CHUNK + 1);
	/* Pages that have become private are among the changes. */
	expect_get(vm, 0, 0, CHANGED | CLEAR, E(0, 5, 0), E(5, 3, SHARED),
		   E(8, CHUNK - 8, 0), E(MEM_GFN, CHUNK, 0),
		   E(MEM_GFN + CHUNK, CHUNK + 1, SHARED),
		   E(MEM_GFN + 2 * CHUNK + 1, CHUNK - 1, 0));

	TEST_ASSERT_EQ(try_set(vm, NULL, 0), 0);
	__expect_get(vm, 0, 0, 0, NULL, 0, 1);
	expect_stat(vm, shared_pages, 0);
	expect_stat(vm, changed_chunks, 3);

	/* The guest continues. */
	share(vcpu, MEM_GFN, 1);
	expect_get(vm, 0, 0, 0, E(MEM_GFN, 1, SHARED));
	kvm_vm_free(vm);
}

TEST(set_errors)
{
	static struct kvm_page_enc_extent bad[][2] = {
		{ E(5, 1, SHARED), E(4, 1, SHARED) },
		{ E(5, 1, SHARED), E(5, 1, SHARED) },
		{ E(5, 2, SHARED), E(6, 2, SHARED) },
		{ E(5, 1, SHARED), E(7, 0, SHARED) },
		{ E(5, 1, SHARED), E(7, 1, 0) },
		{ E(5, 1, SHARED), E(7, 1, SHARED | 2) },
		{ E(5, 1, SHARED), E(ALL_GFNS, 1, SHARED) },
		{ E(5, 1, SHARED), E(ALL_GFNS - 1, 2, SHARED) },
		{ E(5, 1, SHARED), E(6, ~0ull, SHARED) },
		{ E(5, 1, SHARED), E(~0ull, 1, SHARED) },
	};
	struct kvm_page_enc_extent *e;
	struct kvm_page_enc_status s;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);
	uint64_t old;
	unsigned int i;

	share(vcpu, MEM_GFN, 1);
	old = get_generation(vm);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		TEST_ASSERT(try_set(vm, bad[i], 2) == EINVAL, "row %u", i);

#undef bad
#define bad(field)							\
	({ s = (struct kvm_page_enc_status) {}; s.field = 1;		\
	   TEST_ASSERT_EQ(try_ioctl(vm, KVM_SET_PAGE_ENC_STATUS, &s), EINVAL); \
	   TEST_ASSERT_EQ(try_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &s), EINVAL); })
	bad(gfn);
	bad(end);
	bad(flags);
	bad(pad[0]);
	bad(pad[8]);
	s = (struct kvm_page_enc_status) { .nr = 1 };
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &s), EINVAL);
	TEST_ASSERT_EQ(try_set(vm, bad[0], ~0ull), EINVAL);
	TEST_ASSERT_EQ(try_set(vm, NULL, 1), EFAULT);
	TEST_ASSERT_EQ(try_ioctl(vm, KVM_SET_PAGE_ENC_STATUS, NULL), EFAULT);

	/* The second extent can't be read. */
	e = mmap(NULL, 2 * getpagesize(), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(e != MAP_FAILED, "mmap");
	munmap((void *)e + getpagesize(), getpagesize());
	e = (void *)e + getpagesize() - sizeof(*e);
	*e = E(5, 1, SHARED);
	TEST_ASSERT_EQ(try_set(vm, e, 2), EFAULT);

	/* All or nothing. */
	TEST_ASSERT_EQ(get_generation(vm), old);
	expect_get(vm, 0, 0, 0, E(MEM_GFN, 1, SHARED));
	kvm_vm_free(vm);
}

TEST(reset)
{
	struct kvm_page_enc_status s = {};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);

	share(vcpu, MEM_GFN, 1);
	guest_control(vcpu, 0);
	expect_get(vm, 0, 0, CHANGED | CLEAR, E(MEM_GFN, 1, SHARED),
		   E(MEM_GFN + 1, CHUNK - 1, 0));
	vm_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &s);
	__expect_get(vm, 0, 0, 0, NULL, 0, 1);
	expect_get(vm, 0, 0, CHANGED, E(MEM_GFN, CHUNK, 0));
	TEST_ASSERT_EQ(vcpu_get_msr(vcpu, MSR_KVM_MIGRATION_CONTROL), 1);
	kvm_vm_free(vm);
}

static uint64_t get_control(struct kvm_vcpu *vcpu)
{
	return vcpu_get_msr(vcpu, MSR_KVM_MIGRATION_CONTROL);
}

/* Restoring the MSR never fails, but may be ignored. */
static void restore_control(struct kvm_vcpu *vcpu, uint64_t value)
{
	TEST_ASSERT_EQ(_vcpu_set_msr(vcpu, MSR_KVM_MIGRATION_CONTROL, value), 1);
}

/*
 * A VMM that saves all listed MSRs must be able to restore them on a kernel
 * that doesn't know this one.  A VMM that knows the MSR asks for it by its
 * number.
 */
TEST(msr_not_in_list)
{
	const struct kvm_msr_list *list = kvm_get_msr_index_list();
	unsigned int i;

	for (i = 0; i < list->nmsrs; i++)
		TEST_ASSERT(list->indices[i] != MSR_KVM_MIGRATION_CONTROL, "listed");
}

TEST(msr_untracked)
{
	struct kvm_vm *vm = create_vm_without_vcpu(false);
	struct kvm_vcpu *vcpu = vm_vcpu_add(vm, 0, guest_code);
	uint64_t value;

	for (value = 0; value < 2; value++) {
		restore_control(vcpu, value);
		TEST_ASSERT_EQ(get_control(vcpu), 0);
	}
	TEST_ASSERT_EQ(_vcpu_set_msr(vcpu, MSR_KVM_MIGRATION_CONTROL, 2), 0);
	kvm_vm_free(vm);
}

/* A vCPU that is plugged in has 0, and so has one from a host without tracking. */
TEST(msr_plain)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);

	restore_control(vcpu, 0);
	TEST_ASSERT_EQ(get_control(vcpu), 1);
	guest_control(vcpu, 0);
	TEST_ASSERT_EQ(get_control(vcpu), 0);
	restore_control(vcpu, 1);
	TEST_ASSERT_EQ(get_control(vcpu), 1);
	kvm_vm_free(vm);
}

/* The MSR alone doesn't say which pages are shared. */
TEST(msr_encrypted)
{
	struct kvm_page_enc_status s = {};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	kvm_param_require("sev_sim");
	kvm_param_set("sev_sim", true);
	vm = create_vm(&vcpu, 0);
	kvm_param_set("sev_sim", false);

	TEST_ASSERT_EQ(get_control(vcpu), 0);
	restore_control(vcpu, 1);
	TEST_ASSERT_EQ(get_control(vcpu), 0);
	guest_control(vcpu, 1);
	TEST_ASSERT_EQ(get_control(vcpu), 1);
	restore_control(vcpu, 0);
	TEST_ASSERT_EQ(get_control(vcpu), 0);

	TEST_ASSERT_EQ(try_set(vm, NULL, 0), 0);
	restore_control(vcpu, 1);
	TEST_ASSERT_EQ(get_control(vcpu), 1);
	vm_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &s);
	TEST_ASSERT_EQ(get_control(vcpu), 0);
	restore_control(vcpu, 1);
	TEST_ASSERT_EQ(get_control(vcpu), 0);
	kvm_vm_free(vm);
}

static void vm_path(char *path, size_t size, int fd, const char *file)
{
	snprintf(path, size, "/sys/kernel/debug/kvm/%d-%d/%s", getpid(), fd, file);
}

/* Readers of the tables don't keep the VM. */
TEST(debugfs_does_not_hold)
{
	static const char * const files[] = {
		"page_enc_map", "page_enc_slots", "mem_attributes",
	};
	struct kvm_vm *vm = create_vm_without_vcpu(true);
	int i, vm_fd = vm->fd, fds[ARRAY_SIZE(files)];
	char path[128], c;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		vm_path(path, sizeof(path), vm_fd, files[i]);
		fds[i] = open(path, O_RDONLY);
		if (fds[i] >= 0)
			TEST_ASSERT_EQ(read(fds[i], &c, 1), 1);
		else
			TEST_ASSERT(i == 2 && errno == ENOENT, "%s: %d", path, errno);
	}

	kvm_vm_free(vm);
	vm_path(path, sizeof(path), vm_fd, "");
	TEST_ASSERT(access(path, F_OK) && errno == ENOENT, "%s is still there", path);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (fds[i] < 0)
			continue;
		TEST_ASSERT(read(fds[i], &c, 1) < 0 && errno == EIO, "%s", files[i]);
		close(fds[i]);
	}
}

static int64_t call_agreed(struct kvm_vcpu *vcpu, uint64_t gfn, uint64_t npages,
			   uint64_t attrs)
{
	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, gfn << 12, npages, attrs);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
	vcpu_run(vcpu);
	return get_result(vcpu);
}

TEST(same_with_exits)
{
	struct kvm_page_enc_extent e[2][16] = {};
	struct kvm_vcpu *vcpu[2];
	struct kvm_vm *vm[2];
	unsigned int i;
	uint64_t gfn, n, attrs;

	vm[0] = create_vm(vcpu, 0);
	vm[1] = create_vm(vcpu + 1, 0);
	vm_enable_cap(vm[1], KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	for (i = 0; i < 8; i++) {
		gfn = MEM_GFN + i * 301;
		n = 200 + i * 100;
		attrs = i % 3 ? DECRYPTED : ENCRYPTED;
		TEST_ASSERT_EQ(call(vcpu[0], gfn << 12, n, attrs), 0);
		TEST_ASSERT_EQ(call_agreed(vcpu[1], gfn, n, attrs), 0);
	}
	for (i = 0; i < 2; i++)
		get(vm[i], 0, 0, CHANGED, e[i], 16);
	TEST_ASSERT(e[0][1].npages, "nothing changed");
	TEST_ASSERT(!memcmp(e[0], e[1], sizeof(e[0])), "other extents");
	kvm_vm_free(vm[0]);
	kvm_vm_free(vm[1]);
}

/* KVM's memory is bounded, whatever the guest does to its slots. */
TEST(changed_is_bounded)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);
	uint64_t gpa = MEM_GPA;
	unsigned int i;

	for (i = 0; i < 600; i++) {
		share(vcpu, gpa >> 12, MEM_PAGES);
		unshare(vcpu, gpa >> 12, MEM_PAGES);
		gpa += MEM_PAGES << 12;
		vm_mem_region_move(vm, MEM_SLOT, gpa);
	}
	TEST_ASSERT(vm_get_stat(vm, "page_enc_changed_chunks") < 2200,
		    "unbounded");
	kvm_vm_free(vm);
}

/* Slots with more chunks than KVM keeps in any case; they share host memory */
#define MANY_SLOTS	10
#define MANY_CHUNKS	128
#define MANY_BYTES	(MANY_CHUNKS * CHUNK * 4096ULL)
#define MANY_GPA(i)	((8ULL + 8 * (i)) << 30)

static void set_many(struct kvm_vm *vm, uint64_t gpa, bool exist)
{
	static void *mem;
	unsigned int i;

	if (!mem)
		mem = mmap(NULL, MANY_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	TEST_ASSERT(mem != MAP_FAILED, "mmap");
	for (i = 0; i < MANY_SLOTS; i++)
		vm_set_user_memory_region(vm, 10 + i, 0, gpa + i * MANY_BYTES,
					  exist ? MANY_BYTES : 0, mem);
}

/* The guest shares all of them, wherever the VMM puts them. */
static void share_many(struct kvm_vcpu *vcpu, unsigned int i)
{
	set_many(vcpu->vm, MANY_GPA(i), true);
	share(vcpu, MANY_GPA(i) >> 12, MANY_SLOTS * MANY_CHUNKS * CHUNK);
}

static void clear_all(struct kvm_vm *vm)
{
	struct kvm_page_enc_extent e[CHUNK];
	struct kvm_page_enc_status s = {};

	while (s.gfn != ALL_GFNS)
		s = get(vm, s.gfn, 0, CHANGED | CLEAR, e, CHUNK);
	expect_stat(vm, changed_chunks, 0);
}

/* Status without a slot stays, unless it exceeds other status. */
TEST(status_without_slot)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, 0);
	unsigned int i;

	share(vcpu, MEM_GFN + 7, 1);
	vm_mem_region_delete(vm, MEM_SLOT);
	share_many(vcpu, 0);
	expect_get(vm, MEM_GFN, MEM_END, 0, E(MEM_GFN + 7, 1, SHARED));

	for (i = 1; i < 4; i++) {
		clear_all(vm);
		set_many(vm, MANY_GPA(i - 1), false);
		share_many(vcpu, i);
	}

	/* Three times as much as with a slot */
	__expect_get(vm, MEM_GFN, MEM_END, 0, NULL, 0, 1);
	expect_get(vm, MEM_GFN, MEM_END, CHANGED, E(MEM_GFN, CHUNK, 0));
	expect_stat(vm, chunks, MANY_SLOTS * MANY_CHUNKS);

	/* Marks aren't kept for ever, unless they are needed. */
	set_many(vm, MANY_GPA(3), false);
	share_many(vcpu, 4);
	__expect_get(vm, MEM_GFN, MEM_END, CHANGED, NULL, 0, 1);
	add_memory(vm, 0);
	expect_get(vm, MEM_GFN, MEM_END, CHANGED, E(MEM_GFN, MEM_PAGES, 0));
	set_many(vm, MANY_GPA(4), false);
	kvm_vm_free(vm);
}

static void expect_dirty(struct kvm_vm *vm, uint64_t first, uint64_t npages)
{
	unsigned long *log = bitmap_zalloc(MEM_PAGES);
	unsigned int i;

	kvm_vm_get_dirty_log(vm, MEM_SLOT, log);
	for (i = 0; i < MEM_PAGES; i++)
		TEST_ASSERT(test_bit(i, log) == (i >= first && i < first + npages),
			    "page %u: %d", i, test_bit(i, log));
	free(log);
}

TEST(dirty_log)
{
	struct kvm_page_enc_extent e = E(MEM_GFN + 50, 1, SHARED);
	struct kvm_page_enc_status s = {};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, KVM_MEM_LOG_DIRTY_PAGES);

	expect_dirty(vm, 0, 0);
	share(vcpu, MEM_GFN + 10, 30);
	expect_dirty(vm, 10, 30);
	expect_dirty(vm, 0, 0);

	/* Only pages that have changed, and by a hypercall, are dirty. */
	share(vcpu, MEM_GFN + 5, 20);
	expect_dirty(vm, 5, 5);
	unshare(vcpu, MEM_GFN, MEM_PAGES);
	expect_dirty(vm, 5, 35);
	unshare(vcpu, MEM_GFN, MEM_PAGES);
	TEST_ASSERT_EQ(try_set(vm, &e, 1), 0);
	vm_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &s);
	expect_dirty(vm, 0, 0);
	share(vcpu, MEM_GFN, MEM_PAGES);
	expect_dirty(vm, 0, MEM_PAGES);
	kvm_vm_free(vm);
}

/* Empty the ring.  Each page in it must have its new status. */
static unsigned int harvest_ring(struct kvm_vcpu *vcpu, unsigned int *at,
				 bool shared, unsigned long *dirty)
{
	struct kvm_dirty_gfn *ring = vcpu_map_dirty_ring(vcpu), *d;
	struct kvm_page_enc_status s;
	struct kvm_page_enc_extent e;
	unsigned int n;

	for (n = 0; ; n++, ++*at) {
		d = ring + *at % RING_ENTRIES;
		/* Read the entry and the status after this. */
		if (smp_load_acquire(&d->flags) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		TEST_ASSERT_EQ(d->slot, MEM_SLOT);
		TEST_ASSERT(!test_bit(d->offset, dirty), "twice");
		__set_bit(d->offset, dirty);
		s = get(vcpu->vm, MEM_GFN + d->offset, MEM_GFN + d->offset + 1,
			0, &e, 1);
		TEST_ASSERT(s.nr == shared, "page %llu dirty before its status",
			    d->offset);
		/* KVM may fill the entry again after this. */
		smp_store_release(&d->flags, KVM_DIRTY_GFN_F_RESET);
	}
	TEST_ASSERT(n <= RING_ENTRIES - 64, "%u entries, no reserve", n);
	TEST_ASSERT_EQ(kvm_vm_reset_dirty_ring(vcpu->vm), n);
	return n;
}

static void call_with_ring(struct kvm_vcpu *vcpu, unsigned int *at, bool shared,
			   bool exit)
{
	unsigned long *dirty = bitmap_zalloc(MEM_PAGES);
	unsigned int n = 0, fulls = 0, asked = 0;

	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA, MEM_PAGES,
		 shared ? DECRYPTED : ENCRYPTED);
	for (;;) {
		vcpu_run(vcpu);
		if (vcpu->run->exit_reason == KVM_EXIT_HYPERCALL) {
			asked++;
			continue;
		}
		if (vcpu->run->exit_reason != KVM_EXIT_DIRTY_RING_FULL)
			break;

		/* Without room the hypercall can't continue. */
		vcpu_run(vcpu);
		TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_DIRTY_RING_FULL);
		n += harvest_ring(vcpu, at, shared, dirty);
		fulls++;
	}
	TEST_ASSERT_EQ(get_result(vcpu), 0);
	n += harvest_ring(vcpu, at, shared, dirty);
	TEST_ASSERT_EQ(n, MEM_PAGES);
	TEST_ASSERT(fulls >= MEM_PAGES / RING_ENTRIES, "%u exits", fulls);
	TEST_ASSERT_EQ(asked, exit);
	free(dirty);
}

static void test_ring(bool exit)
{
	struct kvm_vm *vm = create_vm_without_vcpu(true);
	struct kvm_vcpu *vcpu;
	unsigned int at = 0;

	vm_enable_dirty_ring(vm, RING_ENTRIES * sizeof(struct kvm_dirty_gfn));
	if (exit)
		vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL,
			      1 << KVM_HC_MAP_GPA_RANGE);
	vcpu = vm_vcpu_add(vm, 0, guest_code);
	add_memory(vm, KVM_MEM_LOG_DIRTY_PAGES);
	call_with_ring(vcpu, &at, true, exit);
	expect_stat(vm, calls, 1);
	expect_stat(vm, shared_pages, MEM_PAGES);
	call_with_ring(vcpu, &at, false, exit);
	expect_stat(vm, calls, 2);
	expect_stat(vm, shared_pages, 0);
	expect_stat(vm, to_private, MEM_PAGES);
	kvm_vm_free(vm);
}

TEST(dirty_ring)
{
	test_ring(false);
}

TEST(dirty_ring_with_exits)
{
	test_ring(true);
}

int main(int argc, char *argv[])
{
	bool old, old_sim;
	int r;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PAGE_ENC_STATUS));
	kvm_param_require("page_enc_status");

	/* All of it works without the parameter. */
	old = kvm_param_get("page_enc_status");
	old_sim = kvm_param_get("sev_sim");
	kvm_param_set("page_enc_status", false);
	if (old_sim)
		kvm_param_set("sev_sim", false);
	r = test_harness_run(argc, argv);
	kvm_param_set("page_enc_status", old);
	if (old_sim)
		kvm_param_set("sev_sim", old_sim);
	return r;
}
