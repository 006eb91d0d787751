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
 * @lock:	protects the whole struct
 * @chunks:	indexed by gfn >> PAGE_ENC_CHUNK_SHIFT.  No entry: all pages of
 *		the chunk are private.  Value entry: all are shared, or all are
 *		private but that has yet to be harvested.  Pointer: bitmap of
 *		PAGE_ENC_CHUNK_GFNS bits, set for shared pages, neither empty nor
 *		full.  Marks tell which chunks have changed since the last harvest.
 * @generation:	changes with each change of status
 * @nr_shared:	shared pages
 * @nr_chunks:	entries in @chunks
 * @nr_bitmaps:	entries in @chunks that are bitmaps
 * @nr_private:	entries in @chunks for chunks that are all private
 * @nr_changed:	entries in @chunks that have changed since the last harvest
 * @nr_leaves:	groups of 64 chunks with any entries, i.e. xarray nodes that hold
 *		entries
 *
 * Private memory costs nothing.  The worst case is a bitmap for every chunk that
 * has changed, i.e. about 1.1 bits a page.
 */
struct page_enc_map {
	struct mutex lock;	/* see above */
	struct xarray *chunks;
	u64 generation;
	u64 nr_shared;
	u64 nr_chunks;
	u64 nr_bitmaps;
	u64 nr_private;
	u64 nr_changed;
	u64 nr_leaves;
};

/**
 * struct page_enc_changes - the outcome of a request to change status
 * @pages:	incremented by the number of pages whose status has changed
 * @max:	limit of @pages, at which to stop
 * @report:	if not NULL, called for each run of such pages, within a chunk,
 *		after the new status is stored
 */
struct page_enc_changes {
	u64 pages;
	u64 max;
	void (*report)(struct page_enc_changes *changes, gfn_t start, gfn_t end,
		       bool shared);
};

int page_enc_map_init(struct page_enc_map *map);
void page_enc_map_destroy(struct page_enc_map *map);
int page_enc_map_set(struct page_enc_map *map, gfn_t *start, gfn_t end,
		     bool shared, struct page_enc_changes *changes);
int page_enc_map_forget(struct page_enc_map *map, gfn_t *start, gfn_t end,
			struct page_enc_changes *changes);
int page_enc_map_mark(struct page_enc_map *map, gfn_t start, gfn_t end);
int page_enc_map_replace(struct page_enc_map *map, struct page_enc_map *new,
			 struct page_enc_changes *changes);
void page_enc_map_swap(struct page_enc_map *map, struct page_enc_map *other);
bool page_enc_map_is_shared(struct page_enc_map *map, gfn_t gfn);
bool page_enc_map_next_shared(struct page_enc_map *map, gfn_t *start,
			      gfn_t *end);
bool page_enc_map_next_chunk(struct page_enc_map *map, gfn_t *start, gfn_t end,
			     bool changed);
gfn_t page_enc_map_run(struct page_enc_map *map, gfn_t start, gfn_t end,
		       bool *shared);
void page_enc_map_begin_harvest(struct page_enc_map *map, gfn_t gfn);
void page_enc_map_end_harvest(struct page_enc_map *map, gfn_t start, gfn_t end,
			      bool harvested);
u64 page_enc_map_bytes(struct page_enc_map *map);

#endif /* __KVM_X86_PAGE_ENC_MAP_H */
