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
	/* The naive model: one bit a page. */
	unsigned long *model;
};

static int page_enc_map_test_init(struct kunit *test)
{
	struct map_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->model = kunit_kcalloc(test, BITS_TO_LONGS(TEST_GFNS), sizeof(long),
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->model);
	page_enc_map_init(&t->map);
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
	u64 changed = 0;

	mutex_lock(&t->map.lock);
	while (start < end)
		KUNIT_ASSERT_EQ(test, 0, page_enc_map_set(&t->map, &start, end,
							  shared, &changed));
	mutex_unlock(&t->map.lock);
	return changed;
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

static void expect_empty(struct kunit *test)
{
	struct map_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, t->map.nr_shared, 0);
	KUNIT_EXPECT_EQ(test, t->map.nr_chunks, 0);
	KUNIT_EXPECT_EQ(test, page_enc_map_bytes(&t->map), 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->map.chunks));
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

	/* Piecemeal ends in the same state. */
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

	/* A range that is partly shared changes by the rest only. */
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

/* A large range takes several calls, each of which says how far it got. */
static void page_enc_map_set_in_batches(struct kunit *test)
{
	struct map_test *t = test->priv;
	gfn_t end = 3 * BATCH_CHUNKS * CHUNK + 5, start = 5;
	u64 changed = 0;

	mutex_lock(&t->map.lock);
	KUNIT_EXPECT_EQ(test, 0, page_enc_map_set(&t->map, &start, end, true,
						  &changed));
	KUNIT_EXPECT_EQ(test, start, BATCH_CHUNKS * CHUNK);
	KUNIT_EXPECT_EQ(test, changed, start - 5);

	/* What needs no change doesn't count: there is no chunk. */
	start = 1ULL << 38;
	KUNIT_EXPECT_EQ(test, 0, page_enc_map_set(&t->map, &start, 1ULL << 39,
						  false, &changed));
	KUNIT_EXPECT_EQ(test, start, 1ULL << 39);
	mutex_unlock(&t->map.lock);
}

/* The worst pattern: every other page of 1 GiB. */
static void page_enc_map_alternating_is_bounded(struct kunit *test)
{
	struct map_test *t = test->priv;
	gfn_t gfn, gfns = 1 << 18;

	for (gfn = 0; gfn < gfns; gfn += 2)
		map_set(test, gfn, gfn + 1, true);
	KUNIT_EXPECT_EQ(test, t->map.nr_shared, gfns / 2);
	KUNIT_EXPECT_LE(test, page_enc_map_bytes(&t->map) * 8 * 10, gfns * 11 + gfns);
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

static void model_set(struct map_test *t, gfn_t start, gfn_t end, bool shared)
{
	if (shared)
		bitmap_set(t->model, start, end - start);
	else
		bitmap_clear(t->model, start, end - start);
}

/* Lengths from one page to several chunks, each order of magnitude alike. */
static gfn_t random_len(struct rnd_state *rnd)
{
	return 1 + prandom_u32_state(rnd) % (1U << (prandom_u32_state(rnd) % 13));
}

static void page_enc_map_random_against_model(struct kunit *test)
{
	const u64 seed = 0x4b564d08;
	struct map_test *t = test->priv;
	struct rnd_state rnd;
	unsigned int i, before;
	gfn_t start, end;
	char when[40];
	bool shared;
	u64 changed;

	prandom_seed_state(&rnd, seed);
	kunit_info(test, "seed %#llx\n", seed);

	for (i = 0; i < 20000; i++) {
		start = prandom_u32_state(&rnd) % TEST_GFNS;
		end = min(start + random_len(&rnd), TEST_GFNS);
		shared = prandom_u32_state(&rnd) & 1;

		before = bitmap_weight(t->model, TEST_GFNS);
		changed = map_set(test, start, end, shared);
		model_set(t, start, end, shared);
		snprintf(when, sizeof(when), "step %u", i);
		KUNIT_ASSERT_EQ_MSG(test, changed,
				    abs((int)bitmap_weight(t->model, TEST_GFNS) -
					(int)before), "%s", when);
		if (i % 16 == 0)
			model_compare(test, when);
	}
	model_compare(test, "end");
	for (i = 0; i < TEST_GFNS; i++)
		KUNIT_ASSERT_EQ(test, test_bit(i, t->model),
				map_is_shared(test, i));
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
	KUNIT_CASE(page_enc_map_alternating_is_bounded),
	KUNIT_CASE(page_enc_map_random_against_model),
	{}
};

static struct kunit_suite page_enc_map_test_suite = {
	.name = "kvm_page_enc_map",
	.init = page_enc_map_test_init,
	.exit = page_enc_map_test_exit,
	.test_cases = page_enc_map_test_cases,
};

kunit_test_suite(page_enc_map_test_suite);
