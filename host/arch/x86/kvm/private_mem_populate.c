// SPDX-License-Identifier: GPL-2.0
/*
 * Initial content of private memory, from a buffer of userspace.
 *
 * The buffer is read before any lock is taken, a few pages at a time, so that
 * page faults of userspace don't stop others.  Populating and page faults of
 * vCPUs exclude each other by the invalidate_lock of guest_memfd's mapping.
 * The first of them gives the page its content.
 */
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "private_mem.h"
#include "x86.h"

/* Pages that are copied at a time. */
#define BATCH_GFNS	16

/* Pages from @gfn on, and their content. */
struct batch {
	gfn_t gfn;
	void *content;
};

static int copy_content(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn,
			void __user *src, int order, void *opaque)
{
	struct batch *b = opaque;
	unsigned long i;

	for (i = 0; i < BIT(order); i++)
		memcpy_to_page(pfn_to_page(pfn + i), 0,
			       b->content + gfn_to_gpa(gfn + i - b->gfn), PAGE_SIZE);
	return 0;
}

/* Count private pages from @gfn on, up to one that isn't, and at most @npages. */
static long nr_private(struct kvm *kvm, gfn_t gfn, long npages)
{
	long i;

	for (i = 0; i < npages; i++) {
		if (!kvm_mem_is_private(kvm, gfn + i))
			break;
	}
	return i;
}

/*
 * Populate at least one page.  Returns the number of populated pages, or an
 * error.
 */
static long populate_batch(struct kvm *kvm, struct batch *b, long npages)
{
	if (mutex_lock_killable(&kvm->slots_lock))
		return -EINTR;

	if (kvm_private_mem_has_run(kvm)) {
		npages = -EBUSY;
	} else {
		npages = nr_private(kvm, b->gfn, npages) ?: -EINVAL;
		if (npages > 0)
			npages = kvm_gmem_populate(kvm, b->gfn, NULL, npages,
						   copy_content, b);
	}
	mutex_unlock(&kvm->slots_lock);
	return npages;
}

/* Populate a few pages, and move on behind them. */
static int populate_some(struct kvm *kvm, struct kvm_populate_private_memory *args,
			 void *content)
{
	size_t size = min_t(u64, args->size, BATCH_GFNS * PAGE_SIZE);
	struct batch b = {
		.gfn = gpa_to_gfn(args->gpa),
		.content = content,
	};
	long n;

	size -= copy_from_user(content, u64_to_user_ptr(args->uaddr), size);
	if (size < PAGE_SIZE)
		return -EFAULT;

	n = populate_batch(kvm, &b, size >> PAGE_SHIFT);
	if (n < 0)
		return n;

	args->gpa += gfn_to_gpa(n);
	args->uaddr += gfn_to_gpa(n);
	args->size -= gfn_to_gpa(n);
	return 0;
}

static bool is_valid(const struct kvm_populate_private_memory *args)
{
	return PAGE_ALIGNED(args->gpa) && PAGE_ALIGNED(args->size) &&
	       args->size && args->gpa < args->gpa + args->size &&
	       args->uaddr <= args->uaddr + args->size &&
	       !args->flags && !memchr_inv(args->pad, 0, sizeof(args->pad));
}

static int populate(struct kvm *kvm, struct kvm_populate_private_memory *args)
{
	void *content;
	int r = 0;

	if (!is_valid(args))
		return -EINVAL;

	content = kvmalloc(BATCH_GFNS * PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!content)
		return -ENOMEM;

	while (!r && args->size) {
		r = signal_pending(current) ? -EINTR :
					      populate_some(kvm, args, content);
		cond_resched();
	}
	kvfree(content);
	return r;
}

int kvm_private_mem_populate(struct kvm *kvm,
			     struct kvm_populate_private_memory __user *uargs)
{
	struct kvm_populate_private_memory args;
	int r;

	if (!READ_ONCE(kvm->arch.private_mem_flags))
		return -ENOTTY;
	if (copy_from_user(&args, uargs, sizeof(args)))
		return -EFAULT;

	r = populate(kvm, &args);

	/* Tell how far it got, whatever the result. */
	return copy_to_user(uargs, &args, sizeof(args)) ? -EFAULT : r;
}
