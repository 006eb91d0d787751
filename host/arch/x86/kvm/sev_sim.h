/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_SEV_SIM_H
#define __KVM_X86_SEV_SIM_H

#include <linux/jump_label.h>
#include <linux/kvm_host.h>

#ifdef CONFIG_KVM_SEV_SIM

DECLARE_STATIC_KEY_FALSE(kvm_sev_sim_key);

int kvm_sev_sim_init_vm(struct kvm *kvm);
void kvm_sev_sim_destroy_vm(struct kvm *kvm);
u64 kvm_sev_sim_cap_flags(struct kvm *kvm);
int kvm_sev_sim_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap);
void kvm_sev_sim_cpuid(struct kvm_vcpu *vcpu, u32 function, bool exists,
		       u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
void kvm_sev_sim_explain_slot(struct kvm *kvm, const struct kvm_memory_slot *slot);
bool kvm_sev_sim_refuses(struct kvm *kvm);

/* The position of the C-bit in guest physical addresses, 0: not simulated. */
static __always_inline unsigned int kvm_sev_sim_c_bit(struct kvm *kvm)
{
	return static_branch_unlikely(&kvm_sev_sim_key) ?
	       kvm->arch.sev_sim_c_bit : 0;
}

#else

static inline int kvm_sev_sim_init_vm(struct kvm *kvm)
{
	return 0;
}

static inline void kvm_sev_sim_destroy_vm(struct kvm *kvm)
{
}

static inline u64 kvm_sev_sim_cap_flags(struct kvm *kvm)
{
	return 0;
}

static inline int kvm_sev_sim_enable_cap(struct kvm *kvm,
					 const struct kvm_enable_cap *cap)
{
	return -EINVAL;
}

static inline void kvm_sev_sim_cpuid(struct kvm_vcpu *vcpu, u32 function,
				     bool exists, u32 *eax, u32 *ebx, u32 *ecx,
				     u32 *edx)
{
}

static inline void kvm_sev_sim_explain_slot(struct kvm *kvm,
					    const struct kvm_memory_slot *slot)
{
}

static inline bool kvm_sev_sim_refuses(struct kvm *kvm)
{
	return false;
}

static inline unsigned int kvm_sev_sim_c_bit(struct kvm *kvm)
{
	return 0;
}

#endif /* CONFIG_KVM_SEV_SIM */

#ifdef CONFIG_KVM_SEV_SIM_STRICT
void kvm_sev_sim_set_strict(struct kvm *kvm);
void kvm_sev_sim_control_changed(struct kvm *kvm);
void kvm_sev_sim_status_changed(struct kvm *kvm, gfn_t start, gfn_t end,
				bool shared);
#else
static inline void kvm_sev_sim_set_strict(struct kvm *kvm)
{
}

static inline void kvm_sev_sim_control_changed(struct kvm *kvm)
{
}

static inline void kvm_sev_sim_status_changed(struct kvm *kvm, gfn_t start,
					      gfn_t end, bool shared)
{
}
#endif

/* The C-bit itself, 0: not simulated. */
static inline u64 kvm_sev_sim_c_bit_mask(struct kvm *kvm)
{
	unsigned int c_bit = kvm_sev_sim_c_bit(kvm);

	return c_bit ? BIT_ULL(c_bit) : 0;
}

#endif /* __KVM_X86_SEV_SIM_H */
