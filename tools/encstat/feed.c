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
	if (!recording_make_seekable(&f->rec) && !find_places(f))
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
	free(f->left_out);
	f->left_out = NULL;
	f->nr_left_out = 0;
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

static struct feed_vm *find_vm(const struct feed *f, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (vm_same(&f->v[i].vm, vm))
			return &f->v[i];
	return NULL;
}

/* A VM that was not there in the sample before, and was not left out of it. */
static bool began(const struct feed *f, const struct vm *vm)
{
	struct vms past = { .left_out = f->left_out, .nr_left_out = f->nr_left_out };

	return f->begun && !vms_left_out(&past, vm);
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
	uint64_t age = f->when.running_ms.v - old->read_ms, wait;

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
	v->read_ms = f->when.running_ms.v;
	v->cost_ms = time_running_ms() - start;
	v->version = ++f->versions;
	return true;
}

static void sum_up(struct feed_vm *v, const struct feed_vm *old)
{
	v->sums = old && v->version == old->version ? old->sums : vm_sums(&v->vm);
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
	if (v->version != old->version && v->sums.private.known && old->sums.private.known &&
	    heat_changes(&old->vm.map.shared, &v->vm.map.shared, &v->changed[0]))
		tell_memory();
	if (any)
		v->version = ++f->versions;
}

static int next_vms(struct feed *f, struct vms *vms, struct when *when)
{
	int ret;

	if (!f->recorded) {
		*when = when_now();
		ret = f->found ? vms_find_again(vms, f->filter) : vms_find(vms, f->filter);
		return ret ? -1 : 1;
	}
	if (f->pos >= f->nr_places)
		return 0;
	if (fseek(f->rec.f, f->places[f->pos].offset, SEEK_SET))
		return 0;
	f->rec.line_nr = f->places[f->pos].line;
	f->pos++;
	return recording_next(&f->rec, f->filter, vms, when);
}

/* Moves @vm into @v; false: it is gone. */
static bool next_vm(struct feed *f, struct vms *vms, struct vm *vm, struct feed_vm *v)
{
	struct feed_vm *old = find_vm(f, vm);
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
	v->growth = growth_between(old ? &old->vm : NULL, &v->vm, !old && began(f, &v->vm),
				   f->interval);
	sum_up(v, old);
	remember(f, v, old);
	return true;
}

static void set_time(struct feed *f, const struct when *when)
{
	f->interval = value(false, 0);
	if (f->begun)
		f->interval = when_between(&f->when, when);
	else
		f->line_ms = when->time_ms;
	f->line_ms += f->interval.v;
	f->when = *when;
}

/* What was the sample before is replaced by @v. */
static void replace_vms(struct feed *f, struct feed_vm *v, size_t nr, struct vms *vms)
{
	free_vms(f);
	f->v = v;
	f->nr = nr;
	f->left_out = vms->left_out;
	f->nr_left_out = vms->nr_left_out;
	vms->left_out = NULL;
	f->begun = true;
	f->found = true;
}

int feed_next(struct feed *f)
{
	struct feed_vm *v;
	struct when when;
	struct vms vms;
	size_t i, nr = 0;
	int ret;

	ret = next_vms(f, &vms, &when);
	if (ret <= 0)
		return ret;
	v = calloc(vms.nr + 1, sizeof(*v));
	if (!v) {
		vms_free(&vms);
		return tell_memory();
	}
	set_time(f, &when);
	for (i = 0; i < vms.nr; i++)
		if (next_vm(f, &vms, &vms.v[i], &v[nr]))
			nr++;
	replace_vms(f, v, nr, &vms);
	vms_free(&vms);
	return 1;
}

void feed_forget(struct feed *f)
{
	free_vms(f);
	f->begun = false;
}

int feed_seek(struct feed *f, size_t pos)
{
	int ret;

	if (pos >= f->nr_places)
		pos = f->nr_places - 1;
	if (pos == f->pos)
		return feed_next(f);
	feed_forget(f);
	f->pos = pos ? pos - 1 : 0;
	ret = feed_next(f);
	/* a sample that is malformed has been told about; go on with the next */
	return pos ? feed_next(f) : ret;
}
