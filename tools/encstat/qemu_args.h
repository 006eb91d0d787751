/* SPDX-License-Identifier: GPL-2.0 */
/* What QEMU's arguments say about a guest's CPU. */
#ifndef ENCSTAT_QEMU_ARGS_H
#define ENCSTAT_QEMU_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct qemu_args {
	bool is_qemu;
	bool kvm;
	char cpu[64];		/* the last -cpu, cut; "" if there is none */
	bool shows_all_bits;	/* KVM's feature bits that have no name, too */
};

/* @args are separated by NULs, as in /proc/PID/cmdline. */
void qemu_args_parse(struct qemu_args *q, const char *args, size_t len);

#endif
