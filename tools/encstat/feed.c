// SPDX-License-Identifier: GPL-2.0
/* VMs over time, sample after sample: from this host or from a recording. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "heat.h"
#include "msg.h"
#include "sampler.h"

/*
 * A map that changes is read again, but only so often that reading takes a
 * fifth of the time; one that seems not to, every five seconds, or a
 * thousandth of the time if it is a long one.
 */
#define CHANGED_COSTS	4
#define QUIET_COSTS	1000
#define QUIET_MS	5000

struct feed_place {
	long offset;
	unsigned long line;
};

static int tell_memory(void)
{
	msg_error(EXIT_ERROR, "memory", NULL, "%s", strerror(ENOMEM));
	return -1;
}

static int add_place(struct feed *f)
{
	struct feed_place *v = f->places;
	long offset = ftell(f->rec.f);

	if (offset < 0) {
		msg_error(EXIT_ERROR, "read", NULL, "%s: %s", f->rec.path, strerror(errno));
		return -1;
	}
	/* in powers of two */
	if (!(f->nr_places & (f->nr_places - 1)))
		v = reallocarray(v, f->nr_places ? f->nr_places * 2 : 1, sizeof(*v));
	if (!v)
		return tell_memory();
	f->places = v;
	v[f->nr_places++] = (struct feed_place){ offset, f->rec.line_nr };
	return 0;
}

/* Where each line begins; a last one that is cut off is not there. */
static int find_places(struct feed *f)
{
	struct recording *r = &f->rec;
	ssize_t len = 0;

	do {
		if (len && r->line[len - 1] != '\n') {
			msg_note("cut-off", NULL, "%s:%lu: the last line is cut off and left out",
				 r->path, r->line_nr);
			f->nr_places--;
			break;
		}
		if (add_place(f))
			return -1;
		r->line_nr++;
		len = getline(&r->line, &r->line_size, r->f);
	} while (len > 0);
	if (len <= 0)
		f->nr_places--;
	if (f->nr_places)
		return 0;
	msg_error(EXIT_ERROR, "no-sample", NULL, "%s: no sample", r->path);
	return -1;
}

int feed_open(struct feed *f, const struct vm_filter *filter)
{
	*f = (struct feed){ .filter = filter, .recorded = filter->file };
	if (!f->recorded)
		return 0;
	if (recording_open(&f->rec, filter->file)) {
		f->recorded = false;
		return -1;
	}
	if (!find_places(f))
		return 0;
	feed_close(f);
	return -1;
}

static void free_vm(struct feed_vm *v)
{
	int i;

	vm_unload(&v->vm);
	free(v->vm.name);
	for (i = 0; i < FEED_HISTORY; i++)
		ranges_free(&v->changed[i]);
}

static void free_vms(struct feed *f)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		free_vm(&f->v[i]);
	free(f->v);
	f->v = NULL;
	f->nr = 0;
}

void feed_close(struct feed *f)
{
	free_vms(f);
	free(f->places);
	f->places = NULL;
	if (f->recorded)
		recording_close(&f->rec);
	f->recorded = false;
}

static struct feed_vm *find_vm(const struct feed *f, const char *id)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (!strcmp(f->v[i].vm.id, id))
			return &f->v[i];
	return NULL;
}

static bool same_numbers(const struct vm *a, const struct vm *b)
{
	return a->has_counters && b->has_counters && a->has_shared && b->has_shared &&
	       !memcmp(a->counters, b->counters, sizeof(a->counters)) &&
	       a->shared_bytes == b->shared_bytes && a->ready == b->ready &&
	       a->map.tracked == b->map.tracked;
}

/* Is the map that was read before good enough? */
static bool can_wait(const struct feed *f, const struct feed_vm *old, bool same)
{
	uint64_t age = f->running_ms - old->read_ms, wait;

	if (!old->vm.has_map)
		return false;
	if (same) {
		wait = QUIET_COSTS * old->cost_ms;
		return age < (wait > QUIET_MS ? wait : QUIET_MS);
	}
	return !f->exact && age < CHANGED_COSTS * old->cost_ms;
}

/* What was read of the map and the slots goes over to @vm. */
static void take_over(struct vm *vm, struct vm *old)
{
	vm->has_map = old->has_map;
	vm->map = old->map;
	vm->has_slots = old->has_slots;
	vm->slots = old->slots;
	old->map.shared = (struct ranges){ 0 };
	old->slots = (struct slot_map){ 0 };
}

/* False: the VM is gone. */
static bool load_live(struct feed *f, struct vms *vms, struct feed_vm *v, struct feed_vm *old)
{
	uint64_t start = time_running_ms();
	bool same;

	vms->only_stats = true;
	if (!vm_load(&v->vm, vms))
		return false;
	same = old && !old->stale && same_numbers(&v->vm, &old->vm);
	if (old && can_wait(f, old, same)) {
		take_over(&v->vm, &old->vm);
		v->stale = !same;
		v->read_ms = old->read_ms;
		v->cost_ms = old->cost_ms;
		v->version = old->version;
		return true;
	}
	vms->only_stats = false;
	if (!vm_load(&v->vm, vms))
		return false;
	v->read_ms = f->running_ms;
	v->cost_ms = time_running_ms() - start;
	v->version = ++f->versions;
	return true;
}

static void count(struct feed_vm *v, const struct feed_vm *old, uint64_t ms)
{
	int i;

	v->ms = ms ?: 1;
	v->has_rates = v->vm.has_counters && v->vm.has_map && v->vm.map.tracked;
	for (i = 0; i < VM_COUNTERS; i++)
		v->grown[i] = vm_grown(&v->vm, old ? &old->vm : NULL, i);
}

static void sum_up(struct feed_vm *v, const struct feed_vm *old)
{
	const struct vm *vm = &v->vm;

	if (old && v->version == old->version) {
		v->memory = old->memory;
		v->private = old->private;
		v->shared = old->shared;
		v->known = old->known;
		return;
	}
	v->known = vm->has_map && vm->has_slots && vm->map.tracked && vm->map.complete;
	v->memory = ranges_bytes(&vm->slots.memory);
	v->shared = ranges_bytes(&vm->map.shared);
	v->private = v->known ? private_bytes(&vm->slots.memory, &vm->map.shared) : 0;
}

/* The history gets a sample longer, and forgets the one that is not recent any more. */
static void remember(struct feed *f, struct feed_vm *v, struct feed_vm *old)
{
	bool any = false;
	int i;

	if (!old)
		return;
	for (i = 1; i < FEED_HISTORY; i++) {
		v->changed[i] = old->changed[i - 1];
		old->changed[i - 1] = (struct ranges){ 0 };
		any |= v->changed[i].nr;
	}
	any |= old->changed[FEED_HISTORY - 1].nr;
	/* a map that was taken over left nothing behind */
	if (v->version != old->version && v->known && old->known &&
	    heat_changes(&old->vm.map.shared, &v->vm.map.shared, &v->changed[0]))
		tell_memory();
	if (any)
		v->version = ++f->versions;
}

static int next_vms(struct feed *f, struct vms *vms)
{
	uint64_t time_ms;
	int ret;

	if (!f->recorded) {
		ret = vms_find(vms, f->filter) ? -1 : 1;
		f->time_ms = time_now_ms();
		return ret;
	}
	if (f->pos >= f->nr_places)
		return 0;
	if (fseek(f->rec.f, f->places[f->pos].offset, SEEK_SET))
		return 0;
	f->rec.line_nr = f->places[f->pos].line;
	f->pos++;
	ret = recording_next(&f->rec, f->filter, vms, &time_ms);
	if (ret > 0)
		f->time_ms = time_ms;
	return ret;
}

/* Moves @vm into @v; false: it is gone. */
static bool next_vm(struct feed *f, struct vms *vms, struct vm *vm, struct feed_vm *v,
		    uint64_t ms)
{
	struct feed_vm *old = find_vm(f, vm->id);
	bool here;

	*v = (struct feed_vm){ .vm = *vm };
	vm->name = NULL;
	vm->map.shared = (struct ranges){ 0 };
	vm->slots = (struct slot_map){ 0 };
	here = f->recorded || load_live(f, vms, v, old);
	if (!here) {
		free_vm(v);
		return false;
	}
	if (f->recorded)
		v->version = ++f->versions;
	count(v, old, ms);
	sum_up(v, old);
	remember(f, v, old);
	return true;
}

int feed_next(struct feed *f)
{
	uint64_t before_ms = f->recorded ? f->time_ms : f->running_ms;
	bool first = !before_ms;
	struct feed next = *f;
	struct vms vms;
	size_t i;
	int ret;

	ret = next_vms(&next, &vms);
	f->pos = next.pos;
	if (ret <= 0)
		return ret;
	next.running_ms = f->recorded ? next.time_ms : time_running_ms();
	f->running_ms = next.running_ms;
	next.nr = 0;
	next.v = calloc(vms.nr + 1, sizeof(*next.v));
	if (!next.v) {
		vms_free(&vms);
		return tell_memory();
	}
	for (i = 0; i < vms.nr; i++) {
		struct feed_vm *v = &next.v[next.nr];

		if (next_vm(f, &vms, &vms.v[i], v, next.running_ms - before_ms)) {
			v->has_rates &= !first;
			next.nr++;
		}
	}
	vms_free(&vms);
	next.versions = f->versions;
	free_vms(f);
	f->v = next.v;
	f->nr = next.nr;
	f->time_ms = next.time_ms;
	return 1;
}

int feed_seek(struct feed *f, size_t pos)
{
	int ret;

	if (pos >= f->nr_places)
		pos = f->nr_places - 1;
	if (pos == f->pos)
		return feed_next(f);
	free_vms(f);
	f->time_ms = 0;
	f->pos = pos ? pos - 1 : 0;
	ret = feed_next(f);
	/* a sample that is malformed has been told about; go on with the next */
	return pos ? feed_next(f) : ret;
}

static uint64_t tenths(uint64_t n, uint64_t ms)
{
	return (n * 10000 + ms / 2) / ms;
}

uint64_t feed_rate(const struct feed_vm *v, enum vm_counter c)
{
	return tenths(v->grown[c], v->ms);
}

uint64_t feed_refused(const struct feed_vm *v)
{
	return tenths(v->grown[VM_REFUSED_INVAL] + v->grown[VM_REFUSED_PERM], v->ms);
}
