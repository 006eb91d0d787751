// SPDX-License-Identifier: GPL-2.0
/*
 * A map of page encryption status: which guest frames are shared with the host.
 *
 * Pages are private unless said otherwise.  Guests share pages in a few clumps
 * (bounce buffers, per-CPU data) but may share them in any pattern, so the map
 * is sparse at the level of 4 MiB chunks and a plain bitmap within a chunk.
 *
 * All of it is protected by map->lock, under which one may sleep.
 */
#include <linux/bitmap.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "page_enc_map.h"

#define CHUNK_WORDS	BITS_TO_LONGS(PAGE_ENC_CHUNK_GFNS)
#define CHUNK_MASK	(PAGE_ENC_CHUNK_GFNS - 1)
#define CHUNK_SHARED	xa_mk_value(1)

/* Chunks that one call of page_enc_map_set() changes: 1 GiB of pages. */
#define BATCH_CHUNKS	256

struct page_enc_chunk {
	unsigned long shared[CHUNK_WORDS];
};

static unsigned long gfn_to_chunk(gfn_t gfn)
{
	return gfn >> PAGE_ENC_CHUNK_SHIFT;
}

static gfn_t chunk_to_gfn(unsigned long index)
{
	return (gfn_t)index << PAGE_ENC_CHUNK_SHIFT;
}

/* The number of shared pages that @entry stands for. */
static unsigned int entry_weight(void *entry)
{
	struct page_enc_chunk *chunk = entry;

	if (!entry)
		return 0;
	if (xa_is_value(entry))
		return PAGE_ENC_CHUNK_GFNS;
	return bitmap_weight(chunk->shared, PAGE_ENC_CHUNK_GFNS);
}

/* Does the xarray node that would hold @index hold any entry? */
static bool leaf_in_use(struct page_enc_map *map, unsigned long index)
{
	unsigned long first = index & ~XA_CHUNK_MASK;

	return xa_find(&map->chunks, &first, index | XA_CHUNK_MASK, XA_PRESENT);
}

/* Put @new, which may be NULL, in the place of @old and free @old. */
static int replace_entry(struct page_enc_map *map, unsigned long index,
			 void *old, void *new)
{
	bool leaf = leaf_in_use(map, index);
	int r;

	r = xa_err(xa_store(&map->chunks, index, new, GFP_KERNEL_ACCOUNT));
	if (r)
		return r;

	map->nr_leaves += leaf_in_use(map, index) - leaf;
	map->nr_chunks += !!new - !!old;

	if (new && !xa_is_value(new))
		map->nr_bitmaps++;
	if (old && !xa_is_value(old)) {
		map->nr_bitmaps--;
		kfree(old);
	}
	return 0;
}

/* Make a bitmap of an entry that has none. */
static struct page_enc_chunk *expand_entry(struct page_enc_map *map,
					   unsigned long index, void *old)
{
	struct page_enc_chunk *chunk;
	int r;

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return ERR_PTR(-ENOMEM);

	if (old)
		bitmap_fill(chunk->shared, PAGE_ENC_CHUNK_GFNS);

	r = replace_entry(map, index, old, chunk);
	if (r) {
		kfree(chunk);
		return ERR_PTR(r);
	}
	return chunk;
}

/* Set pages [start, end), which must not cross a chunk boundary. */
static int set_in_chunk(struct page_enc_map *map, gfn_t start, gfn_t end,
			bool shared, u64 *nr_changed)
{
	unsigned long index = gfn_to_chunk(start);
	void *old = xa_load(&map->chunks, index);
	unsigned int before = entry_weight(old);
	unsigned int full = shared ? PAGE_ENC_CHUNK_GFNS : 0;
	struct page_enc_chunk *chunk = old;
	unsigned int after;
	int r = 0;

	/* Nothing to change?  Then nothing may be allocated, either. */
	if (before == full)
		return 0;

	if (end - start == PAGE_ENC_CHUNK_GFNS) {
		after = full;
	} else {
		if (!old || xa_is_value(old))
			chunk = expand_entry(map, index, old);
		if (IS_ERR(chunk))
			return PTR_ERR(chunk);
		if (shared)
			bitmap_set(chunk->shared, start & CHUNK_MASK, end - start);
		else
			bitmap_clear(chunk->shared, start & CHUNK_MASK, end - start);
		after = entry_weight(chunk);
		old = chunk;
	}

	/* Storing over an existing entry, or erasing one, can't fail. */
	if (after == full)
		r = replace_entry(map, index, old, shared ? CHUNK_SHARED : NULL);
	if (r)
		return r;

	map->nr_shared += (s64)after - before;
	*nr_changed += abs((int)after - (int)before);
	return 0;
}

/* The first chunk at or after @gfn that may have to change, as a gfn. */
static gfn_t next_candidate(struct page_enc_map *map, gfn_t gfn, gfn_t end,
			    bool shared)
{
	unsigned long index = gfn_to_chunk(gfn);

	/* Sharing changes any chunk, unsharing only those that have an entry. */
	if (shared)
		return gfn;
	if (!xa_find(&map->chunks, &index, gfn_to_chunk(end - 1), XA_PRESENT))
		return end;
	return max(gfn, chunk_to_gfn(index));
}

/**
 * page_enc_map_set - record that a range of pages is shared or private
 * @map:	the map
 * @start:	in: first page; out: first page that still has to be set
 * @end:	page after the last one
 * @shared:	the new status
 * @nr_changed:	is increased by the number of pages that had the other status
 *
 * Sets as many pages as are to be set in one go, in order that a caller with a
 * large range can drop the lock, and look for signals, between calls.  Memory is
 * bounded by the chunks that the range touches and that have to change.
 *
 * Return: 0, or -ENOMEM.  In the latter case, too, the pages before @start have
 * the new status and the others the old, and the call may be repeated.
 */
int page_enc_map_set(struct page_enc_map *map, gfn_t *start, gfn_t end,
		     bool shared, u64 *nr_changed)
{
	unsigned int batch = BATCH_CHUNKS;
	gfn_t next;
	int r;

	lockdep_assert_held(&map->lock);

	while (batch-- && *start < end) {
		*start = next_candidate(map, *start, end, shared);
		if (*start == end)
			break;

		next = min(chunk_to_gfn(gfn_to_chunk(*start) + 1), end);
		r = set_in_chunk(map, *start, next, shared, nr_changed);
		if (r)
			return r;
		*start = next;
		cond_resched();
	}
	return 0;
}

/**
 * page_enc_map_is_shared - look up one page
 * @map:	the map
 * @gfn:	the page
 *
 * Return: true if the page is shared.
 */
bool page_enc_map_is_shared(struct page_enc_map *map, gfn_t gfn)
{
	struct page_enc_chunk *chunk;

	lockdep_assert_held(&map->lock);

	chunk = xa_load(&map->chunks, gfn_to_chunk(gfn));
	if (!chunk || xa_is_value(chunk))
		return chunk;

	return test_bit(gfn & CHUNK_MASK, chunk->shared);
}

/* The first page at or after @bit of the chunk that is, or isn't, shared. */
static unsigned int find_in_entry(void *entry, unsigned int bit, bool shared)
{
	struct page_enc_chunk *chunk = entry;

	if (!entry || xa_is_value(entry))
		return !!entry == shared ? bit : PAGE_ENC_CHUNK_GFNS;
	if (shared)
		return find_next_bit(chunk->shared, PAGE_ENC_CHUNK_GFNS, bit);
	return find_next_zero_bit(chunk->shared, PAGE_ENC_CHUNK_GFNS, bit);
}

/* The first shared page at or after @gfn. */
static bool find_shared(struct page_enc_map *map, gfn_t *gfn)
{
	unsigned long index = gfn_to_chunk(*gfn);
	unsigned int bit = *gfn & CHUNK_MASK;
	void *entry;

	entry = xa_find(&map->chunks, &index, ULONG_MAX, XA_PRESENT);
	while (entry) {
		if (index != gfn_to_chunk(*gfn))
			bit = 0;
		bit = find_in_entry(entry, bit, true);
		if (bit < PAGE_ENC_CHUNK_GFNS) {
			*gfn = chunk_to_gfn(index) + bit;
			return true;
		}
		entry = xa_find_after(&map->chunks, &index, ULONG_MAX,
				      XA_PRESENT);
	}
	return false;
}

/**
 * page_enc_map_next_shared - find the next extent of shared pages
 * @map:	the map
 * @start:	in: where to look from; out: first page of the extent
 * @end:	out: page after the last one of the extent
 *
 * Return: true if there is one.
 */
bool page_enc_map_next_shared(struct page_enc_map *map, gfn_t *start,
			      gfn_t *end)
{
	unsigned long index;
	unsigned int bit;
	gfn_t gfn = *start;

	lockdep_assert_held(&map->lock);

	if (!find_shared(map, &gfn))
		return false;

	*start = gfn;
	index = gfn_to_chunk(gfn);
	bit = gfn & CHUNK_MASK;
	while ((bit = find_in_entry(xa_load(&map->chunks, index), bit, false)) ==
	       PAGE_ENC_CHUNK_GFNS) {
		index++;
		bit = 0;
		cond_resched();
	}
	*end = chunk_to_gfn(index) + bit;
	return true;
}

/**
 * page_enc_map_bytes - memory held by the map
 * @map:	the map
 *
 * Return: bytes in bitmaps and in the xarray nodes that hold entries.  The few
 * nodes above them are not counted.
 */
u64 page_enc_map_bytes(struct page_enc_map *map)
{
	return map->nr_bitmaps * sizeof(struct page_enc_chunk) +
	       map->nr_leaves * sizeof(struct xa_node);
}

void page_enc_map_init(struct page_enc_map *map)
{
	memset(map, 0, sizeof(*map));
	mutex_init(&map->lock);
	xa_init_flags(&map->chunks, XA_FLAGS_ACCOUNT);
}

/* Nobody may use @map any more. */
void page_enc_map_destroy(struct page_enc_map *map)
{
	unsigned long index;
	void *entry;

	xa_for_each(&map->chunks, index, entry) {
		if (!xa_is_value(entry))
			kfree(entry);
		cond_resched();
	}
	xa_destroy(&map->chunks);
}

#ifdef CONFIG_KVM_PAGE_ENC_KUNIT_TEST
#include "page_enc_map_test.c"
#endif
