// SPDX-License-Identifier: GPL-2.0
/*
 * Announce the encryption status of pages to the KVM host: conversions
 *
 * Shared pages are announced before the C-bit changes, private ones after.  A
 * refusal to share then changes nothing, and the host never takes a shared page
 * for private.
 */

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/pfn.h>

#include "kvm_page_enc_core.h"

/* Flag in in_flight: everything was announced anew during a conversion */
#define PAGE_ENC_RENEWED	BIT(30)

static void page_enc_begin(struct page_enc *pe)
{
	atomic_inc(&pe->in_flight);
}

/* The last conversion to end clears the flag, unless another has begun. */
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

	/* Mostly this is a single run, for which no page table has to be read. */
	if (ops->linear && ops->linear(vaddr, end, &pfn))
		return page_enc_send(ops, pfn, PFN_DOWN(end - vaddr), enc);

	return page_enc_send_range(ops, vaddr, end, enc);
}

/* The host's view is wrong now, whatever callers do about the error. */
static int page_enc_failed(struct page_enc *pe, int err)
{
	if (err)
		page_enc_event(pe, err == -EOPNOTSUPP ? PAGE_ENC_EV_MUTE :
							PAGE_ENC_EV_STALE);
	return err;
}

/*
 * The C-bits of [vaddr, end) are about to change.  If the host refuses to
 * share, they must not change.  The host may have done part of a refused call,
 * so the whole range is announced again as it is.
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
 * The C-bits have changed.  If everything was announced anew since
 * page_enc_prepare(), that was with the old C-bits: announce shared pages once
 * more.
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

/* The C-bits have changed in part, or not at all: announce what they are. */
int page_enc_abort(struct page_enc *pe, unsigned long vaddr, unsigned long end)
{
	int err;

	page_enc_event(pe, PAGE_ENC_EV_STALE);
	err = page_enc_failed(pe, page_enc_send_mapped(pe->ops, vaddr, end));
	page_enc_end(pe);

	return err;
}

/* The pages were converted in place early at boot, or have been plugged in. */
int page_enc_converted(struct page_enc *pe, unsigned long vaddr,
		       unsigned long end, bool enc)
{
	return page_enc_failed(pe, page_enc_send_virt(pe, vaddr, end, enc));
}

/*
 * Replace the host's view by what the page tables say.  All other CPUs are
 * stopped. The host may stop this one, too, between any two calls, and migrate
 * the guest. Therefore READY is withdrawn before the first call and set after
 * the last.
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
