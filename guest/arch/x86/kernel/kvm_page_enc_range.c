// SPDX-License-Identifier: GPL-2.0
/*
 * Announce the encryption status of pages to the KVM host: ranges
 *
 * This file turns ranges of pages into as few calls as their size limit allows.
 */

#include <linux/errno.h>
#include <linux/kvm_para.h>
#include <linux/minmax.h>
#include <linux/pfn.h>

#include "kvm_page_enc_core.h"

/* The host may answer anything.  Pass only known errors on to callers. */
int page_enc_errno(long ret)
{
	switch (ret) {
	case 0:
		return 0;
	case -KVM_ENOSYS:
		return -EOPNOTSUPP;
	case -KVM_EINVAL:
	case -KVM_EPERM:
	case -KVM_E2BIG:
	case -KVM_EFAULT:
	case -ENOMEM:
	case -EAGAIN:
		return ret;
	default:
		return -EIO;
	}
}

/*
 * The attributes have room for a hint at the page size.  Never give one: there
 * are VMMs that take any attribute other than 0 for private.
 */
static int page_enc_call(const struct page_enc_ops *ops, u64 pfn, u64 npages,
			 bool enc)
{
	unsigned int tries = PAGE_ENC_MAX_TRIES;
	long ret;

	do {
		ret = ops->map_gpa_range(PFN_PHYS(pfn), npages,
					 enc ? KVM_MAP_GPA_RANGE_ENCRYPTED :
					       KVM_MAP_GPA_RANGE_DECRYPTED);
	} while (ret == -EAGAIN && --tries);

	return page_enc_errno(ret);
}

/* Announce contiguous pages. */
int page_enc_send(const struct page_enc_ops *ops, u64 pfn, u64 npages, bool enc)
{
	int err;
	u64 n;

	for (; npages; pfn += n, npages -= n) {
		n = PAGE_ENC_MAX_PAGES - (pfn & (PAGE_ENC_MAX_PAGES - 1));
		n = min(n, npages);
		err = page_enc_call(ops, pfn, n, enc);
		if (err)
			return err;
	}

	return 0;
}

/* A walk of page tables, and what to do with each run of pages */
struct page_enc_walk {
	const struct page_enc_ops *ops;
	int (*run)(struct page_enc_walk *walk, const struct kernel_leaf *run);
	unsigned long direct_map;	/* if set, pages that it lacks are private */
	bool enc;
};

static bool page_enc_continues(const struct kernel_leaf *run,
			       const struct kernel_leaf *leaf)
{
	return run->npages && run->present == leaf->present &&
	       run->decrypted == leaf->decrypted &&
	       run->pfn + run->npages == leaf->pfn;
}

/* Look up the leaf at @vaddr and clip it to [vaddr, end). */
static void page_enc_look_up(const struct page_enc_walk *walk, unsigned long vaddr,
			     unsigned long end, struct kernel_leaf *leaf)
{
	unsigned long skip;

	walk->ops->leaf(vaddr, leaf);
	skip = PFN_DOWN(vaddr) & (leaf->npages - 1);
	leaf->pfn += skip;
	leaf->npages = min(leaf->npages - skip, PFN_DOWN(end - vaddr));

	if (walk->direct_map && !leaf->present) {
		leaf->present = true;
		leaf->decrypted = false;
		leaf->pfn = PFN_DOWN(vaddr - walk->direct_map);
	}
}

/*
 * Walk the page tables of [vaddr, end).  Clip leaves to that range.  Merge
 * leaves into one run if they are neighbours in physical memory and mapped
 * alike.
 */
static int page_enc_walk_range(struct page_enc_walk *walk, unsigned long vaddr,
			       unsigned long end)
{
	struct kernel_leaf leaf, run = {};
	int err;

	for (; vaddr < end; vaddr += leaf.npages << PAGE_SHIFT) {
		page_enc_look_up(walk, vaddr, end, &leaf);
		if (page_enc_continues(&run, &leaf)) {
			run.npages += leaf.npages;
			continue;
		}
		err = run.npages ? walk->run(walk, &run) : 0;
		if (err)
			return err;
		run = leaf;
	}

	return run.npages ? walk->run(walk, &run) : 0;
}

static int page_enc_run_any(struct page_enc_walk *walk,
			    const struct kernel_leaf *run)
{
	if (!run->present)
		return -EFAULT;
	return page_enc_send(walk->ops, run->pfn, run->npages, walk->enc);
}

static int page_enc_run_mapped(struct page_enc_walk *walk,
			       const struct kernel_leaf *run)
{
	if (!run->present)
		return 0;
	return page_enc_send(walk->ops, run->pfn, run->npages, !run->decrypted);
}

static int page_enc_run_decrypted(struct page_enc_walk *walk,
				  const struct kernel_leaf *run)
{
	if (!run->present || !run->decrypted)
		return 0;
	return page_enc_send(walk->ops, run->pfn, run->npages, walk->enc);
}

/*
 * Announce all of [vaddr, end) as @enc says, however it is mapped.  Stop at the
 * first refused call or missing leaf.
 */
int page_enc_send_range(const struct page_enc_ops *ops, unsigned long vaddr,
			unsigned long end, bool enc)
{
	struct page_enc_walk walk = {
		.ops = ops, .run = page_enc_run_any, .enc = enc,
	};

	return page_enc_walk_range(&walk, vaddr, end);
}

/* Announce the pages mapped at [vaddr, end) as they are mapped. */
int page_enc_send_mapped(const struct page_enc_ops *ops, unsigned long vaddr,
			 unsigned long end)
{
	struct page_enc_walk walk = {
		.ops = ops, .run = page_enc_run_mapped,
	};

	return page_enc_walk_range(&walk, vaddr, end);
}

/* Announce the pages mapped decrypted at [vaddr, end) as @enc says. */
int page_enc_send_decrypted(const struct page_enc_ops *ops, unsigned long vaddr,
			    unsigned long end, bool enc)
{
	struct page_enc_walk walk = {
		.ops = ops, .run = page_enc_run_decrypted, .enc = enc,
	};

	return page_enc_walk_range(&walk, vaddr, end);
}

static bool page_enc_is_ram(const struct e820_entry *entry)
{
	/* RESERVED_KERN is RAM where a boot loader left setup_data. */
	return entry->type == E820_TYPE_RAM ||
	       entry->type == E820_TYPE_RESERVED_KERN;
}

/*
 * Find the next range of RAM, from entry *@i on.  Entries are sorted.  Merge
 * those that touch, then align the range inward: Linux does not use a page that
 * is RAM only in part.
 */
static bool page_enc_next_ram(const struct e820_entry *entry, u32 nr, u32 *i,
			      u64 *pfn, u64 *npages)
{
	u64 start, end, last;

	while (*i < nr) {
		start = entry[*i].addr;
		end = start + entry[*i].size;
		if (!page_enc_is_ram(&entry[(*i)++]))
			continue;

		while (*i < nr && page_enc_is_ram(&entry[*i]) && entry[*i].addr == end)
			end += entry[(*i)++].size;

		*pfn = start / PAGE_SIZE + !!(start % PAGE_SIZE);
		last = end / PAGE_SIZE;
		if (*pfn < last) {
			*npages = last - *pfn;
			return true;
		}
	}

	return false;
}

/*
 * Announce RAM as private.  Everything that is not RAM stays as firmware
 * announced it.
 */
int page_enc_send_ram_private(const struct page_enc_ops *ops,
			      const struct e820_entry *entry, u32 nr)
{
	u64 pfn, npages;
	u32 i = 0;
	int err;

	while (page_enc_next_ram(entry, nr, &i, &pfn, &npages)) {
		err = page_enc_send(ops, pfn, npages, true);
		if (err)
			return err;
	}

	return 0;
}

/*
 * Announce pages as the direct map has them, each page once: a shared page
 * would lose its content if it were private in between.  Pages that are not
 * mapped there, e.g. because of debug_pagealloc, are private.
 */
int page_enc_send_pages(const struct page_enc_ops *ops, unsigned long direct_map,
			u64 pfn, u64 npages)
{
	struct page_enc_walk walk = {
		.ops = ops, .run = page_enc_run_mapped, .direct_map = direct_map,
	};
	unsigned long vaddr = direct_map + PFN_PHYS(pfn);

	return page_enc_walk_range(&walk, vaddr, vaddr + PFN_PHYS(npages));
}

/* Announce all RAM as the direct map has it. */
int page_enc_send_ram(const struct page_enc_ops *ops, unsigned long direct_map,
		      const struct e820_entry *entry, u32 nr)
{
	u64 pfn, npages;
	u32 i = 0;
	int err;

	while (page_enc_next_ram(entry, nr, &i, &pfn, &npages)) {
		err = page_enc_send_pages(ops, direct_map, pfn, npages);
		if (err)
			return err;
	}

	return 0;
}
