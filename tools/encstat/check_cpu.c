// SPDX-License-Identifier: GPL-2.0
/* What the processor and /dev/kvm say. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "check.h"
#include "root.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define HAVE_CPUID
#endif

#ifndef KVM_CAP_PAGE_ENC_STATUS
#define KVM_CAP_PAGE_ENC_STATUS	0x70650001
#endif

#define ANSWERS_MAX	(64 * 1024)
#define KVM_LEAF	0x40000001
#define ENTRIES_MAX	256

/* Of a copied tree: lines "page_enc_status N" and "features 0xN". */
static int answers_of_text(const char *root, struct kvm_answers *a)
{
	char *text = root_read(root, "/dev/kvm", ANSWERS_MAX), *line, *next;
	unsigned int v;

	if (!text)
		return -1;
	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		if (sscanf(line, "page_enc_status %u", &v) == 1) {
			a->has_cap = true;
			a->cap = v;
		} else if (sscanf(line, "features %x", &v) == 1) {
			a->has_features = true;
			a->features = v;
		}
	}
	free(text);
	return 0;
}

#ifdef HAVE_CPUID
static void ask_features(int fd, struct kvm_answers *a)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + ENTRIES_MAX * sizeof(c->entries[0]));
	unsigned int i;

	if (!c)
		return;
	c->nent = ENTRIES_MAX;
	if (!ioctl(fd, KVM_GET_SUPPORTED_CPUID, c)) {
		for (i = 0; i < c->nent; i++) {
			if (c->entries[i].function != KVM_LEAF)
				continue;
			a->has_features = true;
			a->features = c->entries[i].eax;
		}
	}
	free(c);
}
#else
static void ask_features(int fd, struct kvm_answers *a)
{
}
#endif

int kvm_ask(const char *root, struct kvm_answers *a)
{
	int fd, cap;

	*a = (struct kvm_answers){ 0 };
	if (root_is_copy(root))
		return answers_of_text(root, a);
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	cap = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_PAGE_ENC_STATUS);
	a->has_cap = cap >= 0;
	a->cap = cap > 0 ? cap : 0;
	ask_features(fd, a);
	close(fd);
	return 0;
}

/* Of a copied tree: what "cpuid -1 -r" prints. */
static bool cpuid_of_text(const char *root, uint32_t leaf, uint32_t regs[4])
{
	char *text = root_read(root, "/dev/cpu/0/cpuid", ANSWERS_MAX), *line, *next;
	unsigned int l, sub, r[4];
	bool found = false;

	if (!text)
		return false;
	line = strtok_r(text, "\n", &next);
	for (; line && !found; line = strtok_r(NULL, "\n", &next)) {
		if (sscanf(line, " %x %x: eax=%x ebx=%x ecx=%x edx=%x", &l, &sub,
			   &r[0], &r[1], &r[2], &r[3]) != 6)
			continue;
		found = l == leaf && !sub;
	}
	free(text);
	if (found)
		memcpy(regs, r, sizeof(r));
	return found;
}

bool cpuid_get(const char *root, uint32_t leaf, uint32_t regs[4])
{
	if (root_is_copy(root))
		return cpuid_of_text(root, leaf, regs);
#ifdef HAVE_CPUID
	__cpuid(leaf, regs[0], regs[1], regs[2], regs[3]);
	return true;
#else
	return false;
#endif
}
