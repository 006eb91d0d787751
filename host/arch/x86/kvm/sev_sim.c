// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated SEV: run an unmodified guest as if its memory were encrypted.
 *
 * An SEV guest marks each page table entry private or shared with a bit of the
 * physical address, the C-bit.  Here that bit selects between two views of the
 * same unencrypted memory: for each slot that userspace creates KVM adds an
 * alias slot over the same host memory at the address with the C-bit set.  The
 * guest finds what it looks for in CPUID and MSR_AMD64_SEV and behaves as on
 * SEV hardware, and the host sees which of the two addresses it uses.
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

/* Flags that KVM_SET_USER_MEMORY_REGION may change */
#define ALIAS_FLAGS		(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

/* Run new VMs as simulated SEV guests, which protects nothing. */
static bool __read_mostly sev_sim;
module_param(sev_sim, bool, 0644);
MODULE_PARM_DESC(sev_sim, "Run new VMs as simulated SEV guests, which protects nothing (default: N)");

/* Enabled while there are simulated VMs, so that other VMs don't pay for them. */
DEFINE_STATIC_KEY_FALSE(kvm_sev_sim_key);
EXPORT_SYMBOL_GPL(kvm_sev_sim_key);

/*
 * The upper half of the ids that userspace has for its slots goes to the
 * aliases of those in the lower half.
 */
#define SEV_SIM_ALIAS_ID	(KVM_USER_MEM_SLOTS / 2)

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

/* Decide, when a VM is created, whether it is a simulated SEV guest. */
int kvm_sev_sim_init_vm(struct kvm *kvm)
{
	if (!READ_ONCE(sev_sim) || !can_be_simulated(kvm))
		return 0;

	/*
	 * Shadow paging would need to look at the C-bit of guest PTEs, and
	 * flushing a range of the TLB misses the alias of that range.
	 */
	if (!tdp_enabled || flushes_tlb_ranges()) {
		pr_err_ratelimited("no VM created: sev_sim needs nested paging, and not under Hyper-V\n");
		return -EOPNOTSUPP;
	}

	/*
	 * Where nested page tables have four levels they ignore bits above 47.
	 */
	kvm->arch.sev_sim_c_bit = min_t(u8, kvm_host.maxphyaddr, 48) - 1;
	static_branch_inc(&kvm_sev_sim_key);
	pr_warn_ratelimited("SEV is SIMULATED for this VM: its memory is NOT encrypted and NOT protected\n");
	return 0;
}

void kvm_sev_sim_destroy_vm(struct kvm *kvm)
{
	if (kvm->arch.sev_sim_c_bit)
		static_branch_dec(&kvm_sev_sim_key);
}

/* A simulated VM can't get encrypted memory as well. */
bool kvm_sev_sim_refuses(struct kvm *kvm)
{
	if (!kvm_sev_sim_c_bit(kvm))
		return false;

	pr_err_ratelimited("SEV refused: this VM simulates it, see sev_sim\n");
	return true;
}
EXPORT_SYMBOL_GPL(kvm_sev_sim_refuses);

unsigned int kvm_arch_nr_user_memslots(struct kvm *kvm)
{
	bool sim = kvm ? kvm_sev_sim_c_bit(kvm) : READ_ONCE(sev_sim);

	return sim ? SEV_SIM_ALIAS_ID : KVM_USER_MEM_SLOTS;
}

static struct kvm_memory_slot *alias_of(struct kvm *kvm,
					const struct kvm_memory_slot *slot)
{
	return id_to_memslot(__kvm_memslots(kvm, slot->as_id),
			     slot->id + SEV_SIM_ALIAS_ID);
}

bool kvm_sev_sim_is_alias(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	return kvm_sev_sim_c_bit(kvm) && slot->id >= SEV_SIM_ALIAS_ID &&
	       slot->id < KVM_USER_MEM_SLOTS;
}

/*
 * Private memory has attributes, and guest_memfd, by the address without C-bit.
 * That bit selects a view of it as well, no matter if it is private or shared.
 */
gfn_t kvm_arch_unaliased_gfn(struct kvm *kvm, gfn_t gfn)
{
	return gfn & ~kvm_sev_sim_c_bit_gfn(kvm);
}
EXPORT_SYMBOL_GPL(kvm_arch_unaliased_gfn);

/*
 * Find the alias of @range for callers that unmap @range and know nothing about
 * aliases.  The slot of @range tells the address space.  It isn't the alias,
 * which may be gone by now.
 */
bool kvm_sev_sim_alias_range(struct kvm *kvm, const struct kvm_gfn_range *range,
			     struct kvm_gfn_range *alias)
{
	gfn_t c_bit = kvm_sev_sim_c_bit_gfn(kvm);

	if (!c_bit || !kvm_arch_has_private_mem(kvm) ||
	    kvm_sev_sim_is_alias(kvm, range->slot))
		return false;

	*alias = *range;
	alias->start += c_bit;
	alias->end += c_bit;
	return true;
}

/* Writes through an alias are logged in the dirty log of the slot itself. */
const struct kvm_memory_slot *
kvm_arch_dirty_memslot(struct kvm *kvm, const struct kvm_memory_slot *alias,
		       gfn_t *gfn)
{
	const struct kvm_memory_slot *slot;

	if (!kvm_sev_sim_is_alias(kvm, alias))
		return alias;

	/*
	 * While userspace changes a slot, it and its alias may differ in flags
	 * and address, but not in their host memory.
	 */
	slot = id_to_memslot(__kvm_memslots(kvm, alias->as_id),
			     alias->id - SEV_SIM_ALIAS_ID);
	if (!slot || !kvm_slot_dirty_track_enabled(slot) ||
	    *gfn - alias->base_gfn >= slot->npages)
		return NULL;

	*gfn = slot->base_gfn + (*gfn - alias->base_gfn);
	return slot;
}

/* Logging through a slot continues only if its alias is write-protected, too. */
void kvm_sev_sim_enable_log_dirty(struct kvm *kvm,
				  struct kvm_memory_slot *slot,
				  gfn_t gfn_offset, unsigned long mask)
{
	struct kvm_memory_slot *alias;

	if (!kvm_sev_sim_c_bit(kvm) || kvm_sev_sim_is_alias(kvm, slot))
		return;

	alias = alias_of(kvm, slot);
	if (alias)
		kvm_arch_mmu_enable_log_dirty_pt_masked(kvm, alias, gfn_offset,
							mask);
}

/* Describe the slot with this id the way userspace would. */
static void describe_slot(struct kvm *kvm, u32 id,
			  struct kvm_userspace_memory_region2 *mem)
{
	struct kvm_memory_slot *slot;

	memset(mem, 0, sizeof(*mem));
	mem->slot = id;

	slot = id_to_memslot(__kvm_memslots(kvm, id >> 16), (u16)id);
	if (!slot)
		return;

	mem->flags = slot->flags & ALIAS_FLAGS;
	mem->guest_phys_addr = gfn_to_gpa(slot->base_gfn);
	mem->memory_size = (u64)slot->npages << PAGE_SHIFT;
	mem->userspace_addr = slot->userspace_addr;
}

static bool slot_exists(struct kvm *kvm, u32 id)
{
	return id_to_memslot(__kvm_memslots(kvm, id >> 16), (u16)id);
}

/* Set the slot with the id of @mem as @mem says, or delete it. */
static int set_slot(struct kvm *kvm,
		    const struct kvm_userspace_memory_region2 *mem)
{
	if (!mem->memory_size && !slot_exists(kvm, mem->slot))
		return 0;

	return __kvm_set_memory_region(kvm, mem);
}

/* Make the alias of a slot agree with the slot. */
static int sync_alias(struct kvm *kvm, u32 id)
{
	struct kvm_userspace_memory_region2 mem;

	describe_slot(kvm, id, &mem);
	mem.slot += SEV_SIM_ALIAS_ID;
	mem.guest_phys_addr |= kvm_sev_sim_c_bit_mask(kvm);
	return set_slot(kvm, &mem);
}

static int delete_alias(struct kvm *kvm, u32 id)
{
	struct kvm_userspace_memory_region2 mem = {
		.slot = id + SEV_SIM_ALIAS_ID,
	};

	return set_slot(kvm, &mem);
}

/* Does the region end beyond what is left of the address space? */
static bool reaches_c_bit(struct kvm *kvm,
			  const struct kvm_userspace_memory_region2 *mem)
{
	u64 limit = kvm_sev_sim_c_bit_mask(kvm);

	return mem->memory_size &&
	       (mem->guest_phys_addr >= limit ||
		mem->memory_size > limit - mem->guest_phys_addr);
}

/* Log the reason, as a VMM that knows nothing of the simulation can't guess it. */
static bool valid_region(struct kvm *kvm,
			 const struct kvm_userspace_memory_region2 *mem)
{
	if (mem->slot >> 16 >= kvm_arch_nr_memslot_as_ids(kvm))
		return false;

	if ((u16)mem->slot >= SEV_SIM_ALIAS_ID) {
		pr_err_ratelimited("slot %#x refused: sev_sim leaves the VMM %u slots\n",
				   mem->slot, SEV_SIM_ALIAS_ID);
		return false;
	}

	if (reaches_c_bit(kvm, mem)) {
		pr_err_ratelimited("slot %#x refused: %#llx bytes at %#llx reach the C-bit of sev_sim, bit %u\n",
				   mem->slot, mem->memory_size,
				   mem->guest_phys_addr, kvm_sev_sim_c_bit(kvm));
		return false;
	}
	return true;
}

/*
 * Set a slot and its alias.  An alias never outlives its slot: it is created
 * last and deleted first.  If either step fails, both are restored.
 */
int kvm_arch_set_memory_region(struct kvm *kvm,
			       const struct kvm_userspace_memory_region2 *mem)
{
	struct kvm_userspace_memory_region2 old;
	int r;

	lockdep_assert_held(&kvm->slots_lock);

	if (!kvm_sev_sim_c_bit(kvm))
		return __kvm_set_memory_region(kvm, mem);

	if (!valid_region(kvm, mem))
		return -EINVAL;

	describe_slot(kvm, mem->slot, &old);

	if (!mem->memory_size) {
		r = delete_alias(kvm, mem->slot);
		if (r)
			return r;
	}

	r = __kvm_set_memory_region(kvm, mem);
	if (!r && !mem->memory_size)
		return 0;

	if (!r) {
		r = sync_alias(kvm, mem->slot);
		if (!r)
			return 0;
		if (set_slot(kvm, &old))
			pr_err_ratelimited("slot %#x changed, but has no alias\n",
					   mem->slot);
	}
	if (sync_alias(kvm, mem->slot))
		pr_err_ratelimited("slot %#x has lost its alias\n", mem->slot);
	return r;
}

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
