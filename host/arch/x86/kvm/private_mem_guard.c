// SPDX-License-Identifier: GPL-2.0
/*
 * What userspace does to memory against what the guest has asked for.
 *
 * Where the guest says which of its pages are private, userspace that changes
 * this by itself, or takes away what a private page holds, harms the guest.  It
 * can always do so, as it can delete memslots.  But it isn't to happen by
 * mistake, nor unnoticed, and who creates the VM may rule it out.
 *
 * Before any vCPU has run it is userspace that makes of the memory what the
 * guest expects.
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

/* Is what the pages are what the guest wants? */
static bool is_up_to_guest(struct kvm *kvm)
{
	return kvm_private_mem_enforced(kvm) && kvm_private_mem_has_run(kvm);
}

/* Of the pages [start, end) this many, if any, aren't left to the guest. */
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

/* Add to *pages those of [start, end) that have other attributes. */
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

		if (!kvm_is_user_memslot(kvm, slot))
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
 * May userspace set attributes of pages [start, end)?  What has no memslot
 * isn't the guest's: that is how userspace prepares what it is going to plug
 * in.  If it does it knows what the guest has said, or is going to.
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

/* May userspace free what guest_memfd has of pages [start, end) of @slot? */
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
