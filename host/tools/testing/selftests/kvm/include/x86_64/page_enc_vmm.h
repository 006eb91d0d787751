/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared code of tests of KVM_CAP_PAGE_ENC_STATUS.
 */
#ifndef SELFTEST_KVM_PAGE_ENC_VMM_H
#define SELFTEST_KVM_PAGE_ENC_VMM_H

#include <linux/kvm_para.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

/* The most extents that one chunk may have, when every other page is shared. */
#define PAGE_ENC_EXTENTS	KVM_PAGE_ENC_CHUNK_PAGES

/* xorshift64: the same numbers in guest and host.  *state must not be 0. */
static inline uint64_t page_enc_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Any seed, 0 too, as a state to begin with. */
static inline uint64_t page_enc_seed(uint64_t seed, uint64_t stream)
{
	uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15ULL + stream * 0xbf58476d1ce4e5b9ULL;

	state |= 1;
	page_enc_random(&state);
	page_enc_random(&state);
	return state;
}

/* From the guest */
static inline uint64_t page_enc_announce(uint64_t gpa, uint64_t npages, bool shared)
{
	return kvm_hypercall(KVM_HC_MAP_GPA_RANGE, gpa, npages,
			     shared ? KVM_MAP_GPA_RANGE_DECRYPTED :
				      KVM_MAP_GPA_RANGE_ENCRYPTED, 0);
}

static inline void page_enc_enable(struct kvm_vm *vm)
{
	vm_enable_cap(vm, KVM_CAP_PAGE_ENC_STATUS, KVM_PAGE_ENC_STATUS_ENABLE);
}

/*
 * Go through [start, end) with KVM_GET_PAGE_ENC_STATUS, with room for @nr
 * extents a call, and store what it says in @shared, a byte a page.  Returns
 * how many extents there were, and generation and control in @status.
 */
static inline uint64_t page_enc_get(struct kvm_vm *vm, uint64_t start, uint64_t end,
				    uint64_t flags, uint64_t nr, uint8_t *shared,
				    struct kvm_page_enc_status *status)
{
	struct kvm_page_enc_extent extents[PAGE_ENC_EXTENTS];
	uint64_t i, n = 0, next = start;

	TEST_ASSERT(nr && nr <= ARRAY_SIZE(extents), "No room for %lu extents", nr);
	*status = (struct kvm_page_enc_status) {
		.gfn = start,
		.end = end,
		.flags = flags,
		.extents = (uintptr_t)extents,
	};

	do {
		status->nr = nr;
		vm_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, status);
		TEST_ASSERT(status->nr <= nr, "%llu extents where %lu have room", status->nr, nr);
		TEST_ASSERT(status->nr || status->gfn == end, "No progress at %llx", status->gfn);

		for (i = 0; i < status->nr; i++) {
			struct kvm_page_enc_extent *e = &extents[i];

			TEST_ASSERT(e->gfn >= next && e->npages && e->gfn < end &&
				    e->npages <= end - e->gfn,
				    "Extent %llx+%llx in [%lx, %lx)", e->gfn, e->npages, next, end);
			TEST_ASSERT(e->flags == KVM_PAGE_ENC_SHARED ||
				    (!e->flags && flags & KVM_PAGE_ENC_GET_CHANGED),
				    "Flags %llx at %llx", e->flags, e->gfn);
			memset(shared + e->gfn - start, !!e->flags, e->npages);
			next = e->gfn + e->npages;
		}
		n += status->nr;
		TEST_ASSERT(status->gfn >= next, "Would go on at %llx before %lx",
			    status->gfn, next);
	} while (status->gfn < end);
	return n;
}

/* All of [start, end): pages that no extent names are private. */
static inline uint64_t page_enc_get_all(struct kvm_vm *vm, uint64_t start, uint64_t end,
					uint8_t *shared, struct kvm_page_enc_status *status)
{
	memset(shared, 0, end - start);
	return page_enc_get(vm, start, end, 0, PAGE_ENC_EXTENTS, shared, status);
}

/* Extents of the pages that are shared.  Returns how many. */
static inline uint64_t page_enc_extents(uint64_t start, const uint8_t *shared, uint64_t npages,
					struct kvm_page_enc_extent *extents)
{
	uint64_t i, n = 0;

	for (i = 0; i < npages; i++) {
		if (!shared[i])
			continue;
		if (!i || !shared[i - 1])
			extents[n++] = (struct kvm_page_enc_extent) {
				.gfn = start + i,
				.flags = KVM_PAGE_ENC_SHARED,
			};
		extents[n - 1].npages++;
	}
	return n;
}

static inline int __page_enc_set(struct kvm_vm *vm, const struct kvm_page_enc_extent *extents,
				 uint64_t nr)
{
	struct kvm_page_enc_status status = {
		.nr = nr,
		.extents = (uintptr_t)extents,
	};

	return __vm_ioctl(vm, KVM_SET_PAGE_ENC_STATUS, &status);
}

static inline void page_enc_set(struct kvm_vm *vm, const struct kvm_page_enc_extent *extents,
				uint64_t nr)
{
	int r = __page_enc_set(vm, extents, nr);

	TEST_ASSERT(!r, KVM_IOCTL_ERROR(KVM_SET_PAGE_ENC_STATUS, r));
}

#endif /* SELFTEST_KVM_PAGE_ENC_VMM_H */
