// SPDX-License-Identifier: GPL-2.0
/*
 * Announce the encryption status of pages to the KVM host: state
 *
 * This file decides whether announcements are made, and whether the host is
 * told that they are complete and current (READY).
 */

#include <linux/errno.h>

#include "kvm_page_enc_core.h"

const char * const page_enc_why[] = {
	[PAGE_ENC_NOT_SEV]	= "not announced: no SEV guest",
	[PAGE_ENC_SNP]		= "not announced: SEV-SNP guests use page state changes",
	[PAGE_ENC_OPTED_OUT]	= "not announced: kvm_page_enc=off",
	[PAGE_ENC_NO_HYPERCALL]	= "not announced: no KVM_HC_MAP_GPA_RANGE",
	[PAGE_ENC_UNSUPPORTED]	= "not announced: KVM_HC_MAP_GPA_RANGE is offered but not known",
	[PAGE_ENC_REFUSED]	= "announced, not READY: the host refused some of it",
	[PAGE_ENC_NO_MSR]	= "announced, not READY: no MSR_KVM_MIGRATION_CONTROL",
	[PAGE_ENC_KDUMP]	= "announced, not READY: most RAM is the crashed kernel's",
	[PAGE_ENC_MSR_REFUSED]	= "announced, not READY: MSR_KVM_MIGRATION_CONTROL is refused",
	[PAGE_ENC_ASK_FIRMWARE]	= "announced, READY is up to EFI firmware",
	[PAGE_ENC_READY]	= "announced, READY",
};

/*
 * State
 */
static unsigned int page_enc_update_ready(unsigned int state)
{
	const unsigned int mask = PAGE_ENC_S_ANNOUNCE | PAGE_ENC_S_COMPLETE |
				  PAGE_ENC_S_STALE | PAGE_ENC_S_LEAVING;

	if ((state & mask) == (PAGE_ENC_S_ANNOUNCE | PAGE_ENC_S_COMPLETE))
		return state | PAGE_ENC_S_READY;
	return state & ~PAGE_ENC_S_READY;
}

unsigned int page_enc_next(unsigned int state, enum page_enc_event event)
{
	if (event == PAGE_ENC_EV_START)
		return PAGE_ENC_S_ANNOUNCE;
	if (event == PAGE_ENC_EV_MUTE || !(state & PAGE_ENC_S_ANNOUNCE))
		return 0;

	switch (event) {
	case PAGE_ENC_EV_COMPLETE:
		state |= PAGE_ENC_S_COMPLETE;
		break;
	case PAGE_ENC_EV_STALE:
		state |= PAGE_ENC_S_STALE;
		break;
	case PAGE_ENC_EV_RENEWED:
		state &= ~PAGE_ENC_S_STALE;
		break;
	case PAGE_ENC_EV_LEAVE:
		state |= PAGE_ENC_S_LEAVING;
		break;
	case PAGE_ENC_EV_STAY:
		state &= ~PAGE_ENC_S_LEAVING;
		break;
	default:
		break;
	}

	return page_enc_update_ready(state);
}

static void page_enc_change(struct page_enc *pe, enum page_enc_event event)
{
	int old = atomic_read(&pe->state);
	int new;

	do {
		new = page_enc_next(old, event);
	} while (!atomic_try_cmpxchg(&pe->state, &old, new));

	if (!((old ^ new) & PAGE_ENC_S_READY))
		return;

	/* A host that refuses the MSR is never asked again. */
	if (pe->ops->write_ready(new & PAGE_ENC_S_READY)) {
		atomic_andnot(PAGE_ENC_S_COMPLETE | PAGE_ENC_S_READY, &pe->state);
		return;
	}

	/* A crash in between wins. */
	if ((new & PAGE_ENC_S_READY) && !page_enc_is(pe, PAGE_ENC_S_READY))
		pe->ops->write_ready(false);
}

/*
 * The lock makes a change of the state and the write of the MSR one operation:
 * there is no preemption between the two, and events reach the MSR in their
 * order.
 */
void page_enc_event(struct page_enc *pe, enum page_enc_event event)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pe->lock, flags);
	page_enc_change(pe, event);
	raw_spin_unlock_irqrestore(&pe->lock, flags);
}

/*
 * Let PAGE_ENC_EV_MUTE happen when the kernel crashes, or other CPUs have
 * stopped. Don't wait for the lock, as its holder may have stopped.  Return
 * false if there is a holder: it may still write READY, or stop before it
 * withdraws it.  The caller must withdraw READY again when no other CPU runs.
 */
bool page_enc_mute(struct page_enc *pe)
{
	unsigned long flags;
	bool locked;

	/*
	 * Bypass lockdep, which has nothing to say any more.  On UP there is no
	 * lock to look at, although this may have interrupted a holder.
	 */
	local_irq_save(flags);
	locked = IS_ENABLED(CONFIG_SMP) && arch_spin_trylock(&pe->lock.raw_lock);
	page_enc_change(pe, PAGE_ENC_EV_MUTE);
	if (locked)
		arch_spin_unlock(&pe->lock.raw_lock);
	local_irq_restore(flags);

	return locked;
}

/*
 * Negotiation
 */
enum page_enc_verdict page_enc_decide(const struct page_enc_env *env)
{
	if (!env->sev)
		return PAGE_ENC_NOT_SEV;
	if (env->snp)
		return PAGE_ENC_SNP;
	if (env->mode == PAGE_ENC_OFF)
		return PAGE_ENC_OPTED_OUT;
	if (!env->hypercall)
		return PAGE_ENC_NO_HYPERCALL;
	if (!env->msr)
		return PAGE_ENC_NO_MSR;
	if (env->kdump)
		return PAGE_ENC_KDUMP;
	if (env->efi && env->mode != PAGE_ENC_ON)
		return PAGE_ENC_ASK_FIRMWARE;
	return PAGE_ENC_READY;
}

/*
 * All early conversions in place are done, and firmware announces its pages, or
 * there is none, or kvm_page_enc=on overrides that.
 */
enum page_enc_verdict page_enc_complete(struct page_enc *pe)
{
	page_enc_event(pe, PAGE_ENC_EV_COMPLETE);
	if (page_enc_is(pe, PAGE_ENC_S_READY))
		return PAGE_ENC_READY;
	if (!page_enc_is(pe, PAGE_ENC_S_ANNOUNCE))
		return PAGE_ENC_UNSUPPORTED;
	return page_enc_is(pe, PAGE_ENC_S_STALE) ? PAGE_ENC_REFUSED :
						   PAGE_ENC_MSR_REFUSED;
}

/*
 * Decide, and announce what the page tables say by now.  PAGE_ENC_READY and
 * PAGE_ENC_ASK_FIRMWARE are not final: page_enc_complete() decides, also after
 * a refusal, which may be made good by announcing everything anew.
 */
enum page_enc_verdict page_enc_start(struct page_enc *pe,
				     const struct page_enc_env *env)
{
	enum page_enc_verdict verdict = page_enc_decide(env);
	int err;

	if (verdict <= PAGE_ENC_UNSUPPORTED)
		return verdict;

	err = page_enc_send_ram_private(pe->ops, env->ram, env->nr_ram) ?:
	      page_enc_send_range(pe->ops, env->shared, env->shared_end, false);
	if (err == -EOPNOTSUPP)
		return PAGE_ENC_UNSUPPORTED;

	page_enc_event(pe, PAGE_ENC_EV_START);
	if (err)
		page_enc_event(pe, PAGE_ENC_EV_STALE);

	return verdict;
}
