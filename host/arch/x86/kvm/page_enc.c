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
 *
 * A hypercall may be for all memory there is.  It is done in steps, between
 * which the vCPU lets go of kvm->srcu, and returns to userspace if that is what
 * somebody wants.  When it comes back it goes on where it was.
 *
 * A page is also marked dirty when its status changes, because what was read of
 * it before that was read in the wrong way.  That comes after the new status is
 * stored: who takes the dirty pages first, and looks up their status then, sees
 * either the new status, or the page as dirty the next time.
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

/* Chunks without a slot that are kept whatever the size of the VM. */
#define SLACK_CHUNKS		1024

#define ATTRS_RESERVED		GENMASK_ULL(63, 5)

/*
 * Pages that may be marked dirty in a step.  It is they that take time; else a
 * step is what page_enc_map_set() does in one go.
 */
#define STEP_DIRTY_GFNS		PAGE_ENC_CHUNK_GFNS

/* What kvm_page_enc_store_step() returns, besides 0 and errors. */
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

/* The ABI: ready from the start if there is nothing to wait for. */
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

	/* Others may see it from now on. */
	smp_store_release(&kvm->arch.page_enc, enc);
	return 0;
}

/*
 * Memory of SEV-SNP and TDX guests is converted by userspace: when the guest's
 * page state change, or its MapGPA, reaches it, and in part without the guest
 * asking.  What KVM kept would be another opinion of that, and wrong at times.
 * As a VMM takes KVM_HC_MAP_GPA_RANGE for such a request, too, the guest must
 * not be told of it just because the parameter is set.  Types that are not
 * known yet are like that.
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

/* Userspace asks for it.  A vCPU may rely on how it was when it was created. */
int kvm_page_enc_enable(struct kvm *kvm)
{
	guard(mutex)(&kvm->lock);

	if (kvm->arch.page_enc)
		return 0;
	if (kvm->created_vcpus || !kvm_page_enc_may_track(kvm))
		return -EINVAL;

	return start_tracking(kvm);
}

/* The VM turns into one with encrypted memory, before its guest has run. */
void kvm_page_enc_vm_encrypted(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	kvm->arch.page_enc_encrypted = true;
	if (!enc)
		return;

	guard(mutex)(&enc->map.lock);
	enc->first_control = 0;
	set_control(kvm, 0);
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
 * Those that this VM isn't given, as nobody knows a VM's type who asks for
 * them.
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
 * The guest of @source goes on in @kvm, and so do its status and what is to be
 * harvested of it.
 */
void kvm_page_enc_move(struct kvm *kvm, struct kvm *source)
{
	struct kvm_page_enc *from = source->arch.page_enc;
	struct kvm_page_enc *to = kvm->arch.page_enc;

	kvm_page_enc_vm_encrypted(kvm);
	if (!from || !to)
		return;

	/* The caller sees to it that no other two VMs do this the other way. */
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

/* Guest frames from here on can't be memory of the guest. */
static gfn_t end_of_gfns(struct kvm_vcpu *vcpu)
{
	unsigned int bits = kvm_sev_sim_c_bit(vcpu->kvm) ?:
			    cpuid_maxphyaddr(vcpu);

	/* The latter is what userspace put into CPUID. */
	return BIT_ULL(clamp(bits, PAGE_SHIFT, 52) - PAGE_SHIFT);
}

/*
 * What is wrong with these arguments beyond what KVM checks for any VM?  The
 * page size in bits 3:0 is a hint: any is valid, for ranges of any alignment.
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

/*
 * The new status is stored.  Frames don't have the C-bit here: no alias slots.
 */
static void report_and_mark_dirty(struct page_enc_changes *changes, gfn_t start,
				  gfn_t end, bool shared)
{
	struct vm_changes *c = container_of(changes, struct vm_changes, changes);
	struct kvm_memslot_iter iter;

	kvm_sev_sim_status_changed(c->kvm, start, end, shared);

	/* A slot that just begins to be tracked has not been read yet. */
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

	/*
	 * Logging may begin a moment later, and the ring must not overflow
	 * then.
	 */
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
 * Where the first memslot at or after *@gap begins, as a boundary of chunks;
 * *@gap is moved to the first chunk none of whose pages has one.
 */
static gfn_t next_memslot(struct kvm *kvm, gfn_t *gap, gfn_t end)
{
	struct kvm_memslot_iter iter;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), *gap, end) {
		struct kvm_memory_slot *slot = iter.slot;

		if (!kvm_is_user_memslot(kvm, slot))
			continue;
		if (slot->base_gfn > *gap &&
		    round_down(slot->base_gfn, PAGE_ENC_CHUNK_GFNS) > *gap)
			return round_down(slot->base_gfn, PAGE_ENC_CHUNK_GFNS);
		*gap = round_up(slot->base_gfn + slot->npages,
				PAGE_ENC_CHUNK_GFNS);
	}
	return end;
}

/* What there is in the map, in chunks. */
struct chunk_counts {
	u64 backed;
	u64 status;	/* without a memslot, a page of them is shared */
	u64 marks;	/* without a memslot, marked as changed only */
};

typedef int (*gap_fn)(struct kvm *kvm, gfn_t *start, gfn_t end,
		      struct chunk_counts *counts);

/*
 * Call @fn for each range between memslots, in which no chunk has a page with
 * one.  It does some of the range, with the lock held, and moves its start.
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

/* Is all of the chunk private, i.e. has it an entry for its mark only? */
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
 * Keep what is stored in proportion to what has a memslot.  Status without one
 * is dropped, with a mark, if there is more of it than of other, and more than
 * a bit.  So are marks.
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

	/* Other vCPUs may have been at work meanwhile. */
	counts.backed = READ_ONCE(enc->map.nr_chunks);
	counts.backed -= min(counts.backed, counts.status + counts.marks);
	limit = max_t(u64, counts.backed, SLACK_CHUNKS);

	if (counts.marks > limit)
		r = walk_gaps(kvm, end, &counts, drop_marks);
	if (!r && counts.status > limit)
		r = walk_gaps(kvm, end, &counts, drop_status);

	guard(mutex)(&enc->map.lock);
	kvm_page_enc_update_stats(kvm);
	/* Far enough away for this not to be done for each new chunk. */
	enc->max_chunks = counts.backed + 2 * limit + limit / 8;
	return r;
}

/*
 * Pages get a memslot.  If marks were forgotten there they are set again:
 * status that had been dropped before.
 */
int kvm_page_enc_prepare_slot(struct kvm *kvm,
			      const struct kvm_memory_slot *slot)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;
	gfn_t start, end;
	int r;

	if (!enc || !kvm_is_user_memslot(kvm, slot))
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

	/* SMM may see other memory in places, but no other status. */
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

/* Memslots may change now, others get a turn. */
static void let_others(struct kvm_vcpu *vcpu)
{
	kvm_vcpu_srcu_read_unlock(vcpu);
	cond_resched();
	kvm_vcpu_srcu_read_lock(vcpu);
}

/*
 * Do what is left of a call.  Userspace that wants the vCPU back gets it after
 * the step that is under way; however often it does, a step is done each time,
 * unless what it asks for is an exit at once.
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
		.left = npages,
		.total = npages,
	};
}

/* Registers that say which hypercall it is. */
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

/* Is it still there, or has userspace made it do something else? */
bool kvm_page_enc_is_there(struct kvm_vcpu *vcpu)
{
	return kvm_is_linear_rip(vcpu, vcpu->arch.page_enc_call.linear_rip);
}

/*
 * The same in the middle of a call, whose arguments userspace has no reason to
 * change: then it is another call.  Guests make all of theirs in a few places.
 */
bool kvm_page_enc_may_resume(struct kvm_vcpu *vcpu)
{
	struct kvm_page_enc_call *call = &vcpu->arch.page_enc_call;
	unsigned long regs[ARRAY_SIZE(call->regs)];

	/* Out of reach, for userspace, too. */
	if (vcpu->arch.guest_state_protected)
		return true;

	get_regs(vcpu, regs);
	return kvm_page_enc_is_there(vcpu) && !memcmp(regs, call->regs, sizeof(regs));
}

/*
 * Do what the call that was prepared says, with @step, which does the next part
 * of it and returns -EINVAL to refuse the call.
 *
 * Returns 1 with the result for the guest.  Or 0 or -EINTR, with the exit set
 * up, if the vCPU exits to userspace for the dirty ring, or because that wants
 * it back: this is to be called again when it comes back.  Or, if there is no
 * memory, another error for KVM_RUN.  The status of some pages has changed
 * then, and when the vCPU is run again it repeats the hypercall as if it
 * hadn't.  A vCPU whose registers are out of reach can't repeat it, and is told
 * that it failed.
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

	/* That may have begun after the caller has looked. */
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
 * Put a map that userspace has made in the place of the VM's.  Either all of it
 * takes effect or nothing.
 */
int kvm_page_enc_replace(struct kvm *kvm, struct page_enc_map *new, bool reset)
{
	int idx, r;

	/* For the memslots, which strict mode of simulated SEV looks at. */
	idx = srcu_read_lock(&kvm->srcu);
	r = replace_map_and_control(kvm, new, reset);
	srcu_read_unlock(&kvm->srcu, idx);
	return r;
}

/* Userspace knows what the guest has said of its pages. */
void kvm_page_enc_note_restored(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	guard(mutex)(&enc->map.lock);
	enc->restored = true;
}

/* What the guest said is complete isn't any more. */
void kvm_page_enc_withdraw_ready(struct kvm *kvm)
{
	struct kvm_page_enc *enc = kvm->arch.page_enc;

	guard(mutex)(&enc->map.lock);
	if (!enc->control)
		return;

	/*
	 * Nor is it by the MSR alone, of which each vCPU may have an old value.
	 */
	enc->restored = false;
	set_control(kvm, 0);
	kvm->stat.page_enc_ready_cleared++;
}

/* Is there such an MSR for the guest? */
static bool has_msr(struct kvm_vcpu *vcpu)
{
	return vcpu->kvm->arch.page_enc &&
	       guest_pv_has(vcpu, KVM_FEATURE_MIGRATION_CONTROL);
}

/*
 * Userspace restores the MSR, perhaps of another host, and once for each vCPU.
 * That must not fail, and must not say what isn't so.
 */
static bool ignores_restore(struct kvm_page_enc *enc, u64 data)
{
	/*
	 * No encrypted memory: a vCPU that is plugged in with 0 changes
	 * nothing.
	 */
	if (enc->first_control)
		return !data;

	/* The guest's announcements are complete, but they aren't here. */
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

	/* Where nothing is tracked there is nothing to restore. */
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
