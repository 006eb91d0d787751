// SPDX-License-Identifier: GPL-2.0
/*
 * Changes by userspace that contradict what the guest has asked for.
 *
 * With ENFORCE, the guest decides which of its pages are private.  Userspace
 * that changes that by itself, or frees the memory of a private page, harms the
 * guest. It can always do so, e.g. by deleting memslots.  But it should not do
 * so by mistake, or unnoticed, and the creator of a VM can forbid it.
 *
 * Before any vCPU has run, userspace prepares the memory as the guest expects
 * it.
 */
#include <linux/kvm_host.h>

#include "page_enc.h"
#include "private_mem.h"
#include "trace.h"

bool kvm_private_mem_has_run(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (kvm_vcpu_has_run(vcpu))
			return true;
	}
	return false;
}

/* Does the guest decide what its pages are? */
static bool is_up_to_guest(struct kvm *kvm)
{
	return kvm_private_mem_enforced(kvm) && kvm_private_mem_has_run(kvm);
}

/* Userspace overrides the guest for @pages of the pages [start, end). */
static int override(struct kvm *kvm, gfn_t start, gfn_t end, u64 pages,
		    enum kvm_private_mem_override what)
{
	bool refused = kvm->arch.private_mem_flags & KVM_PRIVATE_MEM_GUARD;

	if (!pages)
		return 0;

	trace_kvm_private_mem_override(kvm, start, end - start, what, pages, refused);

	guard(mutex)(&kvm->arch.page_enc->map.lock);
	if (refused) {
		kvm->stat.page_enc_override_refused += pages;
		return -EPERM;
	}
	kvm->stat.page_enc_overridden += pages;
	return 0;
}

/* Add to *pages the number of pages in [start, end) with other attributes. */
static int count_other(struct kvm *kvm, gfn_t start, gfn_t end, bool private,
		       u64 *pages)
{
	struct kvm_memory_attribute_extent e = { .gfn = start };
	u64 nr_private = 0;
	int r;

	while ((r = kvm_find_mem_attributes(kvm, end, &e)) > 0) {
		if (e.attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE)
			nr_private += e.npages;
		e.gfn += e.npages;
	}
	*pages += private ? end - start - nr_private : nr_private;
	return r;
}

/*
 * May userspace set attributes of pages [start, end) of a guest that has run?
 */
static int may_override(struct kvm *kvm, gfn_t start, gfn_t end, bool private)
{
	struct kvm_memslot_iter iter;
	u64 pages = 0;
	int r;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), start, end) {
		struct kvm_memory_slot *slot = iter.slot;

		if (!kvm_is_user_memslot(slot))
			continue;
		r = count_other(kvm, max(start, slot->base_gfn),
				min(end, slot->base_gfn + slot->npages), private,
				&pages);
		if (r)
			return r;
	}
	return override(kvm, start, end, pages, private ? KVM_OVERRIDE_PRIVATE :
							  KVM_OVERRIDE_SHARED);
}

/*
 * May userspace set attributes of pages [start, end)?  Pages without a memslot
 * aren't the guest's: userspace may prepare what it is going to plug in.
 * Userspace that sets attributes of a memslot is taken to know what the guest
 * has announced.
 */
int kvm_arch_may_set_mem_attributes(struct kvm *kvm, gfn_t start, gfn_t end,
				    unsigned long attributes)
{
	int r;

	lockdep_assert_held(&kvm->slots_lock);

	if (is_up_to_guest(kvm)) {
		r = may_override(kvm, start, end,
				 attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE);
		if (r)
			return r;
	}

	if (kvm_private_mem_enforced(kvm))
		kvm_page_enc_note_restored(kvm);
	return 0;
}

/* May userspace free memory in guest_memfd of pages [start, end) of @slot? */
int kvm_arch_may_punch_gmem(struct kvm *kvm, struct kvm_memory_slot *slot,
			    gfn_t start, gfn_t end)
{
	u64 private = 0, shared = 0;
	int r;

	if (!is_up_to_guest(kvm))
		return 0;

	r = kvm_gmem_count(kvm, slot, start, end, &private, &shared);
	if (r)
		return r;
	return override(kvm, start, end, private, KVM_OVERRIDE_PUNCH);
}
