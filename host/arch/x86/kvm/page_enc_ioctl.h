/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_PAGE_ENC_IOCTL_H
#define __KVM_X86_PAGE_ENC_IOCTL_H

#include <linux/kvm_host.h>

#include "page_enc.h"

#ifdef CONFIG_KVM_PAGE_ENC_STATUS

long kvm_page_enc_ioctl(struct kvm *kvm, unsigned int ioctl, void __user *argp);
int kvm_page_enc_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap);

/*
 * Flags for KVM_ENABLE_CAP; 0 if the capability can't be enabled.  @kvm is NULL
 * if userspace asks for no VM in particular.
 */
static inline int kvm_page_enc_cap_flags(struct kvm *kvm)
{
	if (kvm && !kvm_page_enc_may_track(kvm))
		return 0;

	return KVM_PAGE_ENC_STATUS_ENABLE;
}

#else

static inline long kvm_page_enc_ioctl(struct kvm *kvm, unsigned int ioctl,
				      void __user *argp)
{
	return -ENOTTY;
}

static inline int kvm_page_enc_enable_cap(struct kvm *kvm,
					  const struct kvm_enable_cap *cap)
{
	return -EINVAL;
}

static inline int kvm_page_enc_cap_flags(struct kvm *kvm)
{
	return 0;
}

#endif /* CONFIG_KVM_PAGE_ENC_STATUS */

#endif /* __KVM_X86_PAGE_ENC_IOCTL_H */
