/* SPDX-License-Identifier: GPL-2.0 */
/* The process of a VM. */
#ifndef ENCSTAT_PROCESS_H
#define ENCSTAT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

struct process {
	int pid;
	char *args;		/* separated by NULs, to be freed */
	size_t len;
};

/*
 * Of the VM that @thread has created as @fd; -1: any of its VMs. False: the
 * process has ended, or what /proc shows under that number may be another one.
 */
bool process_of_vm(const char *root, int thread, int fd, struct process *p);

#endif
