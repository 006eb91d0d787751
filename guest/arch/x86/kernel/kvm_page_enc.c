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
 *
 * This file is about when that is done in the life of a kernel.  What is sent
 * and whether is in kvm_page_enc_range.c and kvm_page_enc_state.c.
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
#include <linux/stop_machine.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>
#include <linux/workqueue.h>
#include <asm/coco.h>
#include <asm/e820/api.h>
#include <asm/kvm_page_enc.h>
#include <asm/msr.h>
#include <asm/set_memory.h>
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

static const struct page_enc_ops page_enc_ops = {
	.leaf = lookup_kernel_leaf,
	.map_gpa_range = page_enc_hypercall,
	.write_ready = page_enc_write_ready,
};

static struct page_enc page_enc = {
	.ops = &page_enc_ops,
	.state = ATOMIC_INIT(0),
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

/* For instance after a migration to an older host. */
static void page_enc_unsupported(void)
{
	static atomic_t told = ATOMIC_INIT(0);

	page_enc_event(&page_enc, PAGE_ENC_EV_MUTE);
	if (atomic_xchg(&told, 1))
		return;

	pr_info("not announced any more: the host does not know KVM_HC_MAP_GPA_RANGE\n");

	/* Callers may hold the CPU hotplug lock, except this early. */
	if (system_state == SYSTEM_BOOTING)
		page_enc_key_off(NULL);
	else
		schedule_work(&page_enc_key_work);
}

/* The host's view lacks something from now on, whatever callers make of it. */
static int page_enc_failed(int err)
{
	if (err == -EOPNOTSUPP) {
		page_enc_unsupported();
		return 0;
	}
	if (err)
		page_enc_event(&page_enc, PAGE_ENC_EV_REFUSED);

	return err;
}

static bool page_enc_in_direct_map(unsigned long vaddr, unsigned long end)
{
	return vaddr >= PAGE_OFFSET && end <= PAGE_OFFSET + get_max_mapped();
}

int __kvm_page_enc_changed(unsigned long vaddr, unsigned long npages, bool enc)
{
	unsigned long end;
	int err;

	if (!page_enc_announces())
		return 0;

	vaddr &= PAGE_MASK;
	end = vaddr + (npages << PAGE_SHIFT);

	/* Mostly it is one run, for which no page table has to be read. */
	if (page_enc_in_direct_map(vaddr, end))
		err = page_enc_send(&page_enc_ops, PFN_DOWN(__pa(vaddr)), npages, enc);
	else
		err = page_enc_send_range(&page_enc_ops, vaddr, end, enc);
	if (!err)
		return 0;

	err = page_enc_failed(err);
	if (err)
		pr_warn_ratelimited("not READY: %lu pages not announced as %s: %d\n",
				    npages, enc ? "private" : "shared", err);

	return err;
}

static int page_enc_reset(void)
{
	return page_enc_send_ram_private(&page_enc_ops, e820_table->entries,
					 e820_table->nr_entries);
}

/* All that Linux shares has its C-bit clear in the direct map. */
static int page_enc_send_all_decrypted(bool enc)
{
	return page_enc_send_decrypted(&page_enc_ops, PAGE_OFFSET,
				       PAGE_OFFSET + get_max_mapped(), enc);
}

/*
 * Replace whatever view the host has by what the page tables say.  This is the
 * only CPU that does something.  A conversion that others have begun announces
 * its pages once more when it goes on.
 */
static int page_enc_announce_all(void *unused)
{
	int err;

	if (!page_enc_announces())
		return 0;

	err = page_enc_failed(page_enc_reset() ?:
			      page_enc_send_all_decrypted(false));
	if (!err)
		page_enc_event(&page_enc, PAGE_ENC_EV_RENEWED);

	return err;
}

/*
 * Leaving
 */
static void page_enc_kexec_begin(void)
{
	/* A crashing kernel is mute already and must not wait for others. */
	if (page_enc_announces())
		set_memory_enc_stop_conversion();
}

/*
 * The next kernel may be one that announces nothing: leave it a host that
 * takes all RAM for private, what was plugged in later included.  This is the
 * only CPU, and the kernel's last access to shared memory was before.
 */
static void page_enc_kexec_finish(void)
{
	int err;

	if (!page_enc_announces())
		return;

	err = page_enc_reset() ?: page_enc_send_all_decrypted(true);
	if (err)
		pr_err("cannot return RAM to private: %d\n", err);
	page_enc_event(&page_enc, PAGE_ENC_EV_MUTE);
}

/* Nothing is reset: the memory belongs to what is to be dumped. */
void kvm_page_enc_crash(void)
{
	page_enc_event(&page_enc, PAGE_ENC_EV_MUTE);
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
 * A kernel that is resumed from an image finds the view that the host had of
 * the kernel that loaded the image.  READY is withdrawn by both before, the
 * one when it is written, the other when it loads.
 */
static bool page_enc_hibernating;

static int page_enc_pm(struct notifier_block *nb, unsigned long action,
		       void *unused)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
		page_enc_hibernating = true;
		fallthrough;
	case PM_RESTORE_PREPARE:
		page_enc_event(&page_enc, PAGE_ENC_EV_LEAVE);
		break;
	case PM_POST_HIBERNATION:
		page_enc_hibernating = false;
		fallthrough;
	case PM_POST_RESTORE:
		page_enc_event(&page_enc, PAGE_ENC_EV_STAY);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block page_enc_pm_nb = {
	.notifier_call = page_enc_pm,
};

/* Interrupts are off, this is the only CPU. */
static void page_enc_resume(void *data)
{
	int err;

	/* Here resumes what makes an image, and what was in it, alike. */
	if (page_enc_hibernating) {
		err = page_enc_announce_all(NULL);
		if (err)
			pr_err("cannot announce all again: %d\n", err);
	}

	/* The VMM may have reset MSRs along with the vCPUs. */
	if (page_enc_is(&page_enc, PAGE_ENC_S_READY))
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

void __init kvm_page_enc_init(void)
{
	const struct page_enc_env env = {
		.sev = cc_vendor == CC_VENDOR_AMD &&
		       cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT),
		.hypercall = kvm_para_has_feature(KVM_FEATURE_HC_MAP_GPA_RANGE),
		.msr = kvm_para_has_feature(KVM_FEATURE_MIGRATION_CONTROL),
		.efi = efi_enabled(EFI_BOOT),
		.mode = page_enc_mode,
		.ram = e820_table->entries,
		.nr_ram = e820_table->nr_entries,
		.shared = (unsigned long)__start_bss_decrypted,
		.shared_end = (unsigned long)__end_bss_decrypted,
	};

	page_enc_verdict = page_enc_start(&page_enc, &env);
	if (page_enc_announces()) {
		static_branch_enable(&kvm_page_enc_on);
		x86_platform.guest.enc_kexec_begin = page_enc_kexec_begin;
		x86_platform.guest.enc_kexec_finish = page_enc_kexec_finish;
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
	if (!page_enc_announces())
		return 0;

	register_reboot_notifier(&page_enc_reboot_nb);
	register_pm_notifier(&page_enc_pm_nb);
	register_syscore(&page_enc_syscore);

	if (page_enc_verdict != PAGE_ENC_ASK_FIRMWARE)
		return 0;

	if (page_enc_firmware_complete())
		pr_info("%s\n", page_enc_why[page_enc_complete(&page_enc)]);
	else
		pr_info("not READY: firmware does not say that it announces its shared pages, kvm_page_enc=on overrides\n");

	return 0;
}
late_initcall(page_enc_late_init);

/* Write anything: what hibernation does for the host's view, at any time */
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
