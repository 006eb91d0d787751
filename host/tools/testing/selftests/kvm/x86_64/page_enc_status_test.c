// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page encryption status: KVM_HC_MAP_GPA_RANGE and MSR_KVM_MIGRATION_CONTROL
 * with KVM tracking (kvm.page_enc_status=1), and without.
 */
#include <asm/kvm_para.h>
#include <linux/kvm_para.h>
#include <stdint.h>

#include "kselftest_harness.h"
#include "kvm_param.h"
#include "kvm_util.h"
#include "page_enc.h"
#include "processor.h"
#include "test_util.h"

#define EFLAGS_IOPL3	0x3000

#define MEM_SLOT	5
#define MEM_GPA		(4ULL << 30)
#define MEM_PAGES	4096
#define CODE_SLOT	6
#define CODE_GPA	0x80000000ull

#define GARBAGE		(0xdeadbeefULL << 32)

/* 1: vmmcall; out %al, $PORT; jmp 1b.  The same bytes in all modes. */
static const uint8_t hypercall_loop[] = {
	0x0f, 0x01, 0xd9, 0xe6, PORT, 0xeb, 0xf9,
};

/* A plain VM: simulated SEV takes a bit off its physical addresses. */
static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu, bool track)
{
	bool old = kvm_param_get("page_enc_status");
	struct kvm_vm *vm;

	if (kvm_param_get("sev_sim"))
		kvm_param_set("sev_sim", false);

	kvm_param_set("page_enc_status", track);
	vm = vm_create_with_one_vcpu(vcpu, guest_code);
	kvm_param_set("page_enc_status", old);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	return vm;
}

/* The same call, with an exit to userspace that answers @answer */
static int64_t call_with_exit(struct kvm_vcpu *vcpu, uint64_t gpa,
			      uint64_t npages, uint64_t attrs, int64_t answer,
			      uint64_t shared_at_exit)
{
	struct kvm_run *run = vcpu->run;

	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, gpa, npages, attrs);
	run->hypercall.ret = -1;
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
	TEST_ASSERT_EQ(run->hypercall.nr, KVM_HC_MAP_GPA_RANGE);
	TEST_ASSERT_EQ(run->hypercall.args[0], gpa);
	TEST_ASSERT_EQ(run->hypercall.args[1], npages);
	TEST_ASSERT_EQ(run->hypercall.args[2], attrs);
	TEST_ASSERT_EQ(run->hypercall.ret, 0);
	TEST_ASSERT_EQ(vm_get_stat(vcpu->vm, "page_enc_shared_pages"),
		       shared_at_exit);
	run->hypercall.ret = answer;
	vcpu_run(vcpu);
	return get_result(vcpu);
}

/* Flat 32-bit protected mode without paging, at the given privilege level. */
static void enter_32bit(struct kvm_vcpu *vcpu, unsigned int cpl)
{
	struct kvm_segment seg = {
		.limit = 0xffffffff, .selector = 0x8 | cpl, .present = 1,
		.dpl = cpl, .db = 1, .s = 1, .g = 1, .type = 0xb,
	};
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	vm_userspace_mem_region_add(vcpu->vm, VM_MEM_SRC_ANONYMOUS, CODE_GPA,
				    CODE_SLOT, 1, 0);
	memcpy(addr_gpa2hva(vcpu->vm, CODE_GPA), hypercall_loop,
	       sizeof(hypercall_loop));

	vcpu_sregs_get(vcpu, &sregs);
	sregs.cs = seg;
	seg.selector = 0x10 | cpl;
	seg.type = 0x3;
	sregs.ss = seg;
	sregs.ds = seg;
	sregs.es = seg;
	sregs.cr0 = X86_CR0_PE | X86_CR0_ET;
	sregs.cr4 = 0;
	sregs.efer = 0;
	vcpu_sregs_set(vcpu, &sregs);

	vcpu_regs_get(vcpu, &regs);
	regs.rip = CODE_GPA;
	regs.rflags = X86_EFLAGS_FIXED | EFLAGS_IOPL3;
	vcpu_regs_set(vcpu, &regs);
}

#define expect_stat(vm, name, value) \
	TEST_ASSERT_EQ(vm_get_stat(vm, "page_enc_" #name), value)

/* Nothing is shared, nothing is allocated, no call was accepted. */
static void expect_untouched(struct kvm_vm *vm)
{
	expect_stat(vm, shared_pages, 0);
	expect_stat(vm, chunks, 0);
	expect_stat(vm, bytes, 0);
	expect_stat(vm, calls, 0);
	expect_stat(vm, to_shared, 0);
	expect_stat(vm, to_private, 0);
	expect_stat(vm, unbacked, 0);
}

/* Compare the extents in debugfs, if it is mounted. */
static void expect_extents(struct kvm_vm *vm, const char *extents)
{
	char path[128], text[4096], *table;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/page_enc_map",
		 getpid(), vm->fd);
	f = fopen(path, "r");
	if (!f)
		return;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;

	table = strstr(text, "\nextents\n");
	TEST_ASSERT(table && !strcmp(table + 9, extents),
		    "expected extents:\n%sbut found:\n%s", extents, text);
}

TEST(off_by_default_abi)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, false);

	if (!kvm_param_get("page_enc_status")) {
		TEST_ASSERT(!kvm_cpu_has(X86_FEATURE_KVM_HC_MAP_GPA_RANGE),
			    "bit 16");
		TEST_ASSERT(!kvm_cpu_has(X86_FEATURE_KVM_MIGRATION_CONTROL),
			    "bit 17");
	}
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 1, DECRYPTED), -KVM_ENOSYS);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA + 1, 0, ~0ull), -KVM_ENOSYS);
	/* Userspace may restore it from a host where the VM was tracked. */
	TEST_ASSERT_EQ(_vcpu_set_msr(vcpu, MSR_KVM_MIGRATION_CONTROL, 1), 1);
	TEST_ASSERT_EQ(vcpu_get_msr(vcpu, MSR_KVM_MIGRATION_CONTROL), 0);
	expect_untouched(vm);
	expect_stat(vm, refused_inval, 0);
	expect_extents(vm, "end 0 0\n");
	kvm_vm_free(vm);
}

TEST(features_on)
{
	kvm_param_set("page_enc_status", true);
	TEST_ASSERT(kvm_cpu_has(X86_FEATURE_KVM_HC_MAP_GPA_RANGE), "bit 16");
	TEST_ASSERT(kvm_cpu_has(X86_FEATURE_KVM_MIGRATION_CONTROL), "bit 17");
}

TEST(tracks)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	expect_extents(vm, "end 0 0\n");
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 3, DECRYPTED), 0);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA + 0x8000, 1, DECRYPTED |
			    KVM_MAP_GPA_RANGE_PAGE_SZ_2M), 0);
	/* Announced twice, changed once. */
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA + 0x1000, 3, DECRYPTED), 0);
	expect_stat(vm, shared_pages, 5);
	expect_stat(vm, to_shared, 5);
	expect_stat(vm, calls, 3);
	expect_stat(vm, chunks, 1);
	expect_extents(vm,
		       "0x0000000100000000 0x0000000100004000 4 shared\n"
		       "0x0000000100008000 0x0000000100009000 1 shared\n"
		       "end 2 5\n");

	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, MEM_PAGES, ENCRYPTED | 15), 0);
	expect_stat(vm, shared_pages, 0);
	expect_stat(vm, to_private, 5);
	expect_stat(vm, chunks, 0);
	/* The mark of the change is kept. */
	expect_stat(vm, changed_chunks, 1);
	TEST_ASSERT(vm_get_stat(vm, "page_enc_bytes") < 1024, "a bitmap is left");
	expect_extents(vm, "end 0 0\n");
	kvm_vm_free(vm);
}

TEST(bad_arguments)
{
	static const struct {
		uint64_t gpa, npages, attrs;
	} bad[] = {
		{ MEM_GPA, 0, DECRYPTED },
		{ MEM_GPA + 1, 1, DECRYPTED },
		{ MEM_GPA + 0xfff, 1, DECRYPTED },
		{ MEM_GPA, ~0ull, DECRYPTED },
		{ MEM_GPA, 1ull << 63, DECRYPTED },
		{ MEM_GPA, 1ull << 52, DECRYPTED },
		{ MEM_GPA, 1ull << 40, DECRYPTED },
		{ 0, ~0ull, DECRYPTED },
		{ ~0xfffull, 1, DECRYPTED },
		{ ~0xfffull, 2, DECRYPTED },
		{ 1ull << 52, 1, DECRYPTED },
		{ MEM_GPA, 1, 1 << 5 },
		{ MEM_GPA, 1, 1ull << 63 },
		{ MEM_GPA, 1, ~0ull },
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		TEST_ASSERT(call(vcpu, bad[i].gpa, bad[i].npages,
				 bad[i].attrs) == -KVM_EINVAL,
			    "row %u accepted", i);
	expect_untouched(vm);
	expect_stat(vm, refused_inval, ARRAY_SIZE(bad));
	kvm_vm_free(vm);
}

TEST(where_there_is_no_memory)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);
	uint64_t limit = 1ull << (vm->pa_bits - 12), beyond;

	/* Partly and wholly beyond the slot, up to the last valid address. */
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA + (MEM_PAGES - 1) * 4096, 11,
			    DECRYPTED), 0);
	expect_stat(vm, shared_pages, 1);
	expect_stat(vm, unbacked, 10);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA + (64ull << 30), 7, DECRYPTED), 0);
	expect_stat(vm, unbacked, 17);

	beyond = limit / 2 - (MEM_GPA >> 12) - MEM_PAGES;
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, limit / 2 - (MEM_GPA >> 12),
			    DECRYPTED), 0);
	expect_stat(vm, shared_pages, MEM_PAGES);
	expect_stat(vm, unbacked, 17 + beyond);
	/* Four full chunks: no bitmap, one xarray node or two. */
	expect_stat(vm, chunks, 4);
	TEST_ASSERT(vm_get_stat(vm, "page_enc_bytes") < 2048, "too much memory");
	kvm_vm_free(vm);
}

TEST(status_outlives_slot)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 3, DECRYPTED), 0);
	vm_mem_region_delete(vm, MEM_SLOT);
	expect_stat(vm, shared_pages, 3);

	/* Nothing new can be shared, but shared pages can become private. */
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 4, DECRYPTED), 0);
	expect_stat(vm, shared_pages, 3);
	expect_stat(vm, unbacked, 4);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 1, ENCRYPTED), 0);
	expect_stat(vm, shared_pages, 2);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	expect_stat(vm, shared_pages, 2);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA + 4096, 1, ENCRYPTED), 0);
	expect_stat(vm, shared_pages, 1);
	kvm_vm_free(vm);
}

/* A guest that moves the BAR of a device can't fill KVM's memory with it. */
TEST(moving_slot_is_bounded)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);
	uint64_t gpa = MEM_GPA;
	unsigned int i;

	for (i = 0; i < 2300; i++) {
		TEST_ASSERT_EQ(call(vcpu, gpa, 1, DECRYPTED), 0);
		gpa += 16 << 20;
		vm_mem_region_move(vm, MEM_SLOT, gpa);
	}
	TEST_ASSERT(vm_get_stat(vm, "page_enc_chunks") < 2200, "unbounded");

	/* The status of pages with a slot is kept. */
	TEST_ASSERT_EQ(call(vcpu, gpa, 1, DECRYPTED), 0);
	TEST_ASSERT_EQ(call(vcpu, gpa, 1, ENCRYPTED), 0);
	expect_stat(vm, to_private, 1);
	kvm_vm_free(vm);
}

/* Userspace may say anything about the width of physical addresses. */
TEST(silly_maxphyaddr)
{
	static const uint8_t bits[] = { 0, 11, 12, 64, 255 };
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	unsigned int i;
	int64_t r;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		vm = create_vm(&vcpu, true);
		enter_32bit(vcpu, 0);
		vcpu_set_cpuid_property(vcpu, X86_PROPERTY_MAX_PHY_ADDR, bits[i]);
		r = call(vcpu, CODE_GPA, 1, DECRYPTED);
		TEST_ASSERT(r == 0 || r == (uint32_t)-KVM_EINVAL, "%ld", r);
		kvm_vm_free(vm);
	}
}

TEST(with_exits)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);

	/* The VMM agrees, disagrees, and is not asked about invalid calls. */
	TEST_ASSERT_EQ(call_with_exit(vcpu, MEM_GPA, 4, DECRYPTED, 0, 0), 0);
	expect_stat(vm, shared_pages, 4);
	TEST_ASSERT_EQ(call_with_exit(vcpu, MEM_GPA, 4, ENCRYPTED, -KVM_EINVAL,
				      4), -KVM_EINVAL);
	expect_stat(vm, shared_pages, 4);
	TEST_ASSERT_EQ(call_with_exit(vcpu, MEM_GPA, 1, ENCRYPTED, 0, 4), 0);
	expect_stat(vm, shared_pages, 3);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 1, 1 << 5), -KVM_EINVAL);
	expect_stat(vm, refused_inval, 1);
	kvm_vm_free(vm);
}

TEST(with_exits_registers_changed)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA, 1, DECRYPTED);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
	/* KVM carries out the call that the VMM was asked about. */
	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA + 1, 0, ~0ull);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_result(vcpu), 0);
	expect_stat(vm, shared_pages, 1);
	expect_extents(vm, "0x0000000100000000 0x0000000100001000 1 shared\n"
			   "end 1 1\n");
	kvm_vm_free(vm);
}

TEST(exits_without_tracking)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, false);

	vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA, 1, ~0ull);
	vcpu->run->hypercall.ret = -1;
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
	TEST_ASSERT_EQ(vcpu->run->hypercall.args[2], ~0ull);
	TEST_ASSERT_EQ(vcpu->run->hypercall.ret, -1ull);
	vcpu->run->hypercall.ret = 77;
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_result(vcpu), 77);
	expect_untouched(vm);
	kvm_vm_free(vm);
}

TEST(from_32bit)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	/* Upper halves don't count, neither in arguments nor in the number. */
	enter_32bit(vcpu, 0);
	set_call(vcpu, GARBAGE | KVM_HC_MAP_GPA_RANGE, GARBAGE | CODE_GPA,
		 GARBAGE | 1, GARBAGE | DECRYPTED);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_result(vcpu), 0);
	expect_stat(vm, shared_pages, 1);
	TEST_ASSERT_EQ(call(vcpu, CODE_GPA + 1, 1, DECRYPTED),
		       (uint32_t)-KVM_EINVAL);
	TEST_ASSERT_EQ(call(vcpu, 0xfffff000, 0x1000000, DECRYPTED), 0);
	expect_stat(vm, unbacked, 0x1000000 - MEM_PAGES);
	kvm_vm_free(vm);
}

TEST(from_32bit_with_exit)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, false);

	vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	enter_32bit(vcpu, 0);
	set_call(vcpu, GARBAGE | KVM_HC_MAP_GPA_RANGE, CODE_GPA, 1, DECRYPTED);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
	kvm_vm_free(vm);
}

TEST(from_user_mode)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	enter_32bit(vcpu, 3);
	TEST_ASSERT_EQ(call(vcpu, CODE_GPA, 1, DECRYPTED),
		       (uint32_t)-KVM_EPERM);
	TEST_ASSERT_EQ(call(vcpu, CODE_GPA, 0, ~0ull), (uint32_t)-KVM_EPERM);
	expect_untouched(vm);
	expect_stat(vm, refused_perm, 2);
	expect_stat(vm, refused_inval, 0);
	kvm_vm_free(vm);
}

TEST(pv_cpuid_enforced)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	vcpu_enable_cap(vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1);
	vcpu_clear_cpuid_entry(vcpu, KVM_CPUID_FEATURES);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 1, DECRYPTED), -KVM_ENOSYS);
	expect_untouched(vm);
	expect_stat(vm, refused_inval, 0);
	/* The VMM isn't asked, as nothing would be stored if it agreed. */
	vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	TEST_ASSERT_EQ(call(vcpu, MEM_GPA, 1, DECRYPTED), -KVM_ENOSYS);
	expect_untouched(vm);
	/* It can be restored although the guest can't use it. */
	TEST_ASSERT_EQ(_vcpu_set_msr(vcpu, MSR_KVM_MIGRATION_CONTROL, 0), 1);
	vcpu_set_msr(vcpu, MSR_KVM_MIGRATION_CONTROL, 1);
	TEST_ASSERT_EQ(vcpu_get_msr(vcpu, MSR_KVM_MIGRATION_CONTROL), 1);
	kvm_vm_free(vm);
}

TEST(migration_control)
{
	struct kvm_vcpu *vcpu, *other;
	struct kvm_vm *vm = create_vm(&vcpu, true);

	/* This VM has no encrypted memory to wait for. */
	other = vm_vcpu_add(vm, 1, guest_code);
	TEST_ASSERT_EQ(vcpu_get_msr(vcpu, MSR_KVM_MIGRATION_CONTROL), 1);
	expect_stat(vm, ready, 1);
	guest_control(vcpu, 0);
	expect_stat(vm, ready, 0);
	expect_stat(vm, ready_cleared, 1);
	guest_control(vcpu, KVM_MIGRATION_READY);
	TEST_ASSERT_EQ(vcpu_get_msr(other, MSR_KVM_MIGRATION_CONTROL), 1);
	expect_stat(vm, ready, 1);
	expect_stat(vm, ready_set, 1);

	/* Reserved bits change nothing; the same value is no transition. */
	TEST_ASSERT_EQ(_vcpu_set_msr(vcpu, MSR_KVM_MIGRATION_CONTROL, 2), 0);
	TEST_ASSERT_EQ(_vcpu_set_msr(vcpu, MSR_KVM_MIGRATION_CONTROL,
				     1ull << 63 | 1), 0);
	guest_control(other, KVM_MIGRATION_READY);
	expect_stat(vm, ready, 1);
	expect_stat(vm, ready_set, 1);

	guest_control(other, 0);
	expect_stat(vm, ready, 0);
	expect_stat(vm, ready_cleared, 2);
	kvm_vm_free(vm);
}

int main(int argc, char *argv[])
{
	bool old, old_sim;
	int r;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_EXIT_HYPERCALL));
	kvm_param_require("page_enc_status");

	old = kvm_param_get("page_enc_status");
	old_sim = kvm_param_get("sev_sim");
	r = test_harness_run(argc, argv);
	kvm_param_set("page_enc_status", old);
	if (old_sim)
		kvm_param_set("sev_sim", old_sim);
	return r;
}
