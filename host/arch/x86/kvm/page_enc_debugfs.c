// SPDX-License-Identifier: GPL-2.0
/*
 * Page encryption status of a VM in debugfs.
 *
 * Both files are a table between header lines and an "end" line with the sums,
 * which tells a complete table from one that was cut off.  A table is read a
 * buffer at a time while the guest runs.  Each line was true when it was made,
 * but maybe not all at the same time.
 */
#include <linux/debugfs.h>
#include <linux/kvm_host.h>
#include <linux/seq_file.h>

#include "page_enc.h"
#include "sev_sim.h"

#define TABLE_VERSION	1

/* A line of a table, and its position there */
struct table {
	/*
	 * Not a reference, with which an open file would keep the VM.  When the
	 * file is removed, debugfs waits for readers and allows no new ones.
	 */
	struct kvm *kvm;

	/*
	 * Looks for the first line at or after gfn start and fills in the line;
	 * false if there is none.
	 */
	bool (*find)(struct table *t);
	/* Prints what is special about a line. */
	void (*show)(struct seq_file *m, struct table *t);
	/* Prints the lines before the first. */
	void (*header)(struct seq_file *m, struct table *t);

	/* The line. */
	gfn_t start;
	gfn_t end;
	int slot_id;
	u32 slot_flags;
	bool at_end;

	/* Lines up to and including this one, and the pages in them. */
	u64 lines;
	u64 pages;
};

/* File positions: 0 is the header, 1 + gfn the first line at or after gfn. */
static void *page_enc_table_find(struct table *t, gfn_t gfn)
{
	t->start = gfn;
	t->at_end = !t->find(t);
	if (!t->at_end) {
		t->lines++;
		t->pages += t->end - t->start;
	}
	return t;
}

static void *page_enc_table_start(struct seq_file *m, loff_t *pos)
{
	struct table *t = m->private;

	if (!*pos) {
		t->lines = 0;
		t->pages = 0;
		return SEQ_START_TOKEN;
	}
	if (*pos == LLONG_MAX)
		return NULL;

	/* Show the line again if it did not fit into the last buffer. */
	return t;
}

static void *page_enc_table_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct table *t = m->private;

	if (v != SEQ_START_TOKEN && t->at_end) {
		*pos = LLONG_MAX;
		return NULL;
	}

	page_enc_table_find(t, v == SEQ_START_TOKEN ? 0 : t->end);
	*pos = 1 + (t->at_end ? LLONG_MAX - 2 : t->start);
	return t;
}

static void page_enc_table_stop(struct seq_file *m, void *v)
{
}

static int page_enc_table_show(struct seq_file *m, void *v)
{
	struct table *t = m->private;

	if (v == SEQ_START_TOKEN) {
		seq_printf(m, "version %d\n", TABLE_VERSION);
		t->header(m, t);
	} else if (t->at_end) {
		seq_printf(m, "end %llu %llu\n", t->lines, t->pages);
	} else {
		seq_printf(m, "0x%016llx 0x%016llx %llu ", gfn_to_gpa(t->start),
			   gfn_to_gpa(t->end), t->end - t->start);
		t->show(m, t);
	}
	return 0;
}

static const struct seq_operations page_enc_table_ops = {
	.start	= page_enc_table_start,
	.next	= page_enc_table_next,
	.stop	= page_enc_table_stop,
	.show	= page_enc_table_show,
};

static int page_enc_table_open(struct inode *inode, struct file *file,
			       const struct table *kind)
{
	struct table *t;

	t = __seq_open_private(file, &page_enc_table_ops, sizeof(*t));
	if (!t)
		return -ENOMEM;

	*t = *kind;
	t->kvm = inode->i_private;
	return 0;
}

static bool find_extent(struct table *t)
{
	struct kvm_page_enc *enc = t->kvm->arch.page_enc;

	if (!enc)
		return false;

	guard(mutex)(&enc->map.lock);
	return page_enc_map_next_shared(&enc->map, &t->start, &t->end);
}

static void show_extent(struct seq_file *m, struct table *t)
{
	seq_puts(m, "shared\n");
}

static void extents_header(struct seq_file *m, struct table *t)
{
	unsigned int c_bit = kvm_sev_sim_c_bit(t->kvm);

	seq_printf(m, "enabled %d\n", !!t->kvm->arch.page_enc);
	seq_printf(m, "sev_sim %d\n", !!c_bit);
	seq_printf(m, "c_bit %d\n", c_bit ? (int)c_bit : -1);
	seq_puts(m, "extents\n");
}

static int page_enc_map_open(struct inode *inode, struct file *file)
{
	static const struct table extents = {
		.find = find_extent,
		.show = show_extent,
		.header = extents_header,
	};

	return page_enc_table_open(inode, file, &extents);
}

static const struct file_operations page_enc_map_fops = {
	.owner		= THIS_MODULE,
	.open		= page_enc_map_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

/* Did userspace create the slot, in the address space outside of SMM? */
static bool is_user_slot(struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS &&
	       !(slot->flags & KVM_MEMSLOT_INVALID);
}

static bool find_user_slot(struct table *t, struct kvm_memslots *slots)
{
	struct kvm_memslot_iter iter;

	kvm_for_each_memslot_in_gfn_range(&iter, slots, t->start, ULLONG_MAX) {
		struct kvm_memory_slot *slot = iter.slot;

		/* A new slot may begin before the end of the last line's. */
		if (slot->base_gfn < t->start || !is_user_slot(slot))
			continue;

		t->start = slot->base_gfn;
		t->end = slot->base_gfn + slot->npages;
		t->slot_id = slot->id;
		t->slot_flags = slot->flags;
		return true;
	}
	return false;
}

static bool find_slot(struct table *t)
{
	struct kvm *kvm = t->kvm;
	bool found;
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	found = find_user_slot(t, kvm_memslots(kvm));
	srcu_read_unlock(&kvm->srcu, idx);
	return found;
}

static void show_slot(struct seq_file *m, struct table *t)
{
	seq_printf(m, "%d %s%s\n", t->slot_id,
		   t->slot_flags & KVM_MEM_READONLY ? "ro" : "rw",
		   t->slot_flags & KVM_MEM_LOG_DIRTY_PAGES ? ",log" : "");
}

static void slots_header(struct seq_file *m, struct table *t)
{
	seq_puts(m, "slots\n");
}

static int page_enc_slots_open(struct inode *inode, struct file *file)
{
	static const struct table slots = {
		.find = find_slot,
		.show = show_slot,
		.header = slots_header,
	};

	return page_enc_table_open(inode, file, &slots);
}

static const struct file_operations page_enc_slots_fops = {
	.owner		= THIS_MODULE,
	.open		= page_enc_slots_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

void kvm_page_enc_create_debugfs(struct kvm *kvm)
{
	debugfs_create_file("page_enc_map", 0400, kvm->debugfs_dentry, kvm,
			    &page_enc_map_fops);
	debugfs_create_file("page_enc_slots", 0400, kvm->debugfs_dentry, kvm,
			    &page_enc_slots_fops);
}
