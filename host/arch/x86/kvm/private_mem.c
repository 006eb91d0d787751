// SPDX-License-Identifier: GPL-2.0
/*
 * Conversion of guest memory between private and shared, by KVM itself.
 *
 * With ENFORCE, the memory attribute of a page selects whether its memory is
 * from guest_memfd or from the userspace mapping.  The guest changes the
 * attribute with KVM_HC_MAP_GPA_RANGE.  The status that is tracked for the page
 * is a copy of the attribute.  Both change together, with slots_lock held, for
 * each page that has a memslot.  Without a memslot nothing is tracked, and
 * announcements are forgotten: the guest could make KVM allocate without bound.
 *
 * Nothing is marked dirty.  Userspace reads pages from its mapping, whose
 * content is not affected by conversions.  The dirty log isn't available for a
 * memslot with guest_memfd, either.
 *
 * On request (PUNCH) the memory of a page that becomes shared is freed, so that
 * no page takes memory twice.  A late page fault may have found the page
 * private.  It allocates with the invalidate_lock of guest_memfd's mapping
 * held, and only if the page still is private.  The page is shared first and
 * freed second, with that lock held.  So the memory is either freed or never
 * allocated.
 *
 * Order of locks: kvm->lock, slots_lock, the lock of the map; and slots_lock,
 * invalidate_lock, mmu_lock.  kvm->srcu must not be held when slots_lock is
 * taken: deleting a memslot waits for kvm->srcu with slots_lock held.
 */
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "page_enc.h"
#include "private_mem.h"
#include "trace.h"

/*
 * Pages that are converted with slots_lock held.  Steps end at multiples of
 * that. A step takes in the order of a millisecond.
 */
#define STEP_GFNS	4096

/* Guest physical addresses have 52 bits. */
#define END_OF_GPAS	BIT_ULL(52)
#define END_OF_GFNS	(END_OF_GPAS >> PAGE_SHIFT)

/**
 * struct conversion - a range that is being converted
 * @gfn:	page to continue with
 * @end:	page to stop at
 * @attributes:	the new attributes
 * @by_vmm:	userspace asks for it, not the guest
 * @changed:	number of pages that had other attributes
 * @unbacked:	number of pages without a memslot
 */
struct conversion {
	gfn_t gfn;
	gfn_t end;
	u64 attributes;
	bool by_vmm;
	u64 changed;
	u64 unbacked;
};

/* Store the status of pages [*start, end); *start is moved to what is left. */
static int set_status(struct kvm *kvm, gfn_t *start, gfn_t end, bool shared)
{
	struct page_enc_map *map = &kvm->arch.page_enc->map;
	struct page_enc_changes changes = { .max = U64_MAX };
	int r = 0;

	guard(mutex)(&map->lock);
	while (!r && *start < end)
		r = page_enc_map_set(map, start, end, shared, &changes);

	if (shared)
		kvm->stat.page_enc_to_shared += changes.pages;
	else
		kvm->stat.page_enc_to_private += changes.pages;
	kvm->arch.page_enc->nr_copied += changes.pages;
	kvm_page_enc_update_stats(kvm);
	return r;
}

/* The same for shared pages.  Pages without a memslot count as private. */
static int share_slots(struct kvm *kvm, gfn_t *start, gfn_t end)
{
	struct kvm_memory_slot *slot;
	gfn_t next;
	int r;

	while (*start < end) {
		slot = kvm_first_user_memslot(kvm, *start, end);
		if (!slot) {
			*start = end;
			break;
		}
		*start = max(*start, slot->base_gfn);
		next = min(end, slot->base_gfn + slot->npages);
		r = set_status(kvm, start, next, true);
		if (r)
			return r;
	}
	return 0;
}

int kvm_arch_track_mem_attributes(struct kvm *kvm, gfn_t start, gfn_t *end,
				  unsigned long attributes)
{
	int r;

	lockdep_assert_held(&kvm->slots_lock);

	if (!kvm_private_mem_enforced(kvm))
		return 0;

	if (attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE)
		r = set_status(kvm, &start, *end, false);
	else
		r = share_slots(kvm, &start, *end);
	if (r)
		*end = start;
	return r;
}

static void forget_status(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct page_enc_map *map = &kvm->arch.page_enc->map;
	struct page_enc_changes changes = { .max = U64_MAX };

	guard(mutex)(&map->lock);
	while (start < end) {
		/* Out of memory: keep the rest.  It is bounded as it had a slot. */
		if (page_enc_map_forget(map, &start, end, &changes))
			break;
	}
	kvm_page_enc_update_stats(kvm);
}

/*
 * Note which pages [start, end) the guest has shared.  When they get a memslot
 * again, it is known that they are not new.
 */
static int note_gone(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	struct page_enc_changes changes = { .max = U64_MAX };
	gfn_t next;
	bool shared;
	int r = 0;

	while (!r && start < end) {
		/* The status can't change as slots_lock is held. */
		scoped_guard(mutex, &enc->map.lock)
			next = page_enc_map_run(&enc->map, start, end, &shared);

		guard(mutex)(&enc->gone.lock);
		while (!r && start < next)
			r = page_enc_map_set(&enc->gone, &start, next, shared,
					     &changes);
	}
	return r;
}

/* Pages [start, end) of @slot have no memslot any more. */
static void pages_gone(struct kvm *kvm, const struct kvm_memory_slot *slot,
		       gfn_t start, gfn_t end)
{
	if (kvm_slot_can_be_private(slot) && note_gone(kvm, start, end))
		kvm_page_enc_withdraw_ready(kvm);
	forget_status(kvm, start, end);
}

/* Pages have lost their memslot, or have another one since it was moved. */
void kvm_private_mem_slot_gone(struct kvm *kvm,
			       const struct kvm_memory_slot *slot)
{
	gfn_t gfn = slot->base_gfn, end = gfn + slot->npages;
	struct kvm_memory_slot *other;

	lockdep_assert_held(&kvm->slots_lock);

	if (!kvm_private_mem_enforced(kvm) || !kvm_is_user_memslot(slot))
		return;

	while (gfn < end) {
		other = kvm_first_user_memslot(kvm, gfn, end);
		pages_gone(kvm, slot, gfn, other ? other->base_gfn : end);
		gfn = other ? other->base_gfn + other->npages : end;
	}
}

/*
 * Count the pages [start, end) that the guest had not shared when they last had
 * a memslot.
 */
static u64 count_news(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct page_enc_map *gone = &kvm->arch.page_enc->gone;
	u64 pages = 0;
	gfn_t next;
	bool shared;

	guard(mutex)(&gone->lock);
	for (; start < end; start = next) {
		next = page_enc_map_run(gone, start, end, &shared);
		if (!shared)
			pages += next - start;
	}
	return pages;
}

/* Fill in the status of pages [*start, end); *new counts new shared ones. */
static int prepare_pages(struct kvm *kvm, const struct kvm_memory_slot *slot,
			 gfn_t *start, gfn_t end, bool shared, u64 *new)
{
	if (shared && kvm_slot_can_be_private(slot))
		*new += count_news(kvm, *start, end);
	return set_status(kvm, start, end, shared);
}

static int prepare_slot(struct kvm *kvm, const struct kvm_memory_slot *slot,
			u64 *new)
{
	gfn_t gfn = slot->base_gfn, end = gfn + slot->npages;
	struct kvm_memory_attribute_extent e;
	int r, found;

	while (gfn < end) {
		e.gfn = gfn;
		found = kvm_find_mem_attributes(kvm, end, &e);
		if (found < 0)
			return found;

		r = prepare_pages(kvm, slot, &gfn, found ? e.gfn : end, true, new);
		if (!r && found)
			r = prepare_pages(kvm, slot, &gfn, e.gfn + e.npages, false, new);
		if (r)
			return r;
	}
	return 0;
}

/*
 * Pages get a memslot, and with it a status.
 *
 * A guest takes memory that is plugged in for private until it shares it.  If
 * the memory isn't private, the guest's announcements aren't complete.  This
 * doesn't hold for pages that the guest had shared before they lost their
 * memslot, nor for pages that can't be private, e.g. those of PCI BARs.
 */
int kvm_private_mem_prepare_slot(struct kvm *kvm,
				 const struct kvm_memory_slot *slot)
{
	u64 new = 0;
	int r;

	lockdep_assert_held(&kvm->slots_lock);

	if (!kvm_private_mem_enforced(kvm) || !kvm_is_user_memslot(slot))
		return 0;

	r = prepare_slot(kvm, slot, &new);
	if (r)
		kvm_private_mem_slot_gone(kvm, slot);
	else if (new)
		kvm_page_enc_withdraw_ready(kvm);
	return r;
}

static bool is_to_private(const struct conversion *c)
{
	return c->attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE;
}

/* Number of pages whose status changed with their attributes */
static u64 nr_copied(struct kvm *kvm)
{
	return kvm_private_mem_enforced(kvm) ? kvm->arch.page_enc->nr_copied : 0;
}

/* Can all pages that are to become private be private? */
static bool may_convert(struct kvm *kvm, const struct conversion *c)
{
	struct kvm_memslot_iter iter;

	if (!is_to_private(c))
		return true;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), c->gfn, c->end) {
		if (kvm_is_user_memslot(iter.slot) && !kvm_slot_can_be_private(iter.slot))
			return false;
	}
	return true;
}

/* Convert at most STEP_GFNS pages of a memslot. */
static int convert_in_slot(struct kvm *kvm, struct kvm_memory_slot *slot,
			   struct conversion *c)
{
	gfn_t end = min3(c->end, slot->base_gfn + slot->npages,
			 round_down(c->gfn, STEP_GFNS) + STEP_GFNS);
	u64 before = nr_copied(kvm);
	int r;

	if (is_to_private(c) && !kvm_slot_can_be_private(slot))
		return -EINVAL;

	if (c->by_vmm) {
		r = kvm_arch_may_set_mem_attributes(kvm, c->gfn, end, c->attributes);
		if (r)
			return r;
	}

	r = kvm_vm_set_mem_attributes(kvm, c->gfn, end, c->attributes);
	c->changed += nr_copied(kvm) - before;
	if (r)
		return r;

	if (!is_to_private(c) && kvm_slot_can_be_private(slot) &&
	    kvm->arch.private_mem_flags & KVM_PRIVATE_MEM_PUNCH)
		kvm_gmem_punch(kvm, slot, c->gfn, end);
	c->gfn = end;
	return 0;
}

static int convert_step(struct kvm *kvm, struct conversion *c)
{
	struct kvm_memory_slot *slot;
	gfn_t start;
	int r = 0;

	/*
	 * Make progress even if a signal is pending, unless the lock has to be
	 * waited for.
	 */
	if (mutex_lock_interruptible(&kvm->slots_lock))
		return -EINTR;

	slot = kvm_first_user_memslot(kvm, c->gfn, c->end);
	start = slot ? max(c->gfn, slot->base_gfn) : c->end;
	c->unbacked += start - c->gfn;
	c->gfn = start;

	if (slot)
		r = convert_in_slot(kvm, slot, c);
	mutex_unlock(&kvm->slots_lock);
	return r;
}

/*
 * Convert a range for userspace.  Returns 0 or an error, e.g. -EINTR if a
 * signal is pending.  In any case the pages before c->gfn have been converted,
 * if they have a memslot, and the others have not.
 */
static int convert_gfns(struct kvm *kvm, struct conversion *c)
{
	int r;

	while (c->gfn < c->end) {
		r = convert_step(kvm, c);
		if (r)
			return r;
		if (c->gfn < c->end && signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/*
 * Convert some of the remaining pages of a call.  Returns 0, or -EINTR if a
 * signal came while it waited for the lock, or -EINVAL if pages that are to
 * become private can't be private.
 */
int kvm_private_mem_convert_step(struct kvm_vcpu *vcpu,
				 struct kvm_page_enc_call *call)
{
	bool private = call->attrs & KVM_MAP_GPA_RANGE_ENCRYPTED;
	struct conversion c = {
		.end = gpa_to_gfn(call->gpa) + call->npages,
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
		.changed = call->changed,
		.unbacked = call->unbacked,
	};
	int r;

	c.gfn = c.end - call->left;
	if (call->left == call->npages && !may_convert(vcpu->kvm, &c))
		return -EINVAL;

	/* See "Locks" above. */
	kvm_vcpu_srcu_read_unlock(vcpu);
	r = convert_step(vcpu->kvm, &c);
	kvm_vcpu_srcu_read_lock(vcpu);

	call->left = c.end - c.gfn;
	call->changed = c.changed;
	call->unbacked = c.unbacked;
	return r;
}

/*
 * Tell userspace, if it asked for that, that the conversion of a hypercall is
 * over. Only now can it free the old place of the pages, which the guest can't
 * reach any more.
 */
bool kvm_private_mem_tell(struct kvm_vcpu *vcpu, u64 result)
{
	const u64 both = KVM_PRIVATE_MEM_NOTIFY | KVM_PRIVATE_MEM_ENFORCE;
	struct kvm_page_enc_call *call = &vcpu->arch.page_enc_call;
	struct kvm_run *run = vcpu->run;

	if ((vcpu->kvm->arch.private_mem_flags & both) != both ||
	    !(vcpu->kvm->arch.hypercall_exit_enabled & BIT(KVM_HC_MAP_GPA_RANGE)) ||
	    !call->total)
		return false;

	call->result = result;
	kvm_page_enc_note_exit(vcpu);
	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = KVM_HC_MAP_GPA_RANGE;
	run->hypercall.args[0] = call->gpa;
	run->hypercall.args[1] = call->total;
	run->hypercall.args[2] = call->attrs;
	run->hypercall.ret = result;
	run->hypercall.flags = KVM_EXIT_HYPERCALL_CONVERTED;
	if (is_64_bit_hypercall(vcpu))
		run->hypercall.flags |= KVM_EXIT_HYPERCALL_LONG_MODE;
	return true;
}

/* Userspace was told.  Is the vCPU still at the hypercall, to get its result? */
bool kvm_private_mem_told(struct kvm_vcpu *vcpu, u64 *result)
{
	*result = vcpu->arch.page_enc_call.result;
	return kvm_page_enc_may_resume(vcpu);
}

static bool valid_range(u64 gpa, u64 size)
{
	return PAGE_ALIGNED(gpa) && PAGE_ALIGNED(size) && size &&
	       size <= END_OF_GPAS && gpa <= END_OF_GPAS - size;
}

static int convert_memory(struct kvm *kvm, struct kvm_convert_memory *args)
{
	struct conversion c = {
		.gfn = gpa_to_gfn(args->gpa),
		.end = gpa_to_gfn(args->gpa + args->size),
		.attributes = args->attributes,
		.by_vmm = true,
	};
	bool may;
	int r, idx;

	if (args->flags || memchr_inv(args->pad, 0, sizeof(args->pad)) ||
	    args->attributes & ~KVM_MEMORY_ATTRIBUTE_PRIVATE ||
	    !valid_range(args->gpa, args->size))
		return -EINVAL;

	idx = srcu_read_lock(&kvm->srcu);
	may = may_convert(kvm, &c);
	srcu_read_unlock(&kvm->srcu, idx);
	if (!may)
		return -EINVAL;

	r = convert_gfns(kvm, &c);
	args->gpa = gfn_to_gpa(c.gfn);
	args->size = gfn_to_gpa(c.end - c.gfn);
	return r;
}

static int ioctl_convert_memory(struct kvm *kvm,
				struct kvm_convert_memory __user *uargs)
{
	struct kvm_convert_memory args;
	int r;

	if (copy_from_user(&args, uargs, sizeof(args)))
		return -EFAULT;

	r = convert_memory(kvm, &args);

	/* Tell how far it got, whatever the result. */
	if (put_user(args.gpa, &uargs->gpa) || put_user(args.size, &uargs->size))
		return -EFAULT;
	return r;
}

long kvm_private_mem_ioctl(struct kvm *kvm, unsigned int ioctl,
			   void __user *argp)
{
	if (!READ_ONCE(kvm->arch.private_mem_flags))
		return -ENOTTY;

	switch (ioctl) {
	case KVM_CONVERT_MEMORY:
		return ioctl_convert_memory(kvm, argp);
	default:
		return -ENOTTY;
	}
}

/*
 * Make the status of all pages that have a memslot a copy of their attributes.
 */
static int start_enforcing(struct kvm *kvm)
{
	struct kvm_memory_slot *slot;
	int bkt, r;

	if (!kvm->arch.page_enc->gone.chunks) {
		r = page_enc_map_init(&kvm->arch.page_enc->gone);
		if (r)
			return r;
	}

	scoped_guard(mutex, &kvm->arch.page_enc->map.lock)
		kvm->arch.page_enc->is_copy = true;

	/* Userspace may have set another status. */
	forget_status(kvm, 0, END_OF_GFNS);

	kvm_for_each_memslot(slot, bkt, kvm_memslots(kvm)) {
		r = kvm_private_mem_prepare_slot(kvm, slot);
		if (r)
			return r;
	}
	return 0;
}

static int start_converting(struct kvm *kvm, u64 flags)
{
	int r;

	guard(mutex)(&kvm->slots_lock);
	WRITE_ONCE(kvm->arch.private_mem_flags, flags);
	if (!(flags & KVM_PRIVATE_MEM_ENFORCE))
		return 0;

	r = start_enforcing(kvm);
	if (r) {
		WRITE_ONCE(kvm->arch.page_enc->is_copy, false);
		WRITE_ONCE(kvm->arch.private_mem_flags, 0);
	}
	return r;
}

static int enable(struct kvm *kvm, u64 flags)
{
	int r;

	guard(mutex)(&kvm->lock);
	if (kvm->created_vcpus)
		return -EINVAL;
	if (kvm->arch.private_mem_flags)
		return kvm->arch.private_mem_flags == flags ? 0 : -EINVAL;

	r = start_converting(kvm, flags);
	if (r)
		return r;

	/* This takes cpus_read_lock(), so slots_lock must not be held. */
	if (flags & KVM_PRIVATE_MEM_EMULATE) {
		WRITE_ONCE(kvm->accesses_private_mem, true);
		static_branch_inc(&kvm_gmem_access_key);
	}

	if (flags & KVM_PRIVATE_MEM_NOTIFY)
		kvm->arch.hypercall_exit_enabled |= BIT(KVM_HC_MAP_GPA_RANGE);
	return 0;
}

void kvm_private_mem_destroy_vm(struct kvm *kvm)
{
	if (kvm->accesses_private_mem)
		static_branch_dec(&kvm_gmem_access_key);
}

int kvm_private_mem_cap_flags(struct kvm *kvm)
{
	if (kvm && kvm->arch.vm_type != KVM_X86_SW_PROTECTED_VM)
		return 0;

	return KVM_PRIVATE_MEM_NOTIFY | KVM_PRIVATE_MEM_ENFORCE |
	       KVM_PRIVATE_MEM_PUNCH | KVM_PRIVATE_MEM_EMULATE |
	       KVM_PRIVATE_MEM_GUARD;
}

static bool valid_flags(struct kvm *kvm, u64 flags)
{
	if (!flags || flags & ~(u64)kvm_private_mem_cap_flags(kvm))
		return false;

	/* Without ENFORCE the VMM converts memory, and can punch it as well. */
	return !(flags & (KVM_PRIVATE_MEM_PUNCH | KVM_PRIVATE_MEM_GUARD)) ||
	       flags & KVM_PRIVATE_MEM_ENFORCE;
}

/* KVM_ENABLE_CAP of KVM_CAP_PRIVATE_MEM_CONVERSION. */
int kvm_private_mem_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	u64 flags = cap->args[0];
	int r;

	if (!valid_flags(kvm, flags) ||
	    cap->args[1] || cap->args[2] || cap->args[3])
		return -EINVAL;

	if (flags & KVM_PRIVATE_MEM_ENFORCE) {
		r = kvm_page_enc_enable(kvm);
		if (r)
			return r;
	}
	return enable(kvm, flags);
}
