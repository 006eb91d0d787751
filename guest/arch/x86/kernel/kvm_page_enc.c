// SPDX-License-Identifier: GPL-2.0
/*
 * Announce the encryption status of pages to the KVM host
 *
 * The host of an SEV guest cannot see the C-bit in the guest's page tables. The
 * guest announces with KVM_HC_MAP_GPA_RANGE which pages became shared or
 * private, and with MSR_KVM_MIGRATION_CONTROL (READY) that its announcements
 * are complete and current.
 *
 * The content of a page is undefined from the beginning of its conversion until
 * set_memory_*() returns.  A host that migrates the guest must send every page
 * again whose status changed.
 *
 * This file says when in the life of a kernel pages are announced.  The others
 * say what is announced (kvm_page_enc_range.c), whether (kvm_page_enc_state.c),
 * and in which order around a conversion (kvm_page_enc_convert.c).
 */

#define pr_fmt(fmt) "kvm-guest: page encryption status: " fmt

#include <linux/atomic.h>
#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/debugfs.h>
#include <linux/efi.h>
#include <linux/init.h>
#include <linux/kvm_para.h>
#include <linux/mem_encrypt.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/reboot.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/stop_machine.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>
#include <linux/workqueue.h>
#include <asm/coco.h>
#include <asm/e820/api.h>
#include <asm/kvm_page_enc.h>
#include <asm/msr.h>
#include <asm/set_memory.h>
#include <asm/setup.h>
#include <asm/x86_init.h>

#include "kvm_page_enc_core.h"

#define CREATE_TRACE_POINTS
#include "kvm_page_enc_trace.h"

DEFINE_STATIC_KEY_FALSE(kvm_page_enc_on);

/*
 * The host
 */
static atomic_long_t page_enc_nr_calls;
static atomic_long_t page_enc_nr_refused;
static atomic_long_t page_enc_nr_shared;
static atomic_long_t page_enc_nr_private;

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

static int page_enc_write_ready(bool ready)
{
	return wrmsrl_safe(MSR_KVM_MIGRATION_CONTROL,
			   ready ? KVM_MIGRATION_READY : 0);
}

/* The direct map is linear: any part of it, as far as RAM goes, is a single run. */
static bool page_enc_linear(unsigned long vaddr, unsigned long end, u64 *pfn)
{
	if (vaddr < PAGE_OFFSET || end > PAGE_OFFSET + get_max_mapped())
		return false;

	*pfn = PFN_DOWN(__pa(vaddr));
	return true;
}

static int page_enc_send_all(void);

static const struct page_enc_ops page_enc_ops = {
	.leaf = lookup_kernel_leaf,
	.linear = page_enc_linear,
	.map_gpa_range = page_enc_hypercall,
	.write_ready = page_enc_write_ready,
	.send_all = page_enc_send_all,
};

static struct page_enc page_enc = {
	.ops = &page_enc_ops,
	.lock = __RAW_SPIN_LOCK_UNLOCKED(page_enc.lock),
	.state = ATOMIC_INIT(0),
	.in_flight = ATOMIC_INIT(0),
};

static bool page_enc_announces(void)
{
	return page_enc_is(&page_enc, PAGE_ENC_S_ANNOUNCE);
}

/*
 * Announcements
 */
static void page_enc_key_off(struct work_struct *work)
{
	static_branch_disable(&kvm_page_enc_on);
}

static DECLARE_WORK(page_enc_key_work, page_enc_key_off);

/*
 * The host does not know the call any more, e.g. after a migration to an older
 * one.
 */
static void page_enc_unsupported(void)
{
	static atomic_t told = ATOMIC_INIT(0);

	if (atomic_xchg(&told, 1))
		return;

	pr_info("not announced any more: the host does not know KVM_HC_MAP_GPA_RANGE\n");

	/* Callers may hold the CPU hotplug lock, except this early. */
	if (system_state == SYSTEM_BOOTING)
		page_enc_key_off(NULL);
	else
		schedule_work(&page_enc_key_work);
}

/* Log an error, and return what callers of set_memory_*() have to know of it. */
static int page_enc_result(int err, unsigned long npages, const char *status)
{
	if (err == -EOPNOTSUPP) {
		page_enc_unsupported();
		return 0;
	}
	if (err)
		pr_warn_ratelimited("not READY: %lu pages not announced as %s: %d\n",
				    npages, status, err);

	return err;
}

static const char *page_enc_status(bool enc)
{
	return enc ? "private" : "shared";
}

int __kvm_page_enc_prepare(unsigned long vaddr, unsigned long npages, bool enc)
{
	int err;

	if (!page_enc_announces())
		return 0;

	vaddr &= PAGE_MASK;
	err = page_enc_prepare(&page_enc, vaddr, vaddr + PFN_PHYS(npages), enc);

	return page_enc_result(err, npages, page_enc_status(enc));
}

int __kvm_page_enc_finish(unsigned long vaddr, unsigned long npages, bool enc)
{
	int err;

	if (!page_enc_announces())
		return 0;

	vaddr &= PAGE_MASK;
	err = page_enc_finish(&page_enc, vaddr, vaddr + PFN_PHYS(npages), enc);

	return page_enc_result(err, npages, page_enc_status(enc));
}

void __kvm_page_enc_abort(unsigned long vaddr, unsigned long npages)
{
	int err;

	if (!page_enc_announces())
		return;

	vaddr &= PAGE_MASK;
	pr_warn_ratelimited("not READY: page tables of %lu pages could not be changed\n",
			    npages);
	err = page_enc_abort(&page_enc, vaddr, vaddr + PFN_PHYS(npages));
	page_enc_result(err, npages, "what they are");
}

void __kvm_page_enc_converted(unsigned long vaddr, unsigned long npages, bool enc)
{
	int err;

	if (!page_enc_announces())
		return;

	vaddr &= PAGE_MASK;
	err = page_enc_converted(&page_enc, vaddr, vaddr + PFN_PHYS(npages), enc);
	page_enc_result(err, npages, page_enc_status(enc));
}

static int page_enc_reset(void)
{
	return page_enc_send_ram_private(&page_enc_ops, e820_table->entries,
					 e820_table->nr_entries);
}

/* Every page that Linux shares has its C-bit clear in the direct map. */
static int page_enc_send_all_decrypted(bool enc)
{
	return page_enc_send_decrypted(&page_enc_ops, PAGE_OFFSET,
				       PAGE_OFFSET + get_max_mapped(), enc);
}

/* RAM that is not in firmware's map has been plugged in. */
static bool page_enc_section_is_plugged(unsigned long pfn)
{
	return pfn < max_pfn && pfn_to_online_page(pfn) &&
	       !e820__mapped_any(PFN_PHYS(pfn), PFN_PHYS(pfn + PAGES_PER_SECTION),
				 E820_TYPE_RAM);
}

/*
 * The resource tree has this information, too, but a lock that can't be taken
 * here, as interrupts are off.
 */
static int page_enc_send_plugged(void)
{
	unsigned long pfn, end;
	int err;

	for (pfn = 0; pfn < max_pfn; pfn = end + PAGES_PER_SECTION) {
		for (end = pfn; page_enc_section_is_plugged(end); end += PAGES_PER_SECTION)
			;
		err = page_enc_send_pages(&page_enc_ops, PAGE_OFFSET, pfn, end - pfn);
		if (err)
			return err;
	}

	return 0;
}

/*
 * Announce all RAM as it is.  The direct map says which pages are shared.  The
 * exception is .bss..decrypted, which the direct map has encrypted until the
 * end of boot, or for good if changing that failed.
 */
static int page_enc_send_all(void)
{
	return page_enc_send_ram(&page_enc_ops, PAGE_OFFSET, e820_table->entries,
				 e820_table->nr_entries) ?:
	       page_enc_send_plugged() ?:
	       page_enc_send_decrypted(&page_enc_ops, (unsigned long)__start_bss_decrypted,
				       (unsigned long)__end_bss_decrypted, false);
}

/* All other CPUs are stopped. */
static int page_enc_announce_all(void *unused)
{
	int err;

	if (!page_enc_announces())
		return 0;

	err = page_enc_renew(&page_enc);
	if (err == -EOPNOTSUPP) {
		page_enc_unsupported();
		return 0;
	}
	if (err)
		pr_err("cannot announce all again: %d\n", err);

	return err;
}

static void page_enc_take_plugged(unsigned long pfn, unsigned long npages)
{
	unsigned long vaddr = (unsigned long)__va(PFN_PHYS(pfn));
	int err;

	err = page_enc_converted(&page_enc, vaddr, vaddr + PFN_PHYS(npages), true);
	page_enc_result(err, npages, "private");
}

/*
 * Announce memory that is plugged in as private: an earlier kernel may have had
 * and shared it.  Pages that hold its own struct pages (memmap_on_memory) do
 * not go online with the rest.
 */
static int page_enc_memory(struct notifier_block *nb, unsigned long action,
			   void *data)
{
	const struct memory_notify *mem = data;

	if (!page_enc_announces())
		return NOTIFY_OK;

	if (action == MEM_PREPARE_ONLINE && mem->altmap_nr_pages)
		page_enc_take_plugged(mem->altmap_start_pfn, mem->altmap_nr_pages);
	else if (action == MEM_GOING_ONLINE)
		page_enc_take_plugged(mem->start_pfn, mem->nr_pages);

	return NOTIFY_OK;
}

/*
 * Leaving
 */
static void (*page_enc_next_kexec_begin)(void);
static void (*page_enc_next_kexec_finish)(void);
static bool page_enc_withdraw_again;

static void page_enc_kexec_begin(void)
{
	/*
	 * A crashing kernel announces nothing any more and must not wait for
	 * others.
	 */
	if (page_enc_announces())
		set_memory_enc_stop_conversion();
	page_enc_next_kexec_begin();
}

/*
 * Announce all RAM as private, including what was plugged in: the next kernel
 * may be one that announces nothing.  No other CPU runs.  Shared memory is not
 * accessed any more, except for the GHCB through which an SEV-ES guest makes
 * these calls.  Take no lock: a stopped CPU may hold it.
 *
 * Begin with what was shared, and go on after a refusal: the more of it is
 * private the better.
 */
static void page_enc_return_ram(void)
{
	int decrypted, ram;

	if (!page_enc_announces())
		return;

	decrypted = page_enc_send_all_decrypted(true);
	ram = page_enc_reset();
	if (decrypted || ram)
		pr_err("cannot return RAM to private: %d\n", decrypted ?: ram);
	page_enc_withdraw_again = !page_enc_mute(&page_enc);
}

static void page_enc_kexec_finish(void)
{
	page_enc_return_ram();
	if (page_enc_withdraw_again)
		page_enc_write_ready(false);
	page_enc_next_kexec_finish();
}

/* Announce nothing: the memory is to be dumped as it is. */
void kvm_page_enc_crash(void)
{
	page_enc_withdraw_again = !page_enc_mute(&page_enc);
}

static int page_enc_reboot(struct notifier_block *nb, unsigned long code,
			   void *unused)
{
	page_enc_event(&page_enc, PAGE_ENC_EV_LEAVE);
	return NOTIFY_DONE;
}

static struct notifier_block page_enc_reboot_nb = {
	.notifier_call = page_enc_reboot,
};

/*
 * A kernel that is resumed from an image finds the host with the view of the
 * kernel that loaded the image.  Both withdraw READY before: the one when it
 * writes the image, the other when it loads it.
 */
static int page_enc_pm(struct notifier_block *nb, unsigned long action,
		       void *unused)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		page_enc_event(&page_enc, PAGE_ENC_EV_LEAVE);
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		page_enc_event(&page_enc, PAGE_ENC_EV_STAY);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block page_enc_pm_nb = {
	.notifier_call = page_enc_pm,
};

/*
 * This is for suspend to RAM, hibernation, and kexec with preserved context.
 * When the kernel goes on, the VMM may have forgotten its view, or have that of
 * another kernel.  Interrupts are off and no other CPU runs.
 */
static int page_enc_suspend(void *data)
{
	page_enc_event(&page_enc, PAGE_ENC_EV_STALE);
	return 0;
}

static void page_enc_resume(void *data)
{
	page_enc_announce_all(NULL);
}

static const struct syscore_ops page_enc_syscore_ops = {
	.suspend = page_enc_suspend,
	.resume = page_enc_resume,
};

static struct syscore page_enc_syscore = {
	.ops = &page_enc_syscore_ops,
};

/*
 * Start
 */
#define PAGE_ENC_LOADER_KEXEC	0xd	/* Documentation/arch/x86/boot.rst */

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

/*
 * kexec passes EFI on if it has runtime services.  Without them
 * (efi=noruntime), the next kernel sees no EFI.  But EFI firmware does not have
 * the RSDP in the first megabyte, and BIOSes do.
 */
static bool __init page_enc_may_be_efi(void)
{
	u64 rsdp = x86_init.acpi.get_root_pointer();

	if (efi_enabled(EFI_BOOT))
		return true;

	return bootloader_type >> 4 == PAGE_ENC_LOADER_KEXEC &&
	       (!rsdp || rsdp >= SZ_1M);
}

void __init kvm_page_enc_init(void)
{
	const struct page_enc_env env = {
		.sev = cc_vendor == CC_VENDOR_AMD &&
		       cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT),
		.hypercall = kvm_para_has_feature(KVM_FEATURE_HC_MAP_GPA_RANGE),
		.msr = kvm_para_has_feature(KVM_FEATURE_MIGRATION_CONTROL),
		.snp = cc_platform_has(CC_ATTR_GUEST_SEV_SNP),
		.efi = page_enc_may_be_efi(),
		.kdump = is_kdump_kernel(),
		.mode = page_enc_mode,
		.ram = e820_table->entries,
		.nr_ram = e820_table->nr_entries,
		.shared = (unsigned long)__start_bss_decrypted,
		.shared_end = (unsigned long)__end_bss_decrypted,
	};

	page_enc_verdict = page_enc_start(&page_enc, &env);
	if (page_enc_announces()) {
		static_branch_enable(&kvm_page_enc_on);
		page_enc_next_kexec_begin = x86_platform.guest.enc_kexec_begin;
		page_enc_next_kexec_finish = x86_platform.guest.enc_kexec_finish;
		x86_platform.guest.enc_kexec_begin = page_enc_kexec_begin;
		x86_platform.guest.enc_kexec_finish = page_enc_kexec_finish;
	}
	/* Whether it becomes READY is not known before page_enc_late_init(). */
	if (page_enc_verdict != PAGE_ENC_READY &&
	    (env.sev || page_enc_mode != PAGE_ENC_AUTO))
		pr_info("%s\n", page_enc_why[page_enc_verdict]);
}

/*
 * Firmware shares pages of its own, and says with a variable that it announces
 * them.  Without the variable, the host may not know of these pages.
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

/* This must be in place before ACPI adds memory, which late initcalls are not. */
static int __init page_enc_early_init(void)
{
	if (page_enc_announces())
		hotplug_memory_notifier(page_enc_memory, DEFAULT_CALLBACK_PRI);

	return 0;
}
early_initcall(page_enc_early_init);

/* Early conversions in place are done.  Drivers may convert memory already. */
static int __init page_enc_late_init(void)
{
	if (!page_enc_announces())
		return 0;

	register_reboot_notifier(&page_enc_reboot_nb);
	register_pm_notifier(&page_enc_pm_nb);
	register_syscore(&page_enc_syscore);

	if (page_enc_verdict != PAGE_ENC_ASK_FIRMWARE && page_enc_verdict != PAGE_ENC_READY)
		return 0;

	if (page_enc_verdict == PAGE_ENC_READY || page_enc_firmware_complete())
		pr_info("%s\n", page_enc_why[page_enc_complete(&page_enc)]);
	else
		pr_info("not READY: firmware does not say that it announces its shared pages, kvm_page_enc=on overrides\n");

	return 0;
}
late_initcall(page_enc_late_init);

/* Write anything to have everything announced anew, as after hibernation. */
static ssize_t announce_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *ppos)
{
	int err = stop_machine(page_enc_announce_all, NULL, NULL);

	return err ?: count;
}

static const struct file_operations announce_fops = {
	.open	= simple_open,
	.write	= announce_write,
};

static int __init page_enc_debugfs_init(void)
{
	struct dentry *dir;

	if (!page_enc_announces())
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
	debugfs_create_atomic_t("state", 0400, dir, &page_enc.state);
	debugfs_create_file("announce", 0200, dir, NULL, &announce_fops);

	return 0;
}
late_initcall(page_enc_debugfs_init);
