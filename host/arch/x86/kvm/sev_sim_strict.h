/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_SEV_SIM_STRICT_H
#define __KVM_X86_SEV_SIM_STRICT_H

#include <linux/kvm_host.h>

#include "mmu.h"
#include "sev_sim.h"

struct kvm_page_fault;

#ifdef CONFIG_KVM_SEV_SIM_STRICT

void kvm_sev_sim_strict_init_vm(struct kvm *kvm);
void kvm_sev_sim_strict_precreate(struct kvm *kvm);
bool __kvm_sev_sim_strict_may_map(struct kvm_vcpu *vcpu,
				  struct kvm_page_fault *fault);
void kvm_sev_sim_strict_mapped(struct kvm_vcpu *vcpu,
			       const struct kvm_page_fault *fault);
void kvm_sev_sim_strict_insn_end(struct kvm_vcpu *vcpu);
void kvm_sev_sim_strict_close(struct kvm_vcpu *vcpu);

static __always_inline bool kvm_sev_sim_strict(struct kvm *kvm)
{
	return kvm_sev_sim_c_bit(kvm) && kvm_has_split_views(kvm);
}

static __always_inline bool
kvm_sev_sim_strict_may_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	return !kvm_sev_sim_strict(vcpu->kvm) ||
	       __kvm_sev_sim_strict_may_map(vcpu, fault);
}

/* Is a page mapped in the wrong view for the vCPU's instruction? */
static __always_inline bool kvm_sev_sim_strict_open(struct kvm_vcpu *vcpu)
{
	return static_branch_unlikely(&kvm_sev_sim_key) &&
	       vcpu->arch.sev_sim_window.nr;
}

#else

static inline void kvm_sev_sim_strict_init_vm(struct kvm *kvm)
{
}

static inline void kvm_sev_sim_strict_precreate(struct kvm *kvm)
{
}

static inline bool kvm_sev_sim_strict_may_map(struct kvm_vcpu *vcpu,
					      struct kvm_page_fault *fault)
{
	return true;
}

static inline void kvm_sev_sim_strict_mapped(struct kvm_vcpu *vcpu,
					     const struct kvm_page_fault *fault)
{
}

static inline void kvm_sev_sim_strict_insn_end(struct kvm_vcpu *vcpu)
{
}

static inline void kvm_sev_sim_strict_close(struct kvm_vcpu *vcpu)
{
}

static inline bool kvm_sev_sim_strict(struct kvm *kvm)
{
	return false;
}

static inline bool kvm_sev_sim_strict_open(struct kvm_vcpu *vcpu)
{
	return false;
}

#endif /* CONFIG_KVM_SEV_SIM_STRICT */

#endif /* __KVM_X86_SEV_SIM_STRICT_H */
