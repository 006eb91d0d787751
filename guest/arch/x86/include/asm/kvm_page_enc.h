/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_KVM_PAGE_ENC_H
#define _ASM_X86_KVM_PAGE_ENC_H

#include <linux/types.h>

#ifdef CONFIG_KVM_GUEST_PAGE_ENC

#include <linux/jump_label.h>

DECLARE_STATIC_KEY_FALSE(kvm_page_enc_on);

void kvm_page_enc_init(void);
void kvm_page_enc_crash(void);
int __kvm_page_enc_prepare(unsigned long vaddr, unsigned long npages, bool enc);
int __kvm_page_enc_finish(unsigned long vaddr, unsigned long npages, bool enc);
void __kvm_page_enc_abort(unsigned long vaddr, unsigned long npages);
void __kvm_page_enc_converted(unsigned long vaddr, unsigned long npages, bool enc);

/*
 * Call this before the C-bits of @npages pages from @vaddr on are set (@enc) or
 * cleared.  After an error they must stay as they are.  Otherwise one of the
 * next two functions must be called.
 */
static inline int kvm_page_enc_prepare(unsigned long vaddr,
				       unsigned long npages, bool enc)
{
	if (!static_branch_unlikely(&kvm_page_enc_on))
		return 0;

	return __kvm_page_enc_prepare(vaddr, npages, enc);
}

/* Call this when the C-bits have been changed. */
static inline int kvm_page_enc_finish(unsigned long vaddr,
				      unsigned long npages, bool enc)
{
	if (!static_branch_unlikely(&kvm_page_enc_on))
		return 0;

	return __kvm_page_enc_finish(vaddr, npages, enc);
}

/* Call this when the C-bits have been changed in part, or not at all. */
static inline void kvm_page_enc_abort(unsigned long vaddr, unsigned long npages)
{
	if (static_branch_unlikely(&kvm_page_enc_on))
		__kvm_page_enc_abort(vaddr, npages);
}

/*
 * Call this early at boot, after pages were converted in place, content and
 * all. A refusal does not undo the conversion.
 */
static inline void kvm_page_enc_converted(unsigned long vaddr,
					  unsigned long npages, bool enc)
{
	if (static_branch_unlikely(&kvm_page_enc_on))
		__kvm_page_enc_converted(vaddr, npages, enc);
}

#else /* !CONFIG_KVM_GUEST_PAGE_ENC */

static inline void kvm_page_enc_init(void) { }
static inline void kvm_page_enc_crash(void) { }

static inline int kvm_page_enc_prepare(unsigned long vaddr,
				       unsigned long npages, bool enc)
{
	return 0;
}

static inline int kvm_page_enc_finish(unsigned long vaddr,
				      unsigned long npages, bool enc)
{
	return 0;
}

static inline void kvm_page_enc_abort(unsigned long vaddr, unsigned long npages)
{
}

static inline void kvm_page_enc_converted(unsigned long vaddr,
					  unsigned long npages, bool enc)
{
}

#endif /* CONFIG_KVM_GUEST_PAGE_ENC */

#endif /* _ASM_X86_KVM_PAGE_ENC_H */
