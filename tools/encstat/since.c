// SPDX-License-Identifier: GPL-2.0
/* Since when a VM is READY, as far as a recording tells. */
#include <stdlib.h>
#include <string.h>

#include "since.h"

static struct since_vm *get_vm(struct since *s, const char *id)
{
	struct since_vm *v;
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (!strcmp(s->v[i].id, id))
			return &s->v[i];
	v = reallocarray(s->v, s->nr + 1, sizeof(*v));
	if (!v)
		return NULL;
	s->v = v;
	v += s->nr++;
	*v = (struct since_vm){ 0 };
	strcpy(v->id, id);
	return v;
}

void since_update(struct since *s, struct vms *vms, uint64_t time_ms)
{
	size_t i;

	for (i = 0; i < vms->nr; i++) {
		struct vm *vm = &vms->v[i];
		uint64_t cleared = vm->has_counters ? vm->counters[VM_READY_CLEARED] : 0;
		struct since_vm *v = get_vm(s, vm->id);

		if (!v)
			return;
		if (!vm->has_ready || !vm->ready)
			v->since_ms = 0;
		else if (!v->since_ms || v->cleared != cleared)
			v->since_ms = time_ms;
		v->cleared = cleared;
		vm->since_ms = v->since_ms;
	}
}

void since_free(struct since *s)
{
	free(s->v);
	*s = (struct since){ 0 };
}
