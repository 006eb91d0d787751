// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the map of page encryption status.
 *
 * Included at the end of page_enc_map.c, whose helpers they use.
 */
#include <kunit/test.h>
#include <linux/prandom.h>

#define TEST_GFNS	(8 * PAGE_ENC_CHUNK_GFNS)
#define CHUNK		PAGE_ENC_CHUNK_GFNS

struct map_test {
	struct page_enc_map map;
	/* The naive model: one bit a page, and one bit a chunk that has changed */
	unsigned long *model;
	unsigned long changed;
	/* Pages that were reported */
	unsigned long *reported;
	struct page_enc_changes changes;
};

static unsigned long *alloc_pages_bitmap(struct kunit *test)
{
	unsigned long *bitmap = kunit_kcalloc(test, BITS_TO_LONGS(TEST_GFNS),
					      sizeof(long), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bitmap);
	return bitmap;
}

static int page_enc_map_test_init(struct kunit *test)
{
	struct map_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->model = alloc_pages_bitmap(test);
	t->reported = alloc_pages_bitmap(test);
	t->changes.max = U64_MAX;
	KUNIT_ASSERT_EQ(test, 0, page_enc_map_init(&t->map));
	test->priv = t;
	return 0;
}

static void page_enc_map_test_exit(struct kunit *test)
{
	struct map_test *t = test->priv;

	if (t)
		page_enc_map_destroy(&t->map);
}

/* Returns the number of pages that changed. */
static u64 map_set(struct kunit *test, gfn_t start, gfn_t end, bool shared)
{
	struct map_test *t = test->priv;
	u64 before = t->changes.pages;

	mutex_lock(&t->map.lock);
	while (start < end)
		KUNIT_ASSERT_EQ(test, 0, page_enc_map_set(&t->map, &start, end,
							  shared, &t->changes));
	mutex_unlock(&t->map.lock);
	return t->changes.pages - before;
}

/* Harvest all chunks of [start, end) that have changed; returns how many. */
static unsigned int map_harvest(struct kunit *test, gfn_t start, gfn_t end)
{
	struct map_test *t = test->priv;
	gfn_t gfn = start;
	unsigned int n;

	guard(mutex)(&t->map.lock);
	for (n = 0; page_enc_map_next_chunk(&t->map, &gfn, end, true); n++) {
		page_enc_map_begin_harvest(&t->map, gfn);
		gfn = round_down(gfn, CHUNK) + CHUNK;
	}
	page_enc_map_end_harvest(&t->map, start, end, true);
	return n;
}

static bool map_is_shared(struct kunit *test, gfn_t gfn)
{
	struct map_test *t = test->priv;

	guard(mutex)(&t->map.lock);
	return page_enc_map_is_shared(&t->map, gfn);
}

static bool map_next(struct kunit *test, gfn_t from, gfn_t *start, gfn_t *end)
{
	struct map_test *t = test->priv;
	bool found;

	*start = from;
	mutex_lock(&t->map.lock);
	found = page_enc_map_next_shared(&t->map, start, end);
	mutex_unlock(&t->map.lock);
	return found;
}

static void expect_extent(struct kunit *test, gfn_t from, gfn_t start, gfn_t end)
{
	gfn_t s = 0, e = 0;

	KUNIT_EXPECT_TRUE(test, map_next(test, from, &s, &e));
	KUNIT_EXPECT_EQ(test, s, start);
	KUNIT_EXPECT_EQ(test, e, end);
}

/* The map is empty: nothing is shared, and everything is harvested. */
static void expect_empty(struct kunit *test)
{
	struct map_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, t->map.nr_private);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, t->map.nr_changed);
	map_harvest(test, 0, 1ULL << 40);
	KUNIT_EXPECT_EQ(test, t->map.nr_shared, 0);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, 0);
	KUNIT_EXPECT_EQ(test, page_enc_map_bytes(&t->map), 0);
	KUNIT_EXPECT_EQ(test, t->map.nr_private, 0);
	KUNIT_EXPECT_EQ(test, t->map.nr_changed, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(t->map.chunks));
}

static void page_enc_map_starts_private(struct kunit *test)
{
	gfn_t start, end;

	KUNIT_EXPECT_FALSE(test, map_is_shared(test, 0));
	KUNIT_EXPECT_FALSE(test, map_is_shared(test, ~0ULL >> 12));
	KUNIT_EXPECT_FALSE(test, map_next(test, 0, &start, &end));
	expect_empty(test);
}

static void page_enc_map_private_costs_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map_set(test, 0, 1ULL << 40, false));
	expect_empty(test);
}

static void page_enc_map_one_page(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, map_set(test, 5, 6, true));
	KUNIT_EXPECT_EQ(test, 0, map_set(test, 5, 6, true));
	KUNIT_EXPECT_TRUE(test, map_is_shared(test, 5));
	KUNIT_EXPECT_FALSE(test, map_is_shared(test, 4));
	KUNIT_EXPECT_FALSE(test, map_is_shared(test, 6));
	KUNIT_EXPECT_FALSE(test, map_is_shared(test, 5 + CHUNK));
	expect_extent(test, 0, 5, 6);
	KUNIT_EXPECT_EQ(test, 1, map_set(test, 5, 6, false));
	expect_empty(test);
}

static void page_enc_map_full_chunk_needs_no_bitmap(struct kunit *test)
{
	struct map_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, CHUNK, map_set(test, CHUNK, 2 * CHUNK, true));
	KUNIT_EXPECT_EQ(test, t->map.nr_bitmaps, 0);

	/* Changes in pieces lead to the same state. */
	KUNIT_EXPECT_EQ(test, CHUNK - 1,
			map_set(test, 3 * CHUNK, 4 * CHUNK - 1, true));
	KUNIT_EXPECT_EQ(test, t->map.nr_bitmaps, 1);
	KUNIT_EXPECT_EQ(test, 1, map_set(test, 4 * CHUNK - 1, 4 * CHUNK, true));
	KUNIT_EXPECT_EQ(test, t->map.nr_bitmaps, 0);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, t->map.nr_shared, 2 * CHUNK);
}

static void page_enc_map_hole_in_full_chunk(struct kunit *test)
{
	map_set(test, 0, CHUNK, true);
	KUNIT_EXPECT_EQ(test, 2, map_set(test, 10, 12, false));
	expect_extent(test, 0, 0, 10);
	expect_extent(test, 10, 12, CHUNK);
	KUNIT_EXPECT_EQ(test, CHUNK - 2, map_set(test, 0, CHUNK, false));
	expect_empty(test);
}

static void page_enc_map_extent_spans_chunks(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 3 * CHUNK,
			map_set(test, CHUNK - 7, 4 * CHUNK - 7, true));
	expect_extent(test, 0, CHUNK - 7, 4 * CHUNK - 7);
	expect_extent(test, 2 * CHUNK, 2 * CHUNK, 4 * CHUNK - 7);

	/* In a partly shared range, only the rest changes. */
	KUNIT_EXPECT_EQ(test, 7 + CHUNK - 7, map_set(test, 0, CHUNK, true) + 7);
	expect_extent(test, 0, 0, 4 * CHUNK - 7);
}

static void page_enc_map_high_gfn(struct kunit *test)
{
	gfn_t last = (1ULL << 40) - 1;

	KUNIT_EXPECT_EQ(test, 1, map_set(test, last, last + 1, true));
	expect_extent(test, 0, last, last + 1);
	KUNIT_EXPECT_EQ(test, 1, map_set(test, 0, 1ULL << 40, false));
	expect_empty(test);
}

/* A large range takes several calls.  Each of them returns how far it got. */
static void page_enc_map_set_in_batches(struct kunit *test)
{
	struct map_test *t = test->priv;
	gfn_t end = 3 * BATCH_CHUNKS * CHUNK + 5, start = 5;

	mutex_lock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, 0, page_enc_map_set(&t->map, &start, end, true,
						  &t->changes));
	KUNIT_EXPECT_EQ(test, start, BATCH_CHUNKS * CHUNK);
	KUNIT_EXPECT_EQ(test, t->changes.pages, start - 5);

	/* Chunks without an entry need no change, and don't count. */
	start = 1ULL << 38;
	KUNIT_EXPECT_EQ(test, 0, page_enc_map_set(&t->map, &start, 1ULL << 39,
						  false, &t->changes));
	KUNIT_EXPECT_EQ(test, start, 1ULL << 39);
	mutex_unlock(&t->map.lock);
}

/* The caller may limit the number of changes. */
static void page_enc_map_set_up_to_max(struct kunit *test)
{
	struct map_test *t = test->priv;
	gfn_t start = 7;

	map_set(test, CHUNK, CHUNK + 10, true);
	t->changes.pages = 0;
	t->changes.max = CHUNK - 7;
	mutex_lock(&t->map.lock);
	while (t->changes.pages < t->changes.max)
		KUNIT_ASSERT_EQ(test, 0, page_enc_map_set(&t->map, &start,
							  3 * CHUNK, true,
							  &t->changes));
	KUNIT_EXPECT_EQ(test, start, CHUNK);
	t->changes.max += 2;
	KUNIT_ASSERT_EQ(test, 0, page_enc_map_set(&t->map, &start, 3 * CHUNK,
						  true, &t->changes));
	mutex_unlock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, t->changes.pages, t->changes.max);
	expect_extent(test, 0, 7, CHUNK + 12);
}

static void page_enc_map_marks(struct kunit *test)
{
	struct map_test *t = test->priv;

	map_set(test, 3, 4, true);
	map_set(test, 5 * CHUNK, 6 * CHUNK, true);
	KUNIT_EXPECT_EQ(test, t->map.nr_changed, 2);
	KUNIT_EXPECT_EQ(test, map_harvest(test, CHUNK, 5 * CHUNK), 0);
	KUNIT_EXPECT_EQ(test, map_harvest(test, 0, CHUNK), 1);
	KUNIT_EXPECT_EQ(test, t->map.nr_changed, 1);
	KUNIT_EXPECT_EQ(test, map_harvest(test, 0, 1ULL << 40), 1);

	/* No change, no mark. */
	map_set(test, 3, 4, true);
	map_set(test, 4, CHUNK, false);
	KUNIT_EXPECT_EQ(test, t->map.nr_changed, 0);

	/* The entry only bears the mark. */
	map_set(test, 0, CHUNK, false);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, t->map.nr_private, 1);
	KUNIT_EXPECT_EQ(test, map_harvest(test, 0, CHUNK), 1);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, 1);
	map_set(test, 0, 6 * CHUNK, false);
	expect_empty(test);
}

/* A chunk that changes while it is copied to userspace stays marked. */
static void page_enc_map_change_during_harvest(struct kunit *test)
{
	struct map_test *t = test->priv;

	map_set(test, 0, 2 * CHUNK, true);
	mutex_lock(&t->map.lock);
	page_enc_map_begin_harvest(&t->map, 0);
	page_enc_map_begin_harvest(&t->map, CHUNK);
	mutex_unlock(&t->map.lock);

	map_set(test, 5, 6, false);

	mutex_lock(&t->map.lock);
	page_enc_map_end_harvest(&t->map, 0, 2 * CHUNK, true);
	mutex_unlock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, t->map.nr_changed, 1);
	KUNIT_EXPECT_EQ(test, map_harvest(test, CHUNK, 2 * CHUNK), 0);
	KUNIT_EXPECT_EQ(test, map_harvest(test, 0, CHUNK), 1);
}

static void page_enc_map_harvest_fails(struct kunit *test)
{
	struct map_test *t = test->priv;

	map_set(test, 0, 1, true);
	map_set(test, 0, 1, false);
	mutex_lock(&t->map.lock);
	page_enc_map_begin_harvest(&t->map, 0);
	page_enc_map_end_harvest(&t->map, 0, CHUNK, false);
	/* Another harvest doesn't end this one. */
	page_enc_map_end_harvest(&t->map, 0, CHUNK, true);
	mutex_unlock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, map_harvest(test, 0, CHUNK), 1);
	expect_empty(test);
}

static void page_enc_map_forgets(struct kunit *test)
{
	struct map_test *t = test->priv;
	gfn_t start = 10;

	map_set(test, 0, 2 * CHUNK, true);
	map_set(test, 3 * CHUNK, 4 * CHUNK, true);
	map_set(test, 3 * CHUNK, 4 * CHUNK, false);
	mutex_lock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, 0, page_enc_map_forget(&t->map, &start, 5 * CHUNK,
						     &t->changes));
	mutex_unlock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, start, 5 * CHUNK);

	/* Nothing is left of chunks that are in the range as a whole. */
	expect_extent(test, 0, 0, 10);
	KUNIT_EXPECT_EQ(test, t->map.nr_shared, 10);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, 1);
	KUNIT_EXPECT_EQ(test, t->map.nr_changed, 1);
}

static void page_enc_map_marks_any(struct kunit *test)
{
	struct map_test *t = test->priv;

	map_set(test, CHUNK, CHUNK + 5, true);
	map_set(test, 3 * CHUNK, 4 * CHUNK, true);
	map_harvest(test, 0, TEST_GFNS);

	/* Chunks are marked with or without an entry.  The status stays. */
	mutex_lock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, 0, page_enc_map_mark(&t->map, CHUNK - 1, 3 * CHUNK + 1));
	mutex_unlock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, t->map.nr_changed, 4);
	KUNIT_EXPECT_EQ(test, t->map.nr_private, 2);
	KUNIT_EXPECT_EQ(test, t->map.nr_shared, CHUNK + 5);
	KUNIT_EXPECT_EQ(test, map_harvest(test, 0, TEST_GFNS), 4);
	KUNIT_EXPECT_EQ(test, t->map.nr_private, 0);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, 2);
}

/* 60 clumps spread over 100 GiB. */
static void page_enc_map_clumps_are_cheap(struct kunit *test)
{
	struct map_test *t = test->priv;
	gfn_t gfns = 100ULL << 18, gfn;
	unsigned int i;

	for (i = 0; i < 60; i++) {
		gfn = gfns / 60 * i;
		map_set(test, round_down(gfn, 64), round_down(gfn, 64) + 50, true);
	}
	KUNIT_EXPECT_EQ(test, t->map.nr_shared, 60 * 50);
	KUNIT_EXPECT_LE(test, page_enc_map_bytes(&t->map), 65536);
	map_set(test, 0, gfns, false);
	expect_empty(test);
}

/* The worst pattern: every other page of 1 GiB. */
static void page_enc_map_alternating_is_bounded(struct kunit *test)
{
	struct map_test *t = test->priv;
	gfn_t gfn, gfns = 1 << 18;

	for (gfn = 0; gfn < gfns; gfn += 2)
		map_set(test, gfn, gfn + 1, true);
	KUNIT_EXPECT_EQ(test, t->map.nr_shared, gfns / 2);
	/* 3.7e6 bytes for 100 GiB. */
	KUNIT_EXPECT_LE(test, page_enc_map_bytes(&t->map), 37000);
	KUNIT_EXPECT_EQ(test, gfns / 2, map_set(test, 0, gfns, false));
	expect_empty(test);
}

static void model_compare(struct kunit *test, const char *when)
{
	struct map_test *t = test->priv;
	unsigned long first, last;
	gfn_t gfn = 0, start, end;

	KUNIT_ASSERT_EQ_MSG(test, t->map.nr_shared,
			    bitmap_weight(t->model, TEST_GFNS), "%s", when);

	for_each_set_bitrange(first, last, t->model, TEST_GFNS) {
		KUNIT_ASSERT_TRUE_MSG(test, map_next(test, gfn, &start, &end),
				      "%s", when);
		KUNIT_ASSERT_EQ_MSG(test, start, first, "%s", when);
		KUNIT_ASSERT_EQ_MSG(test, end, last, "%s", when);
		gfn = end;
	}
	KUNIT_ASSERT_FALSE_MSG(test, map_next(test, gfn, &start, &end), "%s",
			       when);
}

/* Lengths from one page to several chunks, equally likely in each magnitude */
static gfn_t random_len(struct rnd_state *rnd)
{
	return 1 + prandom_u32_state(rnd) % (1U << (prandom_u32_state(rnd) % 13));
}

static void record_report(struct page_enc_changes *changes, gfn_t start,
			  gfn_t end, bool shared)
{
	struct map_test *t = container_of(changes, struct map_test, changes);
	gfn_t gfn;

	/* Only changes are reported, each page once, after they are stored. */
	for (gfn = start; gfn < end; gfn++)
		if (test_bit(gfn, t->model) == shared ||
		    test_bit(gfn, t->reported) ||
		    page_enc_map_is_shared(&t->map, gfn) != shared)
			changes->max = 0;
	bitmap_set(t->reported, start, end - start);
}

/* Update the model with the reported changes.  It must then equal @want. */
static void model_update(struct kunit *test, const unsigned long *want,
			 const char *when)
{
	struct map_test *t = test->priv;
	unsigned long gfn;

	for_each_set_bit(gfn, t->reported, TEST_GFNS)
		t->changed |= BIT(gfn / CHUNK);
	bitmap_xor(t->model, t->model, t->reported, TEST_GFNS);
	KUNIT_ASSERT_TRUE_MSG(test, bitmap_equal(t->model, want, TEST_GFNS),
			      "%s", when);
	bitmap_zero(t->reported, TEST_GFNS);
	KUNIT_ASSERT_NE_MSG(test, t->changes.max, 0, "%s: bad report", when);
}

static void random_set(struct kunit *test, struct rnd_state *rnd,
		       unsigned long *want, const char *when)
{
	gfn_t start = prandom_u32_state(rnd) % TEST_GFNS;
	gfn_t end = min(start + random_len(rnd), TEST_GFNS);
	bool shared = prandom_u32_state(rnd) & 1;
	struct map_test *t = test->priv;
	u64 before = t->map.generation, pages;

	if (shared)
		bitmap_set(want, start, end - start);
	else
		bitmap_clear(want, start, end - start);

	pages = map_set(test, start, end, shared);
	KUNIT_ASSERT_EQ_MSG(test, pages, bitmap_weight(t->reported, TEST_GFNS),
			    "%s", when);
	KUNIT_ASSERT_EQ_MSG(test, t->map.generation != before, pages != 0, "%s",
			    when);
}

/* Replace the map by one with some of the old extents and some new ones. */
static void random_replace(struct kunit *test, struct rnd_state *rnd,
			   unsigned long *want, const char *when)
{
	struct page_enc_changes changes = { .max = U64_MAX };
	struct map_test *t = test->priv;
	unsigned long first, last;
	struct page_enc_map new;
	gfn_t gfn;

	first = prandom_u32_state(rnd) % TEST_GFNS;
	bitmap_clear(want, first, min(random_len(rnd), TEST_GFNS - first));
	first = prandom_u32_state(rnd) % TEST_GFNS;
	bitmap_set(want, first, min(random_len(rnd), TEST_GFNS - first));

	KUNIT_ASSERT_EQ(test, 0, page_enc_map_init(&new));
	for_each_set_bitrange(first, last, want, TEST_GFNS) {
		gfn = first;
		scoped_guard(mutex, &new.lock)
			KUNIT_EXPECT_EQ(test, 0, page_enc_map_set(&new, &gfn, last,
								  true, &changes));
		/* Any chunk with an entry in either is marked. */
		for (; first < last; first++)
			t->changed |= BIT(first / CHUNK);
	}
	for_each_set_bit(first, t->model, TEST_GFNS)
		t->changed |= BIT(first / CHUNK);

	scoped_guard(mutex, &t->map.lock)
		KUNIT_EXPECT_EQ_MSG(test, 0, page_enc_map_replace(&t->map, &new,
								  &t->changes),
				    "%s", when);
	page_enc_map_destroy(&new);
}

/* Harvest some chunks.  The model must have the same ones as changed. */
static void random_harvest(struct kunit *test, struct rnd_state *rnd,
			   const char *when)
{
	unsigned int first = prandom_u32_state(rnd) % (TEST_GFNS / CHUNK);
	unsigned int last = first + prandom_u32_state(rnd) %
			    (TEST_GFNS / CHUNK - first);
	unsigned long mask = GENMASK(last, first);
	struct map_test *t = test->priv;

	KUNIT_ASSERT_EQ_MSG(test, t->map.nr_changed, hweight_long(t->changed),
			    "%s", when);
	KUNIT_ASSERT_EQ_MSG(test, map_harvest(test, first * CHUNK,
					      (last + 1) * CHUNK),
			    hweight_long(t->changed & mask), "%s", when);
	t->changed &= ~mask;
	KUNIT_ASSERT_EQ_MSG(test, t->map.nr_changed, hweight_long(t->changed),
			    "%s", when);
}

static void random_against_model(struct kunit *test, u64 seed)
{
	struct map_test *t = test->priv;
	unsigned long *want = alloc_pages_bitmap(test);
	struct rnd_state rnd;
	unsigned int i, dice;
	char when[40];

	prandom_seed_state(&rnd, seed);
	kunit_info(test, "seed %#llx\n", seed);
	t->changes.report = record_report;

	for (i = 0; i < 5000; i++) {
		snprintf(when, sizeof(when), "seed %#llx step %u", seed, i);
		dice = prandom_u32_state(&rnd) % 64;
		if (dice == 0)
			random_replace(test, &rnd, want, when);
		else if (dice < 8)
			random_harvest(test, &rnd, when);
		else
			random_set(test, &rnd, want, when);
		model_update(test, want, when);
		if (i % 16 == 0)
			model_compare(test, when);
	}
	model_compare(test, "end");
	for (i = 0; i < TEST_GFNS; i++)
		KUNIT_ASSERT_EQ(test, test_bit(i, t->model),
				map_is_shared(test, i));
	map_set(test, 0, TEST_GFNS, false);
	expect_empty(test);
}

static void page_enc_map_random_against_model(struct kunit *test)
{
	random_against_model(test, 0x4b564d08);
}

static void page_enc_map_random_against_model_2(struct kunit *test)
{
	random_against_model(test, 0x5e7f00d);
}

static struct kunit_case page_enc_map_test_cases[] = {
	KUNIT_CASE(page_enc_map_starts_private),
	KUNIT_CASE(page_enc_map_private_costs_nothing),
	KUNIT_CASE(page_enc_map_one_page),
	KUNIT_CASE(page_enc_map_full_chunk_needs_no_bitmap),
	KUNIT_CASE(page_enc_map_hole_in_full_chunk),
	KUNIT_CASE(page_enc_map_extent_spans_chunks),
	KUNIT_CASE(page_enc_map_high_gfn),
	KUNIT_CASE(page_enc_map_set_in_batches),
	KUNIT_CASE(page_enc_map_set_up_to_max),
	KUNIT_CASE(page_enc_map_marks),
	KUNIT_CASE(page_enc_map_change_during_harvest),
	KUNIT_CASE(page_enc_map_harvest_fails),
	KUNIT_CASE(page_enc_map_forgets),
	KUNIT_CASE(page_enc_map_marks_any),
	KUNIT_CASE(page_enc_map_clumps_are_cheap),
	KUNIT_CASE(page_enc_map_alternating_is_bounded),
	KUNIT_CASE(page_enc_map_random_against_model),
	KUNIT_CASE(page_enc_map_random_against_model_2),
	{}
};

static struct kunit_suite page_enc_map_test_suite = {
	.name = "kvm_page_enc_map",
	.init = page_enc_map_test_init,
	.exit = page_enc_map_test_exit,
	.test_cases = page_enc_map_test_cases,
};

kunit_test_suite(page_enc_map_test_suite);
