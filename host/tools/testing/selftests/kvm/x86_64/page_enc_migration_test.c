// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live migration of a guest that converts its memory all the time, with
 * KVM_CAP_PAGE_ENC_STATUS and the dirty log, or dirty rings.
 *
 * Encryption is modelled.  Each VM has a key, and the guest itself stores the
 * exclusive or of its data and the key in pages that are private.  The VMM
 * "re-encrypts" private pages from one key to the other when it sends them, and
 * sends shared pages as they are.  So a page that was sent under the wrong
 * status is read wrong at the destination, unless it is sent again.
 *
 * A guest may convert a page in two orders: announce, then write, as drivers
 * do; or write, then announce, as early boot code does with memory that it
 * keeps. In the latter case KVM must have the page sent again, as nobody may
 * write to it after the announcement.
 *
 * The races that matter are made to happen in each round of pre-copy: one vCPU
 * is held between write and announcement for a round, others convert pages
 * between the two steps of harvesting.
 *
 * With KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 the dirty log is read at the beginning
 * of a round.  It is cleared in chunks, each just before its pages are sent, as
 * QEMU does.  Only the status that is read after that belongs to these pages.
 */
#include <getopt.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include <linux/bitmap.h>
#include <linux/bitops.h>

#include <asm/barrier.h>

#include "kvm_param.h"
#include "kvm_util.h"
#include "page_enc_vmm.h"
#include "processor.h"
#include "test_util.h"

#define MEM_SLOT	5
#define MEM_GPA		(4ULL << 30)
#define MEM_GFN		(MEM_GPA >> 12)
#define MEM_PAGES	4096
#define MEM_END		(MEM_GFN + MEM_PAGES)
#define PAGE_WORDS	512
#define LAST_WORD	(PAGE_WORDS - 1)

/* Addresses of the guest's memory; equal unless SEV is simulated */
#define VA_SHARED	0xc0000000ULL
#define VA_PRIVATE	0xd0000000ULL

#define MAX_VCPUS	8
#define NOBODY		MAX_VCPUS

/* Few entries, in order that the rings get full in the middle of hypercalls. */
#define RING_ENTRIES	1024

/* Events that the VMM waits for */
#define CHANGES_BETWEEN_STEPS	16
#define SILENT_CONVERSIONS	64
#define ROUNDS_NOT_READY	3

enum {
	STAGE_STOPPED,
	STAGE_HELD,
};

/* State of a vCPU, as the guest knows it */
struct guest_vcpu {
	uint64_t random;
	bool in_call;
	uint64_t calls;
	uint64_t changes;	/* calls that changed the status of any page */
	uint64_t conversions;	/* pages the status of which was changed */
	uint64_t silent;	/* pages converted unannounced, when not READY */
	uint64_t wrong;		/* pages that didn't read as they should */
	uint64_t first_wrong;
};

/* The state of the guest.  It is migrated as it is when vCPUs are stopped. */
static struct guest {
	/* Of this VM, never migrated */
	uint64_t key;

	/* Requests of the VMM */
	bool stop;
	bool withdraw;
	uint32_t hold;

	uint32_t nr_vcpus;
	uint64_t va_private;
	struct guest_vcpu vcpus[MAX_VCPUS];

	/* The guest's own record of its memory */
	uint64_t value[MEM_PAGES];
	uint8_t shared[MEM_PAGES];
	uint8_t announced[MEM_PAGES];
} guest;

/*
 * The guest
 */
static uint32_t first_page(uint32_t id)
{
	return MEM_PAGES * id / guest.nr_vcpus;
}

static uint64_t *guest_page(uint32_t page)
{
	uint64_t va = guest.shared[page] ? VA_SHARED : guest.va_private;

	return (uint64_t *)(va + page * 4096ULL);
}

static uint64_t guest_data(uint32_t page)
{
	return guest.shared[page] ? guest.value[page] : guest.value[page] ^ guest.key;
}

/* Write new content, under the status in the guest's own view. */
static void guest_write(struct guest_vcpu *v, uint32_t page, uint32_t n)
{
	for (; n--; page++) {
		guest.value[page] = page_enc_random(&v->random);
		WRITE_ONCE(guest_page(page)[0], guest_data(page));
		WRITE_ONCE(guest_page(page)[LAST_WORD], guest_data(page));
	}
}

static void guest_check(struct guest_vcpu *v, uint32_t page, uint32_t n)
{
	for (; n--; page++) {
		if (READ_ONCE(guest_page(page)[0]) == guest_data(page) &&
		    READ_ONCE(guest_page(page)[LAST_WORD]) == guest_data(page))
			continue;
		if (!v->wrong)
			v->first_wrong = page;
		v->wrong++;
	}
}

static void guest_announce(struct guest_vcpu *v, uint32_t page, uint32_t n)
{
	bool shared = guest.shared[page];
	uint32_t i, changed = 0;
	uint64_t r;

	WRITE_ONCE(v->in_call, true);
	r = page_enc_announce(MEM_GPA + page * 4096ULL, n, shared);
	WRITE_ONCE(v->in_call, false);
	GUEST_ASSERT_EQ(r, 0);

	for (i = page; i < page + n; i++) {
		changed += guest.announced[i] != shared;
		guest.announced[i] = shared;
	}
	WRITE_ONCE(v->calls, v->calls + 1);
	WRITE_ONCE(v->changes, v->changes + !!changed);
	WRITE_ONCE(v->conversions, v->conversions + changed);
}

/* Most are short, some are longer than a dirty ring. */
static uint32_t guest_run(struct guest_vcpu *v, uint32_t id, uint32_t *page)
{
	static const uint16_t lengths[] = { 1, 1, 2, 4, 8, 16, 64, 1024 };
	uint32_t max = lengths[page_enc_random(&v->random) % ARRAY_SIZE(lengths)];
	uint32_t length = 1 + page_enc_random(&v->random) % max;
	uint32_t left = first_page(id + 1) - first_page(id);

	*page = first_page(id) + page_enc_random(&v->random) % left;
	left = first_page(id + 1) - *page;
	return min(length, left);
}

static void guest_convert(struct guest_vcpu *v, uint32_t id)
{
	bool hold = READ_ONCE(guest.hold) == id;
	bool in_place = hold || page_enc_random(&v->random) & 1 << 16;
	uint32_t page, n = guest_run(v, id, &page);

	guest_check(v, page, 1);
	memset(guest.shared + page, !guest.shared[page], n);

	if (in_place)
		guest_write(v, page, n);
	if (hold)
		GUEST_SYNC(STAGE_HELD);
	guest_announce(v, page, n);
	if (!in_place)
		guest_write(v, page, n);
}

/* Announce all memory of this vCPU as it is. */
static void guest_announce_all(struct guest_vcpu *v, uint32_t id)
{
	uint32_t page = first_page(id), end = first_page(id + 1), n;

	for (; page < end; page += n) {
		n = 1;
		while (page + n < end && guest.shared[page + n] == guest.shared[page])
			n++;
		guest_announce(v, page, n);
	}
}

static void guest_stop(void)
{
	while (READ_ONCE(guest.stop))
		GUEST_SYNC(STAGE_STOPPED);
}

/* Announcements are not true any more until READY is set again. */
static void guest_not_ready(struct guest_vcpu *v, uint32_t id)
{
	uint64_t enough = v->silent + SILENT_CONVERSIONS;
	uint32_t page, n;

	wrmsr(MSR_KVM_MIGRATION_CONTROL, 0);
	while (READ_ONCE(guest.withdraw)) {
		n = guest_run(v, id, &page);
		memset(guest.shared + page, !guest.shared[page], n);
		guest_write(v, page, n);
		WRITE_ONCE(v->silent, v->silent + n);
		if (v->silent >= enough)
			guest_stop();
	}
	guest_announce_all(v, id);
	wrmsr(MSR_KVM_MIGRATION_CONTROL, KVM_MIGRATION_READY);
}

static void guest_step(struct guest_vcpu *v, uint32_t id)
{
	uint32_t page, n;

	if (page_enc_random(&v->random) % 4) {
		guest_convert(v, id);
	} else {
		n = guest_run(v, id, &page);
		guest_write(v, page, min(n, 4U));
	}
}

static void guest_code(uint32_t id, bool incoming)
{
	struct guest_vcpu *v = &guest.vcpus[id];
	uint32_t page = first_page(id), n = first_page(id + 1) - page;

	if (incoming)
		guest_check(v, page, n);
	else
		guest_write(v, page, n);
	if (!incoming && !id)
		wrmsr(MSR_KVM_MIGRATION_CONTROL, KVM_MIGRATION_READY);

	for (;;) {
		/* If both are requested, withdraw READY before stopping. */
		if (READ_ONCE(guest.stop) && (id || !READ_ONCE(guest.withdraw)))
			guest_stop();
		else if (!id && READ_ONCE(guest.withdraw))
			guest_not_ready(v, id);
		else
			guest_step(v, id);
	}
}

/*
 * The VMM
 */
enum breakage {
	BREAK_NOTHING,
	BREAK_ORDER,
	BREAK_RESEND,
	BREAK_READY,
	BREAK_CLEAR,
};

static const char * const breakages[] = { "nothing", "order", "resend", "ready", "clear" };

static struct {
	uint64_t conversions;
	uint32_t migrations;
	uint32_t vcpus;
	uint64_t seed;
	bool ring;
	bool manual;
	bool sim;
	bool withdraw;
	enum breakage breakage;
} opt = {
	.conversions = 1000000,
	.migrations = 2,
	.vcpus = 3,
	.seed = 1,
};

struct worker {
	struct machine *machine;
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	uint32_t ring_next;
};

/* A VM, its threads, and the state of its VMM */
struct machine {
	char name;
	struct kvm_vm *vm;
	struct worker workers[MAX_VCPUS];
	struct guest *guest;
	uint64_t (*mem)[PAGE_WORDS];
	sem_t held;
	sem_t release;
	sem_t released;

	/* Dirty rings */
	pthread_mutex_t ring_lock;
	unsigned long ring_dirty[BITS_TO_LONGS(MEM_PAGES)];
	uint64_t ring_full;
	uint64_t ring_full_in_call;

	/* As the source of a migration */
	uint8_t shared[MEM_PAGES];
	uint64_t (*sent)[PAGE_WORDS];	/* BREAK_RESEND */
	unsigned long dirty[BITS_TO_LONGS(MEM_PAGES)];
	uint64_t generation;
	uint64_t changes;
	bool ready;
};

struct result {
	uint64_t rounds;
	uint64_t sent;
	uint64_t refused;
};

static uint64_t count_changes(struct machine *m)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < opt.vcpus; i++)
		n += READ_ONCE(m->guest->vcpus[i].changes);
	return n;
}

static uint64_t count_conversions(struct machine *m)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < opt.vcpus; i++)
		n += READ_ONCE(m->guest->vcpus[i].conversions);
	return n;
}

/* The kernel counts, too: since the VM was created. */
static uint64_t stat_conversions(struct machine *m)
{
	return vm_get_stat(m->vm, "page_enc_to_shared") +
	       vm_get_stat(m->vm, "page_enc_to_private");
}

/*
 * Empty the rings, protect these pages again, and only then let anyone read
 * them. A vCPU whose ring is full does it for itself.
 */
static void ring_collect(struct machine *m)
{
	uint32_t i, n = 0, cleared;

	for (i = 0; i < opt.vcpus; i++) {
		struct worker *w = &m->workers[i];
		struct kvm_dirty_gfn *ring = vcpu_map_dirty_ring(w->vcpu), *e;

		for (;; w->ring_next++, n++) {
			e = &ring[w->ring_next % RING_ENTRIES];
			/* Pairs with smp_wmb() in kvm_dirty_ring_push(). */
			if (smp_load_acquire(&e->flags) != KVM_DIRTY_GFN_F_DIRTY)
				break;
			TEST_ASSERT(e->slot == MEM_SLOT && e->offset < MEM_PAGES,
				    "Ring has page %llu of slot %u", e->offset, e->slot);
			__set_bit(e->offset, m->ring_dirty);
			/* Pairs with the load in kvm_dirty_gfn_harvested(). */
			smp_store_release(&e->flags, KVM_DIRTY_GFN_F_RESET);
		}
	}
	cleared = kvm_vm_reset_dirty_ring(m->vm);
	TEST_ASSERT_EQ(cleared, n);
}

static void ring_is_full(struct machine *m, uint32_t id)
{
	pthread_mutex_lock(&m->ring_lock);
	m->ring_full++;
	m->ring_full_in_call += m->guest->vcpus[id].in_call;
	ring_collect(m);
	pthread_mutex_unlock(&m->ring_lock);
}

static void ring_harvest(struct machine *m)
{
	pthread_mutex_lock(&m->ring_lock);
	ring_collect(m);
	memcpy(m->dirty, m->ring_dirty, sizeof(m->dirty));
	memset(m->ring_dirty, 0, sizeof(m->ring_dirty));
	pthread_mutex_unlock(&m->ring_lock);
}

static void harvest_dirty(struct machine *m)
{
	if (opt.ring)
		ring_harvest(m);
	else
		kvm_vm_get_dirty_log(m->vm, MEM_SLOT, m->dirty);
}

/* Get status of [first, end); generation and READY are those of the VM. */
static void harvest_status_of(struct machine *m, uint32_t first, uint32_t end)
{
	uint64_t changes = count_changes(m);
	struct kvm_page_enc_status status;

	page_enc_get(m->vm, MEM_GFN + first, MEM_GFN + end,
		     KVM_PAGE_ENC_GET_CHANGED | KVM_PAGE_ENC_GET_CLEAR,
		     PAGE_ENC_EXTENTS, m->shared + first, &status);

	/* Each vCPU may count a conversion late that the last harvest has seen. */
	if (changes > m->changes + opt.vcpus)
		TEST_ASSERT(status.generation != m->generation,
			    "Generation %lu stays, %lu calls changed something",
			    m->generation, changes - m->changes);
	m->generation = status.generation;
	m->changes = count_changes(m);
	m->ready = status.control & KVM_MIGRATION_READY;
}

static void harvest_status(struct machine *m)
{
	harvest_status_of(m, 0, MEM_PAGES);
}

static void *vcpu_thread(void *arg)
{
	struct worker *w = arg;
	struct machine *m = w->machine;
	struct ucall uc;

	for (;;) {
		vcpu_run(w->vcpu);
		if (w->vcpu->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL) {
			ring_is_full(m, w->vcpu->id);
			continue;
		}
		switch (get_ucall(w->vcpu, &uc)) {
		case UCALL_SYNC:
			if (uc.args[1] == STAGE_STOPPED)
				return NULL;
			sem_post(&m->held);
			sem_wait(&m->release);
			sem_post(&m->released);
			break;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
			break;
		default:
			TEST_FAIL("VM %c: unexpected exit %s", m->name,
				  exit_reason_str(w->vcpu->run->exit_reason));
		}
	}
}

static void run_vcpus(struct machine *m)
{
	uint32_t i;

	for (i = 0; i < opt.vcpus; i++)
		pthread_create(&m->workers[i].thread, NULL, vcpu_thread, &m->workers[i]);
}

static void wait_for_vcpus(struct machine *m)
{
	uint32_t i;

	for (i = 0; i < opt.vcpus; i++)
		pthread_join(m->workers[i].thread, NULL);
}

static void resume(struct machine *m)
{
	WRITE_ONCE(m->guest->stop, false);
	run_vcpus(m);
}

static uint64_t c_bit(struct kvm_vm *vm)
{
	return opt.sim ? sev_sim_c_bit(vm) : 0;
}

static struct kvm_vm *create_vm(void)
{
	bool old = kvm_param_get("sev_sim");
	struct kvm_vm *vm;

	if (opt.sim != old)
		kvm_param_set("sev_sim", opt.sim);
	vm = __vm_create(VM_SHAPE_DEFAULT, opt.vcpus, 0);
	if (opt.sim != old)
		kvm_param_set("sev_sim", old);

	page_enc_enable(vm);
	if (opt.ring)
		vm_enable_dirty_ring(vm, RING_ENTRIES * sizeof(struct kvm_dirty_gfn));
	if (opt.manual)
		vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			      kvm_check_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2));
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT, MEM_PAGES, 0);
	virt_map(vm, VA_SHARED, MEM_GPA, MEM_PAGES);
	virt_map(vm, VA_PRIVATE, MEM_GPA | c_bit(vm), MEM_PAGES);
	return vm;
}

/* Create the memory of a guest that boots, or is taken over from @from. */
static void set_guest(struct machine *m, const struct machine *from)
{
	uint64_t random = page_enc_seed(opt.seed, 100 + m->name);
	struct guest *g = m->guest;
	uint32_t i;

	if (from) {
		memcpy(g, from->guest, sizeof(*g));
	} else {
		memset(g, 0, sizeof(*g));
		g->nr_vcpus = opt.vcpus;
		g->va_private = VA_PRIVATE;
		for (i = 0; i < opt.vcpus; i++)
			g->vcpus[i].random = page_enc_seed(opt.seed, i);
	}
	g->key = page_enc_random(&random);
	g->hold = NOBODY;
	g->stop = true;
}

static struct machine *create_machine(char name)
{
	struct machine *m = calloc(1, sizeof(*m));
	uint32_t i;

	m->name = name;
	m->vm = create_vm();
	m->guest = addr_gva2hva(m->vm, (vm_vaddr_t)&guest);
	m->mem = addr_gpa2hva(m->vm, MEM_GPA);
	sem_init(&m->held, 0, 0);
	sem_init(&m->release, 0, 0);
	sem_init(&m->released, 0, 0);
	pthread_mutex_init(&m->ring_lock, NULL);

	for (i = 0; i < opt.vcpus; i++) {
		m->workers[i].machine = m;
		m->workers[i].vcpu = vm_vcpu_add(m->vm, i, guest_code);
	}
	return m;
}

static void destroy_machine(struct machine *m)
{
	kvm_vm_free(m->vm);
	free(m->sent);
	sem_destroy(&m->held);
	sem_destroy(&m->release);
	sem_destroy(&m->released);
	pthread_mutex_destroy(&m->ring_lock);
	free(m);
}

/* Let the guest boot, or check its memory, until it could convert memory. */
static void start(struct machine *m, bool incoming)
{
	uint32_t i;

	for (i = 0; i < opt.vcpus; i++)
		vcpu_args_set(m->workers[i].vcpu, 2, i, incoming);
	run_vcpus(m);
	wait_for_vcpus(m);
}

/* Has the page the content that was sent last? */
static bool sent_already(struct machine *m, uint32_t page)
{
	if (!m->sent)
		m->sent = calloc(MEM_PAGES, sizeof(*m->sent));
	if (!memcmp(m->sent[page], m->mem[page], sizeof(*m->sent)))
		return true;
	memcpy(m->sent[page], m->mem[page], sizeof(*m->sent));
	return false;
}

static void send_page(struct machine *src, struct machine *dst, uint32_t page)
{
	uint64_t change = src->shared[page] ? 0 : src->guest->key ^ dst->guest->key;
	uint32_t i;

	for (i = 0; i < PAGE_WORDS; i++)
		dst->mem[page][i] = src->mem[page][i] ^ change;
}

static void send_pages(struct machine *src, struct machine *dst, uint32_t page,
		       uint32_t end, struct result *result)
{
	for (; page < end; page++) {
		if (!test_bit(page, src->dirty))
			continue;
		if (opt.breakage == BREAK_RESEND && sent_already(src, page))
			continue;
		send_page(src, dst, page);
		result->sent++;
	}
}

/* Wait until the guest has converted pages, except for a vCPU that is held. */
static void wait_for_changes(struct machine *m)
{
	uint64_t enough = count_changes(m) + CHANGES_BETWEEN_STEPS;

	while (count_changes(m) < enough)
		usleep(100);
}

static bool any_dirty(struct machine *m, uint32_t page, uint32_t end)
{
	for (; page < end; page++)
		if (test_bit(page, m->dirty))
			return true;
	return false;
}

/* Clear at the last moment: pages are about to be read.  @race as in harvest(). */
static void clear_and_send(struct machine *src, struct machine *dst, bool race,
			   struct result *result)
{
	unsigned long *dirty = src->dirty;
	uint32_t first, end;

	for (first = 0; first < MEM_PAGES; first = end) {
		end = first + KVM_PAGE_ENC_CHUNK_PAGES;
		if (!any_dirty(src, first, end))
			continue;
		if (race)
			wait_for_changes(src);
		kvm_vm_clear_dirty_log(src->vm, MEM_SLOT, dirty + first / BITS_PER_LONG,
				       first, end - first);
		if (opt.breakage != BREAK_CLEAR)
			harvest_status_of(src, first, end);
		send_pages(src, dst, first, end, result);
	}
	if (opt.breakage != BREAK_CLEAR)
		harvest_status_of(src, 0, 0);
}

/* @race: while the guest converts memory */
static void send(struct machine *src, struct machine *dst, bool race, struct result *result)
{
	if (opt.manual)
		clear_and_send(src, dst, race, result);
	else
		send_pages(src, dst, 0, MEM_PAGES, result);
}

/* The two steps; @race: with conversions between them */
static void harvest(struct machine *m, bool race)
{
	bool status_first = opt.breakage == BREAK_ORDER;

	if (opt.manual) {
		harvest_dirty(m);
		if (opt.breakage == BREAK_CLEAR)
			harvest_status(m);
		return;
	}

	if (status_first)
		harvest_status(m);
	else
		harvest_dirty(m);
	if (race)
		wait_for_changes(m);
	if (status_first)
		harvest_dirty(m);
	else
		harvest_status(m);
}

/*
 * The first round sends all pages.  VM A's VMM asks for earlier conversions
 * once, like a VMM whose first attempt to migrate has failed, and then for
 * changes.  The VMMs of other VMs know nothing, and ask only for changes.
 */
static void first_round(struct machine *src, struct machine *dst, struct result *result)
{
	struct kvm_page_enc_status status;

	vm_mem_region_set_flags(src->vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	memset(src->shared, 0, sizeof(src->shared));
	harvest_status(src);
	if (src->name == 'A')
		page_enc_get_all(src->vm, MEM_GFN, MEM_END, src->shared, &status);

	memset(src->dirty, 0xff, sizeof(src->dirty));
	send(src, dst, false, result);
	result->rounds++;
}

static void hold_vcpu(struct machine *m, uint32_t id)
{
	WRITE_ONCE(m->guest->hold, id);
	sem_wait(&m->held);
	WRITE_ONCE(m->guest->hold, NOBODY);
}

/* The next vCPU that is held must not take this one's release. */
static void release_vcpu(struct machine *m)
{
	sem_post(&m->release);
	sem_wait(&m->released);
}

/* If @last, vCPUs have been asked to stop on return. */
static void next_round(struct machine *src, struct machine *dst, bool last,
		       struct result *result)
{
	bool race = !src->guest->withdraw;

	if (race)
		hold_vcpu(src, result->rounds % opt.vcpus);
	harvest(src, race);
	send(src, dst, race, result);
	result->rounds++;
	if (last)
		WRITE_ONCE(src->guest->stop, true);
	if (race)
		release_vcpu(src);
}

/* Called with vCPUs stopped.  Returns false if the guest isn't READY. */
static bool last_round(struct machine *src, struct machine *dst, struct result *result)
{
	struct kvm_page_enc_status status = { };

	/* Send the harvested pages, even if this was not the last round. */
	harvest(src, false);
	send(src, dst, false, result);
	result->rounds++;
	if (!src->ready && opt.breakage != BREAK_READY) {
		result->refused++;
		return false;
	}

	vm_ioctl(src->vm, KVM_GET_PAGE_ENC_STATUS, &status);
	TEST_ASSERT_EQ(status.generation, src->generation);
	return true;
}

/* The guest withdraws READY at once, and converts memory unannounced. */
static void withdraw(struct machine *m, bool wait)
{
	uint64_t enough = m->guest->vcpus[0].silent + SILENT_CONVERSIONS;

	WRITE_ONCE(m->guest->withdraw, true);
	while (wait && READ_ONCE(m->guest->vcpus[0].silent) < enough)
		usleep(100);
}

/* Rounds while the guest isn't READY, with vCPUs running */
static void rounds_not_ready(struct machine *src, struct machine *dst, struct result *result)
{
	uint32_t i;

	for (i = 0; i < ROUNDS_NOT_READY; i++) {
		next_round(src, dst, false, result);
		TEST_ASSERT(!src->ready, "READY was withdrawn, the harvest doesn't say so");
	}
	WRITE_ONCE(src->guest->withdraw, false);
	while (!src->ready)
		next_round(src, dst, false, result);
}

/* Rounds until @conversions have been made; READY is withdrawn half-way. */
static void precopy(struct machine *src, struct machine *dst, uint64_t conversions,
		    struct result *result)
{
	uint64_t begin = count_conversions(src);
	bool not_yet = opt.withdraw;

	while (count_conversions(src) - begin < conversions) {
		next_round(src, dst, false, result);
		if (!not_yet || count_conversions(src) - begin < conversions / 2)
			continue;
		not_yet = false;
		withdraw(src, true);
		if (opt.breakage == BREAK_READY)
			return;
		rounds_not_ready(src, dst, result);
	}
}

/* The same after the last round with running vCPUs */
static void stop_and_copy(struct machine *src, struct machine *dst, struct result *result)
{
	bool not_yet = opt.withdraw && opt.breakage == BREAK_NOTHING;

	for (;;) {
		next_round(src, dst, false, result);
		if (not_yet)
			withdraw(src, false);
		next_round(src, dst, true, result);
		wait_for_vcpus(src);
		if (last_round(src, dst, result))
			return;

		TEST_ASSERT(not_yet, "Not READY, and nobody wanted that");
		not_yet = false;
		resume(src);
		rounds_not_ready(src, dst, result);
	}
}

static void compare(const char *what, const uint8_t *got, const uint8_t *wanted)
{
	uint32_t page;

	for (page = 0; page < MEM_PAGES; page++)
		TEST_ASSERT(got[page] == wanted[page], "%s has page %u %s", what, page,
			    got[page] ? "shared" : "private");
}

/* State that is saved with devices, when vCPUs are stopped */
static void transfer_state(struct machine *src, struct machine *dst)
{
	struct kvm_page_enc_extent extents[MEM_PAGES / 2 + 1];
	struct kvm_vcpu *from = src->workers[0].vcpu, *to = dst->workers[0].vcpu;
	uint64_t nr;

	/* Nothing of the replaced state may be left. */
	extents[0] = (struct kvm_page_enc_extent) {
		.gfn = MEM_GFN + 1,
		.npages = MEM_PAGES - 2,
		.flags = KVM_PAGE_ENC_SHARED,
	};
	page_enc_set(dst->vm, extents, 1);

	nr = page_enc_extents(MEM_GFN, src->shared, MEM_PAGES, extents);
	page_enc_set(dst->vm, extents, nr);
	/* A plain VM stays READY if this is 0. */
	TEST_ASSERT_EQ(_vcpu_set_msr(to, MSR_KVM_MIGRATION_CONTROL,
				     vcpu_get_msr(from, MSR_KVM_MIGRATION_CONTROL)), 1);
	set_guest(dst, src);
}

static void check_memory(struct machine *m)
{
	uint64_t wrong = 0, first = MEM_PAGES;
	uint32_t i;

	for (i = opt.vcpus; i--;) {
		struct guest_vcpu *v = &m->guest->vcpus[i];

		wrong += v->wrong;
		if (v->wrong)
			first = v->first_wrong;
	}
	TEST_ASSERT(!wrong, "VM %c: %lu pages read wrong, the first is %lu (%s)", m->name,
		    wrong, first, m->guest->shared[first] ? "shared" : "private");
}

static void check_status(struct machine *src, struct machine *dst)
{
	struct kvm_page_enc_status status;
	uint8_t shared[MEM_PAGES];
	uint64_t nr = 0;
	uint32_t page;

	compare("What was harvested", src->shared, src->guest->shared);
	page_enc_get_all(src->vm, MEM_GFN, MEM_END, shared, &status);
	compare("The source", shared, src->guest->shared);
	page_enc_get_all(dst->vm, MEM_GFN, MEM_END, shared, &status);
	compare("The destination", shared, src->guest->shared);
	TEST_ASSERT_EQ(status.control, KVM_MIGRATION_READY);

	for (page = 0; page < MEM_PAGES; page++)
		nr += shared[page];
	TEST_ASSERT_EQ(vm_get_stat(dst->vm, "page_enc_shared_pages"), nr);
}

static void report(struct machine *src, struct machine *dst, uint64_t conversions,
		   struct result *result)
{
	printf("%c to %c: %lu conversions, %lu rounds, %lu pages sent", src->name, dst->name,
	       conversions, result->rounds, result->sent);
	if (opt.ring)
		printf(", rings were full %lu times, %lu in hypercalls", src->ring_full,
		       src->ring_full_in_call);
	if (opt.withdraw)
		printf(", refused to finish %lu times", result->refused);
	printf("\n");
}

/* One migration, with vCPUs stopped before and after */
static void migrate(struct machine *src, struct machine *dst, uint64_t conversions)
{
	uint64_t stat = stat_conversions(src), before = count_conversions(src);
	struct result result = { };

	set_guest(dst, src);	/* for the key */
	resume(src);
	first_round(src, dst, &result);
	precopy(src, dst, conversions, &result);
	stop_and_copy(src, dst, &result);
	report(src, dst, count_conversions(src) - before, &result);
	check_memory(src);
	TEST_ASSERT_EQ(stat_conversions(src) - stat, count_conversions(src) - before);

	transfer_state(src, dst);
	start(dst, true);
	check_memory(dst);
	check_status(src, dst);

	TEST_ASSERT_EQ(result.refused, opt.withdraw && opt.breakage == BREAK_NOTHING);
	TEST_ASSERT(!opt.ring || src->ring_full_in_call, "No ring got full in a hypercall");
}

static uint64_t count_calls(struct machine *m)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < opt.vcpus; i++)
		n += m->guest->vcpus[i].calls;
	return n;
}

static void run_test(void)
{
	struct machine *src = create_machine('A'), *dst;
	time_t begin = time(NULL);
	uint32_t i;

	set_guest(src, NULL);
	start(src, false);

	for (i = 0; i < opt.migrations; i++) {
		dst = create_machine('B' + i);
		migrate(src, dst, opt.conversions / opt.migrations + 1);
		destroy_machine(src);
		src = dst;
	}
	printf("%lu conversions of a page in %lu hypercalls, %lu s\n",
	       count_conversions(src), count_calls(src), time(NULL) - begin);
	destroy_machine(src);
}

static void help(const char *name, int status)
{
	printf("usage: %s [-b WHAT] [-c MIGRATIONS] [-e] [-m] [-n CONVERSIONS] [-r] [-s SEED]\n"
	       "       [-v VCPUS] [-w]\n"
	       "  -b WHAT         break the protocol; the test must fail then:\n"
	       "                    order   harvest status first, dirty pages second\n"
	       "                    resend  don't send a dirty page with the content that it\n"
	       "                            had when it was sent last\n"
	       "                    ready   finish while READY is withdrawn (implies -w)\n"
	       "                    clear   harvest status before the dirty log is cleared\n"
	       "                            (implies -m)\n"
	       "  -c MIGRATIONS   how many, in a chain: A to B, B to C, ... (default %u)\n"
	       "  -e              \"encrypted\": simulate SEV; private pages are accessed\n"
	       "                  at their address with the C-bit\n"
	       "  -m              the dirty log is cleared by hand, in chunks\n"
	       "  -n CONVERSIONS  pages whose status changes, in all (default %lu)\n"
	       "  -r              dirty rings, not the dirty log\n"
	       "  -s SEED         of what the guest does (default %lu)\n"
	       "  -v VCPUS        %u to %u (default %u)\n"
	       "  -w              READY is withdrawn half-way and at the end\n",
	       name, opt.migrations, opt.conversions, opt.seed, 2, MAX_VCPUS, opt.vcpus);
	exit(status);
}

static enum breakage breakage(const char *name)
{
	int i;

	for (i = BREAK_ORDER; i < (int)ARRAY_SIZE(breakages); i++)
		if (!strcmp(name, breakages[i]))
			return i;
	TEST_FAIL("'%s' is nothing to break", name);
	return BREAK_NOTHING;
}

static void parse(int argc, char *argv[])
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' }, { } };
	int c;

	while ((c = getopt_long(argc, argv, "b:c:ehmn:rs:v:w", longs, NULL)) != -1) {
		switch (c) {
		case 'b':
			opt.breakage = breakage(optarg);
			break;
		case 'c':
			opt.migrations = atoi_positive("Number of migrations", optarg);
			break;
		case 'e':
			opt.sim = true;
			break;
		case 'm':
			opt.manual = true;
			break;
		case 'n':
			opt.conversions = atoi_positive("Number of conversions", optarg);
			break;
		case 'r':
			opt.ring = true;
			break;
		case 's':
			opt.seed = atoi_non_negative("Seed", optarg);
			break;
		case 'v':
			opt.vcpus = atoi_positive("Number of vCPUs", optarg);
			break;
		case 'w':
			opt.withdraw = true;
			break;
		default:
			help(argv[0], c == 'h' ? 0 : 1);
		}
	}
	TEST_ASSERT(opt.vcpus >= 2 && opt.vcpus <= MAX_VCPUS, "%u vCPUs", opt.vcpus);
	opt.withdraw |= opt.breakage == BREAK_READY;
	opt.manual |= opt.breakage == BREAK_CLEAR;
	TEST_ASSERT(!opt.manual || !opt.ring, "Dirty rings aren't cleared by hand");
	TEST_ASSERT(!opt.manual || opt.breakage != BREAK_ORDER, "There is no such order with -m");
}

int main(int argc, char *argv[])
{
	parse(argc, argv);
	setbuf(stdout, NULL);

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PAGE_ENC_STATUS));
	if (opt.ring)
		TEST_REQUIRE(kvm_has_cap(KVM_CAP_DIRTY_LOG_RING) ||
			     kvm_has_cap(KVM_CAP_DIRTY_LOG_RING_ACQ_REL));
	if (opt.manual)
		TEST_REQUIRE(kvm_has_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2));
	if (opt.sim) {
		kvm_param_require("sev_sim");
		TEST_REQUIRE(kvm_is_tdp_enabled());
	}

	printf("%s, %u migrations, %u vCPUs, %s%s, broken: %s, seed %lu\n",
	       opt.ring ? "dirty rings" :
	       opt.manual ? "dirty log, cleared by hand" : "dirty log",
	       opt.migrations, opt.vcpus,
	       opt.sim ? "simulated SEV" : "plain VMs",
	       opt.withdraw ? ", READY is withdrawn" : "", breakages[opt.breakage], opt.seed);
	run_test();
	return 0;
}
