// SPDX-License-Identifier: GPL-2.0
/* Since when a VM is READY, as far as a recording tells. */
#include <stdlib.h>
#include <string.h>

#include "growth.h"
#include "since.h"
#include "vm_value.h"

/* It may have withdrawn READY, and set it again, between two samples. */
static bool never_withdrawn(const struct vm *before, const struct vm *vm)
{
	struct growth g = growth_between(before, vm, false, value(false, 0));
	struct value n = growth_count(&g, VM_READY_CLEARED);

	return n.known && !n.v;
}

static uint64_t since_when(const struct since *s, const struct vm *vm, uint64_t time_ms)
{
	struct vms past = { .v = s->v, .nr = s->nr };
	const struct vm *before = vms_find_same(&past, vm);

	if (!vm_ready(vm).v)
		return 0;
	return before && before->since_ms && never_withdrawn(before, vm) ?
	       before->since_ms : time_ms;
}

void since_update(struct since *s, struct vms *vms, uint64_t time_ms)
{
	struct vm *v;
	size_t i;

	for (i = 0; i < vms->nr; i++)
		vms->v[i].since_ms = since_when(s, &vms->v[i], time_ms);
	v = reallocarray(s->v, vms->nr + 1, sizeof(*v));
	if (!v)
		return;
	if (vms->nr)
		memcpy(v, vms->v, vms->nr * sizeof(*v));
	s->v = v;
	s->nr = vms->nr;
}

void since_free(struct since *s)
{
	free(s->v);
	*s = (struct since){ 0 };
}
