// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that private memory of a VM takes, in debugfs.
 *
 * A page that may be private has two places for its content: guest_memfd and
 * the mapping of userspace.  It takes memory twice if both have some.  So both
 * are counted.
 *
 * That takes long in a large VM.  It is done for a part of a memslot at a time.
 * Others that need memslots, or the mapping, get their turn in between.
 *
 * An open file holds no reference to the VM.  debugfs lets the removal of a
 * file wait for readers, so the VM exists while this runs.
 */
#include <linux/debugfs.h>
#include <linux/hugetlb.h>
#include <linux/kvm_host.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "page_enc.h"
#include "private_mem.h"

/* Pages to look at in one go. */
#define STEP_GFNS	SZ_16K

/**
 * struct count - numbers of pages that have memory
 * @gfn:	page to continue with
 * @private:	in guest_memfd, of private pages
 * @stale_private: in guest_memfd, of shared pages
 * @stale_shared: in the mapping of userspace, of private pages
 */
struct count {
	gfn_t gfn;
	u64 private;
	u64 stale_private;
	u64 stale_shared;
};

/*
 * Count pages of [addr, end) that are mapped by one page table, and set *next
 * to the address behind it.
 */
static u64 count_in_table(struct vm_area_struct *vma, unsigned long addr,
			  unsigned long end, unsigned long *next)
{
	u64 pages = 0;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte, *ptep;

	/* As in host_pfn_mapping_level(), each entry is read once. */
	*next = pgd_addr_end(addr, end);
	pgd = READ_ONCE(*pgd_offset(vma->vm_mm, addr));
	if (pgd_none(pgd))
		return 0;

	*next = p4d_addr_end(addr, end);
	p4d = READ_ONCE(*p4d_offset(&pgd, addr));
	if (!p4d_present(p4d))
		return 0;

	*next = pud_addr_end(addr, end);
	pud = READ_ONCE(*pud_offset(&p4d, addr));
	if (!pud_present(pud))
		return 0;
	if (pud_leaf(pud))
		return (*next - addr) >> PAGE_SHIFT;

	*next = pmd_addr_end(addr, end);
	pmd = READ_ONCE(*pmd_offset(&pud, addr));
	if (!pmd_present(pmd))
		return 0;
	if (pmd_leaf(pmd))
		return is_vm_hugetlb_page(vma) || PageAnon(pmd_page(pmd)) ?
		       (*next - addr) >> PAGE_SHIFT : 0;

	for (ptep = pte_offset_kernel(&pmd, addr); addr < *next; ptep++, addr += PAGE_SIZE) {
		pte = ptep_get(ptep);
		/* Neither the zero page nor those of a file are anonymous. */
		if (pte_present(pte) && !pte_special(pte) &&
		    pfn_valid(pte_pfn(pte)) && PageAnon(pte_page(pte)))
			pages++;
	}
	return pages;
}

/* Count pages of [addr, end) that are private to the mapping. */
static u64 count_mapped(struct vm_area_struct *vma, unsigned long addr,
			unsigned long end)
{
	unsigned long flags, next;
	u64 pages = 0;

	for (; addr < end; addr = next) {
		/* Page tables can't be freed while interrupts are off. */
		local_irq_save(flags);
		pages += count_in_table(vma, addr, end, &next);
		local_irq_restore(flags);
	}
	return pages;
}

/* Count pages of [addr, end) in the page cache of the mapped file. */
static u64 count_cached(struct vm_area_struct *vma, unsigned long addr,
			unsigned long end)
{
	pgoff_t first = linear_page_index(vma, addr);
	pgoff_t last = linear_page_index(vma, end - 1), index = first;
	struct folio_batch batch;
	struct folio *folio;
	unsigned int i;
	u64 pages = 0;

	folio_batch_init(&batch);
	while (filemap_get_folios(vma->vm_file->f_mapping, &index, last, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++) {
			folio = batch.folios[i];
			pages += min(folio_next_index(folio), last + 1) -
				 max(folio->index, first);
		}
		folio_batch_release(&batch);
	}
	return pages;
}

/* Count pages of [addr, end) that have memory, in page tables or not. */
static u64 count_resident(struct mm_struct *mm, unsigned long addr,
			  unsigned long end)
{
	struct vm_area_struct *vma;
	unsigned long vma_end;
	u64 pages = 0;

	while (addr < end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start >= end)
			break;

		addr = max(addr, vma->vm_start);
		vma_end = min(end, vma->vm_end);
		if (vma->vm_file && vma->vm_flags & VM_SHARED &&
		    !is_vm_hugetlb_page(vma))
			pages += count_cached(vma, addr, vma_end);
		else
			pages += count_mapped(vma, addr, vma_end);
		addr = vma_end;
	}
	return pages;
}

/*
 * Count private pages [gfn, end) of a memslot that have memory in the mapping
 * of userspace.
 */
static int count_stale_shared(struct kvm *kvm, const struct kvm_memory_slot *slot,
			      gfn_t gfn, gfn_t end, u64 *pages)
{
	struct kvm_memory_attribute_extent e = { .gfn = gfn };
	unsigned long addr;
	int r;

	if (mmap_read_lock_killable(kvm->mm))
		return -EINTR;

	while ((r = kvm_find_mem_attributes(kvm, end, &e)) > 0) {
		addr = __gfn_to_hva_memslot(slot, e.gfn);
		if (e.attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE)
			*pages += count_resident(kvm->mm, addr,
						 addr + (e.npages << PAGE_SHIFT));
		e.gfn += e.npages;
	}
	mmap_read_unlock(kvm->mm);
	return r;
}

static int count_in_slot(struct kvm *kvm, struct kvm_memory_slot *slot,
			 struct count *c)
{
	gfn_t gfn = max(c->gfn, slot->base_gfn);
	gfn_t end = slot->base_gfn + slot->npages;
	int r;

	c->gfn = end;
	if (!kvm_slot_can_be_private(slot))
		return 0;

	c->gfn = min(end, gfn + STEP_GFNS);
	r = kvm_gmem_count(kvm, slot, gfn, c->gfn, &c->private, &c->stale_private);
	if (r)
		return r;
	return count_stale_shared(kvm, slot, gfn, c->gfn, &c->stale_shared);
}

/* Returns 1, 0 when there is no memslot any more, or an error. */
static int count_step(struct kvm *kvm, struct count *c)
{
	struct kvm_memory_slot *slot;
	int idx, r = 0;

	idx = srcu_read_lock(&kvm->srcu);
	slot = kvm_first_user_memslot(kvm, c->gfn, BIT_ULL(52 - PAGE_SHIFT));
	if (slot)
		r = count_in_slot(kvm, slot, c) ?: 1;
	srcu_read_unlock(&kvm->srcu, idx);
	return r;
}

static int count_all(struct kvm *kvm, struct count *c)
{
	int r;

	do {
		/* The end of the VM waits for this reader. */
		if (!refcount_read(&kvm->users_count))
			return -ENODEV;
		if (fatal_signal_pending(current))
			return -EINTR;
		r = count_step(kvm, c);
		cond_resched();
	} while (r > 0);
	return r;
}

static int private_mem_show(struct seq_file *m, void *v)
{
	struct kvm *kvm = m->private;
	struct count c = {};
	int r;

	/* Userspace has exited, and the VM is about to follow. */
	if (!mmget_not_zero(kvm->mm))
		return -ENODEV;

	r = count_all(kvm, &c);
	mmput(kvm->mm);
	if (r)
		return r;

	seq_printf(m, "version 1\nflags 0x%llx\n", kvm->arch.private_mem_flags);
	seq_printf(m, "private_bytes %llu\n", c.private << PAGE_SHIFT);
	seq_printf(m, "double_backed_bytes %llu\n",
		   (c.stale_private + c.stale_shared) << PAGE_SHIFT);
	seq_printf(m, "stale_private_bytes %llu\n", c.stale_private << PAGE_SHIFT);
	seq_printf(m, "stale_shared_bytes %llu\nend\n", c.stale_shared << PAGE_SHIFT);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(private_mem);

void kvm_private_mem_create_debugfs(struct kvm *kvm)
{
	if (kvm_arch_has_private_mem(kvm))
		debugfs_create_file("private_mem", 0400, kvm->debugfs_dentry, kvm,
				    &private_mem_fops);
}
