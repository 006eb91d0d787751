// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what the guest announces to the KVM host
 *
 * Page tables and the host are faked.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kvm_para.h>
#include <linux/pfn.h>

#include "kvm_page_enc_core.h"

#define TEST_MAX_CALLS	32
#define TEST_BASE	0x100000000UL	/* where the faked mapping begins */

#define PFN_2M		(SZ_2M >> PAGE_SHIFT)
#define PFN_1G		(SZ_1G >> PAGE_SHIFT)

/* No hint at the size: VMMs take any attribute for private. */
#define SHARED		0
#define PRIVATE		BIT(4)

struct page_enc_test_call {
	u64 gpa;
	u64 npages;
	unsigned long attrs;
};

/* Virtually contiguous leaves: each begins where the one before it ends. */
struct page_enc_test_leaf {
	u64 pfn;
	unsigned long npages;
	bool decrypted;
	bool absent;
};

static const struct page_enc_test_leaf *test_leaves;
static unsigned int test_nr_leaves;

static struct page_enc_test_call test_calls[TEST_MAX_CALLS];
static unsigned int test_nr_calls;
static unsigned int test_refuse_at;	/* the Nth call, from 1; 0: none */
static unsigned int test_refuse_times;	/* that call and those behind it */
static long test_refuse_with;
static unsigned int test_forget_at;	/* the host knows no call from this one on */

/* Behind the last leaf there are holes of one page. */
static void test_leaf(unsigned long vaddr, struct kernel_leaf *leaf)
{
	unsigned long start = TEST_BASE;
	unsigned int i;

	*leaf = (struct kernel_leaf) { .npages = 1, .decrypted = true };
	for (i = 0; i < test_nr_leaves; i++) {
		unsigned long size = test_leaves[i].npages << PAGE_SHIFT;

		if (vaddr >= start && vaddr < start + size) {
			leaf->npages = test_leaves[i].npages;
			/* An empty entry has no C-bit either. */
			leaf->decrypted = test_leaves[i].decrypted || test_leaves[i].absent;
			leaf->present = !test_leaves[i].absent;
			if (leaf->present)
				leaf->pfn = test_leaves[i].pfn;
			return;
		}
		start += size;
	}
}

static long test_map_gpa_range(u64 gpa, u64 npages, unsigned long attrs)
{
	if (test_nr_calls == TEST_MAX_CALLS)
		return -KVM_E2BIG;

	test_calls[test_nr_calls++] = (struct page_enc_test_call) {
		.gpa = gpa, .npages = npages, .attrs = attrs,
	};

	if (test_forget_at && test_nr_calls >= test_forget_at)
		return -KVM_ENOSYS;

	return test_refuse_at && test_nr_calls >= test_refuse_at &&
	       test_nr_calls < test_refuse_at + test_refuse_times ? test_refuse_with : 0;
}

/* Writes to READY: "10" is set, then withdrawn */
static char test_ready[16];
static unsigned int test_nr_ready;
static bool test_refuse_ready;
static void (*test_on_ready)(void);	/* called in between, as another CPU */

static int test_write_ready(bool ready)
{
	void (*meanwhile)(void) = test_on_ready;

	test_on_ready = NULL;
	if (meanwhile)
		meanwhile();

	if (test_nr_ready < sizeof(test_ready) - 1)
		test_ready[test_nr_ready++] = '0' + ready;

	return test_refuse_ready ? -EIO : 0;
}

static int test_send_all(void)
{
	/* READY must not be set while part of the host's view is old. */
	test_ready[test_nr_ready++] = '-';
	return page_enc_errno(test_map_gpa_range(0, PFN_1G, PRIVATE));
}

/* The mapping is linear up to there, whatever its leaves are. */
static unsigned long test_linear_end;
static u64 test_linear_pfn;

static bool test_linear(unsigned long vaddr, unsigned long end, u64 *pfn)
{
	if (vaddr < TEST_BASE || end > test_linear_end)
		return false;

	*pfn = test_linear_pfn + PFN_DOWN(vaddr - TEST_BASE);
	return true;
}

static const struct page_enc_ops test_ops = {
	.leaf = test_leaf,
	.linear = test_linear,
	.map_gpa_range = test_map_gpa_range,
	.write_ready = test_write_ready,
	.send_all = test_send_all,
};

static struct page_enc test_pe = {
	.ops = &test_ops,
	.lock = __RAW_SPIN_LOCK_UNLOCKED(test_pe.lock),
};

static int page_enc_test_init(struct kunit *test)
{
	test_leaves = NULL;
	test_nr_leaves = 0;
	test_linear_end = 0;
	test_nr_calls = 0;
	test_refuse_at = 0;
	test_refuse_times = 1;
	test_forget_at = 0;
	memset(test_ready, 0, sizeof(test_ready));
	test_nr_ready = 0;
	test_refuse_ready = false;
	test_on_ready = NULL;
	atomic_set(&test_pe.state, 0);
	atomic_set(&test_pe.in_flight, 0);

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
	struct page_enc_test_leaf leaves[5];
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
		.calls = { { 0x1234000, 1, SHARED } }, .nr_calls = 1,
	},
	{
		.name = "no page",
		.leaves = { { 0x1234, 1 } }, .nr_leaves = 1,
	},
	{
		.name = "adjacent leaves merge",
		.leaves = { { 7, 1 }, { 8, 1 }, { 9, 1 }, { 10, 1 } },
		.nr_leaves = 4, .npages = 4, .enc = true,
		.calls = { { 0x7000, 4, PRIVATE } }, .nr_calls = 1,
	},
	{
		.name = "PFN 0 is a page like any other",
		.leaves = { { 0, 1 }, { 1, 1 } }, .nr_leaves = 2,
		.npages = 2,
		.calls = { { 0, 2, SHARED } }, .nr_calls = 1,
	},
	{
		.name = "PFN 0 behind another leaf",
		.leaves = { { 9, 1 }, { 0, 1 } }, .nr_leaves = 2,
		.npages = 2,
		.calls = { { 0x9000, 1, SHARED }, { 0, 1, SHARED } },
		.nr_calls = 2,
	},
	{
		.name = "gaps and descending leaves do not merge",
		.leaves = { { 20, 1 }, { 22, 1 }, { 21, 1 } }, .nr_leaves = 3,
		.npages = 3,
		.calls = { { 20 << 12, 1, SHARED }, { 22 << 12, 1, SHARED },
			   { 21 << 12, 1, SHARED } },
		.nr_calls = 3,
	},
	{
		.name = "large leaf is clipped on both sides",
		.leaves = { { PFN_2M, PFN_2M } }, .nr_leaves = 1,
		.first = 3, .npages = 5,
		.calls = { { SZ_2M + 0x3000, 5, SHARED } }, .nr_calls = 1,
	},
	{
		.name = "large leaf is clipped in front",
		.leaves = { { PFN_2M, PFN_2M }, { 2 * PFN_2M, 1 } },
		.nr_leaves = 2, .first = PFN_2M - 1, .npages = 2,
		.calls = { { SZ_4M - 0x1000, 2, SHARED } }, .nr_calls = 1,
	},
	{
		.name = "large leaf",
		.leaves = { { PFN_2M, PFN_2M } }, .nr_leaves = 1,
		.npages = PFN_2M, .enc = true,
		.calls = { { SZ_2M, PFN_2M, PRIVATE } }, .nr_calls = 1,
	},
	{
		.name = "large and small leaves merge",
		.leaves = { { PFN_2M, PFN_2M }, { 2 * PFN_2M, 1 },
			    { 2 * PFN_2M + 1, 1 } },
		.nr_leaves = 3, .npages = PFN_2M + 2,
		.calls = { { SZ_2M, PFN_2M + 2, SHARED } }, .nr_calls = 1,
	},
	{
		.name = "huge leaf",
		.leaves = { { PFN_1G, PFN_1G } }, .nr_leaves = 1,
		.npages = PFN_1G,
		.calls = { { SZ_1G, PFN_1G, SHARED } }, .nr_calls = 1,
	},
	{
		.name = "calls are bounded and end aligned",
		.leaves = { { PFN_1G, PFN_1G }, { 2 * PFN_1G, PFN_1G },
			    { 3UL * PFN_1G, PFN_1G } },
		.nr_leaves = 3, .first = PFN_2M, .npages = 2 * PFN_1G,
		.calls = { { SZ_1G + SZ_2M, PFN_1G - PFN_2M, SHARED },
			   { SZ_2G, PFN_1G, SHARED },
			   { 3UL * SZ_1G, PFN_2M, SHARED } },
		.nr_calls = 3,
	},
	{
		.name = "missing leaf: what is before it is announced",
		.leaves = { { 5, 1 }, { 6, 1 } }, .nr_leaves = 2,
		.npages = 3, .ret = -EFAULT,
		.calls = { { 0x5000, 2, SHARED } }, .nr_calls = 1,
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
					    vaddr + (c->npages << PAGE_SHIFT),
					    c->enc));
	expect_calls(test, c->calls, c->nr_calls);
}

static void page_enc_test_refused_in_the_middle(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ 10, 1 }, { 20, 1 }, { 30, 1 },
	};
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 1, SHARED }, { 20 << 12, 1, SHARED },
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
	static const struct page_enc_test_leaf leaves[] = { { 10, 1 } };

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

/* Calls to a busy host are repeated, but not without end. */
static void page_enc_test_again(struct kunit *test)
{
	test_refuse_at = 1;
	test_refuse_times = PAGE_ENC_MAX_TRIES - 1;
	test_refuse_with = -EAGAIN;

	KUNIT_EXPECT_EQ(test, 0, page_enc_send(&test_ops, 7, 1, true));
	KUNIT_EXPECT_EQ(test, test_nr_calls, PAGE_ENC_MAX_TRIES);

	page_enc_test_init(test);
	test_refuse_at = 1;
	test_refuse_times = TEST_MAX_CALLS;

	KUNIT_EXPECT_EQ(test, -EAGAIN, page_enc_send(&test_ops, 7, 1, true));
	KUNIT_EXPECT_EQ(test, test_nr_calls, PAGE_ENC_MAX_TRIES);
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
 * Shared pages, taken from the page tables
 */
static void page_enc_test_decrypted(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ PFN_2M, PFN_2M, true }, { 2 * PFN_2M, 1, true },
		{ 2 * PFN_2M + 1, 1, false }, { 2 * PFN_2M + 2, 1, true },
		{ 0, 1, true }, { 1, 1, true }, { 9, 1, true },
	};
	static const struct page_enc_test_call want[] = {
		{ SZ_2M + 0x1000, PFN_2M, SHARED },
		{ SZ_4M + 0x2000, 1, SHARED },
		{ 0, 2, SHARED },
		{ 0x9000, 1, SHARED },
	};
	unsigned long end = TEST_BASE + SZ_2M + 10 * PAGE_SIZE;

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);

	/* begins inside of a leaf, ends behind a hole */
	KUNIT_EXPECT_EQ(test, 0, page_enc_send_decrypted(&test_ops,
							 TEST_BASE + PAGE_SIZE,
							 end, false));
	expect_calls(test, want, ARRAY_SIZE(want));
}

static void page_enc_test_decrypted_to_private(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ 5, 1, false }, { 6, 1, true }, { 7, 1, true },
	};
	static const struct page_enc_test_call want[] = {
		{ 0x6000, 2, PRIVATE },
	};

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);

	KUNIT_EXPECT_EQ(test, 0, page_enc_send_decrypted(&test_ops, TEST_BASE,
							 TEST_BASE + 3 * PAGE_SIZE,
							 true));
	expect_calls(test, want, ARRAY_SIZE(want));
}

static void page_enc_test_decrypted_refused(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ 1, 1, true }, { 3, 1, true }, { 5, 1, true },
	};

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);
	test_refuse_at = 2;
	test_refuse_with = -KVM_EPERM;

	KUNIT_EXPECT_EQ(test, -EPERM,
			page_enc_send_decrypted(&test_ops, TEST_BASE,
						TEST_BASE + 3 * PAGE_SIZE, false));
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
		{ 0x0, 0x9f, PRIVATE },
		{ 0x100000, 0x200, PRIVATE },
		{ 0x501000, 1, PRIVATE },
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
		{ 0x100000, PFN_1G - 0x100, PRIVATE },
		{ SZ_1G, PFN_1G, PRIVATE },
		{ 0x100000000, PFN_1G, PRIVATE },
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
 * RAM as it is mapped: the direct map begins at TEST_BASE.  No page is
 * announced twice.
 */
static const struct page_enc_test_leaf direct_map[] = {
	{ 0, 1 }, { 1, 1, true }, { 2, 1, true }, { 3, 1, .absent = true },
	{ 4, 4 }, { 8, 8, true },
};

static const struct e820_entry direct_map_ram[] = {
	{ 0x800, 0xa800, E820_TYPE_RAM },
	{ 0xb000, 0x1000, E820_TYPE_RESERVED },
	{ 0xc000, 0x2000, E820_TYPE_RAM },
	/* behind all leaves */
	{ 0x20000, 0x2000, E820_TYPE_RAM },
};

static const struct page_enc_test_call direct_map_calls[] = {
	{ 0x1000, 2, SHARED },
	{ 0x3000, 5, PRIVATE },
	{ 0x8000, 3, SHARED },
	{ 0xc000, 2, SHARED },
	{ 0x20000, 2, PRIVATE },
};

static void page_enc_test_ram_as_it_is(struct kunit *test)
{
	test_leaves = direct_map;
	test_nr_leaves = ARRAY_SIZE(direct_map);

	KUNIT_EXPECT_EQ(test, 0, page_enc_send_ram(&test_ops, TEST_BASE, direct_map_ram,
						   ARRAY_SIZE(direct_map_ram)));
	expect_calls(test, direct_map_calls, ARRAY_SIZE(direct_map_calls));
}

static void page_enc_test_ram_as_it_is_refused(struct kunit *test)
{
	test_leaves = direct_map;
	test_nr_leaves = ARRAY_SIZE(direct_map);
	test_refuse_at = 4;
	test_refuse_with = -KVM_EINVAL;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			page_enc_send_ram(&test_ops, TEST_BASE, direct_map_ram,
					  ARRAY_SIZE(direct_map_ram)));
	expect_calls(test, direct_map_calls, 4);
}

/* Memory that was plugged in, in leaves as large as those of most of RAM */
static void page_enc_test_pages_as_they_are(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ 0, PFN_1G }, { PFN_1G, PFN_1G, .absent = true },
		{ 2 * PFN_1G, PFN_2M, true }, { 2 * PFN_1G + PFN_2M, PFN_2M },
	};
	static const struct page_enc_test_call want[] = {
		{ SZ_2M, PFN_1G - PFN_2M, PRIVATE }, { SZ_1G, PFN_1G, PRIVATE },
		{ SZ_2G, PFN_2M, SHARED }, { SZ_2G + SZ_2M, 1, PRIVATE },
	};

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);

	KUNIT_EXPECT_EQ(test, 0, page_enc_send_pages(&test_ops, TEST_BASE, PFN_2M,
						     2 * PFN_1G + 1));
	expect_calls(test, want, ARRAY_SIZE(want));

	page_enc_test_init(test);
	KUNIT_EXPECT_EQ(test, 0, page_enc_send_pages(&test_ops, TEST_BASE, PFN_2M, 0));
	expect_calls(test, want, 0);
}

/*
 * Negotiation: every combination, against a second version of the rules.  It
 * says what must hold, the code under test what is decided first.
 */
struct page_enc_row {
	bool sev, hypercall, msr, efi, variable, snp, kdump;
	enum page_enc_mode mode;
	enum { TRACKS, REFUSES, NO_SUCH_CALL } host;
	bool msr_refused;
};

#define NR_ROWS		(128 * 3 * 3 * 2)

static struct page_enc_row page_enc_row(unsigned int i)
{
	struct page_enc_row row = {
		.sev = i & 1, .hypercall = i & 2, .msr = i & 4, .efi = i & 8,
		.variable = i & 16, .snp = i & 32, .kdump = i & 64,
	};

	i /= 128;
	row.mode = i % 3;
	row.host = i / 3 % 3;
	row.msr_refused = i / 9;

	return row;
}

static enum page_enc_verdict page_enc_negotiate(const struct page_enc_row *row)
{
	static const struct e820_entry ram[] = {
		{ 0, SZ_2M, E820_TYPE_RAM },
	};
	static const struct page_enc_test_leaf leaves[] = { { 7, 1, true } };
	struct page_enc_env env = {
		.sev = row->sev, .snp = row->snp, .hypercall = row->hypercall, .msr = row->msr,
		.efi = row->efi, .kdump = row->kdump, .mode = row->mode,
		.ram = ram, .nr_ram = ARRAY_SIZE(ram),
		.shared = TEST_BASE, .shared_end = TEST_BASE + PAGE_SIZE,
	};
	enum page_enc_verdict verdict;

	test_leaves = leaves;
	test_nr_leaves = ARRAY_SIZE(leaves);
	test_refuse_ready = row->msr_refused;
	test_refuse_at = row->host == TRACKS ? 0 : row->host == REFUSES ? 2 : 1;
	test_refuse_with = row->host == REFUSES ? -KVM_EINVAL : -KVM_ENOSYS;

	verdict = page_enc_start(&test_pe, &env);
	/* Conversions in place come before the late initcall. */
	if (test_nr_ready)
		return PAGE_ENC_NOT_SEV;
	if (verdict == PAGE_ENC_READY ||
	    (verdict == PAGE_ENC_ASK_FIRMWARE && row->variable))
		verdict = page_enc_complete(&test_pe);

	return verdict;
}

static void page_enc_test_negotiation(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < NR_ROWS; i++) {
		struct page_enc_row row = page_enc_row(i);
		enum page_enc_verdict verdict;
		bool calls, announces, asks, ready;

		page_enc_test_init(test);
		verdict = page_enc_negotiate(&row);

		calls = row.sev && !row.snp && row.hypercall && row.mode != PAGE_ENC_OFF;
		announces = calls && row.host != NO_SUCH_CALL;
		asks = announces && row.host == TRACKS && row.msr && !row.kdump &&
		       (!row.efi || row.variable || row.mode == PAGE_ENC_ON);
		ready = asks && !row.msr_refused;

		/* no call after the first -KVM_ENOSYS, and none without need */
		KUNIT_EXPECT_EQ_MSG(test, test_nr_calls,
				    announces ? 2 : calls ? 1 : 0, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, page_enc_is(&test_pe, PAGE_ENC_S_ANNOUNCE),
				    announces, "row %u", i);
		KUNIT_EXPECT_STREQ_MSG(test, test_ready, asks ? "1" : "", "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, page_enc_is(&test_pe, PAGE_ENC_S_READY),
				    ready, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, verdict == PAGE_ENC_READY, ready, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, verdict >= PAGE_ENC_REFUSED, announces,
				    "row %u", i);
		KUNIT_EXPECT_NOT_NULL_MSG(test, page_enc_why[verdict], "row %u", i);
	}
}

/* The log says why: one row for each text */
static void page_enc_test_verdicts(struct kunit *test)
{
	static const struct {
		struct page_enc_row row;
		enum page_enc_verdict verdict;
	} c[] = {
		{ { 0, 1, 1 }, PAGE_ENC_NOT_SEV },
		{ { 1, 1, 1, .snp = true, .mode = PAGE_ENC_ON }, PAGE_ENC_SNP },
		{ { 1, 1, 1, .mode = PAGE_ENC_OFF }, PAGE_ENC_OPTED_OUT },
		{ { 1, 0, 1 }, PAGE_ENC_NO_HYPERCALL },
		{ { 1, 1, 1, .host = NO_SUCH_CALL }, PAGE_ENC_UNSUPPORTED },
		{ { 1, 1, 1, .host = REFUSES }, PAGE_ENC_REFUSED },
		{ { 1, 1, 0 }, PAGE_ENC_NO_MSR },
		/* A guest that can't become READY logs that, refused or not. */
		{ { 1, 1, 0, .host = REFUSES }, PAGE_ENC_NO_MSR },
		{ { 1, 1, 1, .efi = true, .host = REFUSES }, PAGE_ENC_ASK_FIRMWARE },
		{ { 1, 1, 1, .efi = true, .variable = true, .host = REFUSES },
		  PAGE_ENC_REFUSED },
		{ { 1, 1, 1, .efi = true, .mode = PAGE_ENC_ON, .host = REFUSES },
		  PAGE_ENC_REFUSED },
		{ { 1, 1, 1, .msr_refused = true }, PAGE_ENC_MSR_REFUSED },
		{ { 1, 1, 1, .kdump = true, .efi = true, .mode = PAGE_ENC_ON }, PAGE_ENC_KDUMP },
		{ { 1, 1, 1, .kdump = true, .host = REFUSES }, PAGE_ENC_KDUMP },
		{ { 1, 1, 1, .efi = true }, PAGE_ENC_ASK_FIRMWARE },
		{ { 1, 1, 1, .efi = true, .mode = PAGE_ENC_ON }, PAGE_ENC_READY },
		{ { 1, 1, 1, .efi = true, .variable = true }, PAGE_ENC_READY },
		{ { 1, 1, 1 }, PAGE_ENC_READY },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		page_enc_test_init(test);
		KUNIT_EXPECT_EQ_MSG(test, page_enc_negotiate(&c[i].row),
				    c[i].verdict, "row %u", i);
	}
}

/* A refusal at boot is made good later, unless something else is in the way. */
static void page_enc_test_refused_at_boot(struct kunit *test)
{
	static const struct {
		struct page_enc_row row;
		bool ready;
	} c[] = {
		{ { 1, 1, 1, .host = REFUSES }, true },
		{ { 1, 1, 1, .efi = true, .variable = true, .host = REFUSES }, true },
		{ { 1, 1, 1, .efi = true, .mode = PAGE_ENC_ON, .host = REFUSES }, true },
		{ { 1, 1, 1, .efi = true, .host = REFUSES }, false },
		{ { 1, 1, 0, .host = REFUSES }, false },
		{ { 1, 1, 1, .kdump = true, .host = REFUSES }, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		page_enc_test_init(test);
		page_enc_negotiate(&c[i].row);
		KUNIT_EXPECT_STREQ_MSG(test, test_ready, "", "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, page_enc_renew(&test_pe), 0, "row %u", i);
		KUNIT_EXPECT_STREQ_MSG(test, test_ready, c[i].ready ? "-1" : "-", "row %u", i);
	}
}

/*
 * State
 */
#define NR_STATES	32

static void page_enc_test_state(struct kunit *test)
{
	static const struct {
		enum page_enc_event event;
		unsigned int clear, set;
	} row[] = {
		{ PAGE_ENC_EV_COMPLETE, 0, PAGE_ENC_S_COMPLETE },
		{ PAGE_ENC_EV_STALE, 0, PAGE_ENC_S_STALE },
		{ PAGE_ENC_EV_RENEWED, PAGE_ENC_S_STALE, 0 },
		{ PAGE_ENC_EV_LEAVE, 0, PAGE_ENC_S_LEAVING },
		{ PAGE_ENC_EV_STAY, PAGE_ENC_S_LEAVING, 0 },
	};
	unsigned int i, from, to, want;

	for (from = 0; from < NR_STATES; from++) {
		KUNIT_EXPECT_EQ(test, page_enc_next(from, PAGE_ENC_EV_MUTE), 0);
		KUNIT_EXPECT_EQ(test, page_enc_next(from, PAGE_ENC_EV_START),
				PAGE_ENC_S_ANNOUNCE);

		for (i = 0; i < ARRAY_SIZE(row); i++) {
			to = page_enc_next(from, row[i].event);
			want = (from & ~row[i].clear) | row[i].set;
			want &= ~PAGE_ENC_S_READY;
			if (want == (PAGE_ENC_S_ANNOUNCE | PAGE_ENC_S_COMPLETE))
				want |= PAGE_ENC_S_READY;
			if (!(from & PAGE_ENC_S_ANNOUNCE))
				want = 0;
			KUNIT_EXPECT_EQ_MSG(test, to, want, "row %u from %#x", i, from);
		}
	}
}

#define START		PAGE_ENC_EV_START
#define COMPLETE	PAGE_ENC_EV_COMPLETE
#define STALE		PAGE_ENC_EV_STALE
#define RENEWED		PAGE_ENC_EV_RENEWED
#define LEAVE		PAGE_ENC_EV_LEAVE
#define STAY		PAGE_ENC_EV_STAY
#define MUTE		PAGE_ENC_EV_MUTE

struct page_enc_life {
	const char *name;
	enum page_enc_event events[8];
	unsigned int nr;
	const char *ready;
};

static const struct page_enc_life page_enc_lives[] = {
	{ "never complete", { START, LEAVE, STAY, RENEWED, MUTE }, 5, "" },
	{ "never started", { COMPLETE, LEAVE, STAY, MUTE }, 4, "" },
	{ "reboot notifier, then kexec", { START, COMPLETE, LEAVE, MUTE }, 4, "10" },
	{ "withdrawn once", { START, COMPLETE, LEAVE, LEAVE, MUTE, MUTE }, 6, "10" },
	{ "crash", { START, COMPLETE, MUTE }, 3, "10" },
	{ "mute for ever", { START, COMPLETE, MUTE, STAY, RENEWED, COMPLETE }, 6, "10" },
	{ "aborted", { START, COMPLETE, LEAVE, STAY }, 4, "101" },
	{ "resumed from an image", { START, COMPLETE, LEAVE, RENEWED, STAY }, 5, "101" },
	{ "refusal", { START, COMPLETE, STALE, STALE }, 4, "10" },
	{ "refused before complete", { START, STALE, COMPLETE }, 3, "" },
	{ "and made good", { START, STALE, COMPLETE, RENEWED }, 4, "1" },
	{ "refusal is remembered", { START, COMPLETE, STALE, LEAVE, STAY }, 5, "10" },
	{ "refusal is made good", { START, COMPLETE, STALE, RENEWED }, 4, "101" },
	{ "suspended, all renewed", { START, COMPLETE, STALE, RENEWED }, 4, "101" },
	{ "refused while leaving", { START, COMPLETE, LEAVE, STALE, STAY, RENEWED }, 6, "101" },
};

KUNIT_ARRAY_PARAM_DESC(page_enc_life, page_enc_lives, name);

static void page_enc_test_life(struct kunit *test)
{
	const struct page_enc_life *life = test->param_value;
	unsigned int i;

	for (i = 0; i < life->nr; i++)
		page_enc_event(&test_pe, life->events[i]);
	KUNIT_EXPECT_STREQ(test, test_ready, life->ready);
}

static void page_enc_test_msr_refused(struct kunit *test)
{
	test_refuse_ready = true;
	page_enc_event(&test_pe, START);
	page_enc_event(&test_pe, COMPLETE);
	page_enc_event(&test_pe, LEAVE);
	page_enc_event(&test_pe, STAY);
	page_enc_event(&test_pe, RENEWED);

	KUNIT_EXPECT_STREQ(test, test_ready, "1");
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.state), PAGE_ENC_S_ANNOUNCE);
}

static bool test_had_lock;

static void test_crash_meanwhile(void)
{
	test_had_lock = page_enc_mute(&test_pe);
}

/* A crash takes no lock.  The last decision must be the last write. */
static void page_enc_test_crash_wins(struct kunit *test)
{
	page_enc_event(&test_pe, START);
	test_on_ready = test_crash_meanwhile;
	page_enc_event(&test_pe, COMPLETE);

	KUNIT_EXPECT_FALSE(test, test_had_lock);
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.state), 0);
	KUNIT_EXPECT_STREQ(test, test_ready, "010");
}

/*
 * The CPU that withdraws READY may stop before it writes the MSR.  The caller
 * is told to do that again.
 */
static void page_enc_test_crash_in_withdrawal(struct kunit *test)
{
	page_enc_event(&test_pe, START);
	page_enc_event(&test_pe, COMPLETE);
	test_had_lock = true;
	test_on_ready = test_crash_meanwhile;
	page_enc_event(&test_pe, STALE);

	KUNIT_EXPECT_FALSE(test, test_had_lock);
	KUNIT_EXPECT_STREQ(test, test_ready, "10");

	/* Nobody holds the lock, as far as one CPU can tell. */
	page_enc_test_init(test);
	page_enc_event(&test_pe, START);
	page_enc_event(&test_pe, COMPLETE);
	KUNIT_EXPECT_EQ(test, page_enc_mute(&test_pe), IS_ENABLED(CONFIG_SMP));
	KUNIT_EXPECT_STREQ(test, test_ready, "10");
}

/* State and MSR change with the lock held and interrupts off. */
static bool test_may_be_preempted;

static void test_look_at_lock(void)
{
	test_may_be_preempted = !raw_spin_is_locked(&test_pe.lock) || !irqs_disabled();
}

static void page_enc_test_not_preempted(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_SMP))
		kunit_skip(test, "one CPU has no lock to look at");

	page_enc_event(&test_pe, START);
	page_enc_event(&test_pe, COMPLETE);
	test_may_be_preempted = true;
	test_on_ready = test_look_at_lock;
	page_enc_event(&test_pe, STALE);

	KUNIT_EXPECT_FALSE(test, test_may_be_preempted);
}

/*
 * Conversions
 */
static const struct page_enc_test_leaf three_leaves[] = {
	{ 10, 1, false }, { 20, 1, false }, { 30, 1, false },
};

#define TEST_END	(TEST_BASE + 3 * PAGE_SIZE)

static void test_map(const struct page_enc_test_leaf *leaves, unsigned int nr)
{
	test_leaves = leaves;
	test_nr_leaves = nr;
	page_enc_event(&test_pe, START);
	page_enc_event(&test_pe, COMPLETE);
}

static void page_enc_test_order(struct kunit *test)
{
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 1, SHARED }, { 20 << 12, 1, SHARED },
		{ 30 << 12, 1, SHARED }, { 10 << 12, 1, PRIVATE },
		{ 20 << 12, 1, PRIVATE }, { 30 << 12, 1, PRIVATE },
	};

	test_map(three_leaves, 3);

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	expect_calls(test, want, 3);
	KUNIT_EXPECT_EQ(test, 0, page_enc_finish(&test_pe, TEST_BASE, TEST_END, false));
	expect_calls(test, want, 3);

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, true));
	expect_calls(test, want, 3);
	KUNIT_EXPECT_EQ(test, 0, page_enc_finish(&test_pe, TEST_BASE, TEST_END, true));
	expect_calls(test, want, 6);
	KUNIT_EXPECT_STREQ(test, test_ready, "1");
}

/*
 * Pages that were shared before stay shared, the others are announced as
 * private again.  The host may have done part of the refused call.
 */
static void page_enc_test_sharing_refused(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ 10, 1, false }, { 20, 1, true }, { 30, 1, false },
	};
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 1, SHARED }, { 20 << 12, 1, SHARED },
		{ 30 << 12, 1, SHARED },	/* refused */
		{ 10 << 12, 1, PRIVATE }, { 20 << 12, 1, SHARED },
		{ 30 << 12, 1, PRIVATE },
	};

	test_map(leaves, 3);
	test_refuse_at = 3;
	test_refuse_with = -KVM_EINVAL;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	expect_calls(test, want, ARRAY_SIZE(want));
	KUNIT_EXPECT_STREQ(test, test_ready, "10");
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.in_flight), 0);
}

/* A run of more than one call is taken back as a whole. */
static void page_enc_test_long_run_refused(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ PFN_1G, PFN_1G }, { 2 * PFN_1G, PFN_1G },
	};
	static const struct page_enc_test_call want[] = {
		{ SZ_1G, PFN_1G, SHARED }, { SZ_2G, PFN_1G, SHARED },
		{ SZ_1G, PFN_1G, PRIVATE }, { SZ_2G, PFN_1G, PRIVATE },
	};

	test_map(leaves, 2);
	test_refuse_at = 2;
	test_refuse_with = -KVM_EPERM;

	KUNIT_EXPECT_EQ(test, -EPERM,
			page_enc_prepare(&test_pe, TEST_BASE, TEST_BASE + SZ_2G, false));
	expect_calls(test, want, ARRAY_SIZE(want));
}

/* A linear range: page tables aren't read unless the host refuses it. */
static void page_enc_test_linear(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ 10, 1, false }, { 11, 1, true }, { 12, 1, false },
	};
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 3, SHARED },
		{ 11 << 12, 2, PRIVATE },
		{ 10 << 12, 3, SHARED },	/* refused */
		{ 10 << 12, 1, PRIVATE }, { 11 << 12, 1, SHARED }, { 12 << 12, 1, PRIVATE },
	};

	test_map(NULL, 0);
	test_linear_end = TEST_END;
	test_linear_pfn = 10;

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	KUNIT_EXPECT_EQ(test, 0, page_enc_finish(&test_pe, TEST_BASE, TEST_END, false));
	KUNIT_EXPECT_EQ(test, 0, page_enc_converted(&test_pe, TEST_BASE + PAGE_SIZE,
						    TEST_END, true));
	expect_calls(test, want, 2);

	/* A range that reaches beyond it is looked up, and not mapped here. */
	KUNIT_EXPECT_EQ(test, -EFAULT, page_enc_converted(&test_pe, TEST_BASE,
							  TEST_END + PAGE_SIZE, true));
	expect_calls(test, want, 2);

	test_map(leaves, 3);
	test_refuse_at = 3;
	test_refuse_with = -KVM_EPERM;
	KUNIT_EXPECT_EQ(test, -EPERM, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	expect_calls(test, want, ARRAY_SIZE(want));
}

/* The host no longer knows the call when a range is taken back. */
static void page_enc_test_taking_back_unknown(struct kunit *test)
{
	test_map(three_leaves, 3);
	test_refuse_at = 3;
	test_refuse_with = -KVM_EINVAL;
	test_forget_at = 4;

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.state), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.in_flight), 0);
}

static void page_enc_test_sharing_unknown(struct kunit *test)
{
	test_map(three_leaves, 3);
	test_refuse_at = 2;
	test_refuse_with = -KVM_ENOSYS;

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.state), 0);
	KUNIT_EXPECT_STREQ(test, test_ready, "10");
}

static void page_enc_test_hiding_refused(struct kunit *test)
{
	test_map(three_leaves, 3);
	test_refuse_at = 1;
	test_refuse_with = -KVM_EINVAL;

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, true));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			page_enc_finish(&test_pe, TEST_BASE, TEST_END, true));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 1);
	KUNIT_EXPECT_STREQ(test, test_ready, "10");
}

static int test_finish_private(struct page_enc *pe, unsigned long vaddr, unsigned long end)
{
	return page_enc_finish(pe, vaddr, end, true);
}

static int test_converted(struct page_enc *pe, unsigned long vaddr, unsigned long end)
{
	return page_enc_converted(pe, vaddr, end, false);
}

static int test_renew(struct page_enc *pe, unsigned long vaddr, unsigned long end)
{
	return page_enc_renew(pe);
}

/* Conversions in place, both ways: one announcement, refusals are returned. */
static void page_enc_test_converted(struct kunit *test)
{
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 1, SHARED }, { 20 << 12, 1, SHARED }, { 30 << 12, 1, SHARED },
		{ 10 << 12, 1, PRIVATE }, { 20 << 12, 1, PRIVATE },
	};

	test_map(three_leaves, 3);
	KUNIT_EXPECT_EQ(test, 0, page_enc_converted(&test_pe, TEST_BASE, TEST_END, false));
	expect_calls(test, want, 3);
	KUNIT_EXPECT_STREQ(test, test_ready, "1");

	test_refuse_at = 5;
	test_refuse_with = -KVM_EPERM;
	KUNIT_EXPECT_EQ(test, -EPERM, page_enc_converted(&test_pe, TEST_BASE, TEST_END, true));
	expect_calls(test, want, 5);
	KUNIT_EXPECT_STREQ(test, test_ready, "10");
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.in_flight), 0);
}

/* The page tables were changed in part: the host is told their state. */
static void page_enc_test_aborted(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = {
		{ 10, 1, true }, { 11, 1, false }, { 12, 1, false },
	};
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 1, SHARED }, { 11 << 12, 2, SHARED },
		{ 10 << 12, 1, SHARED }, { 11 << 12, 2, PRIVATE },
	};

	test_map(leaves, 3);

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	KUNIT_EXPECT_EQ(test, 0, page_enc_abort(&test_pe, TEST_BASE, TEST_END));
	expect_calls(test, want, ARRAY_SIZE(want));
	KUNIT_EXPECT_STREQ(test, test_ready, "10");
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.in_flight), 0);
}

/* Page tables were not changed, and the host refuses to be told so. */
static void page_enc_test_abort_refused(struct kunit *test)
{
	test_map(three_leaves, 3);
	test_refuse_at = 5;
	test_refuse_with = -KVM_EINVAL;

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, page_enc_abort(&test_pe, TEST_BASE, TEST_END));
	KUNIT_EXPECT_EQ(test, test_nr_calls, 5);
	KUNIT_EXPECT_STREQ(test, test_ready, "10");
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.in_flight), 0);
}

/*
 * The host may cease to know the call at any step.  No call follows, and the
 * caller is told, in order to turn the key off.
 */
static void page_enc_test_unknown_from_now_on(struct kunit *test)
{
	static int (* const step[])(struct page_enc *pe, unsigned long vaddr,
				    unsigned long end) = {
		test_finish_private, page_enc_abort, test_converted, test_renew,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(step); i++) {
		page_enc_test_init(test);
		test_map(three_leaves, 3);
		KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, TEST_END, true));
		test_refuse_at = 1;
		test_refuse_with = -KVM_ENOSYS;

		KUNIT_EXPECT_EQ_MSG(test, -EOPNOTSUPP, step[i](&test_pe, TEST_BASE, TEST_END),
				    "step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, test_nr_calls, 1, "step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&test_pe.state), 0, "step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, test_ready[1], '0', "step %u", i);
	}
}

static void page_enc_test_renewed(struct kunit *test)
{
	test_map(three_leaves, 3);

	KUNIT_EXPECT_EQ(test, 0, page_enc_renew(&test_pe));
	KUNIT_EXPECT_STREQ(test, test_ready, "10-1");
}

static void page_enc_test_renewal_refused(struct kunit *test)
{
	test_map(three_leaves, 3);
	test_refuse_at = 1;
	test_refuse_with = -KVM_EINVAL;

	KUNIT_EXPECT_EQ(test, -EINVAL, page_enc_renew(&test_pe));
	KUNIT_EXPECT_STREQ(test, test_ready, "10-");
	KUNIT_EXPECT_EQ(test, 0, page_enc_renew(&test_pe));
	KUNIT_EXPECT_STREQ(test, test_ready, "10--1");
}

/* Page tables had the old status when everything was announced anew. */
static void page_enc_test_renewed_meanwhile(struct kunit *test)
{
	static const struct page_enc_test_leaf leaves[] = { { 10, 1 } };
	static const struct page_enc_test_call want[] = {
		{ 10 << 12, 1, SHARED }, { 0, PFN_1G, PRIVATE },
		{ 10 << 12, 1, SHARED },
		/* from then on as usual */
		{ 10 << 12, 1, SHARED },
	};
	unsigned long end = TEST_BASE + PAGE_SIZE;

	test_map(leaves, 1);

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, end, false));
	KUNIT_EXPECT_EQ(test, 0, page_enc_renew(&test_pe));
	KUNIT_EXPECT_EQ(test, 0, page_enc_finish(&test_pe, TEST_BASE, end, false));
	expect_calls(test, want, 3);

	KUNIT_EXPECT_EQ(test, 0, page_enc_prepare(&test_pe, TEST_BASE, end, false));
	KUNIT_EXPECT_EQ(test, 0, page_enc_finish(&test_pe, TEST_BASE, end, false));
	expect_calls(test, want, 4);
}

/* Two conversions: the flag stays until the last one has ended. */
static void page_enc_test_renewed_twice(struct kunit *test)
{
	unsigned long end = TEST_BASE + PAGE_SIZE;

	test_map(three_leaves, 3);

	page_enc_prepare(&test_pe, TEST_BASE, end, false);
	page_enc_prepare(&test_pe, end, TEST_END, true);
	page_enc_renew(&test_pe);
	page_enc_finish(&test_pe, end, TEST_END, true);
	test_nr_calls = 0;
	page_enc_finish(&test_pe, TEST_BASE, end, false);

	KUNIT_EXPECT_EQ(test, test_nr_calls, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&test_pe.in_flight), 0);
}

static struct kunit_case page_enc_test_cases[] = {
	KUNIT_CASE_PARAM(page_enc_test_range, page_enc_range_gen_params),
	KUNIT_CASE(page_enc_test_refused_in_the_middle),
	KUNIT_CASE(page_enc_test_refused_before_a_hole),
	KUNIT_CASE(page_enc_test_split_is_refused),
	KUNIT_CASE(page_enc_test_again),
	KUNIT_CASE(page_enc_test_errno),
	KUNIT_CASE(page_enc_test_decrypted),
	KUNIT_CASE(page_enc_test_decrypted_to_private),
	KUNIT_CASE(page_enc_test_decrypted_refused),
	KUNIT_CASE(page_enc_test_ram),
	KUNIT_CASE(page_enc_test_ram_huge),
	KUNIT_CASE(page_enc_test_ram_refused),
	KUNIT_CASE(page_enc_test_ram_as_it_is),
	KUNIT_CASE(page_enc_test_ram_as_it_is_refused),
	KUNIT_CASE(page_enc_test_pages_as_they_are),
	KUNIT_CASE(page_enc_test_negotiation),
	KUNIT_CASE(page_enc_test_verdicts),
	KUNIT_CASE(page_enc_test_refused_at_boot),
	KUNIT_CASE(page_enc_test_state),
	KUNIT_CASE_PARAM(page_enc_test_life, page_enc_life_gen_params),
	KUNIT_CASE(page_enc_test_msr_refused),
	KUNIT_CASE(page_enc_test_crash_wins),
	KUNIT_CASE(page_enc_test_crash_in_withdrawal),
	KUNIT_CASE(page_enc_test_not_preempted),
	KUNIT_CASE(page_enc_test_order),
	KUNIT_CASE(page_enc_test_sharing_refused),
	KUNIT_CASE(page_enc_test_long_run_refused),
	KUNIT_CASE(page_enc_test_linear),
	KUNIT_CASE(page_enc_test_taking_back_unknown),
	KUNIT_CASE(page_enc_test_sharing_unknown),
	KUNIT_CASE(page_enc_test_hiding_refused),
	KUNIT_CASE(page_enc_test_converted),
	KUNIT_CASE(page_enc_test_aborted),
	KUNIT_CASE(page_enc_test_abort_refused),
	KUNIT_CASE(page_enc_test_unknown_from_now_on),
	KUNIT_CASE(page_enc_test_renewed),
	KUNIT_CASE(page_enc_test_renewal_refused),
	KUNIT_CASE(page_enc_test_renewed_meanwhile),
	KUNIT_CASE(page_enc_test_renewed_twice),
	{}
};

static struct kunit_suite page_enc_test_suite = {
	.name = "kvm_guest_page_enc",
	.init = page_enc_test_init,
	.test_cases = page_enc_test_cases,
};

kunit_test_suite(page_enc_test_suite);
