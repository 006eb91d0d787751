/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_KVM_PAGE_ENC_H
#define _ASM_X86_KVM_PAGE_ENC_H

#include <linux/types.h>

#ifdef CONFIG_KVM_GUEST_PAGE_ENC

#include <linux/jump_label.h>

DECLARE_STATIC_KEY_FALSE(kvm_page_enc_on);

void kvm_page_enc_init(void);
void kvm_page_enc_crash(void);
int __kvm_page_enc_changed(unsigned long vaddr, unsigned long npages, bool enc);

/*
 * Tell the host that the C-bits of @npages pages from @vaddr on have been set
 * (@enc) or cleared.  To be called after the page tables were changed.
 */
static inline int kvm_page_enc_changed(unsigned long vaddr,
				       unsigned long npages, bool enc)
{
	if (!static_branch_unlikely(&kvm_page_enc_on))
		return 0;

	return __kvm_page_enc_changed(vaddr, npages, enc);
}

#else /* !CONFIG_KVM_GUEST_PAGE_ENC */

static inline void kvm_page_enc_init(void) { }
static inline void kvm_page_enc_crash(void) { }

static inline int kvm_page_enc_changed(unsigned long vaddr,
				       unsigned long npages, bool enc)
{
	return 0;
}

#endif /* CONFIG_KVM_GUEST_PAGE_ENC */

#endif /* _ASM_X86_KVM_PAGE_ENC_H */
