// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated SEV (kvm.sev_sim=1): CPUID and MSR of the guest, and the alias of
 * each memslot at the address with the C-bit set.
 */
#include <stdint.h>

#include "kselftest_harness.h"
#include "kvm_param.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

#define MEM_SLOT	5
#define MEM_GPA		(4ULL << 30)
#define MEM_PAGES	64
#define MOVED_GPA	(5ULL << 30)
#define SMM_AS		1

/* Where the guest sees the slot: shared, private, and after it was moved. */
#define VA_SHARED	0xc0000000ULL
#define VA_PRIVATE	0xd0000000ULL
#define VA_MOVED	0xe0000000ULL

#define CPUID_SEV	0x8000001f

/* The next operation of the guest, which ends with GUEST_SYNC() */
static struct {
	uint64_t addr;
	uint64_t value;
	bool write;
} todo;

static void guest_accesses(void)
{
	for (;;) {
		if (todo.write)
			WRITE_ONCE(*(uint64_t *)todo.addr, todo.value);
		else
			todo.value = READ_ONCE(*(uint64_t *)todo.addr);
		GUEST_SYNC(0);
	}
}

static void guest_looks(void)
{
	uint32_t eax, ebx, ecx, edx, width;

	cpuid(0x80000000, &eax, &ebx, &ecx, &edx);
	GUEST_ASSERT(eax >= CPUID_SEV);
	cpuid(0x80000008, &eax, &ebx, &ecx, &edx);
	width = eax & 0xff;
	cpuid(CPUID_SEV, &eax, &ebx, &ecx, &edx);
	GUEST_ASSERT_EQ(eax, 2);
	/* No address has the C-bit. */
	GUEST_ASSERT_EQ(ebx & 0x3f, width);
	GUEST_SYNC2(ebx & 0x3f, rdmsr(MSR_AMD64_SEV));
	GUEST_DONE();
}

static void guest_writes_sev_msr(void)
{
	GUEST_ASSERT_EQ(wrmsr_safe(MSR_AMD64_SEV, 0), GP_VECTOR);
	GUEST_DONE();
}

static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu, bool sim, void *code)
{
	bool old = kvm_param_get("sev_sim");
	struct kvm_vm *vm;

	kvm_param_set("sev_sim", sim);
	vm = vm_create_with_one_vcpu(vcpu, code);
	kvm_param_set("sev_sim", old);
	return vm;
}

/* The topmost bit that nested page tables of four levels can translate. */
static uint64_t c_bit(struct kvm_vm *vm)
{
	return 1ULL << (min(vm->pa_bits, 48U) - 1);
}

static struct kvm_vm *create_vm_with_slot(struct kvm_vcpu **vcpu)
{
	struct kvm_vm *vm = create_vm(vcpu, true, guest_accesses);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	virt_map(vm, VA_SHARED, MEM_GPA, MEM_PAGES);
	virt_map(vm, VA_PRIVATE, MEM_GPA | c_bit(vm), MEM_PAGES);
	virt_map(vm, VA_MOVED, MOVED_GPA | c_bit(vm), MEM_PAGES);
	return vm;
}

static uint64_t *mem(struct kvm_vm *vm)
{
	return addr_gpa2hva(vm, MEM_GPA);
}

static void guest_access(struct kvm_vcpu *vcpu, uint64_t addr, bool write,
			 uint64_t value)
{
	todo.addr = addr;
	todo.write = write;
	todo.value = value;
	sync_global_to_guest(vcpu->vm, todo);
	vcpu_run(vcpu);
}

static void guest_write(struct kvm_vcpu *vcpu, uint64_t addr, uint64_t value)
{
	struct ucall uc;

	guest_access(vcpu, addr, true, value);
	TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
}

static uint64_t guest_read(struct kvm_vcpu *vcpu, uint64_t addr)
{
	struct ucall uc;

	guest_access(vcpu, addr, false, 0);
	TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
	sync_global_from_guest(vcpu->vm, todo);
	return todo.value;
}

/* There is no memory to write to; ends the access. */
static void expect_mmio_write(struct kvm_vcpu *vcpu, uint64_t addr,
			      uint64_t gpa)
{
	struct ucall uc;

	guest_access(vcpu, addr, true, 0);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_MMIO);
	TEST_ASSERT_EQ(vcpu->run->mmio.phys_addr, gpa);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
}

static uint64_t dirty_pages(struct kvm_vm *vm)
{
	uint64_t log = 0;

	kvm_vm_get_dirty_log(vm, MEM_SLOT, &log);
	return log;
}

TEST(guest_is_told)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true, guest_looks);
	struct ucall uc;

	vcpu_run(vcpu);
	TEST_ASSERT(get_ucall(vcpu, &uc) == UCALL_SYNC, "no leaf, or no MSR");
	TEST_ASSERT_EQ(1ULL << uc.args[0], c_bit(vm));
	TEST_ASSERT_EQ(uc.args[1], 1);
	kvm_vm_free(vm);
}

TEST(msr_is_read_only)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true, guest_writes_sev_msr);
	struct ucall uc;

	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_DONE);
	kvm_vm_free(vm);
}

/* The VMM may take off more physical address bits; the C-bit stays valid. */
TEST(narrow_guest)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);
	struct kvm_sregs sregs;

	vcpu_set_cpuid_property(vcpu, X86_PROPERTY_MAX_PHY_ADDR, 36);
	vcpu_sregs_get(vcpu, &sregs);
	sregs.cr3 |= c_bit(vm);
	vcpu_sregs_set(vcpu, &sregs);
	guest_write(vcpu, VA_PRIVATE, 8);
	TEST_ASSERT_EQ(mem(vm)[0], 8);

	/* KVM walks the guest's page tables in order to emulate this. */
	vm_mem_region_delete(vm, MEM_SLOT);
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA | c_bit(vm));
	kvm_vm_free(vm);
}

TEST(off_is_base)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, false, guest_accesses);

	TEST_ASSERT_EQ(_vcpu_set_msr(vcpu, MSR_AMD64_SEV, 1), 0);
	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_NR_MEMSLOTS), 32764);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, 32763,
				    1, 0);
	virt_map(vm, VA_PRIVATE, MEM_GPA | c_bit(vm), 1);
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA | c_bit(vm));
	kvm_vm_free(vm);
}

TEST(two_views_of_one_memory)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);

	guest_write(vcpu, VA_PRIVATE, 0x1234);
	TEST_ASSERT_EQ(mem(vm)[0], 0x1234);
	TEST_ASSERT_EQ(guest_read(vcpu, VA_SHARED), 0x1234);
	guest_write(vcpu, VA_SHARED + 0x3008, 0x5678);
	TEST_ASSERT_EQ(guest_read(vcpu, VA_PRIVATE + 0x3008), 0x5678);
	kvm_vm_free(vm);
}

TEST(one_dirty_log)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);
	unsigned int round;

	/* Map all of it writable first, so that it must be write-protected. */
	guest_write(vcpu, VA_PRIVATE + 0x2000, 1);
	guest_write(vcpu, VA_SHARED + 0x4000, 1);
	vm_mem_region_set_flags(vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	TEST_ASSERT_EQ(dirty_pages(vm), 0);

	for (round = 0; round < 3; round++) {
		guest_write(vcpu, VA_PRIVATE + 0x2000, round);
		TEST_ASSERT_EQ(dirty_pages(vm), 1 << 2);
		guest_write(vcpu, VA_SHARED + 0x4000, round);
		TEST_ASSERT_EQ(dirty_pages(vm), 1 << 4);
		/* Both views of one page. */
		guest_write(vcpu, VA_SHARED + 0x2000, round);
		guest_write(vcpu, VA_PRIVATE + 0x5000, round);
		TEST_ASSERT_EQ(dirty_pages(vm), 1 << 2 | 1 << 5);
		TEST_ASSERT_EQ(guest_read(vcpu, VA_PRIVATE + 0x2000), round);
		TEST_ASSERT_EQ(dirty_pages(vm), 0);
	}

	vm_mem_region_set_flags(vm, MEM_SLOT, 0);
	guest_write(vcpu, VA_PRIVATE + 0x2000, 7);
	TEST_ASSERT_EQ(mem(vm)[0x2000 / 8], 7);
	kvm_vm_free(vm);
}

TEST(slot_deleted)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);

	guest_write(vcpu, VA_PRIVATE, 1);
	vm_mem_region_delete(vm, MEM_SLOT);
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA | c_bit(vm));
	expect_mmio_write(vcpu, VA_SHARED, MEM_GPA);

	/* And made again, elsewhere in the VMM's memory. */
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	guest_write(vcpu, VA_PRIVATE, 2);
	TEST_ASSERT_EQ(mem(vm)[0], 2);
	kvm_vm_free(vm);
}

TEST(slot_moved)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);

	guest_write(vcpu, VA_PRIVATE, 3);
	vm_mem_region_move(vm, MEM_SLOT, MOVED_GPA);
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA | c_bit(vm));
	TEST_ASSERT_EQ(guest_read(vcpu, VA_MOVED), 3);
	kvm_vm_free(vm);
}

TEST(slot_read_only)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true, guest_accesses);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, KVM_MEM_READONLY);
	virt_map(vm, VA_PRIVATE, MEM_GPA | c_bit(vm), MEM_PAGES);
	mem(vm)[0] = 4;
	TEST_ASSERT_EQ(guest_read(vcpu, VA_PRIVATE), 4);
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA | c_bit(vm));
	TEST_ASSERT_EQ(mem(vm)[0], 4);
	kvm_vm_free(vm);
}

TEST(bad_slots)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);
	unsigned int nr = vm_check_cap(vm, KVM_CAP_NR_MEMSLOTS);
	static char page[4096] __aligned(4096);
	const struct {
		uint32_t slot, flags;
		uint64_t gpa, size;
		int err;
	} bad[] = {
		/* Ids and addresses that belong to aliases. */
		{ nr, 0, MOVED_GPA, 4096, EINVAL },
		{ nr + MEM_SLOT, 0, MOVED_GPA, 4096, EINVAL },
		{ nr + MEM_SLOT, 0, 0, 0, EINVAL },
		{ 6, 0, c_bit(vm), 4096, EINVAL },
		{ 6, 0, c_bit(vm) - 4096, 8192, EINVAL },
		/* Errors of any slot. */
		{ 6, 0, MOVED_GPA + 1, 4096, EINVAL },
		{ 6, 0, MOVED_GPA, 4095, EINVAL },
		{ 6, 1 << 9, MOVED_GPA, 4096, EINVAL },
		{ 6, 0, MEM_GPA, 4096, EEXIST },
		{ 6, 0, 0, 0, EINVAL },
		{ MEM_SLOT, 0, MEM_GPA, 8192, EINVAL },
		{ 2 << 16 | 6, 0, MOVED_GPA, 4096, EINVAL },
	};
	unsigned int i;
	int r;

	TEST_ASSERT_EQ(nr, 32764 / 2);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		r = __vm_set_user_memory_region(vm, bad[i].slot, bad[i].flags,
						bad[i].gpa, bad[i].size, page);
		TEST_ASSERT(r == -1 && errno == bad[i].err,
			    "row %u: %d, errno %d", i, r, errno);
	}

	/* The good slot is as it was, in both views. */
	guest_write(vcpu, VA_PRIVATE, 5);
	TEST_ASSERT_EQ(guest_read(vcpu, VA_SHARED), 5);
	kvm_vm_free(vm);
}

TEST(last_id_and_address)
{
	static char page[4096] __aligned(4096);
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);
	uint32_t last = vm_check_cap(vm, KVM_CAP_NR_MEMSLOTS) - 1;

	vm_set_user_memory_region(vm, last, 0, c_bit(vm) - 4096, 4096, page);
	vm_set_user_memory_region(vm, last, 0, 0, 0, page);
	kvm_vm_free(vm);
}

TEST(smm_address_space)
{
	static char page[4096] __aligned(4096);
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm_with_slot(&vcpu);
	unsigned int i;

	TEST_REQUIRE(vm_check_cap(vm, KVM_CAP_MULTI_ADDRESS_SPACE) > 1);

	/* Each address space has its own slots, and so its own aliases. */
	for (i = 0; i < 2; i++) {
		vm_set_user_memory_region(vm, SMM_AS << 16 | MEM_SLOT, 0,
					  MEM_GPA, 4096, page);
		vm_set_user_memory_region(vm, SMM_AS << 16 | MEM_SLOT,
					  KVM_MEM_LOG_DIRTY_PAGES, MEM_GPA,
					  4096, page);
		guest_write(vcpu, VA_PRIVATE, i);
		TEST_ASSERT_EQ(mem(vm)[0], i);
		vm_set_user_memory_region(vm, SMM_AS << 16 | MEM_SLOT, 0,
					  MEM_GPA, 0, page);
	}
	guest_write(vcpu, VA_PRIVATE, 7);
	TEST_ASSERT_EQ(mem(vm)[0], 7);
	kvm_vm_free(vm);
}

int main(int argc, char *argv[])
{
	bool old;
	int r;

	kvm_param_require("sev_sim");
	TEST_REQUIRE(kvm_is_tdp_enabled());

	old = kvm_param_get("sev_sim");
	r = test_harness_run(argc, argv);
	kvm_param_set("sev_sim", old);
	return r;
}
