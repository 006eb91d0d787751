// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what the guest announces to the KVM host
 *
 * Included at the end of kvm_page_enc.c.  Page tables and the host are faked.
 */

#include <kunit/test.h>

#define TEST_MAX_CALLS	16
#define TEST_BASE	0x100000000UL	/* where the faked mapping begins */

#define PFN_2M		(SZ_2M >> PAGE_SHIFT)
#define PFN_1G		(SZ_1G >> PAGE_SHIFT)

#define SHARED_4K	(KVM_MAP_GPA_RANGE_DECRYPTED | KVM_MAP_GPA_RANGE_PAGE_SZ_4K)
#define SHARED_2M	(KVM_MAP_GPA_RANGE_DECRYPTED | KVM_MAP_GPA_RANGE_PAGE_SZ_2M)
#define SHARED_1G	(KVM_MAP_GPA_RANGE_DECRYPTED | KVM_MAP_GPA_RANGE_PAGE_SZ_1G)
#define PRIVATE_4K	(KVM_MAP_GPA_RANGE_ENCRYPTED | KVM_MAP_GPA_RANGE_PAGE_SZ_4K)
#define PRIVATE_2M	(KVM_MAP_GPA_RANGE_ENCRYPTED | KVM_MAP_GPA_RANGE_PAGE_SZ_2M)

struct page_enc_test_call {
	u64 gpa;
	u64 npages;
	unsigned long attrs;
};

/* Virtually contiguous leaves; leaf N covers what it says from leaf N-1 on. */
static const struct page_enc_leaf *test_leaves;
static unsigned int test_nr_leaves;

static struct page_enc_test_call test_calls[TEST_MAX_CALLS];
static unsigned int test_nr_calls;
static unsigned int test_refuse_at;	/* the Nth call, from 1; 0: none */
static long test_refuse_with;

static int test_leaf(unsigned long vaddr, struct page_enc_leaf *leaf)
{
	unsigned long start = TEST_BASE;
	unsigned int i;

	for (i = 0; i < test_nr_leaves; i++) {
		unsigned long size = test_leaves[i].npages << PAGE_SHIFT;

		if (vaddr >= start && vaddr < start + size) {
			*leaf = test_leaves[i];
			return 0;
		}
		start += size;
	}

	leaf->npages = 1;

	return -EFAULT;
}

static long test_map_gpa_range(u64 gpa, u64 npages, unsigned long attrs)
{
	if (test_nr_calls == TEST_MAX_CALLS)
		return -KVM_E2BIG;

	test_calls[test_nr_calls++] = (struct page_enc_test_call) {
		.gpa = gpa, .npages = npages, .attrs = attrs,
	};

	return test_nr_calls == test_refuse_at ? test_refuse_with : 0;
}

static const struct page_enc_ops test_ops = {
	.leaf = test_leaf,
	.map_gpa_range = test_map_gpa_range,
};

static int page_enc_test_init(struct kunit *test)
{
	test_leaves = NULL;
	test_nr_leaves = 0;
	test_nr_calls = 0;
	test_refuse_at = 0;

	return 0;
}

static void expect_calls(struct kunit *test,
			 const struct page_enc_test_call *want, unsigned int nr)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, test_nr_calls, nr);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ_MSG(test, test_calls[i].gpa, want[i].gpa, "call %u", i);
		KUNIT_EXPECT_EQ_MSG(test, test_calls[i].npages, want[i].npages, "call %u", i);
		KUNIT_EXPECT_EQ_MSG(test, test_calls[i].attrs, want[i].attrs, "call %u", i);
	}
}

/*
 * Ranges
 */
struct page_enc_range_case {
	const char *name;
	struct page_enc_leaf leaves[5];
	unsigned int nr_leaves;
	unsigned long first, npages;	/* from the start of the mapping */
	bool enc;
	int ret;
	struct page_enc_test_call calls[5];
	unsigned int nr_calls;
};

static const struct page_enc_range_case page_enc_range_cases[] = {
	{
		.name = "one page",
		.leaves = { { 0x1234, 1 } }, .nr_leaves = 1,
		.npages = 1,
		.calls = { { 0x1234000, 1, SHARED_4K } }, .nr_calls = 1,
	},
	{
		.name = "no page",
		.leaves = { { 0x1234, 1 } }, .nr_leaves = 1,
	},
	{
		.name = "adjacent leaves merge",
		.leaves = { { 7, 1 }, { 8, 1 }, { 9, 1 }, { 10, 1 } },
		.nr_leaves = 4, .npages = 4, .enc = true,
		.calls = { { 0x7000, 4, PRIVATE_4K } }, .nr_calls = 1,
	},
	{
		.name = "PFN 0 is a page like any other",
		.leaves = { { 0, 1 }, { 1, 1 } }, .nr_leaves = 2,
		.npages = 2,
		.calls = { { 0, 2, SHARED_4K } }, .nr_calls = 1,
	},
	{
		.name = "PFN 0 behind another leaf",
		.leaves = { { 9, 1 }, { 0, 1 } }, .nr_leaves = 2,
		.npages = 2,
		.calls = { { 0x9000, 1, SHARED_4K }, { 0, 1, SHARED_4K } },
		.nr_calls = 2,
	},
	{
		.name = "gaps and descending leaves do not merge",
		.leaves = { { 20, 1 }, { 22, 1 }, { 21, 1 } }, .nr_leaves = 3,
		.npages = 3,
		.calls = { { 20 << 12, 1, SHARED_4K }, { 22 << 12, 1, SHARED_4K },
			   { 21 << 12, 1, SHARED_4K } },
		.nr_calls = 3,
	},
	{
		.name = "large leaf is clipped on both sides",
		.leaves = { { PFN_2M, PFN_2M } }, .nr_leaves = 1,
		.first = 3, .npages = 5,
		.calls = { { SZ_2M + 0x3000, 5, SHARED_4K } }, .nr_calls = 1,
	},
	{
		.name = "large leaf is clipped in front",
		.leaves = { { PFN_2M, PFN_2M }, { 2 * PFN_2M, 1 } },
		.nr_leaves = 2, .first = PFN_2M - 1, .npages = 2,
		.calls = { { SZ_4M - 0x1000, 2, SHARED_4K } }, .nr_calls = 1,
	},
	{
		.name = "large leaf is announced with its size",
		.leaves = { { PFN_2M, PFN_2M } }, .nr_leaves = 1,
		.npages = PFN_2M, .enc = true,
		.calls = { { SZ_2M, PFN_2M, PRIVATE_2M } }, .nr_calls = 1,
	},
	{
		.name = "large and small leaves merge",
		.leaves = { { PFN_2M, PFN_2M }, { 2 * PFN_2M, 1 },
			    { 2 * PFN_2M + 1, 1 } },
		.nr_leaves = 3, .npages = PFN_2M + 2,
		.calls = { { SZ_2M, PFN_2M + 2, SHARED_4K } }, .nr_calls = 1,
	},
	{
		.name = "huge leaf",
		.leaves = { { PFN_1G, PFN_1G } }, .nr_leaves = 1,
		.npages = PFN_1G,
		.calls = { { SZ_1G, PFN_1G, SHARED_1G } }, .nr_calls = 1,
	},
	{
		.name = "calls are bounded and end aligned",
		.leaves = { { PFN_1G, PFN_1G }, { 2 * PFN_1G, PFN_1G },
			    { 3UL * PFN_1G, PFN_1G } },
		.nr_leaves = 3, .first = PFN_2M, .npages = 2 * PFN_1G,
		.calls = { { SZ_1G + SZ_2M, PFN_1G - PFN_2M, SHARED_2M },
			   { SZ_2G, PFN_1G, SHARED_1G },
			   { 3UL * SZ_1G, PFN_2M, SHARED_2M } },
		.nr_calls = 3,
	},
	{
		.name = "missing leaf: what is before it is announced",
		.leaves = { { 5, 1 }, { 6, 1 } }, .nr_leaves = 2,
		.npages = 3, .ret = -EFAULT,
		.calls = { { 0x5000, 2, SHARED_4K } }, .nr_calls = 1,
	},
	{
		.name = "nothing mapped",
		.npages = 1, .ret = -EFAULT,
	},
};

KUNIT_ARRAY_PARAM_DESC(page_enc_range, page_enc_range_cases, name);

static void page_enc_test_range(struct kunit *test)
{
	const struct page_enc_range_case *c = test->param_value;
	unsigned long vaddr = TEST_BASE + (c->first << PAGE_SHIFT);

	test_leaves = c->leaves;
	test_nr_leaves = c->nr_leaves;

	KUNIT_EXPECT_EQ(test, c->ret,
			page_enc_send_range(&test_ops, vaddr,
					    vaddr + (c->npages << PAGE_SHIFT), c->enc));
	expect_calls(test, c->calls, c->nr_calls);
}

static void page_enc_test_refused_in_the_middle(struct kunit *test)
{
	static const struct page_enc_leaf leaves[] = {
		{ 10, 1 }, { 20, 1 }, { 30, 1 },
	};
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 1, SHARED_4K }, { 20 << 12, 1, SHARED_4K },
	};

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);
	test_refuse_at = 2;
	test_refuse_with = -KVM_EINVAL;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			page_enc_send_range(&test_ops, TEST_BASE,
					    TEST_BASE + 3 * PAGE_SIZE, false));
	expect_calls(test, want, ARRAY_SIZE(want));
}

static void page_enc_test_refused_before_a_hole(struct kunit *test)
{
	static const struct page_enc_leaf leaves[] = { { 10, 1 } };

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);
	test_refuse_at = 1;
	test_refuse_with = -KVM_EPERM;

	KUNIT_EXPECT_EQ(test, -EPERM,
			page_enc_send_range(&test_ops, TEST_BASE,
					    TEST_BASE + 2 * PAGE_SIZE, false));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 1);
}

static void page_enc_test_split_is_refused(struct kunit *test)
{
	test_refuse_at = 2;
	test_refuse_with = -KVM_ENOSYS;

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			page_enc_send(&test_ops, 0, 3 * PFN_1G, true));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 2);
}

static void page_enc_test_errno(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, page_enc_errno(0));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, page_enc_errno(-KVM_ENOSYS));
	KUNIT_EXPECT_EQ(test, -EINVAL, page_enc_errno(-KVM_EINVAL));
	KUNIT_EXPECT_EQ(test, -EPERM, page_enc_errno(-KVM_EPERM));
	KUNIT_EXPECT_EQ(test, -ENOMEM, page_enc_errno(-ENOMEM));
	/* Only -KVM_ENOSYS silences the guest. */
	KUNIT_EXPECT_EQ(test, -EIO, page_enc_errno(-KVM_EOPNOTSUPP));
	KUNIT_EXPECT_EQ(test, -EIO, page_enc_errno(1));
	KUNIT_EXPECT_EQ(test, -EIO, page_enc_errno(LONG_MIN));
}

/*
 * What is shared, from the page tables
 */
static int test_collect(u64 pfn, u64 npages, void *arg)
{
	return page_enc_errno(test_map_gpa_range(PFN_PHYS(pfn), npages, 0));
}

static void page_enc_test_walk_shared(struct kunit *test)
{
	static const struct page_enc_leaf leaves[] = {
		{ PFN_2M, PFN_2M, true }, { 2 * PFN_2M, 1, true },
		{ 2 * PFN_2M + 1, 1, false }, { 2 * PFN_2M + 2, 1, true },
		{ 0, 1, true }, { 1, 1, true }, { 9, 1, true },
	};
	static const struct page_enc_test_call want[] = {
		{ SZ_2M + 0x1000, PFN_2M, 0 },
		{ SZ_4M + 0x2000, 1, 0 },
		{ 0, 2, 0 },
		{ 0x9000, 1, 0 },
	};
	unsigned long end = TEST_BASE + SZ_2M + 10 * PAGE_SIZE;

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);

	/* begins inside of a leaf, ends behind a hole */
	KUNIT_EXPECT_EQ(test, 0,
			page_enc_walk_shared(&test_ops, TEST_BASE + PAGE_SIZE,
					     end, test_collect, NULL));
	expect_calls(test, want, ARRAY_SIZE(want));
}

static void page_enc_test_walk_shared_stops(struct kunit *test)
{
	static const struct page_enc_leaf leaves[] = {
		{ 1, 1, true }, { 3, 1, true }, { 5, 1, true },
	};

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);
	test_refuse_at = 2;
	test_refuse_with = -KVM_EPERM;

	KUNIT_EXPECT_EQ(test, -EPERM,
			page_enc_walk_shared(&test_ops, TEST_BASE,
					     TEST_BASE + 3 * PAGE_SIZE,
					     test_collect, NULL));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 2);
}

/*
 * RAM
 */
static void page_enc_test_ram(struct kunit *test)
{
	static const struct e820_entry map[] = {
		{ 0x0, 0x9fc00, E820_TYPE_RAM },
		{ 0x9fc00, 0x400, E820_TYPE_RESERVED },
		{ 0x100000, 0x100400, E820_TYPE_RAM },
		{ 0x200400, 0x80, E820_TYPE_RESERVED_KERN },
		{ 0x200480, 0xffb80, E820_TYPE_RAM },
		{ 0x300000, 0x1000, E820_TYPE_NVS },
		/* no whole page */
		{ 0x400800, 0x1000, E820_TYPE_RAM },
		/* ends in the middle, begins in the middle */
		{ 0x500800, 0x2000, E820_TYPE_RAM },
		{ 0x600000, 0x1000, E820_TYPE_PMEM },
	};
	static const struct page_enc_test_call want[] = {
		{ 0x0, 0x9f, PRIVATE_4K },
		{ 0x100000, 0x200, PRIVATE_4K },
		{ 0x501000, 1, PRIVATE_4K },
	};

	KUNIT_EXPECT_EQ(test, 0, page_enc_send_ram_private(&test_ops, map,
							   ARRAY_SIZE(map)));
	expect_calls(test, want, ARRAY_SIZE(want));
}

static void page_enc_test_ram_huge(struct kunit *test)
{
	static const struct e820_entry map[] = {
		{ 0x100000, SZ_2G - 0x100000, E820_TYPE_RAM },
		{ 0x100000000, SZ_1G, E820_TYPE_RAM },
	};
	static const struct page_enc_test_call want[] = {
		{ 0x100000, PFN_1G - 0x100, PRIVATE_4K },
		{ SZ_1G, PFN_1G, KVM_MAP_GPA_RANGE_ENCRYPTED |
				 KVM_MAP_GPA_RANGE_PAGE_SZ_1G },
		{ 0x100000000, PFN_1G, KVM_MAP_GPA_RANGE_ENCRYPTED |
				       KVM_MAP_GPA_RANGE_PAGE_SZ_1G },
	};

	KUNIT_EXPECT_EQ(test, 0, page_enc_send_ram_private(&test_ops, map,
							   ARRAY_SIZE(map)));
	expect_calls(test, want, ARRAY_SIZE(want));
}

static void page_enc_test_ram_refused(struct kunit *test)
{
	static const struct e820_entry map[] = {
		{ 0x0, 0x1000, E820_TYPE_RAM },
		{ 0x2000, 0x1000, E820_TYPE_RAM },
	};

	test_refuse_at = 1;
	test_refuse_with = -KVM_ENOSYS;

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			page_enc_send_ram_private(&test_ops, map, ARRAY_SIZE(map)));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 1);
}

/*
 * Negotiation: every combination, against rules that are written down here a
 * second time, as what must hold rather than as what is decided first.
 */
static void page_enc_test_decide(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 48; i++) {
		struct page_enc_env env = {
			.sev = i & 1, .hypercall = i & 2,
			.msr = i & 4, .efi = i & 8,
			.mode = i / 16,
		};
		enum page_enc_verdict verdict = page_enc_decide(&env);
		bool announce = verdict >= PAGE_ENC_NO_MSR;
		bool ready = verdict == PAGE_ENC_READY;
		bool ask = verdict == PAGE_ENC_ASK_FIRMWARE;

		KUNIT_EXPECT_EQ_MSG(test, announce, env.sev && env.hypercall &&
				    env.mode != PAGE_ENC_OFF, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, ready || ask, announce && env.msr,
				    "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, ask, announce && env.msr && env.efi &&
				    env.mode == PAGE_ENC_AUTO, "row %u", i);
		KUNIT_EXPECT_NOT_NULL_MSG(test, page_enc_why[verdict], "row %u", i);
	}
}

/*
 * State
 */
#define S_A	PAGE_ENC_S_ANNOUNCE
#define S_AC	(PAGE_ENC_S_ANNOUNCE | PAGE_ENC_S_COMPLETE)
#define S_ACR	(PAGE_ENC_S_ANNOUNCE | PAGE_ENC_S_COMPLETE | PAGE_ENC_S_READY)

static void page_enc_test_state(struct kunit *test)
{
	static const struct {
		unsigned int from;
		enum page_enc_event event;
		unsigned int to;
	} row[] = {
		{ 0,     PAGE_ENC_EV_COMPLETE, 0 },
		{ 0,     PAGE_ENC_EV_LEAVE,    0 },
		{ 0,     PAGE_ENC_EV_STAY,     0 },
		{ 0,     PAGE_ENC_EV_MUTE,     0 },
		{ S_A,   PAGE_ENC_EV_COMPLETE, S_ACR },
		{ S_A,   PAGE_ENC_EV_LEAVE,    S_A },
		{ S_A,   PAGE_ENC_EV_STAY,     S_A },
		{ S_A,   PAGE_ENC_EV_MUTE,     0 },
		{ S_AC,  PAGE_ENC_EV_COMPLETE, S_ACR },
		{ S_AC,  PAGE_ENC_EV_LEAVE,    S_AC },
		{ S_AC,  PAGE_ENC_EV_STAY,     S_ACR },
		{ S_AC,  PAGE_ENC_EV_MUTE,     0 },
		{ S_ACR, PAGE_ENC_EV_COMPLETE, S_ACR },
		{ S_ACR, PAGE_ENC_EV_LEAVE,    S_AC },
		{ S_ACR, PAGE_ENC_EV_STAY,     S_ACR },
		{ S_ACR, PAGE_ENC_EV_MUTE,     0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(row); i++)
		KUNIT_EXPECT_EQ_MSG(test, row[i].to,
				    page_enc_next(row[i].from, row[i].event),
				    "row %u", i);
}

static struct kunit_case page_enc_test_cases[] = {
	KUNIT_CASE_PARAM(page_enc_test_range, page_enc_range_gen_params),
	KUNIT_CASE(page_enc_test_refused_in_the_middle),
	KUNIT_CASE(page_enc_test_refused_before_a_hole),
	KUNIT_CASE(page_enc_test_split_is_refused),
	KUNIT_CASE(page_enc_test_errno),
	KUNIT_CASE(page_enc_test_walk_shared),
	KUNIT_CASE(page_enc_test_walk_shared_stops),
	KUNIT_CASE(page_enc_test_ram),
	KUNIT_CASE(page_enc_test_ram_huge),
	KUNIT_CASE(page_enc_test_ram_refused),
	KUNIT_CASE(page_enc_test_decide),
	KUNIT_CASE(page_enc_test_state),
	{}
};

static struct kunit_suite page_enc_test_suite = {
	.name = "kvm_guest_page_enc",
	.init = page_enc_test_init,
	.test_cases = page_enc_test_cases,
};

kunit_test_suite(page_enc_test_suite);
