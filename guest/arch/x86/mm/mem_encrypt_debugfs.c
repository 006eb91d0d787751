// SPDX-License-Identifier: GPL-2.0
/*
 * Show which memory of an encrypted guest the kernel has mapped decrypted
 *
 * debugfs file x86/mem_encrypt/decrypted: a line for each run of pages,
 *
 *	START END PAGES decrypted|mixed
 *
 * with physical addresses in ascending order, END excluded, and last of all
 *
 *	end RUNS PAGES
 *
 * The kernel's page tables are the only source, so the file can be compared
 * with what the hypervisor has been told.  "mixed" means that there is an
 * encrypted mapping as well, which is most likely a mistake.
 *
 * Only RAM is shown.  A page that is converted while the file is read may be
 * shown in either state.
 */

#include <linux/cc_platform.h>
#include <linux/debugfs.h>
#include <linux/ioport.h>
#include <linux/kasan.h>
#include <linux/memblock.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>
#include <asm/set_memory.h>

#include "mm_internal.h"

#define KERNEL_HALF	(-1UL << __VIRTUAL_MASK_SHIFT)

struct dentry *mem_encrypt_debugfs_dir;

/* How each page is mapped, by page frame number; may be both ways. */
struct mapped_pages {
	unsigned long nr;
	unsigned long *decrypted;
	unsigned long *encrypted;
	struct seq_file *m;
	unsigned long nr_runs;
	unsigned long nr_shown;
};

static void note_leaf(struct mapped_pages *pages, const struct kernel_leaf *leaf)
{
	unsigned long npages;

	if (!leaf->present || leaf->pfn >= pages->nr)
		return;

	npages = min(leaf->npages, pages->nr - leaf->pfn);
	bitmap_set(leaf->decrypted ? pages->decrypted : pages->encrypted,
		   leaf->pfn, npages);
}

#ifdef CONFIG_KASAN
/* The shadow maps one page of zeros over and over: a walk would take hours. */
static unsigned long skip_shadow(unsigned long vaddr)
{
	if (vaddr >= KASAN_SHADOW_START && vaddr < KASAN_SHADOW_END)
		return KASAN_SHADOW_END;
	return vaddr;
}
#else
static unsigned long skip_shadow(unsigned long vaddr)
{
	return vaddr;
}
#endif

static void walk_page_tables(struct mapped_pages *pages)
{
	unsigned long vaddr = KERNEL_HALF;
	struct kernel_leaf leaf;
	unsigned int n = 0;

	/* This keeps page tables in place, as in ptdump. */
	mmap_write_lock(&init_mm);
	while (vaddr >= KERNEL_HALF) {	/* the end of it is 0 */
		vaddr = skip_shadow(vaddr);
		lookup_kernel_leaf(vaddr, &leaf);
		note_leaf(pages, &leaf);
		vaddr = ALIGN_DOWN(vaddr, leaf.npages << PAGE_SHIFT) +
			(leaf.npages << PAGE_SHIFT);
		if (!(++n % 4096))
			cond_resched();
	}
	mmap_write_unlock(&init_mm);
}

static int show_ram(unsigned long pfn, unsigned long npages, void *arg)
{
	struct mapped_pages *pages = arg;
	unsigned long end = min(pfn + npages, pages->nr), next;
	bool mixed;

	for (;; pfn = next) {
		pfn = find_next_bit(pages->decrypted, end, pfn);
		if (pfn >= end)
			return 0;

		mixed = test_bit(pfn, pages->encrypted);
		next = find_next_zero_bit(pages->decrypted, end, pfn);
		if (mixed)
			next = find_next_zero_bit(pages->encrypted, next, pfn);
		else
			next = find_next_bit(pages->encrypted, next, pfn);

		seq_printf(pages->m, "0x%016llx 0x%016llx %lu %s\n",
			   PFN_PHYS(pfn), PFN_PHYS(next), next - pfn,
			   mixed ? "mixed" : "decrypted");
		pages->nr_runs++;
		pages->nr_shown += next - pfn;
	}
}

static int show_pages(struct mapped_pages *pages)
{
	int err;

	walk_page_tables(pages);
	err = walk_system_ram_range(0, pages->nr, pages, show_ram);
	if (err)
		return err;

	seq_printf(pages->m, "end %lu %lu\n", pages->nr_runs, pages->nr_shown);
	return 0;
}

static int decrypted_show(struct seq_file *m, void *unused)
{
	/* bitmap_set() takes no more. */
	struct mapped_pages pages = { .m = m, .nr = min_t(unsigned long, max_pfn, INT_MAX) };
	int err = -ENOMEM;

	get_online_mems();
	pages.decrypted = vzalloc(BITS_TO_LONGS(pages.nr) * sizeof(long));
	pages.encrypted = vzalloc(BITS_TO_LONGS(pages.nr) * sizeof(long));
	if (pages.decrypted && pages.encrypted)
		err = show_pages(&pages);
	vfree(pages.encrypted);
	vfree(pages.decrypted);
	put_online_mems();

	return err;
}
DEFINE_SHOW_ATTRIBUTE(decrypted);

static int __init mem_encrypt_debugfs_init(void)
{
	if (!cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return 0;

	mem_encrypt_debugfs_dir = debugfs_create_dir("mem_encrypt", arch_debugfs_dir);
	debugfs_create_file("decrypted", 0400, mem_encrypt_debugfs_dir, NULL,
			    &decrypted_fops);
	return 0;
}
device_initcall(mem_encrypt_debugfs_init);
