// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of a VM. Of one that is not tracked, KVM's statistics exist and
 * are 0, which says nothing: READY is not "no", and no page was seen converted.
 */
#include "vm_value.h"

struct vm_sums vm_sums(const struct vm *vm)
{
	const struct ranges *memory = &vm->slots.memory, *shared = &vm->map.shared;
	bool all = vm->has_map && vm->map.tracked && vm->map.complete;
	bool both = all && vm->has_slots;
	uint64_t total = ranges_bytes(memory), shr = ranges_bytes(shared);
	uint64_t priv = both ? private_bytes(memory, shared) : 0;

	return (struct vm_sums){
		.memory = value(vm->has_slots, total),
		.readonly = value(vm->has_slots, vm->slots.readonly_bytes),
		.private = value(both, priv),
		.shared = value(all, shr),
		.unbacked = value(both, shr - (total - priv)),
		.ranges = value(all, shared->nr),
	};
}

bool vm_share(const struct vm_sums *sums, uint64_t *shared)
{
	*shared = sums->memory.v - sums->private.v;
	return sums->private.known && sums->memory.known && sums->memory.v;
}

/* What only a tracked VM has. */
static bool may_be_tracked(const struct vm *vm)
{
	return !vm->has_map || vm->map.tracked;
}

struct value vm_tracked(const struct vm *vm)
{
	return value(vm->has_map, vm->map.tracked);
}

/* A VM of which it is not known whether it is tracked is so if it is READY. */
struct value vm_ready(const struct vm *vm)
{
	return value(vm->has_ready && (vm->has_map ? vm->map.tracked : vm->ready), vm->ready);
}

struct value vm_tracker_bytes(const struct vm *vm)
{
	return value(vm->has_bytes && may_be_tracked(vm), vm->tracker_bytes);
}

struct value vm_violations(const struct vm *vm)
{
	return value(vm->has_violations && may_be_tracked(vm), vm->violations);
}

struct value vm_count(const struct vm *vm, enum vm_counter c)
{
	return value(vm->has_counters && vm->has_map && vm->map.tracked, vm->counters[c]);
}
