// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random hypercalls, ioctls and memslot changes, with page encryption status
 * (KVM_CAP_PAGE_ENC_STATUS).  The outcome is compared with a model that is too
 * simple to be wrong: a byte a page.
 *
 * Each step has two parts.  In the first, vCPUs make hypercalls at the same
 * time, each in addresses of its own, so that their order doesn't matter.  At
 * the same time the VMM makes calls that must not change anything.  In the
 * second, with vCPUs out of the guest, the VMM changes things, and compares.
 */
#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "kvm_util.h"
#include "page_enc_vmm.h"
#include "processor.h"
#include "test_util.h"

#define VCPUS		4
#define BATCH		64

/* Operations of the VMM while vCPUs are out of the guest */
#define OPS_ALONE	2000

/* Pages in the model; others are never shared */
#define CHUNK		KVM_PAGE_ENC_CHUNK_PAGES
#define FIRST_GFN		((4UL << 30 >> 12) + 37 * CHUNK)
#define PAGES		(96 * CHUNK)
#define END_GFN		(FIRST_GFN + PAGES)

/* KVM's limit of guest frames */
#define END_OF_GFNS	BIT(40)

/* Memslots in it, and one elsewhere that comes and goes while vCPUs run */
#define SLOTS		8
#define FIRST_SLOT	10
#define SLOT_PAGES	8192
#define OTHER_SLOT	30
#define OTHER_START	(FIRST_GFN - 2 * SLOT_PAGES)

/* Memory of the slots; nobody ever touches it */
#define BACKING_SIZE	(SLOT_PAGES * 4096ULL)

/* Room for all extents there can be, and then a page that can't be written */
#define BUFFER_SIZE	((PAGES + CHUNK) * sizeof(struct kvm_page_enc_extent))

struct call {
	uint64_t nr;
	uint64_t gpa;
	uint64_t npages;
	uint64_t attrs;
	int64_t result;
};

/* Shared with the guest, each vCPU of which makes its calls in this order */
static struct call calls[VCPUS][BATCH];
static uint32_t nr_calls = BATCH;

static void guest_code(uint32_t id)
{
	struct call *c;

	for (;;) {
		for (c = calls[id]; c < calls[id] + nr_calls; c++)
			c->result = kvm_hypercall(c->nr, c->gpa, c->npages, c->attrs, 0);
		GUEST_SYNC(0);
	}
}

/*
 * The model
 */
struct slot {
	bool exists;
	uint64_t gfn;
	uint64_t npages;
	uint32_t flags;
};

static struct {
	uint8_t shared[PAGES];
	struct slot slots[SLOTS];
	uint64_t control;

	/* Statistics */
	uint64_t calls;
	uint64_t to_shared;
	uint64_t to_private;
	uint64_t unbacked;
	uint64_t refused;
} model;

/* The view of a VMM that only asks for changes */
static uint8_t follower[PAGES];

static struct {
	uint64_t ops;
	uint64_t seed;
	uint32_t kills;
	uint32_t moves;
} opt = {
	.ops = 1000000,
	.seed = 1,
	.kills = 10,
	.moves = 2000,
};

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpus[VCPUS];
static pthread_t threads[VCPUS];
static sem_t go[VCPUS];
static sem_t done;
static struct call (*guest_calls)[BATCH];
static uint64_t rng;
static uint64_t gfns;		/* the number of valid ones */
static uint64_t ops_done;
static uint64_t nr_hypercalls, nr_ioctls, nr_slot_ops, nr_compared;
static void *backing;
static struct kvm_page_enc_extent *buffer;

static uint64_t rnd(uint64_t n)
{
	return (page_enc_random(&rng) >> 8) % n;
}

static bool one_in(uint64_t n)
{
	return !rnd(n);
}

/* Any number, of any length */
static uint64_t any_number(void)
{
	return page_enc_random(&rng) >> rnd(64);
}

static uint64_t set_model(uint64_t start, uint64_t end, bool shared)
{
	uint64_t gfn, changed = 0;

	start = max_t(uint64_t, start, FIRST_GFN);
	end = min_t(uint64_t, end, END_GFN);
	for (gfn = start; gfn < end; gfn++) {
		changed += model.shared[gfn - FIRST_GFN] != shared;
		model.shared[gfn - FIRST_GFN] = shared;
	}
	return changed;
}

static void model_share(uint64_t start, uint64_t end)
{
	struct slot *s;

	model.unbacked += end - start;
	for (s = model.slots; s < model.slots + SLOTS; s++) {
		uint64_t first = max(start, s->gfn), last = min(end, s->gfn + s->npages);

		if (!s->exists || first >= last)
			continue;
		model.to_shared += set_model(first, last, true);
		model.unbacked -= last - first;
	}
}

static bool call_valid(const struct call *c)
{
	uint64_t gfn = c->gpa >> 12;

	return !(c->gpa & 0xfff) && c->npages && gfn < gfns && c->npages <= gfns - gfn &&
	       !(c->attrs >> 5);
}

/* Returns the result. */
static int64_t model_call(const struct call *c)
{
	uint64_t gfn = c->gpa >> 12;

	if (c->nr != KVM_HC_MAP_GPA_RANGE)
		return -KVM_ENOSYS;

	if (!call_valid(c)) {
		model.refused++;
		return -KVM_EINVAL;
	}
	model.calls++;
	if (c->attrs & KVM_MAP_GPA_RANGE_ENCRYPTED)
		model.to_private += set_model(gfn, gfn + c->npages, false);
	else
		model_share(gfn, gfn + c->npages);
	return 0;
}

/*
 * Hypercalls
 */
static uint64_t random_length(void)
{
	static const uint16_t lengths[] = { 1, 1, 2, 4, 16, 64, 256, 4096 };

	return 1 + rnd(lengths[rnd(ARRAY_SIZE(lengths))]);
}

static uint64_t random_attrs(void)
{
	return rnd(3) | (one_in(2) ? KVM_MAP_GPA_RANGE_ENCRYPTED : 0);
}

static void spoil(struct call *c)
{
	switch (rnd(6)) {
	case 0:
		c->gpa |= any_number() & 0xfff;
		break;
	case 1:
		c->gpa = any_number();
		break;
	case 2:
		c->npages = one_in(2) ? 0 : any_number();
		break;
	case 3:
		c->attrs = any_number();
		break;
	case 4:
		/* Wraps, or ends beyond the last page */
		c->gpa = (gfns - rnd(4)) << 12;
		c->npages = one_in(2) ? 1 + rnd(8) : -(c->gpa >> 12) + rnd(4) - 2;
		break;
	case 5:
		c->nr = 100 + any_number();
		break;
	}
}

/* Something that changes pages [start, end) at most */
static struct call random_call(uint64_t start, uint64_t end)
{
	struct call c;
	uint64_t gfn, last;

	do {
		gfn = start + rnd(min_t(uint64_t, end, END_GFN) - start);
		last = min(end, gfn + random_length());
		if (one_in(64))
			gfn = start;
		if (one_in(32))
			last = end;
		c = (struct call) {
			.nr = KVM_HC_MAP_GPA_RANGE,
			.gpa = gfn << 12,
			.npages = last - gfn,
			.attrs = random_attrs(),
		};
		if (one_in(8))
			spoil(&c);
	} while (c.nr == KVM_HC_MAP_GPA_RANGE && call_valid(&c) &&
		 (c.gpa >> 12 < start || (c.gpa >> 12) + c.npages > end));
	return c;
}

/* vCPU @id gets [start, end) to change. */
static void prepare_vcpu(uint32_t id, uint64_t start, uint64_t end)
{
	uint32_t i;

	for (i = 0; i < BATCH; i++)
		guest_calls[id][i] = random_call(start, end);
}

static void check_results(uint32_t id)
{
	uint32_t i;

	for (i = 0; i < BATCH; i++) {
		struct call *c = &guest_calls[id][i];
		int64_t wanted = model_call(c);

		TEST_ASSERT(c->result == wanted, "%lu(%lx, %lx, %lx) returned %ld, not %ld",
			    c->nr, c->gpa, c->npages, c->attrs, c->result, wanted);
	}
	nr_hypercalls += BATCH;
}

static void *vcpu_thread(void *arg)
{
	uint32_t id = (uintptr_t)arg;
	struct ucall uc;

	for (;;) {
		sem_wait(&go[id]);
		vcpu_run(vcpus[id]);
		TEST_ASSERT_EQ(get_ucall(vcpus[id], &uc), UCALL_SYNC);
		sem_post(&done);
	}
	return NULL;
}

/*
 * ioctls that must not change anything
 */
static void *bad_pointer(void)
{
	switch (rnd(6)) {
	case 0:
		return NULL;
	case 1:
		return (void *)(1ULL << 63 | any_number());
	case 2:
		return (void *)(0xffff8880ULL << 32);
	case 3:
		return (void *)(8 + rnd(4000));
	case 4:
		/* Its end can't be accessed. */
		return (void *)buffer + BUFFER_SIZE - 8 * rnd(3);
	default:
		return (void *)page_enc_random(&rng);
	}
}

/* The first page, or the page after the last one */
static uint64_t random_gfn(void)
{
	switch (rnd(8)) {
	case 0:
		return any_number();
	case 1:
		return 0;
	case 2:
		return FIRST_GFN;
	case 3:
		return END_GFN;
	case 4:
		return FIRST_GFN + rnd(PAGES / CHUNK) * CHUNK;
	default:
		return FIRST_GFN + rnd(PAGES);
	}
}

static uint64_t random_nr(void)
{
	switch (rnd(16)) {
	case 0:
		return any_number();
	case 1:
		return BUFFER_SIZE / sizeof(*buffer);
	case 2:
		return rnd(CHUNK);
	default:
		return rnd(16);
	}
}

/* Extents are in the requested range.  Tell the follower of them. */
static void take_extents(const struct kvm_page_enc_status *in,
			 const struct kvm_page_enc_status *out)
{
	uint64_t i, next = in->gfn, end = in->end ?: END_OF_GFNS;
	bool changed = in->flags & KVM_PAGE_ENC_GET_CHANGED;

	TEST_ASSERT(out->nr <= in->nr, "%llu extents, %llu have room", out->nr, in->nr);
	TEST_ASSERT_EQ(out->control, model.control);

	for (i = 0; i < out->nr; i++) {
		struct kvm_page_enc_extent e = buffer[i];
		uint64_t first, last;

		TEST_ASSERT(e.npages && e.gfn >= next && e.gfn < end && e.npages <= end - e.gfn &&
			    (e.flags == KVM_PAGE_ENC_SHARED || (!e.flags && changed)),
			    "Extent %llx+%llx, flags %llx in [%lx, %lx)",
			    e.gfn, e.npages, e.flags, next, end);
		next = e.gfn + e.npages;
		first = max_t(uint64_t, e.gfn, FIRST_GFN);
		last = min_t(uint64_t, next, END_GFN);
		if (changed && first < last)
			memset(follower + first - FIRST_GFN, !!e.flags, last - first);
	}
	TEST_ASSERT(!out->nr || out->gfn >= next, "Would go on at %llx before %lx", out->gfn, next);
}

/* No extent can be written through a bad pointer, so no mark may be lost. */
static void get_something(void)
{
	bool bad = one_in(4);
	struct kvm_page_enc_status in, out;
	int r;

	in = (struct kvm_page_enc_status) {
		.gfn = random_gfn(),
		.end = one_in(4) ? 0 : random_gfn(),
		.flags = one_in(16) ? any_number() : rnd(4),
		.nr = random_nr(),
		.extents = (uintptr_t)(bad ? bad_pointer() : buffer),
	};
	if (one_in(32))
		in.pad[rnd(9)] = any_number();
	out = in;
	r = __vm_ioctl(vm, KVM_GET_PAGE_ENC_STATUS, &out);
	TEST_ASSERT(!r || errno == EINVAL || errno == EFAULT || errno == ENOSPC || errno == ENOMEM,
		    KVM_IOCTL_ERROR(KVM_GET_PAGE_ENC_STATUS, r));
	if (!r && !bad)
		take_extents(&in, &out);
}

static void follow(uint64_t start, uint64_t end)
{
	struct kvm_page_enc_status status;

	page_enc_get(vm, start, end, KVM_PAGE_ENC_GET_CHANGED | KVM_PAGE_ENC_GET_CLEAR,
		     PAGE_ENC_EXTENTS, follower + start - FIRST_GFN, &status);
	TEST_ASSERT_EQ(status.control, model.control);
}

static void follow_somewhere(void)
{
	uint64_t first = rnd(PAGES / CHUNK), n = 1 + rnd(PAGES / CHUNK - first);

	follow(FIRST_GFN + first * CHUNK, FIRST_GFN + (first + n) * CHUNK);
}

/* Extents that are valid, far from each other or side by side */
static uint64_t random_extents(struct kvm_page_enc_extent *extents)
{
	uint64_t gfn = FIRST_GFN + rnd(PAGES / 2), max = 1 + rnd(one_in(16) ? 500 : 8), n;
	bool adjacent = one_in(4);

	for (n = 0; n < max && gfn < END_GFN; n++) {
		uint64_t len = min_t(uint64_t, random_length(), END_GFN - gfn);

		extents[n] = (struct kvm_page_enc_extent) {
			.gfn = gfn,
			.npages = len,
			.flags = KVM_PAGE_ENC_SHARED,
		};
		gfn += len + (adjacent ? 0 : random_length());
	}
	return n;
}

/* Make one of them invalid, or add one that is.  Returns how many there are. */
static uint64_t spoil_extents(struct kvm_page_enc_extent *extents, uint64_t n)
{
	struct kvm_page_enc_extent *e = &extents[rnd(n)];

	switch (rnd(6)) {
	case 0:
		e->npages = 0;
		break;
	case 1:
		e->flags = one_in(2) ? 0 : 2 + rnd(1 << 20);
		break;
	case 2:
		e->gfn = END_OF_GFNS - rnd(4);
		e->npages = 4 + any_number();
		break;
	case 3:
		e->gfn = -e->npages - rnd(2);
		break;
	case 4:
		/* Overlaps the one after it. */
		extents[n] = extents[n - 1];
		extents[n].gfn += rnd(extents[n].npages);
		return n + 1;
	case 5:
		/* Not ascending */
		extents[n] = extents[n - 1];
		extents[n].gfn = FIRST_GFN - 1 - rnd(5);
		extents[n].npages = 1;
		return n + 1;
	}
	return n;
}

static void set_badly(void)
{
	uint64_t n = random_extents(buffer);
	struct kvm_page_enc_status status = {
		.nr = n,
		.extents = (uintptr_t)buffer,
	};
	uint32_t how = rnd(6);
	int r;

	switch (how) {
	case 0:
		status.extents = (uintptr_t)bad_pointer();
		break;
	case 1:
		status.flags = 1ULL << rnd(64);
		break;
	case 2:
		status.pad[rnd(9)] = 1ULL << rnd(64);
		break;
	case 3:
		status.nr = (1ULL << 41) + any_number();
		break;
	default:
		status.nr = spoil_extents(buffer, n);
		break;
	}
	r = __vm_ioctl(vm, KVM_SET_PAGE_ENC_STATUS, &status);
	TEST_ASSERT(r && (errno == EINVAL || errno == EFAULT || errno == E2BIG || errno == ENOMEM),
		    "SET %u with %llu extents: %d, errno %d", how, status.nr, r, errno);
}

/* RESET takes nothing but zeroes. */
static void reset_badly(void)
{
	struct kvm_page_enc_status status = { };
	int r;

	switch (rnd(4)) {
	case 0:
		status.pad[rnd(9)] = 1ULL << rnd(64);
		break;
	case 1:
		status.flags = 1ULL << rnd(64);
		break;
	case 2:
		status.nr = 1ULL << rnd(64);
		break;
	case 3:
		status.extents = (uintptr_t)buffer;
		break;
	}
	r = __vm_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &status);
	TEST_ASSERT(r && errno == EINVAL, "RESET: %d, errno %d", r, errno);
}

static void bad_struct(void)
{
	static const unsigned long nrs[] = {
		KVM_GET_PAGE_ENC_STATUS, KVM_SET_PAGE_ENC_STATUS, KVM_RESET_PAGE_ENC_STATUS,
	};
	int r = ioctl(vm->fd, nrs[rnd(3)], bad_pointer());

	TEST_ASSERT(r && errno == EFAULT, "Bad pointer: %d, errno %d", r, errno);
}

static void change_control(void)
{
	uint64_t value = one_in(4) ? any_number() : rnd(2);
	int r = _vcpu_set_msr(vcpus[0], MSR_KVM_MIGRATION_CONTROL, value);

	TEST_ASSERT(r == (value <= KVM_MIGRATION_READY), "MSR to %lx: %d", value, r);
	/* A plain VM doesn't lose READY by it. */
	if (r && value)
		model.control = value;
}

static int set_slot(uint32_t id, uint64_t gfn, uint64_t npages, uint32_t flags)
{
	nr_slot_ops++;
	return __vm_set_user_memory_region(vm, id, flags, gfn << 12, npages << 12, backing);
}

static void toggle_flags(void)
{
	uint32_t i = rnd(SLOTS);
	struct slot *s = &model.slots[i];

	if (!s->exists)
		return;
	s->flags ^= KVM_MEM_LOG_DIRTY_PAGES;
	TEST_ASSERT(!set_slot(FIRST_SLOT + i, s->gfn, s->npages, s->flags), "Flags: %d", errno);
}

static void read_dirty_log(void)
{
	static unsigned long log[SLOT_PAGES / 64];
	uint32_t i = rnd(SLOTS);

	if (model.slots[i].flags & KVM_MEM_LOG_DIRTY_PAGES)
		kvm_vm_get_dirty_log(vm, FIRST_SLOT + i, log);
}

/* Where no vCPU shares anything */
static void other_slot(void)
{
	uint64_t npages = 1 + rnd(SLOT_PAGES);

	TEST_ASSERT(!set_slot(OTHER_SLOT, OTHER_START, npages, 0), "Slot: %d", errno);
	TEST_ASSERT(!set_slot(OTHER_SLOT, OTHER_START, 0, 0), "No slot: %d", errno);
}

/*
 * As documented: 128 bytes a chunk, and a node of the xarray (less than 1 KiB)
 * for 64 of them.
 */
static void check_bytes(void)
{
	uint64_t bytes = vm_get_stat(vm, "page_enc_bytes");

	TEST_ASSERT(bytes <= PAGES / CHUNK * 128 + (PAGES / CHUNK / 64 + 2) * 1024,
		    "%lu bytes for %u chunks", bytes, PAGES / CHUNK);
}

static void neutral_op(void)
{
	static void (*const ops[])(void) = {
		get_something, get_something, get_something, get_something,
		follow_somewhere, follow_somewhere, set_badly, set_badly, reset_badly,
		bad_struct, change_control, read_dirty_log,
	};

	if (one_in(1000))
		toggle_flags();
	if (one_in(2000))
		other_slot();
	if (one_in(1000))
		check_bytes();
	ops[rnd(ARRAY_SIZE(ops))]();
	nr_ioctls++;
}

/*
 * Operations that change something
 */
static bool overlaps(uint32_t id, uint64_t gfn, uint64_t npages)
{
	uint32_t i;

	for (i = 0; i < SLOTS; i++) {
		struct slot *s = &model.slots[i];

		if (i != id && s->exists && gfn < s->gfn + s->npages && s->gfn < gfn + npages)
			return true;
	}
	return false;
}

/* Create a slot, or move it; both fail if another one is there. */
static void place_slot(uint32_t id, uint64_t npages)
{
	struct slot *s = &model.slots[id];
	uint64_t gfn = FIRST_GFN + rnd(PAGES - npages + 1);
	uint32_t flags = s->exists ? s->flags : rnd(2) * KVM_MEM_LOG_DIRTY_PAGES;
	int r = set_slot(FIRST_SLOT + id, gfn, npages, flags);

	if (overlaps(id, gfn, npages)) {
		TEST_ASSERT(r && errno == EEXIST, "Slot overlaps: %d, errno %d", r, errno);
		return;
	}
	TEST_ASSERT(!r, "Slot: %d, errno %d", r, errno);
	*s = (struct slot) { true, gfn, npages, flags };
}

static void change_slot(void)
{
	uint32_t id = rnd(SLOTS);
	struct slot *s = &model.slots[id];

	if (!s->exists) {
		place_slot(id, one_in(2) ? SLOT_PAGES : 1 + rnd(SLOT_PAGES));
	} else if (one_in(2)) {
		place_slot(id, s->npages);
	} else {
		TEST_ASSERT(!set_slot(FIRST_SLOT + id, 0, 0, 0), "Delete: %d", errno);
		*s = (struct slot) { };
	}
}

static void set_status(void)
{
	uint64_t i, n = one_in(8) ? 0 : random_extents(buffer);

	page_enc_set(vm, buffer, n);
	set_model(FIRST_GFN, END_GFN, false);
	for (i = 0; i < n; i++)
		set_model(buffer[i].gfn, buffer[i].gfn + buffer[i].npages, true);
	nr_ioctls++;
}

static void reset_status(void)
{
	struct kvm_page_enc_status status = { };

	vm_ioctl(vm, KVM_RESET_PAGE_ENC_STATUS, &status);
	set_model(FIRST_GFN, END_GFN, false);
	model.control = KVM_MIGRATION_READY;
	nr_ioctls++;
}

static void alone(void)
{
	uint32_t i;

	for (i = 0; i < OPS_ALONE; i++) {
		if (one_in(500))
			change_slot();
		else if (one_in(100))
			set_status();
		else if (one_in(200))
			reset_status();
		else
			neutral_op();
	}
}

static void compare(const char *what, const uint8_t *got)
{
	uint64_t i;

	if (!memcmp(got, model.shared, PAGES))
		return;
	for (i = 0; got[i] == model.shared[i]; i++)
		;
	TEST_FAIL("%s has page %lx %s after %lu operations", what, FIRST_GFN + i,
		  got[i] ? "shared" : "private", ops_done);
}

#define expect_stat(name, value) \
	TEST_ASSERT_EQ(vm_get_stat(vm, "page_enc_" #name), value)

static void compare_all(void)
{
	struct kvm_page_enc_status status;
	uint8_t shared[PAGES] = { };
	uint64_t n;

	page_enc_get(vm, FIRST_GFN, END_GFN, 0, 1 + rnd(PAGE_ENC_EXTENTS), shared, &status);
	compare("KVM", shared);

	follow(FIRST_GFN, END_GFN);
	compare("Who follows changes", follower);
	n = page_enc_get(vm, FIRST_GFN, END_GFN, KVM_PAGE_ENC_GET_CHANGED, PAGE_ENC_EXTENTS,
			 shared, &status);
	TEST_ASSERT(!n, "%lu extents have changed at once", n);

	expect_stat(calls, model.calls);
	expect_stat(to_shared, model.to_shared);
	expect_stat(to_private, model.to_private);
	expect_stat(unbacked, model.unbacked);
	expect_stat(refused_inval, model.refused);
	check_bytes();
	nr_compared++;
}

/* Where the addresses of a vCPU begin; neighbours have a chunk in common. */
static uint64_t vcpu_start(uint32_t id)
{
	return FIRST_GFN + id * (PAGES / VCPUS - 3);
}

/* vCPUs [first, end), at the same time */
static void start_vcpus(uint32_t first, uint32_t end)
{
	uint32_t i;

	if (end - first == 1)
		prepare_vcpu(first, FIRST_GFN, gfns);
	else
		for (i = first; i < end; i++)
			prepare_vcpu(i, vcpu_start(i), i + 1 == VCPUS ? gfns : vcpu_start(i + 1));

	for (i = first; i < end; i++)
		sem_post(&go[i]);
}

static void step(void)
{
	uint32_t first = 0, end = VCPUS, running, i;

	/* One alone, in all of it? */
	if (one_in(4)) {
		first = rnd(VCPUS);
		end = first + 1;
	}
	start_vcpus(first, end);

	for (running = end - first; running;) {
		neutral_op();
		while (running && !sem_trywait(&done))
			running--;
	}

	for (i = first; i < end; i++)
		check_results(i);
	alone();
	ops_done = nr_hypercalls + nr_ioctls + nr_slot_ops;
}

static void create(uint64_t seed)
{
	uint64_t i;

	rng = page_enc_seed(seed, 0);
	vm = vm_create(VCPUS);
	page_enc_enable(vm);
	gfns = 1ULL << (vm->pa_bits - 12);
	guest_calls = addr_gva2hva(vm, (vm_vaddr_t)calls);
	model.control = KVM_MIGRATION_READY;
	sem_init(&done, 0, 0);

	for (i = 0; i < VCPUS; i++) {
		vcpus[i] = vm_vcpu_add(vm, i, guest_code);
		vcpu_args_set(vcpus[i], 1, i);
		sem_init(&go[i], 0, 0);
		pthread_create(&threads[i], NULL, vcpu_thread, (void *)i);
	}
}

static void destroy(void)
{
	uint32_t i;

	for (i = 0; i < VCPUS; i++) {
		pthread_cancel(threads[i]);
		pthread_join(threads[i], NULL);
	}
	kvm_vm_free(vm);
}

/*
 * VMs that end in the middle of operations
 */
static bool debugfs_left(pid_t pid)
{
	DIR *dir = opendir("/sys/kernel/debug/kvm");
	struct dirent *e;
	char name[16];
	bool left = false;

	if (!dir)
		return false;
	snprintf(name, sizeof(name), "%d-", pid);
	while ((e = readdir(dir)))
		left |= !strncmp(e->d_name, name, strlen(name));
	closedir(dir);
	return left;
}

/* Show the messages of the process that was killed.  Returns their number. */
static ssize_t show(int fd)
{
	char text[4096];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	return n > 0 ? write(STDERR_FILENO, text, n) : n;
}

static void kill_one(uint64_t seed, uint64_t us)
{
	int status, errors = memfd_create("errors", 0);
	uint32_t tries = 500;
	pid_t pid = fork();

	TEST_ASSERT(pid >= 0, "fork: %d", errno);
	if (!pid) {
		dup2(errors, STDERR_FILENO);
		create(seed);
		for (;;)
			step();
	}
	usleep(us);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !show(errors),
		    "The VM with seed %lu failed, status %x", seed, status);
	close(errors);
	while (debugfs_left(pid) && tries--)
		usleep(10000);
	TEST_ASSERT(!debugfs_left(pid), "The VM of %d is still there", pid);
}

static void test_kills(void)
{
	uint64_t state = page_enc_seed(opt.seed, 1);
	uint32_t i;

	for (i = 0; i < opt.kills; i++)
		kill_one(opt.seed + 1000 + i, page_enc_random(&state) % 1000000);
	printf("%u VMs killed\n", opt.kills);
}

/*
 * A guest may move a memslot, as that of a BAR, and share pages in each place.
 * KVM must not keep something for each place.
 */
#define MOVED_SLOT	40
#define MOVED_PAGES	(2 * CHUNK)
#define MOVED_CHUNKS	(MOVED_PAGES / CHUNK + 1)
#define MOVED_CALLS	8
#define SLACK_CHUNKS	1024

/* Pages of both halves become shared.  At last one page stays so, or many. */
static void share_moved(uint64_t gfn)
{
	struct call *c = guest_calls[0], *last = c + MOVED_CALLS - 1;
	struct ucall uc;

	for (; c <= last; c++)
		*c = (struct call) {
			.nr = KVM_HC_MAP_GPA_RANGE,
			.gpa = (gfn + rnd(MOVED_PAGES - 64)) << 12,
			.npages = 1 + rnd(64),
			.attrs = random_attrs(),
		};
	*last = (struct call) {
		.nr = KVM_HC_MAP_GPA_RANGE,
		.gpa = gfn << 12,
		.npages = one_in(2) ? 1 : MOVED_PAGES,
		.attrs = KVM_MAP_GPA_RANGE_ENCRYPTED,
	};
	vcpu_run(vcpus[0]);
	TEST_ASSERT_EQ(get_ucall(vcpus[0], &uc), UCALL_SYNC);
	for (c = guest_calls[0]; c <= last; c++)
		TEST_ASSERT_EQ(c->result, 0);
}

/*
 * Without a slot, KVM keeps up to SLACK_CHUNKS chunks with status, as many that
 * are marked only, and an eighth more, unless other chunks are more.
 */
static void check_moved(const char *name, uint64_t each, uint64_t *most)
{
	uint64_t value = vm_get_stat(vm, name);
	uint64_t max = 2 * SLACK_CHUNKS + SLACK_CHUNKS / 8 + 3 * MOVED_CHUNKS;

	TEST_ASSERT(value <= max * each, "%s is %lu", name, value);
	*most = max(*most, value);
}

static void test_moves(void)
{
	uint64_t chunks = 0, changed = 0, bytes = 0, gfn;
	uint32_t i;

	create(opt.seed + 1);
	nr_calls = MOVED_CALLS;
	sync_global_to_guest(vm, nr_calls);
	for (i = 0; i < opt.moves; i++) {
		gfn = END_GFN + rnd(gfns - END_GFN - MOVED_PAGES);
		TEST_ASSERT(!set_slot(MOVED_SLOT, gfn, MOVED_PAGES, 0), "Move: %d", errno);
		share_moved(gfn);
		if (i % 16)
			continue;
		/* A bitmap and a node of the xarray each, at the worst */
		check_moved("page_enc_bytes", 128 + 1024, &bytes);
		check_moved("page_enc_chunks", 1, &chunks);
		check_moved("page_enc_changed_chunks", 1, &changed);
	}
	nr_calls = BATCH;
	destroy();
	printf("%u moves of a memslot: at most %lu chunks, %lu changed ones, %lu bytes\n",
	       opt.moves, chunks, changed, bytes);
}

static void test_model(void)
{
	uint64_t next = opt.ops / 10;
	time_t begin = time(NULL);

	create(opt.seed);
	while (ops_done < opt.ops) {
		step();
		compare_all();
		if (ops_done < next)
			continue;
		printf("%lu operations, %lu s\n", ops_done, time(NULL) - begin);
		next += opt.ops / 10;
	}
	destroy();
	printf("%lu operations: %lu hypercalls, %lu ioctls, %lu of memslots;\n", ops_done,
	       nr_hypercalls, nr_ioctls, nr_slot_ops);
	printf("compared %lu times; %lu s\n", nr_compared, time(NULL) - begin);
}

static void *map(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	TEST_ASSERT(p != MAP_FAILED, "mmap: %d", errno);
	return p;
}

static void help(const char *name, int status)
{
	printf("usage: %s [-k VMS] [-m MOVES] [-n OPERATIONS] [-s SEED]\n"
	       "  -k VMS         that are killed while they do this (default %u)\n"
	       "  -m MOVES       of a memslot with shared pages (default %u)\n"
	       "  -n OPERATIONS  hypercalls, ioctls, changes of memslots (default %lu)\n"
	       "  -s SEED        of all that is random (default %lu)\n",
	       name, opt.kills, opt.moves, opt.ops, opt.seed);
	exit(status);
}

static void parse(int argc, char *argv[])
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' }, { } };
	int c;

	while ((c = getopt_long(argc, argv, "hk:m:n:s:", longs, NULL)) != -1) {
		switch (c) {
		case 'k':
			opt.kills = atoi_non_negative("Number of VMs", optarg);
			break;
		case 'm':
			opt.moves = atoi_non_negative("Number of moves", optarg);
			break;
		case 'n':
			opt.ops = atoi_non_negative("Number of operations", optarg);
			break;
		case 's':
			opt.seed = atoi_non_negative("Seed", optarg);
			break;
		default:
			help(argv[0], c == 'h' ? 0 : 1);
		}
	}
}

int main(int argc, char *argv[])
{
	parse(argc, argv);
	setbuf(stdout, NULL);
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PAGE_ENC_STATUS));

	backing = map(BACKING_SIZE);
	buffer = map(BUFFER_SIZE + getpagesize());
	mprotect((void *)buffer + BUFFER_SIZE, getpagesize(), PROT_NONE);

	printf("seed %lu\n", opt.seed);
	test_kills();
	test_moves();
	test_model();
	return 0;
}
