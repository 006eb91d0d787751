/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_PAGE_ENC_H
#define __KVM_X86_PAGE_ENC_H

#include <linux/kvm_host.h>
#include <linux/kvm_para.h>

#include "cpuid.h"
#include "page_enc_map.h"
#include "x86.h"

/**
 * struct kvm_page_enc - page encryption status of a VM, as announced by its guest
 * @map:	the status of each page; its lock protects the whole struct
 * @control:	MSR_KVM_MIGRATION_CONTROL, which is one for all vCPUs
 * @first_control: value of @control at a reset
 * @restored:	userspace has set the status of pages, or the attributes that the
 *		status is a copy of
 * @max_chunks:	number of entries in the map at which to look for some without memslot
 * @gone:	pages that were shared when they lost a memslot with guest_memfd, if KVM
 *		converts memory; has a lock of its own, under which no other is taken
 * @is_copy:	status is a copy of memory attributes: userspace can't set it
 * @nr_copied:	number of pages whose status changed with their attributes; unlike
 *		statistics, userspace can't reset it
 * @forgotten_start: first page of a range in which status, and marks of its change,
 *		may have been dropped
 * @forgotten_end: end of that range
 * @harvest:	held while marks of changes are cleared; taken before the map's lock
 */
struct kvm_page_enc {
	struct page_enc_map map;
	u64 control;
	u64 first_control;
	bool restored;
	u64 max_chunks;
	struct page_enc_map gone;
	bool is_copy;
	u64 nr_copied;
	gfn_t forgotten_start;
	gfn_t forgotten_end;
	struct mutex harvest;	/* see above */
};

/* Did userspace create the slot?  KVM's own slots don't count. */
static inline bool kvm_is_user_memslot(const struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS;
}

/* Find the first such slot with pages in [start, end). */
static inline struct kvm_memory_slot *kvm_first_user_memslot(struct kvm *kvm,
							     gfn_t start, gfn_t end)
{
	struct kvm_memslot_iter iter;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), start, end) {
		if (kvm_is_user_memslot(iter.slot))
			return iter.slot;
	}
	return NULL;
}

struct kvm_page_enc_call;

/* Do the next part of a call, of bounded length, and account for it in @call. */
typedef int (*kvm_page_enc_step_t)(struct kvm_vcpu *vcpu,
				   struct kvm_page_enc_call *call);

#ifdef CONFIG_KVM_PAGE_ENC_STATUS

bool kvm_page_enc_may_track(struct kvm *kvm);
int kvm_page_enc_init_vm(struct kvm *kvm);
void kvm_page_enc_destroy_vm(struct kvm *kvm);
void kvm_page_enc_vm_encrypted(struct kvm *kvm);
void kvm_page_enc_vm_simulated(struct kvm *kvm);
void kvm_page_enc_move(struct kvm *kvm, struct kvm *source);
int kvm_page_enc_enable(struct kvm *kvm);
u32 kvm_page_enc_features(void);
u32 kvm_page_enc_hidden_features(struct kvm *kvm);
bool kvm_page_enc_call_valid(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			     u64 attrs);
void kvm_page_enc_refused(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			  u64 attrs, int err);
void kvm_page_enc_prepare_call(struct kvm_vcpu *vcpu, gpa_t gpa, u64 npages,
			       u64 attrs);
int kvm_page_enc_store_step(struct kvm_vcpu *vcpu, struct kvm_page_enc_call *call);
int kvm_page_enc_complete_call(struct kvm_vcpu *vcpu, kvm_page_enc_step_t step,
			       u64 *result);
void kvm_page_enc_note_exit(struct kvm_vcpu *vcpu);
bool kvm_page_enc_is_there(struct kvm_vcpu *vcpu);
bool kvm_page_enc_may_resume(struct kvm_vcpu *vcpu);
int kvm_page_enc_replace(struct kvm *kvm, struct page_enc_map *new, bool reset);
int kvm_page_enc_prepare_slot(struct kvm *kvm,
			      const struct kvm_memory_slot *slot);
void kvm_page_enc_update_stats(struct kvm *kvm);
void kvm_page_enc_note_restored(struct kvm *kvm);
void kvm_page_enc_withdraw_ready(struct kvm *kvm);
int kvm_page_enc_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr);
int kvm_page_enc_get_msr(struct kvm_vcpu *vcpu, struct msr_data *msr);
void kvm_page_enc_create_debugfs(struct kvm *kvm);

static inline bool kvm_page_enc_tracks_vm(struct kvm *kvm)
{
	return kvm->arch.page_enc;
}

/* Has the vCPU exited in the middle of a call that KVM keeps? */
static inline bool kvm_page_enc_call_pending(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.complete_userspace_io && vcpu->arch.page_enc_call.npages;
}

/* Does KVM itself answer this vCPU's KVM_HC_MAP_GPA_RANGE? */
static inline bool kvm_page_enc_tracks(struct kvm_vcpu *vcpu)
{
	return kvm_page_enc_tracks_vm(vcpu->kvm) &&
	       guest_pv_has(vcpu, KVM_FEATURE_HC_MAP_GPA_RANGE);
}

#else

static inline int kvm_page_enc_init_vm(struct kvm *kvm)
{
	return 0;
}

static inline void kvm_page_enc_destroy_vm(struct kvm *kvm)
{
}

static inline void kvm_page_enc_vm_encrypted(struct kvm *kvm)
{
}

static inline void kvm_page_enc_vm_simulated(struct kvm *kvm)
{
}

static inline void kvm_page_enc_move(struct kvm *kvm, struct kvm *source)
{
}

static inline u32 kvm_page_enc_features(void)
{
	return 0;
}

static inline u32 kvm_page_enc_hidden_features(struct kvm *kvm)
{
	return 0;
}

static inline bool kvm_page_enc_call_valid(struct kvm_vcpu *vcpu, gpa_t gpa,
					   u64 npages, u64 attrs)
{
	return true;
}

static inline void kvm_page_enc_prepare_call(struct kvm_vcpu *vcpu, gpa_t gpa,
					     u64 npages, u64 attrs)
{
}

static inline int kvm_page_enc_store_step(struct kvm_vcpu *vcpu,
					  struct kvm_page_enc_call *call)
{
	return 0;
}

static inline int kvm_page_enc_complete_call(struct kvm_vcpu *vcpu,
					     kvm_page_enc_step_t step,
					     u64 *result)
{
	*result = 0;
	return 1;
}

static inline void kvm_page_enc_note_exit(struct kvm_vcpu *vcpu)
{
}

static inline bool kvm_page_enc_is_there(struct kvm_vcpu *vcpu)
{
	return true;
}

static inline bool kvm_page_enc_may_resume(struct kvm_vcpu *vcpu)
{
	return true;
}

static inline bool kvm_page_enc_call_pending(struct kvm_vcpu *vcpu)
{
	return false;
}

static inline int kvm_page_enc_prepare_slot(struct kvm *kvm,
					    const struct kvm_memory_slot *slot)
{
	return 0;
}

static inline int kvm_page_enc_set_msr(struct kvm_vcpu *vcpu,
				       struct msr_data *msr)
{
	return KVM_MSR_RET_UNSUPPORTED;
}

static inline int kvm_page_enc_get_msr(struct kvm_vcpu *vcpu,
				       struct msr_data *msr)
{
	return KVM_MSR_RET_UNSUPPORTED;
}

static inline void kvm_page_enc_create_debugfs(struct kvm *kvm)
{
}

static inline bool kvm_page_enc_tracks_vm(struct kvm *kvm)
{
	return false;
}

static inline bool kvm_page_enc_tracks(struct kvm_vcpu *vcpu)
{
	return false;
}

static inline void kvm_page_enc_refused(struct kvm_vcpu *vcpu, gpa_t gpa,
					u64 npages, u64 attrs, int err)
{
}

#endif /* CONFIG_KVM_PAGE_ENC_STATUS */

#endif /* __KVM_X86_PAGE_ENC_H */
