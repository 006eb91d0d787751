// SPDX-License-Identifier: GPL-2.0
/*
 * Reading of memory attributes.
 *
 * The attributes are in an xarray with an entry for each page that has any.  It
 * is walked under RCU.  slots_lock would give a snapshot, but a reader of a
 * large VM would hold it for long.  So each page is shown as it was when the
 * reader looked at it.  An extent isn't a snapshot if the attributes of its
 * pages are changing.
 */
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>

#include "kvm_mm.h"

/* Entries to look at before a reschedule */
#define WALK_BATCH	1024

/* Is the page the next one of the extent, with the same attributes? */
static bool extends(const struct kvm_memory_attribute_extent *e, gfn_t gfn,
		    u64 attributes)
{
	return gfn == e->gfn + e->npages && attributes == e->attributes;
}

/*
 * Find the first extent of pages with attributes in [e->gfn, end), up to its
 * end. Returns 1, or 0 if there is none, or -EINTR if the task is being killed.
 */
int kvm_find_mem_attributes(struct kvm *kvm, gfn_t end,
			    struct kvm_memory_attribute_extent *e)
{
	XA_STATE(xas, &kvm->mem_attr_array, e->gfn);
	unsigned int walked = 0;
	void *entry;

	e->npages = 0;
	if (e->gfn >= end)
		return 0;

	rcu_read_lock();
	xas_for_each(&xas, entry, end - 1) {
		/*
		 * Count entries that are only reserved, too: a change of
		 * attributes in progress may have made any number of them.
		 */
		if (++walked % WALK_BATCH == 0) {
			if (fatal_signal_pending(current))
				break;
			if (need_resched()) {
				/* Restart at this entry. */
				xas_set(&xas, xas.xa_index);
				rcu_read_unlock();
				cond_resched();
				rcu_read_lock();
				continue;
			}
		}

		if (xas_retry(&xas, entry))
			continue;

		if (!e->npages) {
			e->gfn = xas.xa_index;
			e->attributes = xa_to_value(entry);
		} else if (!extends(e, xas.xa_index, xa_to_value(entry))) {
			break;
		}
		e->npages++;
	}
	rcu_read_unlock();

	if (fatal_signal_pending(current))
		return -EINTR;
	return !!e->npages;
}

static bool valid_mem_attr_args(const struct kvm_memory_attribute_extents *args)
{
	const u64 max = 1ULL << (64 - PAGE_SHIFT);

	return !args->flags && !memchr_inv(args->pad, 0, sizeof(args->pad)) &&
	       args->gfn <= (args->end ?: max) && args->end <= max;
}

/* Fill args->extents until there is no more room or no more extent. */
static int get_mem_attr_extents(struct kvm *kvm, struct kvm_memory_attribute_extents *args,
				gfn_t end)
{
	struct kvm_memory_attribute_extent __user *to = u64_to_user_ptr(args->extents);
	struct kvm_memory_attribute_extent e = { .gfn = args->gfn };
	u64 room = args->nr;
	int r;

	for (args->nr = 0; args->nr < room; args->nr++) {
		r = kvm_find_mem_attributes(kvm, end, &e);
		if (r < 0)
			return r;
		if (!r) {
			args->gfn = end;
			return 0;
		}

		if (copy_to_user(to + args->nr, &e, sizeof(e)))
			return -EFAULT;

		e.gfn += e.npages;
		args->gfn = e.gfn;
		cond_resched();
	}
	return 0;
}

int kvm_vm_ioctl_get_mem_attributes(struct kvm *kvm,
				    struct kvm_memory_attribute_extents __user *uargs)
{
	struct kvm_memory_attribute_extents args;
	int r;

	if (copy_from_user(&args, uargs, sizeof(args)))
		return -EFAULT;
	if (!valid_mem_attr_args(&args))
		return -EINVAL;

	r = get_mem_attr_extents(kvm, &args, args.end ?: 1ULL << (64 - PAGE_SHIFT));
	if (r)
		return r;

	return copy_to_user(uargs, &args, sizeof(args)) ? -EFAULT : 0;
}
