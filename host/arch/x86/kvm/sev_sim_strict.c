// SPDX-License-Identifier: GPL-2.0
/*
 * Strict mode of simulated SEV: does a guest do what it says?
 *
 * Each page of a simulated SEV guest has two guest frames: one with the C-bit,
 * which is right as long as the page is private, and one without, which is
 * right as long as it is shared.  Each has its own nested page table entry.
 * While the guest says that what it announced is complete, KVM maps pages of
 * 4 KiB only, and none through the wrong alias.  Hence an access through that
 * alias faults.  KVM reports it, maps the page for the instruction, and unmaps
 * it again when the vCPU exits and has left the instruction behind.
 *
 * The instruction isn't emulated: KVM's emulator doesn't know all of them, and
 * what faults may as well be the delivery of an event.
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
MODULE_PARM_DESC(sev_sim_strict, "Report accesses of new simulated SEV guests through the wrong alias (default: N)");

void kvm_sev_sim_strict_init_vm(struct kvm *kvm)
{
	kvm->arch.sev_sim_strict = READ_ONCE(sev_sim_strict) &&
				   kvm_sev_sim_c_bit(kvm);
}

/* Userspace may have status tracked until it creates the first vCPU. */
void kvm_sev_sim_strict_precreate(struct kvm *kvm)
{
	if (!kvm->arch.sev_sim_strict)
		return;

	/* The other MMU maps pages around the one that faults, too. */
	if (kvm->arch.page_enc && tdp_mmu_enabled)
		return;

	pr_warn_ratelimited("sev_sim_strict does nothing for this VM: it needs page encryption status and the TDP MMU\n");
	kvm->arch.sev_sim_strict = false;
}

/*
 * What the guest announced means nothing while it doesn't say: it's complete.
 */
static bool is_ready(struct kvm *kvm)
{
	lockdep_assert_held(&kvm->arch.page_enc->map.lock);

	return kvm->arch.page_enc->control & KVM_MIGRATION_READY;
}

/*
 * MSR_KVM_MIGRATION_CONTROL has changed.  A fault that didn't see that is
 * stale.
 */
void kvm_sev_sim_control_changed(struct kvm *kvm)
{
	if (kvm_sev_sim_strict(kvm) && is_ready(kvm))
		kvm_zap_gfn_range(kvm, 0, kvm_mmu_max_gfn() + 1);
}

/* Pages have a new status, which is stored: one of the aliases became wrong. */
void kvm_sev_sim_status_changed(struct kvm *kvm, gfn_t start, gfn_t end,
				bool shared)
{
	gfn_t c_bit = shared ? kvm_sev_sim_c_bit_gfn(kvm) : 0;

	if (kvm_sev_sim_strict(kvm) && is_ready(kvm))
		kvm_zap_gfn_range(kvm, start + c_bit, end + c_bit);
}

/*
 * What isn't the guest's memory has no status.  Memory that the guest can't
 * write is put there by the VMM: firmware in flash, which hardware would never
 * encrypt.
 */
static bool has_status(const struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS && !(slot->flags & KVM_MEM_READONLY);
}

static bool is_wrong_alias(struct kvm *kvm, gfn_t gfn)
{
	gfn_t c_bit = kvm_sev_sim_c_bit_gfn(kvm);

	return !!(gfn & c_bit) ==
	       page_enc_map_is_shared(&kvm->arch.page_enc->map, gfn & ~c_bit);
}

/*
 * May the page that a fault is about be mapped?  Not ahead of an access through
 * the wrong alias, which would go unseen.  To be called after the snapshot of
 * mmu_invalidate_seq is taken: if the status changes later on, the snapshot is
 * stale.
 */
bool __kvm_sev_sim_strict_may_map(struct kvm_vcpu *vcpu,
				  struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;

	if (!has_status(fault->slot))
		return true;

	guard(mutex)(&kvm->arch.page_enc->map.lock);
	if (!is_ready(kvm))
		return true;

	fault->max_level = PG_LEVEL_4K;
	fault->wrong_alias = is_wrong_alias(kvm, fault->gfn);
	return !fault->wrong_alias || !fault->prefetch;
}

/*
 * Would hardware have looked at the C-bit?  It takes instruction fetches and
 * its own page walks for private, and everything if page table entries have no
 * room for a C-bit.
 */
static bool uses_c_bit(struct kvm_vcpu *vcpu, u64 error_code)
{
	return !(error_code & (PFERR_FETCH_MASK | PFERR_GUEST_PAGE_MASK)) &&
	       is_paging(vcpu) && is_pae(vcpu);
}

static void report(struct kvm_vcpu *vcpu, const struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	/* The status that made it wrong; it may have changed since. */
	bool shared = fault->gfn & kvm_sev_sim_c_bit_gfn(kvm);

	trace_kvm_page_enc_violation(vcpu, fault->addr, shared,
				     fault->error_code);

	guard(mutex)(&kvm->arch.page_enc->map.lock);
	kvm->stat.page_enc_violations++;
}

/* Remember to unmap @gfn.  Returns false if that was already so. */
static bool add_to_window(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct kvm_sev_sim_window *window = &vcpu->arch.sev_sim_window;
	gfn_t *slot = &window->gfns[window->nr % ARRAY_SIZE(window->gfns)];
	unsigned int i;

	for (i = 0; i < min(window->nr, ARRAY_SIZE(window->gfns)); i++) {
		if (window->gfns[i] == gfn)
			return false;
	}

	/*
	 * A string instruction goes through more pages than it needs at once.
	 */
	if (window->nr >= ARRAY_SIZE(window->gfns))
		kvm_zap_gfn_range(vcpu->kvm, *slot, *slot + 1);

	*slot = gfn;
	window->nr++;
	window->rip = kvm_rip_read(vcpu);
	return true;
}

/*
 * The page is mapped through the wrong alias.  An instruction that reads it
 * first and then writes may fault twice, the second time while it is present,
 * which is reported once.
 */
void kvm_sev_sim_strict_mapped(struct kvm_vcpu *vcpu,
			       const struct kvm_page_fault *fault)
{
	bool again = !add_to_window(vcpu, fault->gfn) && fault->present;

	if (!again && uses_c_bit(vcpu, fault->error_code))
		report(vcpu, fault);
}

/* Unmap what was mapped through the wrong alias for this vCPU. */
void kvm_sev_sim_strict_close(struct kvm_vcpu *vcpu)
{
	struct kvm_sev_sim_window *window = &vcpu->arch.sev_sim_window;
	unsigned int i;

	for (i = 0; i < min(window->nr, ARRAY_SIZE(window->gfns)); i++)
		kvm_zap_gfn_range(vcpu->kvm, window->gfns[i], window->gfns[i] + 1);
	window->nr = 0;
}

/*
 * At an exit.  An instruction may need several pages that are mapped in one
 * fault after the other, and keeps those that it has until it is done.
 */
void kvm_sev_sim_strict_insn_end(struct kvm_vcpu *vcpu)
{
	if (kvm_rip_read(vcpu) != vcpu->arch.sev_sim_window.rip)
		kvm_sev_sim_strict_close(vcpu);
}
