/* SPDX-License-Identifier: GPL-2.0 */
/* encstat check: what is found, by the host's and the guest's part of it. */
#ifndef ENCSTAT_CHECK_H
#define ENCSTAT_CHECK_H

#include "encstat.h"

enum check_status { CHECK_OK, CHECK_WARNING, CHECK_WRONG, CHECK_UNKNOWN };

/*
 * @what is a stable short word, @subject the VM that it is about or NULL, and
 * @hint what to do about it or NULL.
 */
void check_found(enum check_status status, const char *what, const char *subject,
		 const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* False: this machine is none. */
bool check_host(const struct settings *s);
bool check_guest(const struct settings *s);

struct kvm_answers {
	bool has_cap;
	uint64_t cap;		/* KVM_CHECK_EXTENSION of KVM_CAP_PAGE_ENC_STATUS */
	bool has_features;
	uint32_t features;	/* KVM's CPUID bits that a guest may be shown */
};

/* What /dev/kvm says; -1 with errno. */
int kvm_ask(const char *root, struct kvm_answers *a);

/* One leaf of CPUID as eax, ebx, ecx, edx; false if that cannot be known. */
bool cpuid_get(const char *root, uint32_t leaf, uint32_t regs[4]);

#define KVM_FEATURE_BIT_HYPERCALL	(1U << 16)	/* KVM_HC_MAP_GPA_RANGE */
#define KVM_FEATURE_BIT_MSR		(1U << 17)	/* MSR_KVM_MIGRATION_CONTROL */

#endif
