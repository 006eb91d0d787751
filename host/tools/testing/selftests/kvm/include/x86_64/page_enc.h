/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that only makes KVM_HC_MAP_GPA_RANGE hypercalls, with arguments that
 * userspace puts into its registers.
 */
#ifndef SELFTEST_KVM_PAGE_ENC_H
#define SELFTEST_KVM_PAGE_ENC_H

#include <linux/kvm_para.h>

#include "kvm_util.h"
#include "processor.h"

#define PORT		0x80

#define ENCRYPTED	KVM_MAP_GPA_RANGE_ENCRYPTED
#define DECRYPTED	KVM_MAP_GPA_RANGE_DECRYPTED

static void guest_code(void)
{
	asm volatile("1: vmmcall; out %%al, %0; jmp 1b" :: "i"(PORT));
}

static void guest_wrmsr(void)
{
	asm volatile("1: wrmsr; out %%al, %0; jmp 1b" :: "i"(PORT));
}

static inline void set_call(struct kvm_vcpu *vcpu, uint64_t nr, uint64_t gpa,
			    uint64_t npages, uint64_t attrs)
{
	struct kvm_regs regs;

	vcpu_regs_get(vcpu, &regs);
	regs.rax = nr;
	regs.rbx = gpa;
	regs.rcx = npages;
	regs.rdx = attrs;
	vcpu_regs_set(vcpu, &regs);
}

static inline int64_t get_result(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.port, PORT);
	vcpu_regs_get(vcpu, &regs);
	return regs.rax;
}

static inline int64_t call(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t npages,
			   uint64_t attrs)
{
	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, gpa, npages, attrs);
	vcpu_run(vcpu);
	return get_result(vcpu);
}

/* The guest writes MSR_KVM_MIGRATION_CONTROL; its registers are put back. */
static inline void guest_control(struct kvm_vcpu *vcpu, uint64_t value)
{
	struct kvm_regs old, regs;

	vcpu_regs_get(vcpu, &old);
	regs = old;
	regs.rip = (uint64_t)guest_wrmsr;
	regs.rcx = MSR_KVM_MIGRATION_CONTROL;
	regs.rax = value;
	regs.rdx = value >> 32;
	vcpu_regs_set(vcpu, &regs);
	vcpu_run(vcpu);
	get_result(vcpu);

	/* KVM completes the port access only where the vCPU did it. */
	old.rip = (uint64_t)guest_code;
	vcpu_regs_set(vcpu, &old);
}

#endif /* SELFTEST_KVM_PAGE_ENC_H */
