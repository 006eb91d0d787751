/* SPDX-License-Identifier: GPL-2.0 */
/* What is known of a VM, for whoever shows it: list, top, stat, metrics, report, record. */
#ifndef ENCSTAT_VM_VALUE_H
#define ENCSTAT_VM_VALUE_H

#include "value.h"
#include "vm.h"

/* Of its ranges; all of it at once, because they may be many. */
struct vm_sums {
	struct value memory, readonly;		/* bytes, as all but the last */
	struct value private, shared;
	struct value unbacked;			/* shared, but there is no memory */
	struct value ranges;			/* shared ones */
};

struct vm_sums vm_sums(const struct vm *vm);

/* Of the memory, how much is shared; false: it is not known, or nothing is nothing's part. */
bool vm_share(const struct vm_sums *sums, uint64_t *shared);

struct value vm_tracked(const struct vm *vm);
struct value vm_ready(const struct vm *vm);
struct value vm_tracker_bytes(const struct vm *vm);
struct value vm_violations(const struct vm *vm);
struct value vm_count(const struct vm *vm, enum vm_counter c);

#endif
