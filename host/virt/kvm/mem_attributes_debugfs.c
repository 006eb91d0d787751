// SPDX-License-Identifier: GPL-2.0
/*
 * Memory attributes of a VM in debugfs.  The file is a table between header
 * lines and an "end" line with the sums, which tells a complete table from one
 * that was cut off.
 */
#include <linux/debugfs.h>
#include <linux/kvm_host.h>
#include <linux/seq_file.h>

#include "kvm_mm.h"

#define TABLE_VERSION	1
#define TABLE_END	LLONG_MAX

/* The line of the table that is shown next. */
struct table {
	/*
	 * Not a reference, with which an open file would keep the VM.  When the
	 * file is removed, debugfs waits for readers and allows no new ones.
	 */
	struct kvm *kvm;
	/* The extent of the line; without pages: the last line */
	struct kvm_memory_attribute_extent extent;

	/* Lines up to and including this one, and the pages in them. */
	u64 lines;
	u64 pages;
};

/* File positions: 0 is the header, then 1 + the end of the previous line. */
static void *mem_attr_table_start(struct seq_file *m, loff_t *pos)
{
	struct table *t = m->private;

	if (*pos == TABLE_END)
		return NULL;

	/* Show the line again if it did not fit into the last buffer. */
	if (*pos)
		return t;

	memset(&t->extent, 0, sizeof(t->extent));
	t->lines = 0;
	t->pages = 0;
	return SEQ_START_TOKEN;
}

static void *mem_attr_table_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct kvm_memory_attribute_extent *e;
	struct table *t = m->private;
	int r;

	e = &t->extent;
	if (v != SEQ_START_TOKEN && !e->npages) {
		*pos = TABLE_END;
		return NULL;
	}

	e->gfn += e->npages;
	*pos = 1 + e->gfn;
	r = kvm_find_mem_attributes(t->kvm, 1ULL << (64 - PAGE_SHIFT), e);
	if (r < 0)
		return ERR_PTR(r);

	t->lines += r;
	t->pages += e->npages;
	return t;
}

static void mem_attr_table_stop(struct seq_file *m, void *v)
{
}

static int mem_attr_table_show(struct seq_file *m, void *v)
{
	struct table *t = m->private;
	struct kvm_memory_attribute_extent *e = &t->extent;

	if (v == SEQ_START_TOKEN)
		seq_printf(m, "version %d\nextents\n", TABLE_VERSION);
	else if (!e->npages)
		seq_printf(m, "end %llu %llu\n", t->lines, t->pages);
	else
		seq_printf(m, "0x%016llx 0x%016llx %llu 0x%llx\n",
			   gfn_to_gpa(e->gfn), gfn_to_gpa(e->gfn + e->npages),
			   e->npages, e->attributes);
	return 0;
}

static const struct seq_operations mem_attr_table_ops = {
	.start	= mem_attr_table_start,
	.next	= mem_attr_table_next,
	.stop	= mem_attr_table_stop,
	.show	= mem_attr_table_show,
};

static int mem_attributes_open(struct inode *inode, struct file *file)
{
	struct table *t;

	t = __seq_open_private(file, &mem_attr_table_ops, sizeof(*t));
	if (!t)
		return -ENOMEM;

	t->kvm = inode->i_private;
	return 0;
}

static const struct file_operations mem_attributes_fops = {
	.owner		= THIS_MODULE,
	.open		= mem_attributes_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

void kvm_create_mem_attributes_debugfs(struct kvm *kvm)
{
	debugfs_create_file("mem_attributes", 0400, kvm->debugfs_dentry, kvm,
			    &mem_attributes_fops);
}
