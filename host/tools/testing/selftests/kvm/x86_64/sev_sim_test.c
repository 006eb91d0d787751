// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated SEV (kvm.sev_sim=1, KVM_CAP_SEV_SIM): CPUID and MSR of the guest, and
 * the two views of its memory, by addresses with and without the C-bit.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

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

static uint64_t c_bit(struct kvm_vm *vm)
{
	return sev_sim_c_bit(vm);
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
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA);
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
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA);
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
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA);
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
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA);
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
		/* Addresses that have the C-bit. */
		{ 6, 0, c_bit(vm), 4096, EINVAL },
		{ 6, 0, c_bit(vm) - 4096, 8192, EINVAL },
		/* Errors of any slot. */
		{ nr, 0, MOVED_GPA, 4096, EINVAL },
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

	TEST_ASSERT_EQ(nr, 32764);
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

	/* Each address space has its own slots, and two views. */
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

/* Both views of a frame have one entry, of whatever size, in the same table. */
static void huge_page_in_both_views(unsigned long type)
{
	struct vm_shape shape = { .mode = VM_MODE_DEFAULT, .type = type };
	const uint64_t size = 2 << 20;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	bool old = kvm_param_get("sev_sim");
	struct userspace_mem_region *slot0;

	/* What the guest has of its own isn't to be in huge pages. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	kvm_param_set("sev_sim", true);
	vm = vm_create_shape_with_one_vcpu(shape, &vcpu, guest_accesses);
	kvm_param_set("sev_sim", old);
	slot0 = memslot2region(vm, 0);
	madvise((void *)slot0->region.userspace_addr, slot0->region.memory_size,
		MADV_NOHUGEPAGE);
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);

	vm_mem_add(vm, VM_MEM_SRC_ANONYMOUS_THP, MEM_GPA, MEM_SLOT, size / 4096,
		   type == KVM_X86_SW_PROTECTED_VM ? KVM_MEM_GUEST_MEMFD : 0, -1, 0);
	memset(mem(vm), 0, size);
	virt_map(vm, VA_SHARED, MEM_GPA, size / 4096);
	virt_map(vm, VA_PRIVATE, MEM_GPA | c_bit(vm), size / 4096);

	guest_write(vcpu, VA_PRIVATE, 1);
	TEST_ASSERT_EQ(vm_get_stat(vm, "pages_2m"), 1);
	guest_write(vcpu, VA_SHARED + size - 8, 2);
	TEST_ASSERT_EQ(guest_read(vcpu, VA_PRIVATE + size - 8), 2);
	TEST_ASSERT_EQ(vm_get_stat(vm, "pages_2m"), 1);
	kvm_vm_free(vm);
}

TEST(huge_pages)
{
	huge_page_in_both_views(VM_TYPE_DEFAULT);
	if (kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM))
		huge_page_in_both_views(KVM_X86_SW_PROTECTED_VM);
}

static int enable_sim(struct kvm_vm *vm, uint64_t flags)
{
	return __vm_enable_cap(vm, KVM_CAP_SEV_SIM, flags);
}

static void expect_error(struct kvm_vm *vm, uint64_t flags, int err)
{
	TEST_ASSERT(enable_sim(vm, flags) == -1 && errno == err,
		    "flags %#lx: errno %d", flags, errno);
}

/* What __vm_create() does, with the capability enabled before. */
static struct kvm_vm *create_vm_by_cap(struct kvm_vcpu **vcpu, uint64_t flags,
				       void *code)
{
	struct kvm_vm *vm = vm_create_barebones();

	TEST_ASSERT_EQ(enable_sim(vm, flags), 0);
	/* Once more is no harm. */
	TEST_ASSERT_EQ(enable_sim(vm, flags), 0);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, 0, 0, 1024, 0);
	kvm_vm_elf_load(vm, program_invocation_name);
	ucall_init(vm, 0xd0000000);
	kvm_arch_vm_post_create(vm);
	*vcpu = vm_vcpu_add(vm, 0, code);
	return vm;
}

/* One VM is simulated, and the one after it isn't. */
TEST(cap_for_one_vm)
{
	struct kvm_vm *simulated, *plain;
	struct kvm_vcpu *vcpu;
	struct ucall uc;

	kvm_param_set("sev_sim", false);
	simulated = create_vm_by_cap(&vcpu, KVM_SEV_SIM_ENABLE, guest_looks);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
	TEST_ASSERT_EQ(1ULL << uc.args[0], c_bit(simulated));
	TEST_ASSERT_EQ(uc.args[1], 1);

	plain = create_vm(&vcpu, false, guest_accesses);
	virt_map(plain, VA_PRIVATE, MEM_GPA | c_bit(plain), 1);
	expect_mmio_write(vcpu, VA_PRIVATE, MEM_GPA | c_bit(plain));
	kvm_vm_free(plain);
	kvm_vm_free(simulated);
}

TEST(cap_bad_flags)
{
	int flags = kvm_check_cap(KVM_CAP_SEV_SIM);
	struct kvm_vm *vm = vm_create_barebones();

	TEST_ASSERT(flags & KVM_SEV_SIM_ENABLE, "flags %#x", flags);
	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_SEV_SIM), flags);
	expect_error(vm, 0, EINVAL);
	expect_error(vm, KVM_SEV_SIM_STRICT, EINVAL);
	expect_error(vm, KVM_SEV_SIM_ENABLE | 1 << 30, EINVAL);
	kvm_vm_free(vm);
}

/* A simulated guest isn't READY from the start, whatever is enabled first. */
TEST(cap_and_status)
{
	bool old = kvm_param_get("page_enc_status");
	struct kvm_vm *vm;
	int order;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PAGE_ENC_STATUS));
	kvm_param_set("sev_sim", false);

	for (order = 0; order < 3; order++) {
		kvm_param_set("page_enc_status", order == 2);
		vm = vm_create_barebones();
		if (order == 0)
			TEST_ASSERT_EQ(enable_sim(vm, KVM_SEV_SIM_ENABLE), 0);
		vm_enable_cap(vm, KVM_CAP_PAGE_ENC_STATUS, KVM_PAGE_ENC_STATUS_ENABLE);
		TEST_ASSERT_EQ(vm_get_stat(vm, "page_enc_ready"), order > 0);
		TEST_ASSERT_EQ(enable_sim(vm, KVM_SEV_SIM_ENABLE), 0);
		TEST_ASSERT_EQ(vm_get_stat(vm, "page_enc_ready"), 0);
		kvm_vm_free(vm);
	}
	kvm_param_set("page_enc_status", old);
}

/* A VM has been given something that could have been at an address with C-bit. */
TEST(cap_too_late)
{
	struct kvm_vm *vm;

	kvm_param_set("sev_sim", false);
	vm = vm_create_barebones();
	__vm_vcpu_add(vm, 0);
	expect_error(vm, KVM_SEV_SIM_ENABLE, EINVAL);
	kvm_vm_free(vm);

	vm = vm_create_barebones();
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT, 1, 0);
	expect_error(vm, KVM_SEV_SIM_ENABLE, EINVAL);
	vm_mem_region_delete(vm, MEM_SLOT);
	TEST_ASSERT_EQ(enable_sim(vm, KVM_SEV_SIM_ENABLE), 0);
	kvm_vm_free(vm);
}

int main(int argc, char *argv[])
{
	bool old, strict;
	int r;

	kvm_param_require("sev_sim");
	TEST_REQUIRE(kvm_is_tdp_enabled());

	/* Strict mode splits the views. */
	old = kvm_param_get("sev_sim");
	strict = kvm_param_get("sev_sim_strict");
	if (strict)
		kvm_param_set("sev_sim_strict", false);
	r = test_harness_run(argc, argv);
	kvm_param_set("sev_sim", old);
	if (strict)
		kvm_param_set("sev_sim_strict", true);
	return r;
}
