// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated SEV: run an unmodified guest as if its memory were encrypted.
 *
 * An SEV guest marks each page table entry private or shared with a bit of the
 * physical address, the C-bit.  Here that bit selects between two views of the
 * same unencrypted memory, see kvm_gfn_view_bits().  The guest finds what it looks for
 * in CPUID and MSR_AMD64_SEV and behaves as on SEV hardware.
 *
 * Nothing is encrypted and nothing is protected from anyone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/moduleparam.h>

#include "mmu.h"
#include "sev_sim.h"

#define CPUID_SEV_LEAF		0x8000001f
#define CPUID_SEV_EAX_SEV	BIT(1)
/* EBX: C-bit in bits 5:0, bits of physical address space lost to it in 11:6. */
#define CPUID_SEV_EBX(c_bit)	((c_bit) | 1 << 6)

/* Run new VMs as simulated SEV guests, which protects nothing. */
static bool __read_mostly sev_sim;
module_param(sev_sim, bool, 0644);
MODULE_PARM_DESC(sev_sim, "Run new VMs as simulated SEV guests, which protects nothing (default: N)");

/* Enabled while there are simulated VMs, so that other VMs don't pay for them. */
DEFINE_STATIC_KEY_FALSE(kvm_sev_sim_key);
EXPORT_SYMBOL_GPL(kvm_sev_sim_key);

static bool flushes_tlb_ranges(void)
{
#if IS_ENABLED(CONFIG_HYPERV)
	return kvm_x86_ops.flush_remote_tlbs_range;
#else
	return false;
#endif
}

static bool can_be_simulated(struct kvm *kvm)
{
	return kvm->arch.vm_type == KVM_X86_DEFAULT_VM ||
	       kvm->arch.vm_type == KVM_X86_SW_PROTECTED_VM;
}

/*
 * Shadow paging would need to look at the C-bit of guest PTEs, the other MMU has
 * no views, and flushing a range of the TLB misses the addresses with C-bit.
 */
static bool host_can_simulate(void)
{
	return tdp_mmu_enabled && !flushes_tlb_ranges() && kvm_mmu_max_view_bit();
}

static void simulate(struct kvm *kvm)
{
	u8 c_bit = kvm_mmu_max_view_bit();

	kvm->arch.sev_sim_c_bit = c_bit;
	kvm->arch.gfn_private_bits = gpa_to_gfn(BIT_ULL(c_bit));
	kvm->arch.gfn_view_bits = kvm->arch.gfn_private_bits;
	pr_warn_ratelimited("SEV is SIMULATED for this VM: its memory is NOT encrypted and NOT protected\n");
}

/* Decide, when a VM is created, whether it is a simulated SEV guest. */
int kvm_sev_sim_init_vm(struct kvm *kvm)
{
	if (!READ_ONCE(sev_sim) || !can_be_simulated(kvm))
		return 0;

	if (!host_can_simulate()) {
		pr_err_ratelimited("no VM created: sev_sim needs the TDP MMU, at least 31 bits of physical address, and not under Hyper-V\n");
		return -EOPNOTSUPP;
	}

	static_branch_inc(&kvm_sev_sim_key);
	simulate(kvm);
	return 0;
}

/* What userspace may ask of a VM, or of any if @kvm is NULL */
u64 kvm_sev_sim_cap_flags(struct kvm *kvm)
{
	if (!host_can_simulate() || (kvm && !can_be_simulated(kvm)))
		return 0;

	return KVM_SEV_SIM_ENABLE |
	       (IS_ENABLED(CONFIG_KVM_SEV_SIM_STRICT) ? KVM_SEV_SIM_STRICT : 0);
}

static bool has_memslots(struct kvm *kvm)
{
	int i;

	for (i = 0; i < kvm_arch_nr_memslot_as_ids(kvm); i++) {
		if (!kvm_memslots_empty(__kvm_memslots(kvm, i)))
			return true;
	}
	return false;
}

/*
 * Nothing can have been placed at addresses with C-bit, or mapped without views.
 * Returns 1 if the VM is simulated already.
 */
static int sev_sim_enable(struct kvm *kvm, u64 flags)
{
	bool old;

	guard(mutex)(&kvm->lock);
	guard(mutex)(&kvm->slots_lock);

	if (kvm->created_vcpus || has_memslots(kvm) || kvm->arch.sev_sim_excluded)
		return -EINVAL;

	old = kvm->arch.sev_sim_c_bit;
	if (!old)
		simulate(kvm);
	if (flags & KVM_SEV_SIM_STRICT)
		kvm_sev_sim_set_strict(kvm);
	return old;
}

int kvm_sev_sim_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	u64 flags = cap->args[0];
	int r;

	if (!(flags & KVM_SEV_SIM_ENABLE) || flags & ~kvm_sev_sim_cap_flags(kvm) ||
	    cap->args[1] || cap->args[2] || cap->args[3])
		return -EINVAL;

	/* It takes cpus_read_lock(), which isn't to be taken inside of slots_lock. */
	static_branch_inc(&kvm_sev_sim_key);
	r = sev_sim_enable(kvm, flags);
	if (r)
		static_branch_dec(&kvm_sev_sim_key);
	return min(r, 0);
}

void kvm_sev_sim_destroy_vm(struct kvm *kvm)
{
	if (kvm->arch.sev_sim_c_bit)
		static_branch_dec(&kvm_sev_sim_key);
}

/* A VMM that knows nothing of the simulation can't guess what EINVAL is for. */
void kvm_sev_sim_explain_slot(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	if (kvm_sev_sim_c_bit(kvm))
		pr_err_ratelimited("slot %d refused: %#lx pages at %#llx reach the C-bit of sev_sim, bit %u\n",
				   slot->id, slot->npages,
				   gfn_to_gpa(slot->base_gfn), kvm_sev_sim_c_bit(kvm));
}

/* A simulated VM can't get encrypted memory as well, nor one with that be simulated. */
bool kvm_sev_sim_refuses(struct kvm *kvm)
{
	lockdep_assert_held(&kvm->lock);

	if (!kvm_sev_sim_c_bit(kvm)) {
		kvm->arch.sev_sim_excluded = true;
		return false;
	}

	pr_err_ratelimited("SEV refused: this VM simulates it, see sev_sim\n");
	return true;
}
EXPORT_SYMBOL_GPL(kvm_sev_sim_refuses);

/*
 * Limit the widths of physical addresses to the bits below the C-bit.  Guests
 * and firmware then place nothing above, such as 64-bit BARs.  The second width
 * is that of nested guests, or 0.
 */
static u32 reduced_widths(u32 eax, unsigned int c_bit)
{
	u32 own = min_t(u32, eax & 0xff, c_bit);
	u32 nested = min_t(u32, eax >> 16 & 0xff, c_bit);

	return (eax & ~0xff00ffu) | nested << 16 | own;
}

/*
 * Tell the guest that it runs under SEV.  VMMs leave the leaf out, because
 * KVM_GET_SUPPORTED_CPUID has only zeroes there.
 */
void kvm_sev_sim_cpuid(struct kvm_vcpu *vcpu, u32 function, bool exists,
		       u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	unsigned int c_bit = kvm_sev_sim_c_bit(vcpu->kvm);

	if (!c_bit)
		return;

	switch (function) {
	case 0x80000000:
		*eax = max_t(u32, *eax, CPUID_SEV_LEAF);
		break;
	case 0x80000001 ... CPUID_SEV_LEAF - 1:
		/*
		 * The leaf isn't out of range any more, where Intel shows
		 * another leaf.
		 */
		if (!exists)
			*eax = *ebx = *ecx = *edx = 0;
		if (function == 0x80000008)
			*eax = reduced_widths(*eax, c_bit);
		break;
	case CPUID_SEV_LEAF:
		*eax = CPUID_SEV_EAX_SEV;
		*ebx = CPUID_SEV_EBX(c_bit);
		/* One encrypted guest at a time, with the first ASID */
		*ecx = 1;
		*edx = 1;
		break;
	}
}
