/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_PAGE_ENC_MAP_H
#define __KVM_X86_PAGE_ENC_MAP_H

#include <linux/bits.h>
#include <linux/kvm_types.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

/* One xarray entry covers 4 MiB: 1024 pages, whose bitmap is 128 bytes. */
#define PAGE_ENC_CHUNK_SHIFT	10
#define PAGE_ENC_CHUNK_GFNS	BIT(PAGE_ENC_CHUNK_SHIFT)

/**
 * struct page_enc_map - which guest frames are shared with the host
 * @lock:	protects all of it
 * @chunks:	indexed by gfn >> PAGE_ENC_CHUNK_SHIFT.  No entry: all pages of
 *		the chunk are private.  Value entry: all are shared.  Pointer:
 *		bitmap of PAGE_ENC_CHUNK_GFNS bits, set for shared pages, neither
 *		empty nor full.
 * @nr_shared:	shared pages
 * @nr_chunks:	entries in @chunks
 * @nr_bitmaps:	entries in @chunks that are bitmaps
 * @nr_leaves:	groups of 64 chunks with any entries, i.e. xarray nodes that hold
 *		entries
 *
 * Private memory costs nothing, and the worst a pattern of changes can cost is
 * a bitmap for every chunk that it touches, i.e. about 1.1 bits a page.
 */
struct page_enc_map {
	struct mutex lock;	/* see above */
	struct xarray chunks;
	u64 nr_shared;
	u64 nr_chunks;
	u64 nr_bitmaps;
	u64 nr_leaves;
};

void page_enc_map_init(struct page_enc_map *map);
void page_enc_map_destroy(struct page_enc_map *map);
int page_enc_map_set(struct page_enc_map *map, gfn_t *start, gfn_t end,
		     bool shared, u64 *nr_changed);
bool page_enc_map_is_shared(struct page_enc_map *map, gfn_t gfn);
bool page_enc_map_next_shared(struct page_enc_map *map, gfn_t *start,
			      gfn_t *end);
u64 page_enc_map_bytes(struct page_enc_map *map);

#endif /* __KVM_X86_PAGE_ENC_MAP_H */
