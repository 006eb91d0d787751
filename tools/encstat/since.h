/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Since when a VM is READY, as far as a recording tells: the time of the first
 * sample from which on it was always seen READY and never withdrew it. It may
 * have been READY before that sample.
 */
#ifndef ENCSTAT_SINCE_H
#define ENCSTAT_SINCE_H

#include "vm.h"

struct since {
	struct vm *v;		/* of the sample before, without what was allocated */
	size_t nr;
};

/* Goes on by a sample, and fills in since_ms of its VMs. */
void since_update(struct since *s, struct vms *vms, uint64_t time_ms);
void since_free(struct since *s);

#endif
