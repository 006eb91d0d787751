// SPDX-License-Identifier: GPL-2.0
/*
 * Announce the encryption status of pages to the KVM host
 *
 * The host of an SEV guest cannot see the C-bit in the guest's page tables.
 * Here it is told, with KVM_HC_MAP_GPA_RANGE, which pages became shared or
 * private, and with MSR_KVM_MIGRATION_CONTROL (READY) that what it was told is
 * complete and current.
 *
 * Announcements follow the change of the page tables.  That is enough, because
 * the content of a page is undefined from the moment its change begins until
 * set_memory_*() returns, provided that the host sends every page again whose
 * status changed.
 */

#define pr_fmt(fmt) "kvm-guest: page encryption status: " fmt

#include <linux/atomic.h>
#include <linux/cc_platform.h>
#include <linux/debugfs.h>
#include <linux/efi.h>
#include <linux/init.h>
#include <linux/kvm_para.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/reboot.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>
#include <linux/workqueue.h>
#include <asm/coco.h>
#include <asm/e820/api.h>
#include <asm/kvm_page_enc.h>
#include <asm/msr.h>
#include <asm/set_memory.h>
#include <asm/x86_init.h>

#define CREATE_TRACE_POINTS
#include "kvm_page_enc_trace.h"

/*
 * Upper limit of one call, so that no call keeps a vCPU in the host for long.
 * A power of two: calls end at multiples of it, which keeps size hints intact.
 */
#define PAGE_ENC_MAX_PAGES	(SZ_1G >> PAGE_SHIFT)

DEFINE_STATIC_KEY_FALSE(kvm_page_enc_on);

/* A page table entry that maps something, whatever its level. */
struct page_enc_leaf {
	u64 pfn;
	unsigned long npages;
	bool shared;
};

/* What the logic needs from the outside; the tests have their own. */
struct page_enc_ops {
	/* Where nothing is mapped: an error, and the size of the hole. */
	int (*leaf)(unsigned long vaddr, struct page_enc_leaf *leaf);
	long (*map_gpa_range)(u64 gpa, u64 npages, unsigned long attrs);
};

static unsigned long page_enc_attrs(u64 pfn, u64 npages, bool enc)
{
	unsigned long attrs = KVM_MAP_GPA_RANGE_ENC_STAT((unsigned long)enc);

	if (IS_ALIGNED(pfn | npages, SZ_1G >> PAGE_SHIFT))
		return attrs | KVM_MAP_GPA_RANGE_PAGE_SZ_1G;
	if (IS_ALIGNED(pfn | npages, SZ_2M >> PAGE_SHIFT))
		return attrs | KVM_MAP_GPA_RANGE_PAGE_SZ_2M;
	return attrs | KVM_MAP_GPA_RANGE_PAGE_SZ_4K;
}

/* The host may answer anything, and what it answers ends up in callers. */
static int page_enc_errno(long ret)
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

/* Announce contiguous pages, in as few calls as the limit allows. */
static int page_enc_send(const struct page_enc_ops *ops, u64 pfn, u64 npages,
			 bool enc)
{
	int err;
	u64 n;

	for (; npages; pfn += n, npages -= n) {
		n = PAGE_ENC_MAX_PAGES - (pfn & (PAGE_ENC_MAX_PAGES - 1));
		n = min(n, npages);
		err = page_enc_errno(ops->map_gpa_range(PFN_PHYS(pfn), n,
							page_enc_attrs(pfn, n, enc)));
		if (err)
			return err;
	}

	return 0;
}

/*
 * Announce the physical pages behind [vaddr, end): clip leaves to what was
 * asked for and merge neighbours.  Nothing behind the first refused call or
 * missing leaf is announced.
 */
static int page_enc_send_range(const struct page_enc_ops *ops,
			       unsigned long vaddr, unsigned long end, bool enc)
{
	struct page_enc_leaf leaf;
	u64 pfn = 0, npages = 0;
	unsigned long skip, n;
	int err = 0, ret;

	for (; vaddr < end; vaddr += n << PAGE_SHIFT) {
		err = ops->leaf(vaddr, &leaf);
		if (err)
			break;

		skip = PFN_DOWN(vaddr) & (leaf.npages - 1);
		n = min(leaf.npages - skip, PFN_DOWN(end - vaddr));

		if (npages && pfn + npages != leaf.pfn + skip) {
			ret = page_enc_send(ops, pfn, npages, enc);
			if (ret)
				return ret;
			npages = 0;
		}
		if (!npages)
			pfn = leaf.pfn + skip;
		npages += n;
	}

	ret = page_enc_send(ops, pfn, npages, enc);

	return ret ?: err;
}

typedef int (*page_enc_fn)(u64 pfn, u64 npages, void *arg);

/* Call @fn for each contiguous run of shared pages mapped in [vaddr, end). */
static int page_enc_walk_shared(const struct page_enc_ops *ops,
				unsigned long vaddr, unsigned long end,
				page_enc_fn fn, void *arg)
{
	struct page_enc_leaf leaf;
	u64 pfn = 0, npages = 0;
	unsigned long skip, n;
	int err;

	for (; vaddr < end; vaddr += n << PAGE_SHIFT) {
		err = ops->leaf(vaddr, &leaf);

		skip = PFN_DOWN(vaddr) & (leaf.npages - 1);
		n = min(leaf.npages - skip, PFN_DOWN(end - vaddr));
		if (err || !leaf.shared)
			continue;

		if (npages && pfn + npages != leaf.pfn + skip) {
			err = fn(pfn, npages, arg);
			if (err)
				return err;
			npages = 0;
		}
		if (!npages)
			pfn = leaf.pfn + skip;
		npages += n;
	}

	return npages ? fn(pfn, npages, arg) : 0;
}

static bool page_enc_is_ram(const struct e820_entry *entry)
{
	/* RESERVED_KERN is RAM where a boot loader left setup_data. */
	return entry->type == E820_TYPE_RAM ||
	       entry->type == E820_TYPE_RESERVED_KERN;
}

/*
 * Announce RAM as private.  Entries are sorted; those that touch are merged,
 * the rest is aligned inward: a page that is RAM only in part is not Linux'.
 * Everything that is not RAM stays as firmware announced it.
 */
static int page_enc_send_ram_private(const struct page_enc_ops *ops,
				     const struct e820_entry *entry, u32 nr)
{
	u64 start, end, first, last;
	int err;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (!page_enc_is_ram(&entry[i]))
			continue;

		start = entry[i].addr;
		end = start + entry[i].size;
		while (i + 1 < nr && page_enc_is_ram(&entry[i + 1]) &&
		       entry[i + 1].addr == end)
			end += entry[++i].size;

		first = start / PAGE_SIZE + !!(start % PAGE_SIZE);
		last = end / PAGE_SIZE;
		if (first >= last)
			continue;

		err = page_enc_send(ops, first, last - first, true);
		if (err)
			return err;
	}

	return 0;
}

/*
 * Negotiation
 */
enum page_enc_mode {
	PAGE_ENC_AUTO,
	PAGE_ENC_OFF,
	PAGE_ENC_ON,
};

struct page_enc_env {
	bool sev;	/* encrypted memory, and VMMCALL does not fault */
	bool hypercall;	/* KVM_FEATURE_HC_MAP_GPA_RANGE */
	bool msr;	/* KVM_FEATURE_MIGRATION_CONTROL */
	bool efi;	/* firmware may have shared pages of its own */
	enum page_enc_mode mode;
};

enum page_enc_verdict {
	PAGE_ENC_NOT_SEV,
	PAGE_ENC_OPTED_OUT,
	PAGE_ENC_NO_HYPERCALL,
	/* From here on hypercalls are made. */
	PAGE_ENC_NO_MSR,
	PAGE_ENC_REFUSED,
	PAGE_ENC_ASK_FIRMWARE,
	PAGE_ENC_READY,
};

static const char * const page_enc_why[] = {
	[PAGE_ENC_NOT_SEV]	= "not announced: no SEV guest",
	[PAGE_ENC_OPTED_OUT]	= "not announced: kvm_page_enc=off",
	[PAGE_ENC_NO_HYPERCALL]	= "not announced: no KVM_HC_MAP_GPA_RANGE",
	[PAGE_ENC_NO_MSR]	= "announced, not READY: no MSR_KVM_MIGRATION_CONTROL",
	[PAGE_ENC_REFUSED]	= "announced, not READY: the host refused some of it",
	[PAGE_ENC_ASK_FIRMWARE]	= "announced, READY is up to EFI firmware",
	[PAGE_ENC_READY]	= "announced, READY",
};

static enum page_enc_verdict page_enc_decide(const struct page_enc_env *env)
{
	if (!env->sev)
		return PAGE_ENC_NOT_SEV;
	if (env->mode == PAGE_ENC_OFF)
		return PAGE_ENC_OPTED_OUT;
	if (!env->hypercall)
		return PAGE_ENC_NO_HYPERCALL;
	if (!env->msr)
		return PAGE_ENC_NO_MSR;
	if (env->efi && env->mode != PAGE_ENC_ON)
		return PAGE_ENC_ASK_FIRMWARE;
	return PAGE_ENC_READY;
}

/*
 * State
 */
#define PAGE_ENC_S_ANNOUNCE	BIT(0)	/* hypercalls are made */
#define PAGE_ENC_S_COMPLETE	BIT(1)	/* the host has been told everything */
#define PAGE_ENC_S_READY	BIT(2)	/* and knows that */

enum page_enc_event {
	PAGE_ENC_EV_COMPLETE,	/* nothing is missing, firmware's pages included */
	PAGE_ENC_EV_LEAVE,	/* this kernel is about to stop */
	PAGE_ENC_EV_STAY,	/* ... and did not */
	PAGE_ENC_EV_MUTE,	/* it stopped, or the host stopped listening */
};

static unsigned int page_enc_next(unsigned int state, enum page_enc_event event)
{
	switch (event) {
	case PAGE_ENC_EV_COMPLETE:
		if (state & PAGE_ENC_S_ANNOUNCE)
			state |= PAGE_ENC_S_COMPLETE | PAGE_ENC_S_READY;
		return state;
	case PAGE_ENC_EV_LEAVE:
		return state & ~PAGE_ENC_S_READY;
	case PAGE_ENC_EV_STAY:
		if (state & PAGE_ENC_S_COMPLETE)
			state |= PAGE_ENC_S_READY;
		return state;
	case PAGE_ENC_EV_MUTE:
		return 0;
	}

	return state;
}

static atomic_t page_enc_state = ATOMIC_INIT(0);

static bool page_enc_is(unsigned int flag)
{
	return atomic_read(&page_enc_state) & flag;
}

static int page_enc_write_ready(bool ready)
{
	return wrmsrl_safe(MSR_KVM_MIGRATION_CONTROL,
			   ready ? KVM_MIGRATION_READY : 0);
}

/* Runs in any context, a crashing kernel's included: no lock, no sleep. */
static void page_enc_event(enum page_enc_event event)
{
	int old = atomic_read(&page_enc_state);
	int new;

	do {
		new = page_enc_next(old, event);
	} while (!atomic_try_cmpxchg(&page_enc_state, &old, new));

	if (!((old ^ new) & PAGE_ENC_S_READY))
		return;

	/* A host without the MSR is never asked again. */
	if (page_enc_write_ready(new & PAGE_ENC_S_READY)) {
		atomic_andnot(PAGE_ENC_S_COMPLETE | PAGE_ENC_S_READY,
			      &page_enc_state);
		return;
	}

	/* The one that withdraws wins against the one that sets. */
	if ((new & PAGE_ENC_S_READY) && !page_enc_is(PAGE_ENC_S_READY))
		page_enc_write_ready(false);
}

/*
 * The host side
 */
static atomic_long_t page_enc_nr_calls;
static atomic_long_t page_enc_nr_refused;
static atomic_long_t page_enc_nr_shared;
static atomic_long_t page_enc_nr_private;

static void page_enc_key_off(struct work_struct *work)
{
	static_branch_disable(&kvm_page_enc_on);
}

static DECLARE_WORK(page_enc_key_work, page_enc_key_off);

/* For instance after a migration to an older host. */
static void page_enc_unsupported(void)
{
	static atomic_t told = ATOMIC_INIT(0);

	page_enc_event(PAGE_ENC_EV_MUTE);
	if (atomic_xchg(&told, 1))
		return;

	pr_info("not announced any more: the host does not know KVM_HC_MAP_GPA_RANGE\n");

	/* Callers may hold the CPU hotplug lock, except this early. */
	if (system_state == SYSTEM_BOOTING)
		page_enc_key_off(NULL);
	else
		schedule_work(&page_enc_key_work);
}

static long page_enc_hypercall(u64 gpa, u64 npages, unsigned long attrs)
{
	long ret = kvm_sev_hypercall3(KVM_HC_MAP_GPA_RANGE, gpa, npages, attrs);

	atomic_long_inc(&page_enc_nr_calls);
	if (ret)
		atomic_long_inc(&page_enc_nr_refused);
	else if (attrs & KVM_MAP_GPA_RANGE_ENCRYPTED)
		atomic_long_add(npages, &page_enc_nr_private);
	else
		atomic_long_add(npages, &page_enc_nr_shared);
	trace_kvm_page_enc_announce(gpa, npages, attrs, ret);

	return ret;
}

static int page_enc_lookup(unsigned long vaddr, struct page_enc_leaf *leaf)
{
	unsigned int level;
	pte_t *pte = lookup_address(vaddr, &level);

	leaf->npages = page_level_size(level) >> PAGE_SHIFT;
	if (!pte || pte_none(*pte))
		return -EFAULT;

	switch (level) {
	case PG_LEVEL_4K:
		leaf->pfn = pte_pfn(*pte);
		break;
	case PG_LEVEL_2M:
		leaf->pfn = pmd_pfn(*(pmd_t *)pte);
		break;
	case PG_LEVEL_1G:
		leaf->pfn = pud_pfn(*(pud_t *)pte);
		break;
	default:
		return -EFAULT;
	}
	leaf->shared = (pte_val(*pte) & (_PAGE_PRESENT | _PAGE_ENC)) == _PAGE_PRESENT;

	return 0;
}

static const struct page_enc_ops page_enc_ops = {
	.leaf = page_enc_lookup,
	.map_gpa_range = page_enc_hypercall,
};

int __kvm_page_enc_changed(unsigned long vaddr, unsigned long npages, bool enc)
{
	int err;

	if (!page_enc_is(PAGE_ENC_S_ANNOUNCE))
		return 0;

	vaddr &= PAGE_MASK;
	err = page_enc_send_range(&page_enc_ops, vaddr,
				  vaddr + (npages << PAGE_SHIFT), enc);
	if (err == -EOPNOTSUPP) {
		page_enc_unsupported();
		return 0;
	}
	if (err)
		pr_warn_ratelimited("%lu pages at %#lx not announced as %s: %d\n",
				    npages, vaddr, enc ? "private" : "shared",
				    err);

	return err;
}

static int page_enc_reset(void)
{
	return page_enc_send_ram_private(&page_enc_ops, e820_table->entries,
					 e820_table->nr_entries);
}

/*
 * All that Linux shares has its C-bit clear in the direct map, except for
 * .bss..decrypted, which is shared in the mapping of the kernel image only.
 */
static int page_enc_all_shared(page_enc_fn fn, void *arg)
{
	int err;

	err = page_enc_walk_shared(&page_enc_ops, PAGE_OFFSET,
				   PAGE_OFFSET + get_max_mapped(), fn, arg);
	if (err)
		return err;

	return page_enc_walk_shared(&page_enc_ops,
				    (unsigned long)__start_bss_decrypted,
				    (unsigned long)__end_bss_decrypted,
				    fn, arg);
}

static int page_enc_send_shared(u64 pfn, u64 npages, void *arg)
{
	return page_enc_send(&page_enc_ops, pfn, npages, false);
}

/* Replace whatever view the host has by what the page tables say. */
static int page_enc_announce_all(void)
{
	return page_enc_reset() ?: page_enc_all_shared(page_enc_send_shared, NULL);
}

/*
 * Leaving
 */
static void page_enc_kexec_begin(void)
{
	/* A crashing kernel is mute already and must not wait for others. */
	if (page_enc_is(PAGE_ENC_S_ANNOUNCE))
		set_memory_enc_stop_conversion();
}

/*
 * The next kernel may be one that announces nothing: leave it a host that
 * takes all RAM for private.  This is the only CPU, and the kernel's last
 * access to shared memory was before.
 */
static void page_enc_kexec_finish(void)
{
	int err;

	if (!page_enc_is(PAGE_ENC_S_ANNOUNCE))
		return;

	err = page_enc_reset();
	if (err)
		pr_err("cannot return RAM to private: %d\n", err);
	page_enc_event(PAGE_ENC_EV_MUTE);
}

/* Nothing is reset: the memory belongs to what is to be dumped. */
void kvm_page_enc_crash(void)
{
	page_enc_event(PAGE_ENC_EV_MUTE);
}

static int page_enc_reboot(struct notifier_block *nb, unsigned long code,
			   void *unused)
{
	page_enc_event(PAGE_ENC_EV_LEAVE);
	return NOTIFY_DONE;
}

static struct notifier_block page_enc_reboot_nb = {
	.notifier_call = page_enc_reboot,
};

/*
 * A kernel that is resumed from an image finds the view that the host had of
 * the kernel that loaded the image.  READY is withdrawn by both before, the
 * one when it is written, the other when it loads.
 */
static int page_enc_pm(struct notifier_block *nb, unsigned long action,
		       void *unused)
{
	int err;

	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		page_enc_event(PAGE_ENC_EV_LEAVE);
		break;
	case PM_POST_HIBERNATION:
		if (!page_enc_is(PAGE_ENC_S_ANNOUNCE))
			break;
		err = page_enc_announce_all();
		if (err)
			pr_warn("not READY: cannot announce all again: %d\n", err);
		else
			page_enc_event(PAGE_ENC_EV_STAY);
		break;
	case PM_POST_RESTORE:
		page_enc_event(PAGE_ENC_EV_STAY);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block page_enc_pm_nb = {
	.notifier_call = page_enc_pm,
};

/* The VMM may have reset MSRs along with the vCPUs. */
static void page_enc_resume(void *data)
{
	if (page_enc_is(PAGE_ENC_S_READY))
		page_enc_write_ready(true);
}

static const struct syscore_ops page_enc_syscore_ops = {
	.resume = page_enc_resume,
};

static struct syscore page_enc_syscore = {
	.ops = &page_enc_syscore_ops,
};

/*
 * Start
 */
static enum page_enc_mode page_enc_mode __initdata;
static enum page_enc_verdict page_enc_verdict __initdata;

static int __init page_enc_param(char *arg)
{
	if (!arg)
		return -EINVAL;

	if (!strcmp(arg, "off"))
		page_enc_mode = PAGE_ENC_OFF;
	else if (!strcmp(arg, "on"))
		page_enc_mode = PAGE_ENC_ON;
	else if (!strcmp(arg, "auto"))
		page_enc_mode = PAGE_ENC_AUTO;
	else
		return -EINVAL;

	return 0;
}
early_param("kvm_page_enc", page_enc_param);

/* Bring the host to the state that the page tables have this early. */
static int __init page_enc_start(void)
{
	int err = page_enc_reset();

	if (err)
		return err;

	return page_enc_send_range(&page_enc_ops,
				   (unsigned long)__start_bss_decrypted,
				   (unsigned long)__end_bss_decrypted, false);
}

void __init kvm_page_enc_init(void)
{
	struct page_enc_env env = {
		.sev = cc_vendor == CC_VENDOR_AMD &&
		       cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT),
		.hypercall = kvm_para_has_feature(KVM_FEATURE_HC_MAP_GPA_RANGE),
		.msr = kvm_para_has_feature(KVM_FEATURE_MIGRATION_CONTROL),
		.efi = efi_enabled(EFI_BOOT),
		.mode = page_enc_mode,
	};
	int err;

	page_enc_verdict = page_enc_decide(&env);
	if (page_enc_verdict >= PAGE_ENC_NO_MSR) {
		err = page_enc_start();
		if (err)
			page_enc_verdict = err == -EOPNOTSUPP ?
				PAGE_ENC_NO_HYPERCALL : PAGE_ENC_REFUSED;
	}
	if (page_enc_verdict >= PAGE_ENC_NO_MSR) {
		atomic_set(&page_enc_state, PAGE_ENC_S_ANNOUNCE);
		static_branch_enable(&kvm_page_enc_on);
		x86_platform.guest.enc_kexec_begin = page_enc_kexec_begin;
		x86_platform.guest.enc_kexec_finish = page_enc_kexec_finish;
	}
	if (page_enc_verdict == PAGE_ENC_READY) {
		page_enc_event(PAGE_ENC_EV_COMPLETE);
		if (!page_enc_is(PAGE_ENC_S_READY))
			page_enc_verdict = PAGE_ENC_NO_MSR;
	}
	if (env.sev || page_enc_mode != PAGE_ENC_AUTO)
		pr_info("%s\n", page_enc_why[page_enc_verdict]);
}

/*
 * Firmware shares pages, too, and says with a variable that it has announced
 * them.  Without that the host's view may lack pages that are not Linux'.
 */
static bool __init page_enc_firmware_complete(void)
{
	efi_char16_t name[] = L"SevLiveMigrationEnabled";
	efi_guid_t guid = AMD_SEV_MEM_ENCRYPT_GUID;
	unsigned long size;
	efi_status_t status;
	bool enabled;

	if (!efi_enabled(EFI_RUNTIME_SERVICES))
		return false;

	size = sizeof(enabled);
	status = efi.get_variable(name, &guid, NULL, &size, &enabled);

	return status == EFI_SUCCESS && enabled;
}

static int __init page_enc_late_init(void)
{
	if (!page_enc_is(PAGE_ENC_S_ANNOUNCE))
		return 0;

	register_reboot_notifier(&page_enc_reboot_nb);
	register_pm_notifier(&page_enc_pm_nb);
	register_syscore(&page_enc_syscore);

	if (page_enc_verdict != PAGE_ENC_ASK_FIRMWARE)
		return 0;

	if (!page_enc_firmware_complete()) {
		pr_info("not READY: firmware does not say that it announces its shared pages, kvm_page_enc=on overrides\n");
		return 0;
	}

	page_enc_event(PAGE_ENC_EV_COMPLETE);
	pr_info("%s\n", page_enc_why[page_enc_is(PAGE_ENC_S_READY) ?
				     PAGE_ENC_READY : PAGE_ENC_NO_MSR]);

	return 0;
}
late_initcall(page_enc_late_init);

static int page_enc_show_run(u64 pfn, u64 npages, void *m)
{
	seq_printf(m, "0x%016llx 0x%016llx %llu\n", PFN_PHYS(pfn),
		   PFN_PHYS(pfn + npages), npages);
	return 0;
}

/* What the page tables say, for comparison with what the host says. */
static int shared_show(struct seq_file *m, void *unused)
{
	return page_enc_all_shared(page_enc_show_run, m);
}
DEFINE_SHOW_ATTRIBUTE(shared);

static int __init page_enc_debugfs_init(void)
{
	struct dentry *dir;

	if (!page_enc_is(PAGE_ENC_S_ANNOUNCE))
		return 0;

	dir = debugfs_create_dir("kvm_page_enc", NULL);
	debugfs_create_ulong("calls", 0400, dir,
			     (unsigned long *)&page_enc_nr_calls.counter);
	debugfs_create_ulong("refused", 0400, dir,
			     (unsigned long *)&page_enc_nr_refused.counter);
	debugfs_create_ulong("pages_shared", 0400, dir,
			     (unsigned long *)&page_enc_nr_shared.counter);
	debugfs_create_ulong("pages_private", 0400, dir,
			     (unsigned long *)&page_enc_nr_private.counter);
	debugfs_create_atomic_t("state", 0400, dir, &page_enc_state);
	debugfs_create_file("shared", 0400, dir, NULL, &shared_fops);

	return 0;
}
late_initcall(page_enc_debugfs_init);

#ifdef CONFIG_KVM_GUEST_PAGE_ENC_KUNIT_TEST
#include "kvm_page_enc_test.c"
#endif
