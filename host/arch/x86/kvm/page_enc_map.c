// SPDX-License-Identifier: GPL-2.0
/*
 * A map of page encryption status: which guest frames are shared with the host.
 *
 * Pages are private unless said otherwise.  Guests share pages in a few clumps
 * (bounce buffers, per-CPU data) but may share them in any pattern, so the map
 * is sparse at the level of 4 MiB chunks and a plain bitmap within a chunk.
 *
 * A chunk that has changed is marked until it has been harvested.  If all of it
 * is private, it needs an entry to bear the mark.  Such an entry replaces the
 * one for shared pages, so it needs no memory.
 *
 * Everything is protected by map->lock, which is a mutex.
 */
#include <linux/bitmap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "page_enc_map.h"

#define CHUNK_WORDS	BITS_TO_LONGS(PAGE_ENC_CHUNK_GFNS)
#define CHUNK_MASK	(PAGE_ENC_CHUNK_GFNS - 1)
#define CHUNK_PRIVATE	xa_mk_value(0)
#define CHUNK_SHARED	xa_mk_value(1)

/* The chunk has changed since the last harvest ... */
#define CHANGED		XA_MARK_0
/* ... but not since the current harvest has read it. */
#define HARVESTING	XA_MARK_1

/* Chunks that one call changes or forgets: 1 GiB of pages. */
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

static bool is_bitmap(void *entry)
{
	return entry && !xa_is_value(entry);
}

/* Expand @entry into a bitmap of shared pages. */
static void get_chunk_status(void *entry, unsigned long *status)
{
	struct page_enc_chunk *chunk = entry;

	if (is_bitmap(entry))
		bitmap_copy(status, chunk->shared, PAGE_ENC_CHUNK_GFNS);
	else if (entry == CHUNK_SHARED)
		bitmap_fill(status, PAGE_ENC_CHUNK_GFNS);
	else
		bitmap_zero(status, PAGE_ENC_CHUNK_GFNS);
}

/* Does the xarray node that would hold @index hold any entry? */
static bool leaf_in_use(struct page_enc_map *map, unsigned long index)
{
	unsigned long first = index & ~XA_CHUNK_MASK;

	return xa_find(map->chunks, &first, index | XA_CHUNK_MASK, XA_PRESENT);
}

/* Load a chunk, and whether it has its mark and is not being harvested. */
static void *load_chunk(struct page_enc_map *map, unsigned long index,
			bool *marked)
{
	XA_STATE(xas, map->chunks, index);
	void *entry;

	/* map->lock protects it, but the xarray checks for RCU. */
	rcu_read_lock();
	entry = xas_load(&xas);
	*marked = xas_get_mark(&xas, CHANGED) &&
		  !xas_get_mark(&xas, HARVESTING);
	rcu_read_unlock();
	return entry;
}

static void mark_changed(struct page_enc_map *map, unsigned long index)
{
	if (!xa_get_mark(map->chunks, index, CHANGED)) {
		xa_set_mark(map->chunks, index, CHANGED);
		map->nr_changed++;
	}
	xa_clear_mark(map->chunks, index, HARVESTING);
}

static void clear_changed(struct page_enc_map *map, unsigned long index)
{
	map->nr_changed -= xa_get_mark(map->chunks, index, CHANGED);
	xa_clear_mark(map->chunks, index, CHANGED);
	xa_clear_mark(map->chunks, index, HARVESTING);
}

/* Replace @old by @new, and free @old.  Either may be NULL. */
static int replace_entry(struct page_enc_map *map, unsigned long index,
			 void *old, void *new)
{
	bool leaf = leaf_in_use(map, index);
	int r;

	if (!new)
		clear_changed(map, index);

	r = xa_err(xa_store(map->chunks, index, new, GFP_KERNEL_ACCOUNT));
	if (r)
		return r;

	map->nr_leaves += leaf_in_use(map, index) - leaf;
	map->nr_chunks += !!new - !!old;
	map->nr_private += (new == CHUNK_PRIVATE) - (old == CHUNK_PRIVATE);
	map->nr_bitmaps += is_bitmap(new) - is_bitmap(old);
	if (is_bitmap(old))
		kfree(old);
	return 0;
}

static int store_bitmap(struct page_enc_map *map, unsigned long index, void *old,
			const unsigned long *status)
{
	struct page_enc_chunk *chunk = old;
	int r = 0;

	if (!is_bitmap(old)) {
		chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return -ENOMEM;

		r = replace_entry(map, index, old, chunk);
	}

	if (r)
		kfree(chunk);
	else
		bitmap_copy(chunk->shared, status, PAGE_ENC_CHUNK_GFNS);
	return r;
}

/* Store the status of a chunk that has changed. */
static int store_chunk_status(struct page_enc_map *map, unsigned long index, void *old,
			      const unsigned long *status)
{
	int r;

	/* Storing over an existing entry can't fail. */
	if (bitmap_empty(status, PAGE_ENC_CHUNK_GFNS))
		r = replace_entry(map, index, old, CHUNK_PRIVATE);
	else if (bitmap_full(status, PAGE_ENC_CHUNK_GFNS))
		r = replace_entry(map, index, old, CHUNK_SHARED);
	else
		r = store_bitmap(map, index, old, status);

	if (!r)
		mark_changed(map, index);
	return r;
}

static void report_run(struct page_enc_changes *changes, unsigned long index,
		       unsigned int first, unsigned int last, bool shared)
{
	changes->pages += last - first;
	if (changes->report)
		changes->report(changes, chunk_to_gfn(index) + first,
				chunk_to_gfn(index) + last, shared);
}

/* Report the pages whose bits are set in @changed. */
static void report_pages(struct page_enc_changes *changes, unsigned long index,
			 const unsigned long *changed, bool shared)
{
	unsigned int first, last;

	for_each_set_bitrange(first, last, changed, PAGE_ENC_CHUNK_GFNS)
		report_run(changes, index, first, last, shared);
}

/* Find the first page at or after @bit that is @shared. */
static unsigned int find_in_entry(void *entry, unsigned int bit, bool shared)
{
	struct page_enc_chunk *chunk = entry;
	bool all_shared = entry == CHUNK_SHARED;

	if (!is_bitmap(entry))
		return all_shared == shared ? bit : PAGE_ENC_CHUNK_GFNS;
	if (shared)
		return find_next_bit(chunk->shared, PAGE_ENC_CHUNK_GFNS, bit);
	return find_next_zero_bit(chunk->shared, PAGE_ENC_CHUNK_GFNS, bit);
}

/* Do all pages [first, last) of the chunk have the status @shared? */
static bool is_run(struct page_enc_chunk *chunk, unsigned int first,
		   unsigned int last, bool shared)
{
	if (shared)
		return find_next_zero_bit(chunk->shared, last, first) >= last;
	return find_next_bit(chunk->shared, last, first) >= last;
}

/* Do all other pages of the chunk have the status @shared? */
static bool is_uniform(struct page_enc_chunk *chunk, unsigned int first,
		       unsigned int last, bool shared)
{
	/* Usually the neighbours tell, without a look at all pages. */
	if (last < PAGE_ENC_CHUNK_GFNS &&
	    test_bit(last, chunk->shared) != shared)
		return false;
	if (first && test_bit(first - 1, chunk->shared) != shared)
		return false;

	return is_run(chunk, 0, PAGE_ENC_CHUNK_GFNS, shared);
}

/* Set pages [start, end) of a bitmap.  All of them have the other status. */
static void set_chunk_run(struct page_enc_map *map, struct page_enc_chunk *chunk,
			  gfn_t start, gfn_t end, bool shared, bool marked,
			  struct page_enc_changes *changes)
{
	unsigned int first = start & CHUNK_MASK, n = end - start;
	unsigned long index = gfn_to_chunk(start);

	if (shared)
		bitmap_set(chunk->shared, first, n);
	else
		bitmap_clear(chunk->shared, first, n);

	/* Storing over an existing entry can't fail. */
	if (is_uniform(chunk, first, first + n, shared))
		replace_entry(map, index, chunk,
			      shared ? CHUNK_SHARED : CHUNK_PRIVATE);
	if (!marked)
		mark_changed(map, index);
	map->nr_shared += shared ? n : -(u64)n;
	map->generation++;
	report_run(changes, index, first, first + n, shared);
}

/* Set pages [start, end) of a chunk that has @old stored. */
static int set_any(struct page_enc_map *map, void *old, gfn_t start, gfn_t end,
		   bool shared, struct page_enc_changes *changes)
{
	DECLARE_BITMAP(changed, PAGE_ENC_CHUNK_GFNS);
	DECLARE_BITMAP(status, PAGE_ENC_CHUNK_GFNS);
	unsigned long index = gfn_to_chunk(start);
	unsigned int pages;
	int r;

	get_chunk_status(old, status);
	bitmap_zero(changed, PAGE_ENC_CHUNK_GFNS);
	bitmap_set(changed, start & CHUNK_MASK, end - start);
	if (shared)
		bitmap_andnot(changed, changed, status, PAGE_ENC_CHUNK_GFNS);
	else
		bitmap_and(changed, changed, status, PAGE_ENC_CHUNK_GFNS);

	/* If nothing changes, nothing may be allocated. */
	pages = bitmap_weight(changed, PAGE_ENC_CHUNK_GFNS);
	if (!pages)
		return 0;

	bitmap_xor(status, status, changed, PAGE_ENC_CHUNK_GFNS);
	r = store_chunk_status(map, index, old, status);
	if (r)
		return r;

	map->nr_shared += shared ? pages : -(u64)pages;
	map->generation++;
	report_pages(changes, index, changed, shared);
	return 0;
}

/* Set pages [start, end), which must not cross a chunk boundary. */
static int set_in_chunk(struct page_enc_map *map, gfn_t start, gfn_t end,
			bool shared, struct page_enc_changes *changes)
{
	unsigned int first = start & CHUNK_MASK;
	unsigned int last = first + (end - start);
	bool marked;
	void *old;

	old = load_chunk(map, gfn_to_chunk(start), &marked);

	/* The common case: one run of pages in a chunk that has a bitmap. */
	if (is_bitmap(old) && is_run(old, first, last, !shared)) {
		set_chunk_run(map, old, start, end, shared, marked, changes);
		return 0;
	}
	return set_any(map, old, start, end, shared, changes);
}

/* Find the first chunk at or after @gfn that may have to change, as a gfn. */
static gfn_t next_chunk_to_set(struct page_enc_map *map, gfn_t gfn, gfn_t end,
			       bool shared)
{
	unsigned long index = gfn_to_chunk(gfn);

	/*
	 * Sharing changes any chunk, unsharing only those that have an entry.
	 */
	if (shared)
		return gfn;
	if (!xa_find(map->chunks, &index, gfn_to_chunk(end - 1), XA_PRESENT))
		return end;
	return max(gfn, chunk_to_gfn(index));
}

/**
 * page_enc_map_set - record that a range of pages is shared or private
 * @map:	the map
 * @start:	in: first page; out: first page that still has to be set
 * @end:	page after the last one
 * @shared:	the new status
 * @changes:	the pages that have changed
 *
 * Sets a limited number of pages, so that a caller with a large range can drop
 * the lock and check for signals between calls.  Memory is allocated only for
 * chunks in the range that have to change.
 *
 * Return: 0, or -ENOMEM.  In both cases the pages before @start have the new
 * status and the others the old one, and the call may be repeated.
 */
int page_enc_map_set(struct page_enc_map *map, gfn_t *start, gfn_t end,
		     bool shared, struct page_enc_changes *changes)
{
	unsigned int batch = BATCH_CHUNKS;
	gfn_t next;
	int r;

	lockdep_assert_held(&map->lock);

	while (batch-- && *start < end) {
		*start = next_chunk_to_set(map, *start, end, shared);
		if (*start == end || changes->pages >= changes->max)
			break;

		next = min(chunk_to_gfn(gfn_to_chunk(*start) + 1), end);
		if (next - *start > changes->max - changes->pages)
			next = *start + (changes->max - changes->pages);
		r = set_in_chunk(map, *start, next, shared, changes);
		if (r)
			return r;
		*start = next;
		if (next < end)
			cond_resched();
	}
	return 0;
}

/**
 * page_enc_map_forget - make a range private without marking it as changed
 * @map:	the map
 * @start:	in: first page; out: first page that still has to be made private
 * @end:	page after the last one
 * @changes:	the pages that have changed
 *
 * In contrast to page_enc_map_set(), chunks that are in the range as a whole are
 * not marked, and cost nothing any more.
 *
 * Return: 0, or -ENOMEM, as page_enc_map_set().
 */
int page_enc_map_forget(struct page_enc_map *map, gfn_t *start, gfn_t end,
			struct page_enc_changes *changes)
{
	unsigned int batch = BATCH_CHUNKS;
	unsigned long index;
	gfn_t next;
	int r;

	lockdep_assert_held(&map->lock);

	while (batch-- && *start < end) {
		*start = next_chunk_to_set(map, *start, end, false);
		if (*start == end)
			break;

		index = gfn_to_chunk(*start);
		next = min(chunk_to_gfn(index + 1), end);
		r = set_in_chunk(map, *start, next, false, changes);
		if (r)
			return r;
		if (next - *start == PAGE_ENC_CHUNK_GFNS)
			replace_entry(map, index, CHUNK_PRIVATE, NULL);
		*start = next;
		cond_resched();
	}
	return 0;
}

/* Mark the chunks of pages [start, end) as changed.  Returns 0, or -ENOMEM. */
int page_enc_map_mark(struct page_enc_map *map, gfn_t start, gfn_t end)
{
	unsigned long index;
	int r;

	lockdep_assert_held(&map->lock);

	for (index = gfn_to_chunk(start); index <= gfn_to_chunk(end - 1); index++) {
		if (!xa_load(map->chunks, index)) {
			r = replace_entry(map, index, NULL, CHUNK_PRIVATE);
			if (r)
				return r;
		}
		mark_changed(map, index);
		cond_resched();
	}
	return 0;
}

/* Exchange the contents of two maps, but neither locks nor generations. */
void page_enc_map_swap(struct page_enc_map *map, struct page_enc_map *other)
{
	swap(map->chunks, other->chunks);
	swap(map->nr_shared, other->nr_shared);
	swap(map->nr_chunks, other->nr_chunks);
	swap(map->nr_bitmaps, other->nr_bitmaps);
	swap(map->nr_private, other->nr_private);
	swap(map->nr_changed, other->nr_changed);
	swap(map->nr_leaves, other->nr_leaves);
	map->generation++;
	other->generation++;
}

/* Mark all chunks in @new as changed that have an entry in @map. */
static int mark_entries_of(struct page_enc_map *map, struct page_enc_map *new)
{
	unsigned long index;
	void *entry;
	int r;

	xa_for_each(map->chunks, index, entry) {
		if (fatal_signal_pending(current))
			return -EINTR;

		if (!xa_load(new->chunks, index)) {
			r = replace_entry(new, index, NULL, CHUNK_PRIVATE);
			if (r)
				return r;
		}
		mark_changed(new, index);
		cond_resched();
	}
	return 0;
}

static void report_difference(struct page_enc_changes *changes,
			      unsigned long index, void *old, void *new)
{
	DECLARE_BITMAP(changed, PAGE_ENC_CHUNK_GFNS);
	DECLARE_BITMAP(before, PAGE_ENC_CHUNK_GFNS);
	DECLARE_BITMAP(after, PAGE_ENC_CHUNK_GFNS);

	get_chunk_status(old, before);
	get_chunk_status(new, after);
	bitmap_andnot(changed, before, after, PAGE_ENC_CHUNK_GFNS);
	report_pages(changes, index, changed, false);
	bitmap_andnot(changed, after, before, PAGE_ENC_CHUNK_GFNS);
	report_pages(changes, index, changed, true);
}

/**
 * page_enc_map_replace - replace the content of a map
 * @map:	the map that others see
 * @new:	in: the new content, in a map of the caller's own; out: the old content
 * @changes:	the pages that have changed
 *
 * Marks all chunks as changed that have an entry in either map.
 *
 * Return: 0, or -ENOMEM or -EINTR, in which case @map is unchanged.
 */
int page_enc_map_replace(struct page_enc_map *map, struct page_enc_map *new,
			 struct page_enc_changes *changes)
{
	unsigned long index;
	void *entry;
	int r;

	lockdep_assert_held(&map->lock);

	r = mark_entries_of(map, new);
	if (r)
		return r;

	page_enc_map_swap(map, new);
	xa_for_each(map->chunks, index, entry) {
		report_difference(changes, index, xa_load(new->chunks, index),
				  entry);
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

	chunk = xa_load(map->chunks, gfn_to_chunk(gfn));
	if (!is_bitmap(chunk))
		return chunk == CHUNK_SHARED;

	return test_bit(gfn & CHUNK_MASK, chunk->shared);
}

/* The first shared page at or after @gfn. */
static bool find_shared(struct page_enc_map *map, gfn_t *gfn)
{
	unsigned long index = gfn_to_chunk(*gfn);
	unsigned int bit = *gfn & CHUNK_MASK;
	void *entry;

	entry = xa_find(map->chunks, &index, ULONG_MAX, XA_PRESENT);
	while (entry) {
		if (index != gfn_to_chunk(*gfn))
			bit = 0;
		bit = find_in_entry(entry, bit, true);
		if (bit < PAGE_ENC_CHUNK_GFNS) {
			*gfn = chunk_to_gfn(index) + bit;
			return true;
		}
		cond_resched();
		entry = xa_find_after(map->chunks, &index, ULONG_MAX,
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
	while ((bit = find_in_entry(xa_load(map->chunks, index), bit, false)) ==
	       PAGE_ENC_CHUNK_GFNS) {
		index++;
		bit = 0;
		cond_resched();
	}
	*end = chunk_to_gfn(index) + bit;
	return true;
}

/**
 * page_enc_map_next_chunk - find the next chunk that has an entry
 * @map:	the map
 * @start:	in: where to look from; out: the first page of the chunk that isn't
 *		before that
 * @end:	where to stop looking
 * @changed:	look only for chunks that have changed since the last harvest
 *
 * Return: true if there is one.
 */
bool page_enc_map_next_chunk(struct page_enc_map *map, gfn_t *start, gfn_t end,
			     bool changed)
{
	unsigned long index = gfn_to_chunk(*start);

	lockdep_assert_held(&map->lock);

	if (*start >= end ||
	    !xa_find(map->chunks, &index, gfn_to_chunk(end - 1),
		     changed ? CHANGED : XA_PRESENT))
		return false;

	*start = max(*start, chunk_to_gfn(index));
	return true;
}

/**
 * page_enc_map_run - look up pages of the same status in a chunk
 * @map:	the map
 * @start:	the first page
 * @end:	where to stop looking
 * @shared:	out: their status
 *
 * Return: the page after the last one that has the status of the first, which
 * is in the same chunk.
 */
gfn_t page_enc_map_run(struct page_enc_map *map, gfn_t start, gfn_t end,
		       bool *shared)
{
	unsigned long index = gfn_to_chunk(start);
	unsigned int bit = start & CHUNK_MASK;

	*shared = page_enc_map_is_shared(map, start);
	bit = find_in_entry(xa_load(map->chunks, index), bit, !*shared);
	return min(chunk_to_gfn(index) + bit, end);
}

/* Begin the harvest of a changed chunk.  @gfn is its first page. */
void page_enc_map_begin_harvest(struct page_enc_map *map, gfn_t gfn)
{
	lockdep_assert_held(&map->lock);

	xa_set_mark(map->chunks, gfn_to_chunk(gfn), HARVESTING);
}

/**
 * page_enc_map_end_harvest - end the harvest of some chunks
 * @map:	the map
 * @start:	the first page of the first chunk
 * @end:	the page after the last one of the last chunk
 * @harvested:	false if the harvest failed, and has to be repeated
 *
 * Chunks whose harvest had begun are no longer marked as changed.  Those that
 * have changed since then, when the lock may have been dropped, stay marked.
 */
void page_enc_map_end_harvest(struct page_enc_map *map, gfn_t start, gfn_t end,
			      bool harvested)
{
	unsigned long index = gfn_to_chunk(start);
	void *entry;

	lockdep_assert_held(&map->lock);

	if (start >= end)
		return;

	entry = xa_find(map->chunks, &index, gfn_to_chunk(end - 1), HARVESTING);
	while (entry) {
		if (!harvested)
			xa_clear_mark(map->chunks, index, HARVESTING);
		else if (entry == CHUNK_PRIVATE)
			replace_entry(map, index, entry, NULL);
		else
			clear_changed(map, index);
		cond_resched();
		entry = xa_find_after(map->chunks, &index, gfn_to_chunk(end - 1),
				      HARVESTING);
	}
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

int page_enc_map_init(struct page_enc_map *map)
{
	memset(map, 0, sizeof(*map));
	map->chunks = kzalloc(sizeof(*map->chunks), GFP_KERNEL_ACCOUNT);
	if (!map->chunks)
		return -ENOMEM;

	mutex_init(&map->lock);
	xa_init_flags(map->chunks, XA_FLAGS_ACCOUNT);
	return 0;
}

/* Nobody may use @map any more. */
void page_enc_map_destroy(struct page_enc_map *map)
{
	unsigned long index;
	void *entry;

	if (!map->chunks)
		return;

	xa_for_each(map->chunks, index, entry) {
		if (is_bitmap(entry))
			kfree(entry);
		cond_resched();
	}
	xa_destroy(map->chunks);
	kfree(map->chunks);
}

#ifdef CONFIG_KVM_PAGE_ENC_KUNIT_TEST
#include "page_enc_map_test.c"
#endif
