// SPDX-License-Identifier: GPL-2.0
/*
 * Announce the encryption status of pages to the KVM host: conversions
 *
 * Shared is announced before the C-bit changes, private after.  So a refusal to
 * share changes nothing, and the host never believes less than what is shared.
 */

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/pfn.h>

#include "kvm_page_enc_core.h"

/* In in_flight: everything was announced anew while it was not 0. */
#define PAGE_ENC_RENEWED	BIT(30)

static void page_enc_begin(struct page_enc *pe)
{
	atomic_inc(&pe->in_flight);
}

/* The last one out takes the flag along, unless another comes in meanwhile. */
static void page_enc_end(struct page_enc *pe)
{
	if (atomic_dec_return(&pe->in_flight) == PAGE_ENC_RENEWED)
		atomic_cmpxchg(&pe->in_flight, PAGE_ENC_RENEWED, 0);
}

static int page_enc_send_virt(struct page_enc *pe, unsigned long vaddr,
			      unsigned long end, bool enc)
{
	const struct page_enc_ops *ops = pe->ops;
	u64 pfn;

	/* Mostly it is one run, for which no page table has to be read. */
	if (ops->linear && ops->linear(vaddr, end, &pfn))
		return page_enc_send(ops, pfn, PFN_DOWN(end - vaddr), enc);

	return page_enc_send_range(ops, vaddr, end, enc);
}

/* The host's view is not what it should be, whatever callers make of the error. */
static int page_enc_failed(struct page_enc *pe, int err)
{
	if (err)
		page_enc_event(pe, err == -EOPNOTSUPP ? PAGE_ENC_EV_MUTE :
							PAGE_ENC_EV_STALE);
	return err;
}

/*
 * The C-bits of [vaddr, end) are about to change.  If the host refuses to share,
 * they must not, and all of the range is taken back: the call that was refused may
 * have been done in part.
 */
int page_enc_prepare(struct page_enc *pe, unsigned long vaddr, unsigned long end,
		     bool enc)
{
	int err;

	page_enc_begin(pe);
	if (enc)
		return 0;

	err = page_enc_failed(pe, page_enc_send_virt(pe, vaddr, end, false));
	if (!err)
		return 0;

	if (err != -EOPNOTSUPP &&
	    page_enc_failed(pe, page_enc_send_mapped(pe->ops, vaddr, end)) == -EOPNOTSUPP)
		err = -EOPNOTSUPP;
	page_enc_end(pe);

	return err;
}

/*
 * They have changed.  Everything may have been announced anew after it was
 * prepared and before they changed: then shared is announced once more.
 */
int page_enc_finish(struct page_enc *pe, unsigned long vaddr, unsigned long end,
		    bool enc)
{
	int err = 0;

	if (enc || atomic_read(&pe->in_flight) & PAGE_ENC_RENEWED)
		err = page_enc_send_virt(pe, vaddr, end, enc);
	page_enc_end(pe);

	return page_enc_failed(pe, err);
}

/* They have not, or in part: announce what they are now. */
int page_enc_abort(struct page_enc *pe, unsigned long vaddr, unsigned long end)
{
	int err;

	page_enc_event(pe, PAGE_ENC_EV_STALE);
	err = page_enc_failed(pe, page_enc_send_mapped(pe->ops, vaddr, end));
	page_enc_end(pe);

	return err;
}

/* They were changed in place, early at boot, when there is one CPU. */
int page_enc_converted(struct page_enc *pe, unsigned long vaddr,
		       unsigned long end, bool enc)
{
	return page_enc_failed(pe, page_enc_send_virt(pe, vaddr, end, enc));
}

/*
 * Replace whatever view the host has by what the page tables say.  All other CPUs
 * stand still.  The host may stop this one, too, between any two calls: READY is
 * withdrawn before the first and set after the last.
 */
int page_enc_renew(struct page_enc *pe)
{
	int err;

	page_enc_event(pe, PAGE_ENC_EV_STALE);
	if (atomic_read(&pe->in_flight))
		atomic_or(PAGE_ENC_RENEWED, &pe->in_flight);

	err = page_enc_failed(pe, pe->ops->send_all());
	if (!err)
		page_enc_event(pe, PAGE_ENC_EV_RENEWED);

	return err;
}
