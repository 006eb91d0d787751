/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_PRIVATE_MEM_H
#define __KVM_X86_PRIVATE_MEM_H

#include <linux/kvm_host.h>

struct kvm_page_enc_call;

/* Operations of userspace that override the guest */
enum kvm_private_mem_override {
	KVM_OVERRIDE_PUNCH,
	KVM_OVERRIDE_SHARED,
	KVM_OVERRIDE_PRIVATE,
};

#ifdef CONFIG_KVM_PRIVATE_MEM_CONVERSION

int kvm_private_mem_cap_flags(struct kvm *kvm);
int kvm_private_mem_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap);
int kvm_private_mem_prepare_slot(struct kvm *kvm,
				 const struct kvm_memory_slot *slot);
void kvm_private_mem_slot_gone(struct kvm *kvm,
			       const struct kvm_memory_slot *slot);
int kvm_private_mem_convert_step(struct kvm_vcpu *vcpu,
				 struct kvm_page_enc_call *call);
bool kvm_private_mem_tell(struct kvm_vcpu *vcpu, u64 result);
bool kvm_private_mem_told(struct kvm_vcpu *vcpu, u64 *result);
long kvm_private_mem_ioctl(struct kvm *kvm, unsigned int ioctl,
			   void __user *argp);
void kvm_private_mem_create_debugfs(struct kvm *kvm);
void kvm_private_mem_destroy_vm(struct kvm *kvm);
bool kvm_private_mem_has_run(struct kvm *kvm);

/*
 * Get memory for a private page.  In VMs in which KVM fills or frees private
 * memory, exclude that meanwhile, and return -EAGAIN if the page has become
 * shared.
 */
static inline int kvm_private_mem_get_pfn(struct kvm *kvm,
					  struct kvm_memory_slot *slot,
					  gfn_t gfn, kvm_pfn_t *pfn,
					  int *max_order)
{
	if (kvm->arch.private_mem_flags)
		return kvm_gmem_get_private_pfn(kvm, slot, gfn, pfn, max_order);

	return kvm_gmem_get_pfn(kvm, slot, gfn, pfn, max_order);
}

/* Does KVM convert memory when the guest asks for it? */
static inline bool kvm_private_mem_enforced(struct kvm *kvm)
{
	return kvm->arch.private_mem_flags & KVM_PRIVATE_MEM_ENFORCE;
}

#else

static inline int kvm_private_mem_cap_flags(struct kvm *kvm)
{
	return 0;
}

static inline int kvm_private_mem_enable_cap(struct kvm *kvm,
					     const struct kvm_enable_cap *cap)
{
	return -EINVAL;
}

static inline int
kvm_private_mem_prepare_slot(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	return 0;
}

static inline void
kvm_private_mem_slot_gone(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
}

static inline int kvm_private_mem_convert_step(struct kvm_vcpu *vcpu,
					       struct kvm_page_enc_call *call)
{
	return 0;
}

static inline bool kvm_private_mem_tell(struct kvm_vcpu *vcpu, u64 result)
{
	return false;
}

static inline bool kvm_private_mem_told(struct kvm_vcpu *vcpu, u64 *result)
{
	return false;
}

static inline long kvm_private_mem_ioctl(struct kvm *kvm, unsigned int ioctl,
					 void __user *argp)
{
	return -ENOTTY;
}

static inline int kvm_private_mem_get_pfn(struct kvm *kvm,
					  struct kvm_memory_slot *slot,
					  gfn_t gfn, kvm_pfn_t *pfn,
					  int *max_order)
{
	return kvm_gmem_get_pfn(kvm, slot, gfn, pfn, max_order);
}

static inline bool kvm_private_mem_enforced(struct kvm *kvm)
{
	return false;
}

static inline void kvm_private_mem_create_debugfs(struct kvm *kvm)
{
}

static inline void kvm_private_mem_destroy_vm(struct kvm *kvm)
{
}

#endif /* CONFIG_KVM_PRIVATE_MEM_CONVERSION */

#endif /* __KVM_X86_PRIVATE_MEM_H */
