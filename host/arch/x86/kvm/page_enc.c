// SPDX-License-Identifier: GPL-2.0
/*
 * Page encryption status of a VM, as told by its guest.
 *
 * The guest says with KVM_HC_MAP_GPA_RANGE which pages it shares with the host,
 * and with MSR_KVM_MIGRATION_CONTROL whether what it said is complete.  KVM
 * keeps both, so that they can be looked at.
 *
 * Only memory is shared.  That the guest shares something else is accepted and
 * forgotten, or it could make KVM allocate without bound.
 *
 * Status belongs to a guest frame, not to a memslot.  It outlives the deletion
 * of a slot, as VMMs delete and re-create slots to change their size.  As the
 * guest can make its VMM move slots, those of PCI BARs, what has no slot any
 * more is dropped when there is much of it.
 */
#include <linux/kvm_host.h>
#include <linux/moduleparam.h>

#include "page_enc.h"
#include "sev_sim.h"

/* Track page encryption status of new VMs. */
static bool __read_mostly page_enc_status;
module_param(page_enc_status, bool, 0644);
MODULE_PARM_DESC(page_enc_status, "Track page encryption status of new VMs (default: N)");

/* Chunks without a slot that are kept whatever the size of the VM. */
#define SLACK_CHUNKS		1024

#define ATTRS_PAGE_SIZE		GENMASK_ULL(3, 0)
#define ATTRS_RESERVED		GENMASK_ULL(63, 5)

static void set_control(struct kvm *kvm, u64 data)
{
	WRITE_ONCE(kvm->arch.page_enc->control, data);
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
	enc->max_chunks = SLACK_CHUNKS;
	kvm->arch.page_enc = enc;

	/* The ABI: ready from the start if there is nothing to wait for. */
	if (kvm->arch.vm_type == KVM_X86_DEFAULT_VM && !kvm_sev_sim_c_bit(kvm))
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

	/* The latter is what userspace put into CPUID. */
	return BIT_ULL(clamp(bits, PAGE_SHIFT, 52) - PAGE_SHIFT);
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

/* One step of set_pages(); @start is moved to what is left to be set. */
static int set_some_pages(struct kvm *kvm, gfn_t *start, gfn_t end, bool shared,
			  u64 *changed)
{
	struct page_enc_map *map = &kvm->arch.page_enc->map;
	gfn_t first = *start;
	u64 before = *changed;
	int r;

	guard(mutex)(&map->lock);
	r = page_enc_map_set(map, start, end, shared, changed);
	update_stats(kvm);
	if (*changed != before)
		kvm_sev_sim_status_changed(kvm, first, *start, shared);
	return r;
}

/* Other vCPUs get a turn in between, and so do those who kill this one. */
static int set_pages(struct kvm *kvm, gfn_t start, gfn_t end, bool shared,
		     u64 *changed)
{
	int r;

	while (start < end) {
		r = set_some_pages(kvm, &start, end, shared, changed);
		if (r)
			return r;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static bool is_user_slot(const struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS;
}

/* Forget the status of pages that aren't in a memslot. */
static int drop_unbacked(struct kvm *kvm, gfn_t end)
{
	struct kvm_memslot_iter iter;
	u64 dropped = 0;
	gfn_t gap = 0;
	int r;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), 0, end) {
		if (!is_user_slot(iter.slot))
			continue;
		r = set_pages(kvm, gap, iter.slot->base_gfn, false, &dropped);
		if (r)
			return r;
		gap = iter.slot->base_gfn + iter.slot->npages;
	}
	return set_pages(kvm, gap, end, false, &dropped);
}

/*
 * Keep what is stored in proportion to what has a slot: at most as much again,
 * and a bit, has none.
 */
static int limit_chunks(struct kvm *kvm, gfn_t end)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	int r;

	if (READ_ONCE(enc->map.nr_chunks) <= READ_ONCE(enc->max_chunks))
		return 0;

	r = drop_unbacked(kvm, end);
	if (r)
		return r;

	guard(mutex)(&enc->map.lock);
	enc->max_chunks = 2 * enc->map.nr_chunks + SLACK_CHUNKS;
	return 0;
}

/* Share what has a memslot of pages [start, end), and count the rest. */
static int share_pages(struct kvm_vcpu *vcpu, gfn_t start, gfn_t end,
		       u64 *changed, u64 *unbacked)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_memslot_iter iter;
	int r;

	*unbacked = end - start;

	/* SMM may see other memory in places, but no other status. */
	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), start, end) {
		struct kvm_memory_slot *slot = iter.slot;
		gfn_t first = max(start, slot->base_gfn);
		gfn_t last = min(end, slot->base_gfn + slot->npages);

		if (!is_user_slot(slot))
			continue;

		r = set_pages(kvm, first, last, true, changed);
		if (r)
			return r;
		*unbacked -= last - first;
	}
	return limit_chunks(kvm, end_of_gfns(vcpu));
}

static int store_call(struct kvm_vcpu *vcpu, const struct kvm_page_enc_call *call)
{
	gfn_t start = gpa_to_gfn(call->gpa), end = start + call->npages;
	u64 to_shared = 0, to_private = 0, unbacked = 0;
	struct kvm *kvm = vcpu->kvm;
	int r;

	if (call->attrs & KVM_MAP_GPA_RANGE_ENCRYPTED)
		r = set_pages(kvm, start, end, false, &to_private);
	else
		r = share_pages(vcpu, start, end, &to_shared, &unbacked);

	guard(mutex)(&kvm->arch.page_enc->map.lock);
	kvm->stat.page_enc_to_shared += to_shared;
	kvm->stat.page_enc_to_private += to_private;
	if (r)
		return r;

	kvm->stat.page_enc_calls++;
	kvm->stat.page_enc_unbacked += unbacked;
	return 0;
}

/*
 * Keep a valid call until it is known whether userspace agrees to it, which may
 * change registers and CPUID before it answers.  No pages: nothing to store.
 */
void kvm_page_enc_prepare_call(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			       u64 attrs)
{
	vcpu->arch.page_enc_call = (struct kvm_page_enc_call) {
		.gpa = gpa,
		.npages = npages,
		.attrs = attrs,
	};
}

/*
 * Store what the call that was prepared says.
 *
 * Returns 0 with the result for the guest; or, if there is no memory or the
 * task is being killed, an error for KVM_RUN.  The status of some pages has
 * changed then, and when the vCPU is run again it repeats the hypercall as if
 * it hadn't.  A vCPU whose registers are out of reach can't repeat it, and is
 * told that it failed.
 */
int kvm_page_enc_complete_call(struct kvm_vcpu *vcpu, u64 *result)
{
	struct kvm_page_enc_call *call = &vcpu->arch.page_enc_call;
	int r;

	*result = 0;
	if (!call->npages)
		return 0;

	r = store_call(vcpu, call);
	call->npages = 0;
	if (r && vcpu->arch.guest_state_protected) {
		*result = -KVM_EFAULT;
		r = 0;
	}
	return r;
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
