// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_HC_MAP_GPA_RANGE for much memory.  Signals and immediate_exit take effect
 * at each step of it, memslots may change in the middle, and the vCPU continues
 * with it only if it still is at the hypercall.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <linux/bitmap.h>

#include "kselftest_harness.h"
#include "kvm_param.h"
#include "kvm_util.h"
#include "page_enc.h"
#include "page_enc_vmm.h"
#include "processor.h"
#include "test_util.h"

#define MEM_SLOT	5
#define MEM_GPA		(4ULL << 30)
#define MEM_PAGES	8192
#define BIG_PAGES	0x100000
#define OTHER_SLOT	6
#define OTHER_GPA	(64ULL << 30)

/* The smallest ring that has room for what the CPU logs, in entries. */
#define RING_ENTRIES	1024

/*
 * Place where the VMM may send the vCPU, and registers that must not change
 * there
 */
#define ELSEWHERE	0x1234567

static void guest_elsewhere(void)
{
	asm volatile("1: out %%al, %0; jmp 1b" :: "i"(PORT));
}

static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu, uint64_t npages, bool ring,
				bool exits)
{
	struct kvm_vm *vm = vm_create(1);
	uint64_t size = npages << 12;
	void *memory;

	page_enc_enable(vm);
	if (ring)
		vm_enable_dirty_ring(vm, RING_ENTRIES * sizeof(struct kvm_dirty_gfn));
	if (exits)
		vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	*vcpu = vm_vcpu_add(vm, 0, guest_code);

	/* More than there may be, but nobody will touch it. */
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	TEST_ASSERT(memory != MAP_FAILED, "mmap() failed");
	vm_set_user_memory_region(vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES, MEM_GPA, size,
				  memory);
	return vm;
}

static uint64_t nr_shared(struct kvm_vm *vm)
{
	return vm_get_stat(vm, "page_enc_shared_pages");
}

/* Number of pages that have the status that they are to get */
static uint64_t nr_done(struct kvm_vm *vm, uint64_t attrs)
{
	return attrs == DECRYPTED ? nr_shared(vm) : MEM_PAGES - nr_shared(vm);
}

/* Let the guest convert all memory, up to the exit for the VMM's consent. */
static void ask(struct kvm_vcpu *vcpu, uint64_t attrs)
{
	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA, MEM_PAGES, attrs);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
	vcpu->run->hypercall.ret = 0;
}

static void run_interrupted(struct kvm_vcpu *vcpu)
{
	int r = __vcpu_run(vcpu);

	TEST_ASSERT(r == -1 && errno == EINTR, "KVM_RUN: %d, errno %d", r, errno);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_INTR);
}

static void run_immediate(struct kvm_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	run_interrupted(vcpu);
	vcpu->run->immediate_exit = 0;
}

/* From now on a signal is pending whenever the vCPU runs. */
static void signal_on(struct kvm_vcpu *vcpu)
{
	struct kvm_signal_mask *none = calloc(1, sizeof(*none) + 8);
	sigset_t set;

	none->len = 8;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	vcpu_ioctl(vcpu, KVM_SET_SIGNAL_MASK, none);
	free(none);
	pthread_kill(pthread_self(), SIGUSR1);
}

static void signal_off(void)
{
	struct timespec now = {};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	TEST_ASSERT_EQ(sigtimedwait(&set, NULL, &now), SIGUSR1);
}

/* All of it was done and marked dirty, and counts as one call. */
static void expect_done(struct kvm_vcpu *vcpu, uint64_t attrs, uint64_t calls)
{
	unsigned long *dirty = bitmap_zalloc(MEM_PAGES);
	uint64_t i, n = 0;

	TEST_ASSERT_EQ(get_result(vcpu), 0);
	TEST_ASSERT_EQ(nr_done(vcpu->vm, attrs), MEM_PAGES);
	TEST_ASSERT_EQ(vm_get_stat(vcpu->vm, "page_enc_calls"), calls);
	kvm_vm_get_dirty_log(vcpu->vm, MEM_SLOT, dirty);
	for (i = 0; i < MEM_PAGES; i++)
		n += test_bit(i, dirty);
	TEST_ASSERT_EQ(n, MEM_PAGES);
	free(dirty);
}

/* Each KVM_RUN does a step, but none if the vCPU is to exit at once. */
static void step_through(struct kvm_vcpu *vcpu, uint64_t attrs, bool immediate)
{
	uint64_t before, after, steps = 0;

	ask(vcpu, attrs);
	signal_on(vcpu);
	for (before = 0; before < MEM_PAGES; before = after) {
		if (immediate) {
			run_immediate(vcpu);
			run_immediate(vcpu);
			TEST_ASSERT_EQ(nr_done(vcpu->vm, attrs), before);
		}
		run_interrupted(vcpu);
		after = nr_done(vcpu->vm, attrs);
		TEST_ASSERT(after > before, "no progress after %lu pages", before);
		TEST_ASSERT(after - before <= MEM_PAGES / 8, "%lu pages without a look at signals",
			    after - before);
		steps++;
	}
	TEST_ASSERT(steps >= 8, "%lu steps", steps);
	signal_off();
	vcpu_run(vcpu);
}

TEST(signals_at_each_step)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, MEM_PAGES, false, true);

	step_through(vcpu, DECRYPTED, false);
	expect_done(vcpu, DECRYPTED, 1);
	step_through(vcpu, ENCRYPTED, false);
	expect_done(vcpu, ENCRYPTED, 2);
	kvm_vm_free(vm);
}

TEST(immediate_exit_at_each_step)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, MEM_PAGES, false, true);

	step_through(vcpu, DECRYPTED, true);
	expect_done(vcpu, DECRYPTED, 1);
	step_through(vcpu, ENCRYPTED, true);
	expect_done(vcpu, ENCRYPTED, 2);
	kvm_vm_free(vm);
}

/* The ways to userspace in the middle of the hypercall */
enum { AT_HYPERCALL, AT_RING_FULL, AT_SIGNAL, AT_IMMEDIATE_EXIT, NR_EXITS };

static void go_to_exit(struct kvm_vcpu *vcpu, int which)
{
	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA, MEM_PAGES, DECRYPTED);
	vcpu_run(vcpu);
	if (which == AT_RING_FULL) {
		TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_DIRTY_RING_FULL);
		TEST_ASSERT(kvm_vm_reset_dirty_ring(vcpu->vm) == 0, "nobody harvested it");
		return;
	}

	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
	vcpu->run->hypercall.ret = 0;
	if (which == AT_IMMEDIATE_EXIT)
		run_immediate(vcpu);
	if (which == AT_SIGNAL) {
		signal_on(vcpu);
		run_interrupted(vcpu);
		signal_off();
	}
}

/* Note all entries as harvested. */
static void empty_ring(struct kvm_vcpu *vcpu)
{
	struct kvm_dirty_gfn *ring = vcpu_map_dirty_ring(vcpu);
	unsigned int i;

	for (i = 0; i < RING_ENTRIES; i++) {
		if (READ_ONCE(ring[i].flags) == KVM_DIRTY_GFN_F_DIRTY)
			WRITE_ONCE(ring[i].flags, KVM_DIRTY_GFN_F_RESET);
	}
	TEST_ASSERT(kvm_vm_reset_dirty_ring(vcpu->vm) > 0, "the ring was empty");
}

/* Create a VM whose vCPU is at such an exit, and count shared pages. */
static struct kvm_vm *create_at_exit(int which, struct kvm_vcpu **vcpu, uint64_t *shared)
{
	struct kvm_vm *vm = create_vm(vcpu, MEM_PAGES, which == AT_RING_FULL,
				      which != AT_RING_FULL);

	go_to_exit(*vcpu, which);
	*shared = nr_shared(vm);
	TEST_ASSERT(*shared < MEM_PAGES, "no exit in the middle");
	return vm;
}

/* Back from the exit, with other registers */
static void run_with(struct kvm_vcpu *vcpu, int which, struct kvm_regs *regs)
{
	vcpu_regs_set(vcpu, regs);
	if (which == AT_RING_FULL)
		empty_ring(vcpu);
	vcpu_run(vcpu);
}

static void test_elsewhere(int which)
{
	struct kvm_vcpu *vcpu;
	struct kvm_regs regs;
	uint64_t shared;
	struct kvm_vm *vm = create_at_exit(which, &vcpu, &shared);

	vcpu_regs_get(vcpu, &regs);
	regs.rip = (uintptr_t)guest_elsewhere;
	regs.rax = ELSEWHERE;
	run_with(vcpu, which, &regs);
	TEST_ASSERT_EQ(get_result(vcpu), ELSEWHERE);
	TEST_ASSERT_EQ(nr_shared(vm), shared);
	kvm_vm_free(vm);
}

/* A vCPU that was moved elsewhere doesn't continue with the hypercall. */
TEST(vcpu_is_elsewhere)
{
	int which;

	for (which = 0; which < NR_EXITS; which++)
		test_elsewhere(which);
}

/* The VMM restores a vCPU that was in another call, of the last page. */
static void test_other_call(int which)
{
	const uint64_t gpa = MEM_GPA + (MEM_PAGES - 1) * PAGE_SIZE;
	struct kvm_vcpu *vcpu;
	struct kvm_regs regs;
	uint64_t shared;
	struct kvm_vm *vm = create_at_exit(which, &vcpu, &shared);

	vcpu_regs_get(vcpu, &regs);
	TEST_ASSERT_EQ(regs.rbx, MEM_GPA);
	regs.rbx = gpa;
	regs.rcx = 1;
	run_with(vcpu, which, &regs);
	if (which != AT_RING_FULL) {
		TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_HYPERCALL);
		TEST_ASSERT_EQ(vcpu->run->hypercall.args[0], gpa);
		TEST_ASSERT_EQ(vcpu->run->hypercall.args[1], 1);
		vcpu->run->hypercall.ret = 0;
		vcpu_run(vcpu);
	}
	TEST_ASSERT_EQ(get_result(vcpu), 0);
	TEST_ASSERT_EQ(nr_shared(vm), shared + 1);
	kvm_vm_free(vm);
}

/* At the same instruction, but with other arguments */
TEST(vcpu_is_in_another_call)
{
	test_other_call(AT_IMMEDIATE_EXIT);
	test_other_call(AT_SIGNAL);
	test_other_call(AT_RING_FULL);
}

static void nothing(int sig)
{
}

static void interrupt_every(unsigned int us)
{
	struct itimerval timer = {
		.it_interval.tv_usec = us, .it_value.tv_usec = us,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Without an exit before the hypercall, and with a signal at any time */
TEST(signals_at_any_time)
{
	struct sigaction action = { .sa_handler = nothing };
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, BIG_PAGES, false, false);
	uint64_t in_the_middle = 0, shared, i;

	sigaction(SIGALRM, &action, NULL);
	interrupt_every(500);
	for (i = 0; !in_the_middle && i < 100; i++) {
		set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA, BIG_PAGES,
			 i % 2 ? ENCRYPTED : DECRYPTED);
		while (__vcpu_run(vcpu)) {
			TEST_ASSERT_EQ(errno, EINTR);
			shared = nr_shared(vm);
			in_the_middle += shared && shared < BIG_PAGES;
		}
		TEST_ASSERT_EQ(get_result(vcpu), 0);
		TEST_ASSERT_EQ(nr_shared(vm), i % 2 ? 0 : BIG_PAGES);
		TEST_ASSERT_EQ(vm_get_stat(vm, "page_enc_calls"), i + 1);
	}
	interrupt_every(0);
	TEST_ASSERT(in_the_middle, "no signal in the middle of a call");
	kvm_vm_free(vm);
}

static void *run_vcpu(void *arg)
{
	struct kvm_vcpu *vcpu = arg;

	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_result(vcpu), 0);
	return NULL;
}

/* How much of a hypercall is done when a memslot has been created and deleted? */
static uint64_t change_memslots_meanwhile(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, BIG_PAGES, false, false);
	pthread_t thread;
	uint64_t before, after;

	set_call(vcpu, KVM_HC_MAP_GPA_RANGE, MEM_GPA, BIG_PAGES, DECRYPTED);
	pthread_create(&thread, NULL, run_vcpu, vcpu);
	do {
		before = nr_shared(vm);
	} while (!before);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, OTHER_GPA, OTHER_SLOT, 1, 0);
	vm_mem_region_delete(vm, OTHER_SLOT);
	after = nr_shared(vm);
	pthread_join(thread, NULL);

	pr_info("%lu of %u pages before, %lu after\n", before, BIG_PAGES, after);
	TEST_ASSERT_EQ(nr_shared(vm), BIG_PAGES);
	kvm_vm_free(vm);
	return after;
}

/*
 * The change of memslots doesn't wait for the end of the hypercall.  The
 * hypercall may end first if this thread gets no CPU, but not each time.
 */
TEST(memslots_change_meanwhile)
{
	uint64_t after;
	int i = 0;

	do {
		after = change_memslots_meanwhile();
	} while (after == BIG_PAGES && ++i < 50);
	TEST_ASSERT(after < BIG_PAGES, "had to wait for the hypercall");
}

int main(int argc, char *argv[])
{
	bool old_sim = kvm_param_get("sev_sim");
	int r;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PAGE_ENC_STATUS));
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_EXIT_HYPERCALL));

	if (old_sim)
		kvm_param_set("sev_sim", false);
	r = test_harness_run(argc, argv);
	if (old_sim)
		kvm_param_set("sev_sim", old_sim);
	return r;
}
