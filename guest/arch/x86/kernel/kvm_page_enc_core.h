/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVM_PAGE_ENC_CORE_H
#define _KVM_PAGE_ENC_CORE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/e820/types.h>
#include <asm/page_types.h>
#include <asm/set_memory.h>

/*
 * Upper limit of one call, so that no call keeps a vCPU in the host for long.
 * A power of two: calls end at multiples of it.
 */
#define PAGE_ENC_MAX_PAGES	(SZ_1G >> PAGE_SHIFT)

/* How often a call is made while the host answers -EAGAIN */
#define PAGE_ENC_MAX_TRIES	16

/* The logic's interface to the outside, which tests replace */
struct page_enc_ops {
	void (*leaf)(unsigned long vaddr, struct kernel_leaf *leaf);
	/* Optional: whether the range is one run, and where that begins */
	bool (*linear)(unsigned long vaddr, unsigned long end, u64 *pfn);
	/* KVM_HC_MAP_GPA_RANGE: 0 or the host's error */
	long (*map_gpa_range)(u64 gpa, u64 npages, unsigned long attrs);
	/* MSR_KVM_MIGRATION_CONTROL: 0 or an error */
	int (*write_ready)(bool ready);
	/* Announce everything anew: 0 or an error as below */
	int (*send_all)(void);
};

/*
 * kvm_page_enc_range.c: what is announced.  All functions return 0, -EFAULT if
 * some page is not mapped, or what page_enc_errno() makes of a refusal.
 */
int page_enc_errno(long ret);
int page_enc_send(const struct page_enc_ops *ops, u64 pfn, u64 npages, bool enc);
int page_enc_send_range(const struct page_enc_ops *ops, unsigned long vaddr,
			unsigned long end, bool enc);
int page_enc_send_mapped(const struct page_enc_ops *ops, unsigned long vaddr,
			 unsigned long end);
int page_enc_send_decrypted(const struct page_enc_ops *ops, unsigned long vaddr,
			    unsigned long end, bool enc);
int page_enc_send_ram_private(const struct page_enc_ops *ops,
			      const struct e820_entry *entry, u32 nr);
int page_enc_send_pages(const struct page_enc_ops *ops, unsigned long direct_map,
			u64 pfn, u64 npages);
int page_enc_send_ram(const struct page_enc_ops *ops, unsigned long direct_map,
		      const struct e820_entry *entry, u32 nr);

/*
 * kvm_page_enc_state.c: whether it is announced
 */
enum page_enc_mode {
	PAGE_ENC_AUTO,
	PAGE_ENC_OFF,
	PAGE_ENC_ON,
};

/* The environment of a kernel that starts */
struct page_enc_env {
	bool sev;	/* encrypted memory, and VMMCALL does not fault */
	bool snp;	/* SEV-SNP, which has announcements of its own */
	bool hypercall;	/* KVM_FEATURE_HC_MAP_GPA_RANGE */
	bool msr;	/* KVM_FEATURE_MIGRATION_CONTROL */
	bool efi;	/* firmware may have shared pages of its own */
	bool kdump;	/* most memory is that of a kernel that crashed */
	enum page_enc_mode mode;
	const struct e820_entry *ram;
	u32 nr_ram;
	unsigned long shared, shared_end;	/* shared from the start */
};

enum page_enc_verdict {
	PAGE_ENC_NOT_SEV,
	PAGE_ENC_SNP,
	PAGE_ENC_OPTED_OUT,
	PAGE_ENC_NO_HYPERCALL,
	PAGE_ENC_UNSUPPORTED,
	/* From here on hypercalls are made. */
	PAGE_ENC_REFUSED,
	PAGE_ENC_NO_MSR,
	PAGE_ENC_KDUMP,
	PAGE_ENC_MSR_REFUSED,
	PAGE_ENC_ASK_FIRMWARE,
	PAGE_ENC_READY,
};

extern const char * const page_enc_why[];

enum page_enc_event {
	PAGE_ENC_EV_START,	/* announcements begin */
	PAGE_ENC_EV_COMPLETE,	/* all is announced, firmware's pages, too */
	PAGE_ENC_EV_STALE,	/* the host's view may be wrong from now on */
	PAGE_ENC_EV_RENEWED,	/* everything was announced anew */
	PAGE_ENC_EV_LEAVE,	/* this kernel is about to stop */
	PAGE_ENC_EV_STAY,	/* ... and did not */
	PAGE_ENC_EV_MUTE,	/* it stopped, or the host stopped listening */
};

#define PAGE_ENC_S_ANNOUNCE	BIT(0)	/* hypercalls are made */
#define PAGE_ENC_S_COMPLETE	BIT(1)	/* all is announced, firmware's pages, too */
#define PAGE_ENC_S_READY	BIT(2)	/* and the host knows that */
#define PAGE_ENC_S_STALE	BIT(3)	/* the host's view may be wrong */
#define PAGE_ENC_S_LEAVING	BIT(4)	/* READY must not be set now */

struct page_enc {
	const struct page_enc_ops *ops;
	raw_spinlock_t lock;	/* protects state and writes of the MSR */
	atomic_t state;
	atomic_t in_flight;	/* conversions, and PAGE_ENC_RENEWED */
};

static inline bool page_enc_is(const struct page_enc *pe, unsigned int flag)
{
	return atomic_read(&pe->state) & flag;
}

unsigned int page_enc_next(unsigned int state, enum page_enc_event event);
void page_enc_event(struct page_enc *pe, enum page_enc_event event);
bool page_enc_mute(struct page_enc *pe);
enum page_enc_verdict page_enc_decide(const struct page_enc_env *env);
enum page_enc_verdict page_enc_start(struct page_enc *pe,
				     const struct page_enc_env *env);
enum page_enc_verdict page_enc_complete(struct page_enc *pe);

/*
 * kvm_page_enc_convert.c: in which order around a conversion.  All functions
 * return 0 or an error as above.  After -EOPNOTSUPP nothing is announced any
 * more.
 */
int page_enc_prepare(struct page_enc *pe, unsigned long vaddr, unsigned long end,
		     bool enc);
int page_enc_finish(struct page_enc *pe, unsigned long vaddr, unsigned long end,
		    bool enc);
int page_enc_abort(struct page_enc *pe, unsigned long vaddr, unsigned long end);
int page_enc_converted(struct page_enc *pe, unsigned long vaddr,
		       unsigned long end, bool enc);
int page_enc_renew(struct page_enc *pe);

#endif /* _KVM_PAGE_ENC_CORE_H */
