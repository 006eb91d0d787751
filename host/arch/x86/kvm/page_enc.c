// SPDX-License-Identifier: GPL-2.0
/*
 * Page encryption status of a VM, as told by its guest.
 *
 * The guest says with KVM_HC_MAP_GPA_RANGE which pages it shares with the host,
 * and with MSR_KVM_MIGRATION_CONTROL whether what it said is complete.  KVM
 * keeps both, so that they can be looked at, and does so for memory only: what
 * the guest says about other addresses is accepted and forgotten, or it could
 * make KVM allocate without bound.
 *
 * Status belongs to a guest frame, not to a memslot.  It outlives the deletion
 * of a slot, as VMMs delete and re-create slots to change their size.
 */
#include <linux/kvm_host.h>
#include <linux/moduleparam.h>

#include "page_enc.h"
#include "sev_sim.h"

/* Track page encryption status of new VMs. */
static bool __read_mostly page_enc_status;
module_param(page_enc_status, bool, 0644);

/* Other vCPUs get a turn after 1 GiB of one call. */
#define SLICE_GFNS		(1UL << (30 - PAGE_SHIFT))

#define ATTRS_PAGE_SIZE		GENMASK_ULL(3, 0)
#define ATTRS_RESERVED		GENMASK_ULL(63, 5)

static void set_control(struct kvm *kvm, u64 data)
{
	kvm->arch.page_enc->control = data;
	kvm->stat.page_enc_ready = data & KVM_MIGRATION_READY;
}

int kvm_page_enc_init_vm(struct kvm *kvm)
{
	struct kvm_page_enc *enc;

	if (!READ_ONCE(page_enc_status))
		return 0;

	enc = kzalloc(sizeof(*enc), GFP_KERNEL_ACCOUNT);
	if (!enc)
		return -ENOMEM;

	page_enc_map_init(&enc->map);
	kvm->arch.page_enc = enc;

	/* The ABI: ready from the start if there is nothing to wait for. */
	if (!kvm_sev_sim_c_bit(kvm))
		set_control(kvm, KVM_MIGRATION_READY);
	return 0;
}

/* The VM turns into one with encrypted memory, before its guest has run. */
void kvm_page_enc_vm_encrypted(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	if (!enc)
		return;

	guard(mutex)(&enc->map.lock);
	set_control(kvm, 0);
}
EXPORT_SYMBOL_GPL(kvm_page_enc_vm_encrypted);

void kvm_page_enc_destroy_vm(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	if (!enc)
		return;

	page_enc_map_destroy(&enc->map);
	kfree(enc);
}

/* The bits of KVM_CPUID_FEATURES that new VMs may be given. */
u32 kvm_page_enc_features(void)
{
	if (!READ_ONCE(page_enc_status))
		return 0;

	return BIT(KVM_FEATURE_HC_MAP_GPA_RANGE) |
	       BIT(KVM_FEATURE_MIGRATION_CONTROL);
}

static void update_stats(struct kvm *kvm)
{
	struct page_enc_map *map = &kvm->arch.page_enc->map;

	kvm->stat.page_enc_shared_pages = map->nr_shared;
	kvm->stat.page_enc_chunks = map->nr_chunks;
	kvm->stat.page_enc_bytes = page_enc_map_bytes(map);
}

/* Guest frames from here on can't be memory of the guest. */
static gfn_t end_of_gfns(struct kvm_vcpu *vcpu)
{
	unsigned int bits = kvm_sev_sim_c_bit(vcpu->kvm) ?:
			    cpuid_maxphyaddr(vcpu);

	return BIT_ULL(bits - PAGE_SHIFT);
}

static bool valid_page_size(u64 attrs)
{
	switch (attrs & ATTRS_PAGE_SIZE) {
	case KVM_MAP_GPA_RANGE_PAGE_SZ_4K:
	case KVM_MAP_GPA_RANGE_PAGE_SZ_2M:
	case KVM_MAP_GPA_RANGE_PAGE_SZ_1G:
		return true;
	default:
		return false;
	}
}

/*
 * What is wrong with these arguments beyond what KVM checks for any VM?  The
 * page size is a hint, which is valid for ranges of any alignment.
 */
bool kvm_page_enc_call_valid(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			     u64 attrs)
{
	gfn_t end = end_of_gfns(vcpu);

	return !(attrs & ATTRS_RESERVED) && valid_page_size(attrs) &&
	       gpa_to_gfn(gpa) < end && npages <= end - gpa_to_gfn(gpa);
}

/* Count a call that returns an error to the guest. */
void kvm_page_enc_refused(struct kvm_vcpu *vcpu, int err)
{
	struct kvm *kvm = vcpu->kvm;

	if (!kvm_page_enc_tracks(vcpu))
		return;

	guard(mutex)(&kvm->arch.page_enc->map.lock);
	if (err == -KVM_EPERM)
		kvm->stat.page_enc_refused_perm++;
	else
		kvm->stat.page_enc_refused_inval++;
}

static int set_slice(struct kvm *kvm, gfn_t start, gfn_t end, bool shared)
{
	struct page_enc_map *map = &kvm->arch.page_enc->map;
	u64 changed = 0;
	int r;

	guard(mutex)(&map->lock);
	r = page_enc_map_set(map, start, end, shared, &changed);
	if (shared)
		kvm->stat.page_enc_to_shared += changed;
	else
		kvm->stat.page_enc_to_private += changed;
	update_stats(kvm);
	return r;
}

static int set_backed(struct kvm *kvm, gfn_t start, gfn_t end, bool shared)
{
	gfn_t next;
	int r;

	for (; start < end; start = next) {
		next = min(start + SLICE_GFNS, end);
		r = set_slice(kvm, start, next, shared);
		if (r)
			return r;
	}
	return 0;
}

static void count_call(struct kvm *kvm, u64 unbacked)
{
	guard(mutex)(&kvm->arch.page_enc->map.lock);
	kvm->stat.page_enc_calls++;
	kvm->stat.page_enc_unbacked += unbacked;
}

/*
 * Store what a valid KVM_HC_MAP_GPA_RANGE says.
 *
 * Fails with -ENOMEM only.  The status of some pages has changed then, and the
 * call may be repeated as if nothing had happened.
 */
int kvm_page_enc_call(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages, u64 attrs)
{
	bool shared = !(attrs & KVM_MAP_GPA_RANGE_ENCRYPTED);
	gfn_t start = gpa_to_gfn(gpa), end = start + npages;
	struct kvm *kvm = vcpu->kvm;
	struct kvm_memslot_iter iter;
	u64 unbacked = npages;
	int r;

	/* SMM may see other memory in places, but no other status. */
	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), start, end) {
		struct kvm_memory_slot *slot = iter.slot;
		gfn_t first = max(start, slot->base_gfn);
		gfn_t last = min(end, slot->base_gfn + slot->npages);

		if (slot->id >= KVM_USER_MEM_SLOTS)
			continue;

		r = set_backed(kvm, first, last, shared);
		if (r)
			return r;
		unbacked -= last - first;
	}

	count_call(kvm, unbacked);
	return 0;
}

int kvm_page_enc_set_msr(struct kvm_vcpu *vcpu, u64 data)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	if (!enc || !guest_pv_has(vcpu, KVM_FEATURE_MIGRATION_CONTROL))
		return KVM_MSR_RET_UNSUPPORTED;

	if (data & ~KVM_MIGRATION_READY)
		return 1;

	guard(mutex)(&enc->map.lock);
	if (data == enc->control)
		return 0;

	set_control(kvm, data);
	if (data)
		kvm->stat.page_enc_ready_set++;
	else
		kvm->stat.page_enc_ready_cleared++;
	return 0;
}

int kvm_page_enc_get_msr(struct kvm_vcpu *vcpu, u64 *data)
{
	struct kvm_page_enc *enc = vcpu->kvm->arch.page_enc;

	if (!enc || !guest_pv_has(vcpu, KVM_FEATURE_MIGRATION_CONTROL))
		return KVM_MSR_RET_UNSUPPORTED;

	*data = READ_ONCE(enc->control);
	return 0;
}
