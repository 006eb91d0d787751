// SPDX-License-Identifier: GPL-2.0
/*
 * Strict mode of simulated SEV: do accesses agree with announcements?
 *
 * Each page of a simulated SEV guest has two addresses.  The one with the C-bit is
 * right while the page is private, the one without it while the page is shared.
 * The two views are split here: each has its own nested page tables.  While the
 * guest declares its announcements complete, KVM maps pages of 4 KiB only, and
 * none in the wrong view.  An access through that view then faults.  KVM reports
 * the access and maps the page for the instruction.  It unmaps the page when the
 * vCPU exits and has left the instruction behind.
 *
 * The instruction isn't emulated: KVM's emulator doesn't know all instructions,
 * and the fault may be caused by the delivery of an event.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/moduleparam.h>

#include "kvm_cache_regs.h"
#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "page_enc.h"
#include "sev_sim.h"
#include "sev_sim_strict.h"
#include "trace.h"

static bool __read_mostly sev_sim_strict;
module_param(sev_sim_strict, bool, 0644);
MODULE_PARM_DESC(sev_sim_strict, "Report accesses of new simulated SEV guests through the wrong view (default: N)");

void kvm_sev_sim_strict_init_vm(struct kvm *kvm)
{
	kvm->arch.sev_sim_strict = READ_ONCE(sev_sim_strict);
}

/* Userspace asks for it. */
void kvm_sev_sim_set_strict(struct kvm *kvm)
{
	kvm->arch.sev_sim_strict = true;
}

/* Userspace may enable tracking until it creates the first vCPU. */
void kvm_sev_sim_strict_precreate(struct kvm *kvm)
{
	if (kvm->created_vcpus || !kvm->arch.sev_sim_strict || !kvm_sev_sim_c_bit(kvm))
		return;

	kvm->arch.split_views = kvm->arch.page_enc;
	if (!kvm->arch.split_views)
		pr_warn_ratelimited("sev_sim_strict does nothing for this VM: it needs page encryption status\n");
}

/* Announcements count only while the guest declares them complete. */
static bool is_ready(struct kvm *kvm)
{
	lockdep_assert_held(&kvm->arch.page_enc->map.lock);

	return kvm->arch.page_enc->control & KVM_MIGRATION_READY;
}

/*
 * MSR_KVM_MIGRATION_CONTROL has changed.  Make faults stale that didn't see
 * that.
 */
void kvm_sev_sim_control_changed(struct kvm *kvm)
{
	if (kvm_sev_sim_strict(kvm) && is_ready(kvm))
		kvm_zap_gfn_range(kvm, 0, kvm_mmu_max_gfn() + 1);
}

/* Pages have a new status, which is stored.  One of their views became wrong. */
void kvm_sev_sim_status_changed(struct kvm *kvm, gfn_t start, gfn_t end,
				bool shared)
{
	if (kvm_sev_sim_strict(kvm) && is_ready(kvm))
		kvm_mmu_zap_view(kvm, start, end, shared);
}

/*
 * Only the guest's memory has status.  Memory that the guest can't write
 * belongs to the VMM: firmware in flash, which hardware would never encrypt.
 */
static bool has_status(const struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS && !(slot->flags & KVM_MEM_READONLY);
}

static bool is_wrong_view(struct kvm *kvm, const struct kvm_page_fault *fault)
{
	return kvm_is_addr_direct(kvm, fault->addr) !=
	       page_enc_map_is_shared(&kvm->arch.page_enc->map, fault->gfn);
}

/*
 * May the fault map its page?  A prefault must not map the wrong view: later
 * accesses through it would go unseen.  Call this after the snapshot of
 * mmu_invalidate_seq is taken, so that a later change of status makes the
 * snapshot stale.
 */
bool __kvm_sev_sim_strict_may_map(struct kvm_vcpu *vcpu,
				  struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;

	/* A nested guest's addresses have no view. */
	if (!fault->is_tdp || !has_status(fault->slot))
		return true;

	guard(mutex)(&kvm->arch.page_enc->map.lock);
	if (!is_ready(kvm))
		return true;

	fault->max_level = PG_LEVEL_4K;
	fault->wrong_view = is_wrong_view(kvm, fault);
	return !fault->wrong_view || !fault->prefetch;
}

/*
 * Would hardware use the C-bit?  It treats instruction fetches and its own page
 * walks as private (APM volume 2, 15.34.5), and all accesses without paging or
 * with page table entries that have no room for a C-bit (15.34.4).
 */
static bool uses_c_bit(struct kvm_vcpu *vcpu, u64 error_code)
{
	return !(error_code & (PFERR_FETCH_MASK | PFERR_GUEST_PAGE_MASK)) &&
	       is_paging(vcpu) && is_pae(vcpu);
}

static void report(struct kvm_vcpu *vcpu, const struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	/* This is the status that made the view wrong.  It may have changed since. */
	bool shared = !kvm_is_addr_direct(kvm, fault->addr);

	trace_kvm_page_enc_violation(vcpu, fault->addr, shared,
				     fault->error_code);

	guard(mutex)(&kvm->arch.page_enc->map.lock);
	kvm->stat.page_enc_violations++;
}

/* Unmap a page of the window, from one view only. */
static void zap_page(struct kvm *kvm, gpa_t addr)
{
	gfn_t gfn = kvm_strip_gfn(kvm, gpa_to_gfn(addr));

	kvm_mmu_zap_view(kvm, gfn, gfn + 1, !kvm_is_addr_direct(kvm, addr));
}

/* Remember to unmap the page at @addr.  Returns false if it was remembered already. */
static bool add_to_window(struct kvm_vcpu *vcpu, gpa_t addr)
{
	struct kvm_sev_sim_window *window = &vcpu->arch.sev_sim_window;
	gpa_t *slot = &window->pages[window->nr % ARRAY_SIZE(window->pages)];
	unsigned int i;

	addr &= PAGE_MASK;
	for (i = 0; i < min(window->nr, ARRAY_SIZE(window->pages)); i++) {
		if (window->pages[i] == addr)
			return false;
	}

	/* A string instruction uses more pages than it needs at the same time. */
	if (window->nr >= ARRAY_SIZE(window->pages))
		zap_page(vcpu->kvm, *slot);

	*slot = addr;
	window->nr++;
	window->rip = kvm_rip_read(vcpu);
	return true;
}

/*
 * The page is now mapped in the wrong view.  An instruction that reads it first
 * and then writes to it may fault twice.  Report that once.
 */
void kvm_sev_sim_strict_mapped(struct kvm_vcpu *vcpu,
			       const struct kvm_page_fault *fault)
{
	bool again = !add_to_window(vcpu, fault->addr) && fault->present;

	if (!again && uses_c_bit(vcpu, fault->error_code))
		report(vcpu, fault);
}

/* Unmap the pages that are mapped in the wrong view for this vCPU. */
void kvm_sev_sim_strict_close(struct kvm_vcpu *vcpu)
{
	struct kvm_sev_sim_window *window = &vcpu->arch.sev_sim_window;
	unsigned int i;

	for (i = 0; i < min(window->nr, ARRAY_SIZE(window->pages)); i++)
		zap_page(vcpu->kvm, window->pages[i]);
	window->nr = 0;
}

/*
 * The vCPU has exited.  An instruction may need several pages, which are mapped
 * in one fault after the other.  It keeps them until it is done.
 */
void kvm_sev_sim_strict_insn_end(struct kvm_vcpu *vcpu)
{
	if (kvm_rip_read(vcpu) != vcpu->arch.sev_sim_window.rip)
		kvm_sev_sim_strict_close(vcpu);
}
