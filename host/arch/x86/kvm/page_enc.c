// SPDX-License-Identifier: GPL-2.0
/*
 * Page encryption status of a VM, as announced by its guest.
 *
 * The guest announces with KVM_HC_MAP_GPA_RANGE which pages it shares with the
 * host, and with MSR_KVM_MIGRATION_CONTROL that its announcements are complete.
 * KVM keeps both for userspace and for the host's administrator.
 *
 * Only memory can be shared.  Announcements about other addresses are accepted
 * and forgotten.  Otherwise the guest could make KVM allocate without bound.
 *
 * Status belongs to a guest frame, not to a memslot.  It outlives the deletion
 * of a slot, as VMMs delete and re-create slots to change their size.  But the
 * guest can make its VMM move the slots of PCI BARs.  Therefore status without
 * a slot is dropped when there is much of it.
 *
 * A hypercall may be for all memory there is.  It is done in steps.  Between
 * steps the vCPU drops kvm->srcu, and returns to userspace if userspace wants
 * it back. It then continues where it was.
 *
 * A page is marked dirty when its status changes, because it may have been read
 * before that, in the wrong way.  The mark comes after the new status is
 * stored. Userspace takes dirty pages first and looks up their status second.
 * It then sees the new status, or it sees the page as dirty the next time.
 */
#include <linux/kvm_host.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>

#include "page_enc.h"
#include "sev_sim.h"
#include "trace.h"

/* Track page encryption status of new VMs. */
static bool __read_mostly page_enc_status;
module_param(page_enc_status, bool, 0644);
MODULE_PARM_DESC(page_enc_status, "Track page encryption status of new VMs (default: N)");

/* Chunks without a slot that are kept in any case, whatever the VM's size. */
#define SLACK_CHUNKS		1024

#define ATTRS_RESERVED		GENMASK_ULL(63, 5)

/*
 * Pages that may be marked dirty in a step, as that takes most of the time.
 * Other steps are as large as page_enc_map_set() makes them.
 */
#define STEP_DIRTY_GFNS		PAGE_ENC_CHUNK_GFNS

/* Returned by kvm_page_enc_store_step(), besides 0 and errors */
#define DIRTY_RING_FULL		1

/* A change of status in a VM. */
struct vm_changes {
	struct page_enc_changes changes;
	struct kvm *kvm;
};

static void set_control(struct kvm *kvm, u64 data)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	lockdep_assert_held(&enc->map.lock);

	trace_kvm_page_enc_ready(kvm, enc->control, data);
	WRITE_ONCE(enc->control, data);
	enc->map.generation++;
	kvm->stat.page_enc_ready = data & KVM_MIGRATION_READY;
	kvm_sev_sim_control_changed(kvm);
}

/* The ABI: a VM without encrypted memory is ready from the start. */
static u64 first_control(struct kvm *kvm)
{
	if (kvm->arch.vm_type == KVM_X86_DEFAULT_VM &&
	    !kvm->arch.page_enc_encrypted && !kvm_sev_sim_c_bit(kvm))
		return KVM_MIGRATION_READY;
	return 0;
}

static int start_tracking(struct kvm *kvm)
{
	struct kvm_page_enc *enc;
	int r;

	enc = kzalloc(sizeof(*enc), GFP_KERNEL_ACCOUNT);
	if (!enc)
		return -ENOMEM;

	r = page_enc_map_init(&enc->map);
	if (r) {
		kfree(enc);
		return r;
	}

	mutex_init(&enc->harvest);
	enc->max_chunks = SLACK_CHUNKS;
	enc->forgotten_start = ULLONG_MAX;
	enc->first_control = first_control(kvm);
	enc->control = enc->first_control;
	kvm->stat.page_enc_ready = enc->control & KVM_MIGRATION_READY;

	/* Others may see @enc from now on. */
	smp_store_release(&kvm->arch.page_enc, enc);
	return 0;
}

/*
 * Memory of SEV-SNP and TDX guests is converted by userspace: when the guest's
 * page state change or MapGPA reaches it, and partly without the guest asking.
 * A status that KVM keeps could contradict that.  The VMM takes
 * KVM_HC_MAP_GPA_RANGE for such a request, too, so the guest must not be told
 * of the hypercall just because the parameter is set.  Treat unknown types in
 * the same way.
 */
bool kvm_page_enc_may_track(struct kvm *kvm)
{
	switch (kvm->arch.vm_type) {
	case KVM_X86_DEFAULT_VM:
	case KVM_X86_SW_PROTECTED_VM:
	case KVM_X86_SEV_VM:
	case KVM_X86_SEV_ES_VM:
		return true;
	default:
		return false;
	}
}

int kvm_page_enc_init_vm(struct kvm *kvm)
{
	if (!READ_ONCE(page_enc_status))
		return 0;

	if (!kvm_page_enc_may_track(kvm)) {
		kvm->arch.page_enc_hidden = true;
		return 0;
	}
	return start_tracking(kvm);
}

/* Userspace enables tracking.  That is too late once there is a vCPU. */
int kvm_page_enc_enable(struct kvm *kvm)
{
	guard(mutex)(&kvm->lock);

	if (kvm->arch.page_enc)
		return 0;
	if (kvm->created_vcpus || !kvm_page_enc_may_track(kvm))
		return -EINVAL;

	return start_tracking(kvm);
}

static void not_ready_at_first(struct kvm_page_enc *enc, struct kvm *kvm)
{
	guard(mutex)(&enc->map.lock);
	enc->first_control = 0;
	set_control(kvm, 0);
}

/* Userspace has made the VM a simulated SEV guest.  It may be tracked already. */
void kvm_page_enc_vm_simulated(struct kvm *kvm)
{
	guard(mutex)(&kvm->lock);
	if (kvm->arch.page_enc && !kvm->created_vcpus)
		not_ready_at_first(kvm->arch.page_enc, kvm);
}

/* The VM gets encrypted memory.  Its guest has not run yet. */
void kvm_page_enc_vm_encrypted(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	kvm->arch.page_enc_encrypted = true;
	if (enc)
		not_ready_at_first(enc, kvm);
}
EXPORT_SYMBOL_GPL(kvm_page_enc_vm_encrypted);

void kvm_page_enc_destroy_vm(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	if (!enc)
		return;

	page_enc_map_destroy(&enc->map);
	page_enc_map_destroy(&enc->gone);
	kfree(enc);
}

#define FEATURES	(BIT(KVM_FEATURE_HC_MAP_GPA_RANGE) | \
			 BIT(KVM_FEATURE_MIGRATION_CONTROL))

/* The bits of KVM_CPUID_FEATURES that new VMs may be given. */
u32 kvm_page_enc_features(void)
{
	return READ_ONCE(page_enc_status) ? FEATURES : 0;
}

/*
 * The bits that this VM isn't given.  kvm_page_enc_features() doesn't know the
 * VM.
 */
u32 kvm_page_enc_hidden_features(struct kvm *kvm)
{
	return kvm->arch.page_enc_hidden ? FEATURES : 0;
}

void kvm_page_enc_update_stats(struct kvm *kvm)
{
	struct page_enc_map *map = &kvm->arch.page_enc->map;

	lockdep_assert_held(&map->lock);

	kvm->stat.page_enc_shared_pages = map->nr_shared;
	kvm->stat.page_enc_chunks = map->nr_chunks - map->nr_private;
	kvm->stat.page_enc_changed_chunks = map->nr_changed;
	kvm->stat.page_enc_bytes = page_enc_map_bytes(map);
}

/*
 * The guest of @source continues in @kvm: move its status and the marks of what
 * is to be harvested.
 */
void kvm_page_enc_move(struct kvm *kvm, struct kvm *source)
{
	struct kvm_page_enc *from = source->arch.page_enc;
	struct kvm_page_enc *to = kvm->arch.page_enc;

	kvm_page_enc_vm_encrypted(kvm);
	if (!from || !to)
		return;

	/* The caller excludes that another task does this the other way round. */
	guard(mutex)(&to->map.lock);
	mutex_lock_nested(&from->map.lock, SINGLE_DEPTH_NESTING);
	page_enc_map_swap(&to->map, &from->map);
	to->max_chunks = from->max_chunks;
	to->forgotten_start = from->forgotten_start;
	to->forgotten_end = from->forgotten_end;
	to->restored = true;
	set_control(kvm, from->control);
	kvm_page_enc_update_stats(source);
	mutex_unlock(&from->map.lock);
	kvm_page_enc_update_stats(kvm);
}
EXPORT_SYMBOL_GPL(kvm_page_enc_move);

/* The guest can't have memory from the returned frame on. */
static gfn_t end_of_gfns(struct kvm_vcpu *vcpu)
{
	unsigned int bits = kvm_sev_sim_c_bit(vcpu->kvm) ?:
			    cpuid_maxphyaddr(vcpu);

	/* cpuid_maxphyaddr() is what userspace put into CPUID: limit it. */
	return BIT_ULL(clamp(bits, PAGE_SHIFT, 52) - PAGE_SHIFT);
}

/*
 * Check arguments beyond the checks that KVM does for any VM.  The page size in
 * bits 3:0 is a hint: any value is valid, for ranges of any alignment.
 */
bool kvm_page_enc_call_valid(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			     u64 attrs)
{
	gfn_t end = end_of_gfns(vcpu);

	return !(attrs & ATTRS_RESERVED) && gpa_to_gfn(gpa) < end &&
	       npages <= end - gpa_to_gfn(gpa);
}

/* Count a call that returns an error to the guest. */
void kvm_page_enc_refused(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			  u64 attrs, int err)
{
	struct kvm *kvm = vcpu->kvm;

	if (!kvm_page_enc_tracks(vcpu))
		return;

	trace_kvm_page_enc_refused(kvm, gpa, npages, attrs, err);
	guard(mutex)(&kvm->arch.page_enc->map.lock);
	if (err == -KVM_EPERM)
		kvm->stat.page_enc_refused_perm++;
	else
		kvm->stat.page_enc_refused_inval++;
}

static void mark_slot_dirty(struct kvm *kvm, struct kvm_memory_slot *slot,
			    gfn_t start, gfn_t end)
{
	gfn_t gfn = max(start, slot->base_gfn);

	if (!kvm_slot_dirty_track_enabled(slot))
		return;

	end = min(end, slot->base_gfn + slot->npages);
	while (gfn < end)
		mark_page_dirty_in_slot(kvm, slot, gfn++);
}

/* Called when the new status is stored. */
static void report_and_mark_dirty(struct page_enc_changes *changes, gfn_t start,
				  gfn_t end, bool shared)
{
	struct vm_changes *c = container_of(changes, struct vm_changes, changes);
	struct kvm_memslot_iter iter;

	kvm_sev_sim_status_changed(c->kvm, start, end, shared);

	/* If logging has just begun, nothing has been read of the slot yet. */
	if (!atomic_read(&c->kvm->nr_memslots_dirty_logging))
		return;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(c->kvm), start, end)
		mark_slot_dirty(c->kvm, iter.slot, start, end);
}

static void report_only(struct page_enc_changes *changes, gfn_t start,
			gfn_t end, bool shared)
{
	struct vm_changes *c = container_of(changes, struct vm_changes, changes);

	kvm_sev_sim_status_changed(c->kvm, start, end, shared);
}

/*
 * How many pages may be marked dirty until userspace has to look at the ring?
 */
static u64 dirty_ring_room(struct kvm_vcpu *vcpu)
{
	if (!vcpu->kvm->dirty_ring_size)
		return U64_MAX;

	return kvm_dirty_ring_room(&vcpu->dirty_ring);
}

/* How many pages may change their status in a step? */
static u64 step_gfns(struct kvm_vcpu *vcpu)
{
	u64 room = dirty_ring_room(vcpu);

	/* Logging may begin a moment later.  The ring must not overflow then. */
	if (!atomic_read(&vcpu->kvm->nr_memslots_dirty_logging))
		return room;

	return min(STEP_DIRTY_GFNS, room);
}

/* Does the ring, which had no room a moment ago, make the vCPU exit? */
static bool exits_to_reset_ring(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_DIRTY_RING_SOFT_FULL, vcpu);
	return kvm_dirty_ring_check_request(vcpu);
}

/* Store the status of some pages; @start is moved to what is left to be set. */
static int set_pages(struct kvm_vcpu *vcpu, struct kvm_page_enc_call *call,
		     gfn_t *start, gfn_t end, bool shared)
{
	struct kvm *kvm = vcpu->kvm;
	struct page_enc_map *map = &kvm->arch.page_enc->map;
	struct vm_changes c = {
		.changes.max = step_gfns(vcpu),
		.changes.report = report_and_mark_dirty,
		.kvm = kvm,
	};
	int r;

	if (!c.changes.max)
		return exits_to_reset_ring(vcpu) ? DIRTY_RING_FULL : 0;

	guard(mutex)(&map->lock);
	r = page_enc_map_set(map, start, end, shared, &c.changes);
	call->changed += c.changes.pages;
	if (shared)
		kvm->stat.page_enc_to_shared += c.changes.pages;
	else
		kvm->stat.page_enc_to_private += c.changes.pages;
	kvm_page_enc_update_stats(kvm);
	return r;
}

/*
 * Return the beginning of the first memslot at or after *@gap, as a boundary of
 * chunks.  Move *@gap to the first chunk without a page in a memslot.
 */
static gfn_t next_memslot(struct kvm *kvm, gfn_t *gap, gfn_t end)
{
	struct kvm_memslot_iter iter;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), *gap, end) {
		struct kvm_memory_slot *slot = iter.slot;

		if (!kvm_is_user_memslot(slot))
			continue;
		if (slot->base_gfn > *gap &&
		    round_down(slot->base_gfn, PAGE_ENC_CHUNK_GFNS) > *gap)
			return round_down(slot->base_gfn, PAGE_ENC_CHUNK_GFNS);
		*gap = round_up(slot->base_gfn + slot->npages,
				PAGE_ENC_CHUNK_GFNS);
	}
	return end;
}

/* Numbers of chunks in the map */
struct chunk_counts {
	u64 backed;
	u64 status;	/* without a memslot, with shared pages */
	u64 marks;	/* without a memslot, marked as changed only */
};

typedef int (*gap_fn)(struct kvm *kvm, gfn_t *start, gfn_t end,
		      struct chunk_counts *counts);

/*
 * Call @fn for each range of chunks that have no page in a memslot.  @fn
 * handles a part of the range, with the lock held, and moves its start.
 */
static int walk_gaps(struct kvm *kvm, gfn_t end, struct chunk_counts *counts,
		     gap_fn fn)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	gfn_t gap = 0, next;
	int r;

	while (gap < end) {
		next = next_memslot(kvm, &gap, end);
		while (gap < next) {
			scoped_guard(mutex, &enc->map.lock)
				r = fn(kvm, &gap, next, counts);
			if (r)
				return r;
			if (fatal_signal_pending(current))
				return -EINTR;
		}
	}
	return 0;
}

/* Is all of the chunk private, so that its entry only bears the mark? */
static bool has_mark_only(struct page_enc_map *map, gfn_t chunk)
{
	gfn_t end = chunk + PAGE_ENC_CHUNK_GFNS;
	bool shared;

	return page_enc_map_run(map, chunk, end, &shared) == end && !shared;
}

static int count_gap(struct kvm *kvm, gfn_t *start, gfn_t end,
		     struct chunk_counts *counts)
{
	struct page_enc_map *map = &kvm->arch.page_enc->map;
	unsigned int batch = SLACK_CHUNKS;

	while (page_enc_map_next_chunk(map, start, end, false)) {
		if (has_mark_only(map, *start))
			counts->marks++;
		else
			counts->status++;
		*start += PAGE_ENC_CHUNK_GFNS;
		if (!--batch)
			return 0;
	}
	*start = end;
	return 0;
}

/* Make pages private, and mark their chunks as changed. */
static int drop_status(struct kvm *kvm, gfn_t *start, gfn_t end,
		       struct chunk_counts *counts)
{
	struct vm_changes c = {
		.changes.max = U64_MAX,
		.changes.report = report_only,
		.kvm = kvm,
	};

	return page_enc_map_set(&kvm->arch.page_enc->map, start, end, false,
				&c.changes);
}

/* Userspace learns of the change when there is a memslot again. */
static int drop_marks(struct kvm *kvm, gfn_t *start, gfn_t end,
		      struct chunk_counts *counts)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	struct page_enc_changes none = { .max = U64_MAX };
	unsigned int batch = SLACK_CHUNKS;
	gfn_t chunk;

	while (page_enc_map_next_chunk(&enc->map, start, end, true)) {
		chunk = *start;
		*start += PAGE_ENC_CHUNK_GFNS;
		if (has_mark_only(&enc->map, chunk)) {
			enc->forgotten_start = min(enc->forgotten_start, chunk);
			enc->forgotten_end = max(enc->forgotten_end, *start);
			page_enc_map_forget(&enc->map, &chunk, *start, &none);
		}
		if (!--batch)
			return 0;
	}
	*start = end;
	return 0;
}

/*
 * Bound the status of pages without a memslot by that of the others.  If there
 * is more of it, and more than SLACK_CHUNKS, drop it and mark it as changed.
 * Bound marks in the same way.
 */
static int limit_chunks(struct kvm *kvm, gfn_t end)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	struct chunk_counts counts = {};
	u64 limit;
	int r;

	if (READ_ONCE(enc->map.nr_chunks) <= READ_ONCE(enc->max_chunks))
		return 0;

	r = walk_gaps(kvm, end, &counts, count_gap);
	if (r)
		return r;

	/* Other vCPUs may have changed the map meanwhile. */
	counts.backed = READ_ONCE(enc->map.nr_chunks);
	counts.backed -= min(counts.backed, counts.status + counts.marks);
	limit = max_t(u64, counts.backed, SLACK_CHUNKS);

	if (counts.marks > limit)
		r = walk_gaps(kvm, end, &counts, drop_marks);
	if (!r && counts.status > limit)
		r = walk_gaps(kvm, end, &counts, drop_status);

	guard(mutex)(&enc->map.lock);
	kvm_page_enc_update_stats(kvm);
	/* Leave some distance, so that this isn't done for each new chunk. */
	enc->max_chunks = counts.backed + 2 * limit + limit / 8;
	return r;
}

/*
 * Pages get a memslot.  If marks were dropped there, set them again, because
 * status may have been dropped before.
 */
int kvm_page_enc_prepare_slot(struct kvm *kvm,
			      const struct kvm_memory_slot *slot)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	gfn_t start, end;
	int r;

	if (!enc || !kvm_is_user_memslot(slot))
		return 0;

	guard(mutex)(&enc->map.lock);
	start = max(slot->base_gfn, enc->forgotten_start);
	end = min(slot->base_gfn + slot->npages, enc->forgotten_end);
	r = start < end ? page_enc_map_mark(&enc->map, start, end) : 0;
	kvm_page_enc_update_stats(kvm);
	return r;
}

/* Share some pages of a memslot, and count those before it. */
static int share_pages(struct kvm_vcpu *vcpu, struct kvm_page_enc_call *call,
		       gfn_t *start, gfn_t end)
{
	struct kvm_memory_slot *slot;
	gfn_t first;

	/* SMM may see other memory in places, but has no other status. */
	slot = kvm_first_user_memslot(vcpu->kvm, *start, end);
	first = slot ? max(*start, slot->base_gfn) : end;
	call->unbacked += first - *start;
	*start = first;
	if (!slot)
		return 0;

	end = min(end, slot->base_gfn + slot->npages);
	return set_pages(vcpu, call, start, end, true);
}

/* Store the status of some of the pages that are left of a call. */
int kvm_page_enc_store_step(struct kvm_vcpu *vcpu, struct kvm_page_enc_call *call)
{
	gfn_t end = gpa_to_gfn(call->gpa) + call->npages;
	gfn_t start = end - call->left;
	int r;

	if (call->attrs & KVM_MAP_GPA_RANGE_ENCRYPTED)
		r = set_pages(vcpu, call, &start, end, false);
	else
		r = share_pages(vcpu, call, &start, end);
	call->left = end - start;
	if (r || call->left || call->attrs & KVM_MAP_GPA_RANGE_ENCRYPTED)
		return r;

	return limit_chunks(vcpu->kvm, end_of_gfns(vcpu));
}

/* Let memslots change and other tasks run. */
static void let_others(struct kvm_vcpu *vcpu)
{
	kvm_vcpu_srcu_read_unlock(vcpu);
	cond_resched();
	kvm_vcpu_srcu_read_lock(vcpu);
}

/*
 * Do the rest of a call.  If userspace wants the vCPU back, it gets it after
 * the current step.  At least one step is done each time, unless userspace asks
 * for an immediate exit.
 */
static int do_steps(struct kvm_vcpu *vcpu, struct kvm_page_enc_call *call,
		    kvm_page_enc_step_t step)
{
	int r;

	for (;;) {
		if (READ_ONCE(vcpu->run->immediate_exit__unsafe))
			return -EINTR;
		r = step(vcpu, call);
		if (r || !call->left)
			return r;
		if (signal_pending(current))
			return -EINTR;
		let_others(vcpu);
	}
}

static void account_call(struct kvm *kvm, const struct kvm_page_enc_call *call)
{
	guard(mutex)(&kvm->arch.page_enc->map.lock);
	kvm->stat.page_enc_calls++;
	kvm->stat.page_enc_unbacked += call->unbacked;
	trace_kvm_page_enc_set(kvm, gpa_to_gfn(call->gpa), call->npages,
			       !(call->attrs & KVM_MAP_GPA_RANGE_ENCRYPTED),
			       call->changed);
}

/*
 * Keep a valid call until userspace has agreed to it: userspace may change
 * registers and CPUID before it answers.  @npages is 0 if nothing is to be
 * stored.
 */
void kvm_page_enc_prepare_call(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			       u64 attrs)
{
	vcpu->arch.page_enc_call = (struct kvm_page_enc_call) {
		.gpa = gpa,
		.npages = npages,
		.attrs = attrs,
		.left = npages,
		.total = npages,
	};
}

/* Get the registers that identify the hypercall. */
static void get_regs(struct kvm_vcpu *vcpu, unsigned long *regs)
{
	regs[0] = kvm_rax_read(vcpu);
	regs[1] = kvm_rbx_read(vcpu);
	regs[2] = kvm_rcx_read(vcpu);
	regs[3] = kvm_rdx_read(vcpu);
}

/* The vCPU exits in the middle of its hypercall. */
void kvm_page_enc_note_exit(struct kvm_vcpu *vcpu)
{
	struct kvm_page_enc_call *call = &vcpu->arch.page_enc_call;

	call->linear_rip = kvm_get_linear_rip(vcpu);
	get_regs(vcpu, call->regs);
}

/* Is the vCPU still there, or has userspace made it do something else? */
bool kvm_page_enc_is_there(struct kvm_vcpu *vcpu)
{
	return kvm_is_linear_rip(vcpu, vcpu->arch.page_enc_call.linear_rip);
}

/*
 * The same in the middle of a call.  If arguments have changed, it is another
 * call: userspace has no reason to change them, and guests make all of their
 * calls in a few places.
 */
bool kvm_page_enc_may_resume(struct kvm_vcpu *vcpu)
{
	struct kvm_page_enc_call *call = &vcpu->arch.page_enc_call;
	unsigned long regs[ARRAY_SIZE(call->regs)];

	/* Registers are out of reach, for userspace as well. */
	if (vcpu->arch.guest_state_protected)
		return true;

	get_regs(vcpu, regs);
	return kvm_page_enc_is_there(vcpu) && !memcmp(regs, call->regs, sizeof(regs));
}

/*
 * Carry out the call that was prepared.  @step does the next part of it, and
 * returns -EINVAL to refuse the call.
 *
 * Returns 1 with the result for the guest.  Returns 0 or -EINTR, with the exit
 * set up, if the vCPU exits to userspace for the dirty ring, or because
 * userspace wants it back.  Call this again when the vCPU comes back.
 *
 * Returns another error for KVM_RUN if there is no memory.  The status of some
 * pages has changed then.  The vCPU repeats the hypercall when it is run again.
 * A vCPU with protected registers can't repeat it, so the guest gets an error.
 */
int kvm_page_enc_complete_call(struct kvm_vcpu *vcpu, kvm_page_enc_step_t step,
			       u64 *result)
{
	struct kvm_page_enc_call *call = &vcpu->arch.page_enc_call;
	int r;

	*result = 0;
	if (!call->npages)
		return 1;

	r = do_steps(vcpu, call, step);
	switch (r) {
	case 0:
		account_call(vcpu->kvm, call);
		break;
	case DIRTY_RING_FULL:
		return 0;
	case -EINTR:
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		++vcpu->stat.signal_exits;
		return -EINTR;
	case -EINVAL:
		kvm_page_enc_refused(vcpu, call->gpa, call->npages, call->attrs,
				     -KVM_EINVAL);
		*result = -KVM_EINVAL;
		r = 0;
		break;
	default:
		if (!vcpu->arch.guest_state_protected)
			break;
		*result = -KVM_EFAULT;
		r = 0;
		break;
	}
	call->npages = 0;
	return r ?: 1;
}

static int replace_map_and_control(struct kvm *kvm, struct page_enc_map *new, bool reset)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	struct vm_changes c = {
		.changes.max = U64_MAX,
		.changes.report = report_only,
		.kvm = kvm,
	};
	int r;

	guard(mutex)(&enc->map.lock);

	/* Enforcing may have begun after the caller checked. */
	if (enc->is_copy)
		return -EINVAL;

	r = page_enc_map_replace(&enc->map, new, &c.changes);
	if (r)
		return r;

	enc->restored = !reset;
	if (reset)
		set_control(kvm, enc->first_control);
	kvm_page_enc_update_stats(kvm);
	return 0;
}

/*
 * Replace the VM's map by one that userspace has made.  On error nothing
 * changes.
 */
int kvm_page_enc_replace(struct kvm *kvm, struct page_enc_map *new, bool reset)
{
	int idx, r;

	/* Strict mode of simulated SEV looks at memslots. */
	idx = srcu_read_lock(&kvm->srcu);
	r = replace_map_and_control(kvm, new, reset);
	srcu_read_unlock(&kvm->srcu, idx);
	return r;
}

/* Userspace has restored the status that the guest announced. */
void kvm_page_enc_note_restored(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	guard(mutex)(&enc->map.lock);
	enc->restored = true;
}

/* The guest's announcements are not complete any more. */
void kvm_page_enc_withdraw_ready(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	guard(mutex)(&enc->map.lock);
	if (!enc->control)
		return;

	/*
	 * Restoring the MSR alone doesn't change that: vCPUs may have an old
	 * value of it.
	 */
	enc->restored = false;
	set_control(kvm, 0);
	kvm->stat.page_enc_ready_cleared++;
}

/* Does the guest have the MSR? */
static bool has_msr(struct kvm_vcpu *vcpu)
{
	return vcpu->kvm->arch.page_enc &&
	       guest_pv_has(vcpu, KVM_FEATURE_MIGRATION_CONTROL);
}

/*
 * Userspace restores the MSR, perhaps from another host, and once for each
 * vCPU. That must not fail, and must not make the VM ready if it isn't.
 */
static bool ignores_restore(struct kvm_page_enc *enc, u64 data)
{
	/*
	 * The VM has no encrypted memory.  The 0 may come from a vCPU that is
	 * plugged in.
	 */
	if (enc->first_control)
		return !data;

	/* The guest's announcements are complete, but were not restored. */
	return data && !enc->restored;
}

static int change_control(struct kvm *kvm, u64 data, bool restore)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	guard(mutex)(&enc->map.lock);
	if (data == enc->control || (restore && ignores_restore(enc, data)))
		return 0;

	set_control(kvm, data);
	if (data)
		kvm->stat.page_enc_ready_set++;
	else
		kvm->stat.page_enc_ready_cleared++;
	return 0;
}

int kvm_page_enc_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	if (!msr->host_initiated && !has_msr(vcpu))
		return KVM_MSR_RET_UNSUPPORTED;

	if (msr->data & ~KVM_MIGRATION_READY)
		return 1;

	/* The VM isn't tracked: there is nothing to restore. */
	if (!vcpu->kvm->arch.page_enc)
		return 0;

	return change_control(vcpu->kvm, msr->data, msr->host_initiated);
}

int kvm_page_enc_get_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	struct kvm_page_enc *enc = vcpu->kvm->arch.page_enc;

	if (!msr->host_initiated && !has_msr(vcpu))
		return KVM_MSR_RET_UNSUPPORTED;

	msr->data = enc ? READ_ONCE(enc->control) : 0;
	return 0;
}
