// SPDX-License-Identifier: GPL-2.0
/*
 * Page encryption status for userspace, which needs it to migrate the VM.
 *
 * Nothing is copied from or to userspace with the map's lock held, so that page
 * faults of userspace don't stop vCPUs.
 */
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "page_enc.h"
#include "page_enc_ioctl.h"

/* Guest physical addresses have 52 bits. */
#define END_OF_GFNS	BIT_ULL(52 - PAGE_SHIFT)

/* Extents that are copied at a time: as many as a chunk may consist of. */
#define MAX_EXTENTS	PAGE_ENC_CHUNK_GFNS

/* Chunks to look at with the lock held. */
#define MAX_CHUNKS	4096

#define GET_FLAGS	(KVM_PAGE_ENC_GET_CHANGED | KVM_PAGE_ENC_GET_CLEAR)

static_assert(KVM_PAGE_ENC_CHUNK_PAGES == PAGE_ENC_CHUNK_GFNS);

/**
 * struct harvest - state of a KVM_GET_PAGE_ENC_STATUS
 * @kvm:	the VM
 * @to:		address in userspace of the next extent
 * @left:	number of extents there is room for
 * @gfn:	page to continue with
 * @end:	page to stop at
 * @changed:	look for chunks that have changed, else for shared pages
 * @clear:	clear the marks of these chunks
 * @extents:	collected, but not copied yet
 * @nr:		how many of them
 * @full:	the next one doesn't fit
 */
struct harvest {
	struct kvm *kvm;
	struct kvm_page_enc_extent __user *to;
	u64 left;
	gfn_t gfn;
	gfn_t end;
	bool changed;
	bool clear;
	struct kvm_page_enc_extent *extents;
	unsigned int nr;
	bool full;
};

/* Add a run of pages.  Extend the last extent if the run continues it. */
static bool add_run(struct harvest *h, gfn_t start, gfn_t end, bool shared)
{
	struct kvm_page_enc_extent *last = h->extents + h->nr - 1;
	u64 flags = shared ? KVM_PAGE_ENC_SHARED : 0;

	if (h->nr && last->flags == flags && last->gfn + last->npages == start) {
		last->npages += end - start;
		return true;
	}

	if (h->nr == min_t(u64, h->left, MAX_EXTENTS))
		return false;

	h->extents[h->nr++] = (struct kvm_page_enc_extent) {
		.gfn = start,
		.npages = end - start,
		.flags = flags,
	};
	return true;
}

/* Add the runs of the chunk at h->gfn, as far as they fit. */
static bool add_runs(struct harvest *h)
{
	gfn_t end = min(round_down(h->gfn, PAGE_ENC_CHUNK_GFNS) +
			PAGE_ENC_CHUNK_GFNS, h->end);
	bool shared;
	gfn_t next;

	while (h->gfn < end) {
		next = page_enc_map_run(&h->kvm->arch.page_enc->map, h->gfn, end,
					&shared);
		if ((shared || h->changed) && !add_run(h, h->gfn, next, shared))
			return false;
		h->gfn = next;
	}
	return true;
}

/* The same, but add all runs of the chunk or none. */
static bool add_whole_chunk(struct harvest *h)
{
	struct kvm_page_enc_extent last = {};
	gfn_t gfn = h->gfn;
	unsigned int nr = h->nr;

	if (nr)
		last = h->extents[nr - 1];

	if (add_runs(h)) {
		page_enc_map_begin_harvest(&h->kvm->arch.page_enc->map, gfn);
		return true;
	}

	h->gfn = gfn;
	h->nr = nr;
	if (nr)
		h->extents[nr - 1] = last;
	return false;
}

/* Collect as many extents as fit and as the lock may be held for. */
static void collect(struct harvest *h)
{
	struct page_enc_map *map = &h->kvm->arch.page_enc->map;
	unsigned int i;
	gfn_t gfn;

	lockdep_assert_held(&map->lock);

	h->full = false;
	for (i = 0; i < MAX_CHUNKS && !h->full && h->gfn < h->end; i++) {
		gfn = h->gfn;
		if (!page_enc_map_next_chunk(map, &gfn, h->end, h->changed)) {
			h->gfn = h->end;
			break;
		}
		h->gfn = gfn;
		h->full = !(h->clear ? add_whole_chunk(h) : add_runs(h));
		cond_resched();
	}
}

static bool is_last_round(struct harvest *h)
{
	return h->gfn == h->end || (h->full && h->nr == h->left) ||
	       (h->clear && h->full && h->left < MAX_EXTENTS);
}

/*
 * Copy the collected extents, except for one that may continue in the next
 * round.
 */
static int copy_extents(struct harvest *h)
{
	bool keep = h->nr && !h->changed && !is_last_round(h);
	unsigned int nr = h->nr - keep;

	if (copy_to_user(h->to, h->extents, nr * sizeof(*h->extents)))
		return -EFAULT;

	if (keep)
		h->extents[0] = h->extents[nr];
	h->nr = keep;
	h->to += nr;
	h->left -= nr;
	return 0;
}

static int do_round(struct harvest *h, bool *last)
{
	struct kvm_page_enc *enc = h->kvm->arch.page_enc;
	gfn_t start = h->gfn;
	int r;

	scoped_guard(mutex, &enc->map.lock)
		collect(h);

	*last = is_last_round(h);
	r = copy_extents(h);

	if (h->clear) {
		guard(mutex)(&enc->map.lock);
		page_enc_map_end_harvest(&enc->map, start, h->gfn, !r);
		kvm_page_enc_update_stats(h->kvm);
	}
	if (r)
		h->gfn = start;
	return r;
}

static int do_rounds(struct harvest *h)
{
	bool last = false;
	int r;

	while (!last) {
		if (fatal_signal_pending(current))
			return -EINTR;

		r = do_round(h, &last);
		if (r)
			return r;
	}
	return 0;
}

/*
 * Only one task at a time may clear marks.  Otherwise two tasks could clear
 * marks of changes that neither of them has seen.
 */
static int do_harvest(struct harvest *h)
{
	struct kvm_page_enc *enc = h->kvm->arch.page_enc;
	int r;

	if (!h->clear)
		return do_rounds(h);

	if (mutex_lock_killable(&enc->harvest))
		return -EINTR;

	r = do_rounds(h);
	mutex_unlock(&enc->harvest);
	return r;
}

static int get_page_enc_extents(struct kvm *kvm, struct kvm_page_enc_status *status)
{
	struct harvest h = {
		.kvm = kvm,
		.to = u64_to_user_ptr(status->extents),
		.left = status->nr,
		.gfn = status->gfn,
		.end = status->end ?: END_OF_GFNS,
		.changed = status->flags & KVM_PAGE_ENC_GET_CHANGED,
		.clear = status->flags & KVM_PAGE_ENC_GET_CLEAR,
	};
	int r;

	h.extents = kvmalloc_array(min_t(u64, h.left, MAX_EXTENTS),
				   sizeof(*h.extents), GFP_KERNEL_ACCOUNT);
	if (!h.extents)
		return -ENOMEM;

	r = do_harvest(&h);
	kvfree(h.extents);

	/*
	 * The marks of written extents are gone: userspace must learn of the
	 * extents.
	 */
	if (r && !(h.clear && h.left < status->nr))
		return r;

	/* With KVM_PAGE_ENC_GET_CLEAR a chunk has to fit as a whole. */
	if (!r && h.gfn < h.end && h.left == status->nr)
		return -ENOSPC;

	status->gfn = h.gfn;
	status->nr -= h.left;
	return 0;
}

static bool has_pad(const struct kvm_page_enc_status *status)
{
	return memchr_inv(status->pad, 0, sizeof(status->pad));
}

static bool is_chunk_boundary(gfn_t gfn)
{
	return IS_ALIGNED(gfn, PAGE_ENC_CHUNK_GFNS);
}

/* Is there an array of this many extents at this address? */
static bool valid_array(const struct kvm_page_enc_status *status)
{
	return status->nr <= U64_MAX / sizeof(struct kvm_page_enc_extent) &&
	       status->extents <= U64_MAX -
			status->nr * sizeof(struct kvm_page_enc_extent);
}

static bool valid_get(const struct kvm_page_enc_status *status)
{
	u64 end = status->end ?: END_OF_GFNS;

	if (has_pad(status) || status->flags & ~GET_FLAGS ||
	    end > END_OF_GFNS || status->gfn > end || !valid_array(status))
		return false;

	if (!(status->flags & KVM_PAGE_ENC_GET_CLEAR))
		return true;

	return status->flags & KVM_PAGE_ENC_GET_CHANGED &&
	       is_chunk_boundary(status->gfn) && is_chunk_boundary(end);
}

static int get_page_enc_status(struct kvm *kvm, struct kvm_page_enc_status __user *argp)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	struct kvm_page_enc_status status;
	int r = 0;

	if (copy_from_user(&status, argp, sizeof(status)))
		return -EFAULT;
	if (!valid_get(&status))
		return -EINVAL;

	/*
	 * Read the generation first: it differs if extents change while they
	 * are read.
	 */
	scoped_guard(mutex, &enc->map.lock) {
		status.generation = enc->map.generation;
		status.control = enc->control;
	}

	/* Don't clear marks if userspace can't be told. */
	if (copy_to_user(argp, &status, sizeof(status)))
		return -EFAULT;

	if (status.nr)
		r = get_page_enc_extents(kvm, &status);
	if (r)
		return r;

	return copy_to_user(argp, &status, sizeof(status)) ? -EFAULT : 0;
}

static bool valid_extent(const struct kvm_page_enc_extent *extent, gfn_t min)
{
	return extent->gfn >= min && extent->gfn < END_OF_GFNS &&
	       extent->npages && extent->npages <= END_OF_GFNS - extent->gfn &&
	       extent->flags == KVM_PAGE_ENC_SHARED;
}

static int build_extent(struct page_enc_map *map,
			const struct kvm_page_enc_extent *extent)
{
	struct page_enc_changes changes = { .max = U64_MAX };
	gfn_t gfn = extent->gfn;
	int r;

	guard(mutex)(&map->lock);
	while (gfn < extent->gfn + extent->npages) {
		if (fatal_signal_pending(current))
			return -EINTR;

		r = page_enc_map_set(map, &gfn, extent->gfn + extent->npages,
				     true, &changes);
		if (r)
			return r;
	}
	return 0;
}

/* Build a map from userspace's extents. */
static int build_map(struct page_enc_map *map,
		     const struct kvm_page_enc_status *status)
{
	struct kvm_page_enc_extent __user *from = u64_to_user_ptr(status->extents);
	struct kvm_page_enc_extent extent;
	gfn_t min = 0;
	u64 i;
	int r;

	for (i = 0; i < status->nr; i++) {
		if (copy_from_user(&extent, from + i, sizeof(extent)))
			return -EFAULT;
		if (!valid_extent(&extent, min))
			return -EINVAL;

		r = build_extent(map, &extent);
		if (r)
			return r;
		min = extent.gfn + extent.npages;
		cond_resched();
	}
	return 0;
}

static int set_page_enc_map(struct kvm *kvm, const struct kvm_page_enc_status *status,
			    bool reset)
{
	struct page_enc_map map;
	int r;

	r = page_enc_map_init(&map);
	if (r)
		return r;

	r = build_map(&map, status);
	if (!r)
		r = kvm_page_enc_replace(kvm, &map, reset);
	page_enc_map_destroy(&map);
	return r;
}

static int set_page_enc_status(struct kvm *kvm, struct kvm_page_enc_status __user *argp,
			       bool reset)
{
	struct kvm_page_enc_status status;

	if (copy_from_user(&status, argp, sizeof(status)))
		return -EFAULT;
	if (has_pad(&status) || status.flags || status.gfn || status.end ||
	    !valid_array(&status))
		return -EINVAL;
	if (reset && (status.nr || status.extents))
		return -EINVAL;

	return set_page_enc_map(kvm, &status, reset);
}

long kvm_page_enc_ioctl(struct kvm *kvm, unsigned int ioctl, void __user *argp)
{
	if (!READ_ONCE(kvm->arch.page_enc))
		return -ENOTTY;

	switch (ioctl) {
	case KVM_GET_PAGE_ENC_STATUS:
		return get_page_enc_status(kvm, argp);
	case KVM_SET_PAGE_ENC_STATUS:
		return set_page_enc_status(kvm, argp, false);
	case KVM_RESET_PAGE_ENC_STATUS:
		return set_page_enc_status(kvm, argp, true);
	default:
		return -ENOTTY;
	}
}

/* KVM_ENABLE_CAP of KVM_CAP_PAGE_ENC_STATUS. */
int kvm_page_enc_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] != KVM_PAGE_ENC_STATUS_ENABLE ||
	    cap->args[1] || cap->args[2] || cap->args[3])
		return -EINVAL;

	return kvm_page_enc_enable(kvm);
}
