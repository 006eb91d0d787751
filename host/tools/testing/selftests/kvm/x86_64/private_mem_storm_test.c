// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs convert and use the same memory all the time.  Meanwhile the VMM
 * converts the memory as well, frees it, deletes its memslot, or closes its
 * file.  In the end attributes and status must agree, and no memory may be left
 * over.  No vCPU exits for a page that is merely being converted.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <linux/falloc.h>
#include <linux/sizes.h>

#include "private_mem.h"

#define SIZE		SZ_4M
#define NPAGES		(SIZE / PAGE_SIZE)
#define NR_VCPUS	3
#define NR_TOUCHED	8

/* Operations of the VMM meanwhile */
#define VMM_CONVERT	BIT(0)
#define VMM_ATTRIBUTES	BIT(1)
#define VMM_PUNCH	BIT(2)
#define VMM_SLOTS	BIT(3)
#define VMM_LOOK	BIT(4)

static bool stop;

/* Use few pages, as often as possible. */
static void guest_touch_code(uint64_t seed)
{
	uint64_t i;

	for (i = seed; !READ_ONCE(stop); i++)
		WRITE_ONCE(*(uint64_t *)(DATA_GPA + i % NR_TOUCHED * PAGE_SIZE), seed);
	GUEST_DONE();
}

static void guest_code(uint64_t seed)
{
	uint64_t state = page_enc_seed(seed, 0);
	uint64_t page, n, i, r;

	while (!READ_ONCE(stop)) {
		page = page_enc_random(&state) % NPAGES;
		n = page_enc_random(&state) % (page % 8 ? 8 : 600) + 1;
		if (n > NPAGES - page)
			n = NPAGES - page;
		r = page_enc_announce(DATA_GPA + page * PAGE_SIZE, n,
				      page_enc_random(&state) % 2);
		__GUEST_ASSERT(!r, "hypercall: %ld", r);

		for (i = 0; i < 16; i++) {
			page = page_enc_random(&state) % NPAGES;
			WRITE_ONCE(*(uint64_t *)(DATA_GPA + page * PAGE_SIZE), seed);
		}
	}
	GUEST_DONE();
}

struct storm {
	struct kvm_vm *vm;
	struct data d;
	struct kvm_vcpu *vcpus[NR_VCPUS];
	pthread_t threads[NR_VCPUS];
	unsigned int faults;
};

static void *run_vcpu(void *arg)
{
	struct kvm_vcpu *vcpu = arg;
	struct kvm_run *run = vcpu->run;
	unsigned long faults = 0;
	struct ucall uc;

	for (;;) {
		int r = __vcpu_run(vcpu);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			TEST_ASSERT(errno == EFAULT && run->exit_reason == KVM_EXIT_MEMORY_FAULT,
				    "KVM_RUN: errno %d, exit %u", errno, run->exit_reason);
			faults++;
			if (READ_ONCE(stop))
				return (void *)faults;
			continue;
		}
		if (run->exit_reason == KVM_EXIT_MMIO)
			continue;

		switch (get_ucall(vcpu, &uc)) {
		case UCALL_DONE:
			return (void *)faults;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
		default:
			TEST_FAIL("exit %u", run->exit_reason);
		}
	}
}

static struct storm start(uint64_t flags, void *code)
{
	struct storm s = {};
	int i;

	stop = false;
	s.vm = create_vm(KVM_X86_SW_PROTECTED_VM, flags, NR_VCPUS, SIZE);
	s.d = add_data(s.vm, SIZE);
	sync_global_to_guest(s.vm, stop);
	for (i = 0; i < NR_VCPUS; i++) {
		s.vcpus[i] = vm_vcpu_add(s.vm, i, code);
		vcpu_args_set(s.vcpus[i], 1, i + 1);
	}
	for (i = 0; i < NR_VCPUS; i++)
		pthread_create(&s.threads[i], NULL, run_vcpu, s.vcpus[i]);
	return s;
}

static void end(struct storm *s)
{
	void *faults;
	int i;

	WRITE_ONCE(stop, true);
	sync_global_to_guest(s->vm, stop);
	for (i = 0; i < NR_VCPUS; i++) {
		pthread_join(s->threads[i], &faults);
		s->faults += (unsigned long)faults;
	}
}

static void disturb(struct storm *s, unsigned int what, uint64_t *state)
{
	uint64_t page = page_enc_random(state) % NPAGES;
	uint64_t n = page_enc_random(state) % (NPAGES - page) + 1;
	uint64_t gpa = DATA_GPA + page * PAGE_SIZE, size = n * PAGE_SIZE;
	uint64_t attributes = page_enc_random(state) % 2 ? PRIVATE : SHARED;
	uint64_t a, b;

	switch (what & BIT(page_enc_random(state) % 5)) {
	case VMM_CONVERT:
		TEST_ASSERT_EQ(convert(s->vm, gpa, size, attributes), 0);
		break;
	case VMM_ATTRIBUTES:
		vm_set_memory_attributes(s->vm, gpa, size, attributes);
		break;
	case VMM_PUNCH:
		TEST_ASSERT_EQ(fallocate(s->d.gmem, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
					 gpa - DATA_GPA, size), 0);
		break;
	case VMM_SLOTS:
		set_data_slot(s->vm, &s->d, false);
		set_data_slot(s->vm, &s->d, true);
		break;
	case VMM_LOOK:
		held_bytes(s->vm, &a, &b);
		nr_private(s->vm, DATA_GPA, SIZE);
		break;
	}
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_storm(uint64_t flags, unsigned int what, unsigned int ms, uint64_t seed)
{
	uint64_t until = now_ms() + ms, state = page_enc_seed(seed, 1);
	uint64_t private, twice, rounds;
	struct storm s = start(flags, guest_code);

	for (rounds = 0; now_ms() < until; rounds++)
		disturb(&s, what, &state);
	end(&s);

	check_in_step(s.vm, DATA_GPA, SIZE);
	held_bytes(s.vm, &private, &twice);
	pr_info("flags %lx, VMM %x: %lu disturbances, %u faults, %lu KiB held, %lu KiB twice\n",
		flags, what, rounds, s.faults, private / 1024, twice / 1024);

	/* There is always a place for a page, but not if its memslot is away. */
	if (!(what & VMM_SLOTS))
		TEST_ASSERT_EQ(s.faults, 0);

	/* Mainline's ioctl and a memslot that is away leave it where it is. */
	if (flags & PUNCH && !(what & (VMM_ATTRIBUTES | VMM_SLOTS)))
		TEST_ASSERT_EQ(twice, 0);
	TEST_ASSERT_EQ(convert(s.vm, DATA_GPA, SIZE, SHARED), 0);
	if (flags & PUNCH)
		check_held(s.vm, 0, 0);
	check_in_step(s.vm, DATA_GPA, SIZE);
	kvm_vm_free(s.vm);
	free_data(&s.d);
}

/*
 * A late page fault that has seen a page as private must not leave memory
 * behind when the page is shared.
 */
static void test_late_faults(unsigned int ms)
{
	struct storm s = start(ENFORCE | PUNCH, guest_touch_code);
	uint64_t until = now_ms() + ms, rounds, pages, size, gpa;

	for (rounds = 0; now_ms() < until; rounds++) {
		pages = rounds % NR_TOUCHED + 1;
		size = pages * PAGE_SIZE;
		gpa = DATA_GPA + (NR_TOUCHED - pages) * PAGE_SIZE;
		TEST_ASSERT_EQ(convert(s.vm, gpa, size, PRIVATE), 0);
		if (rounds % 3)
			usleep(rounds % 100);
		TEST_ASSERT_EQ(convert(s.vm, gpa, size, SHARED), 0);
		check_held(s.vm, 0, 0);
	}
	end(&s);
	check_held(s.vm, 0, 0);
	TEST_ASSERT_EQ(s.faults, 0);
	pr_info("late faults: %lu rounds, %u faults\n", rounds, s.faults);
	kvm_vm_free(s.vm);
	free_data(&s.d);
}

/* File and memslot go away while vCPUs run, in either order. */
static void test_teardown(bool gmem_first, bool vm_first, unsigned int ms)
{
	struct storm s = start(ENFORCE | PUNCH, guest_code);

	usleep(ms * 1000);
	if (gmem_first)
		close(s.d.gmem);
	set_data_slot(s.vm, &s.d, false);
	if (!gmem_first && !vm_first)
		close(s.d.gmem);
	end(&s);

	if (!gmem_first && vm_first) {
		kvm_vm_free(s.vm);
		TEST_ASSERT_EQ(fallocate(s.d.gmem, FALLOC_FL_KEEP_SIZE, 0, SIZE), 0);
		close(s.d.gmem);
	} else {
		check_held(s.vm, 0, 0);
		kvm_vm_free(s.vm);
	}
	munmap(s.d.hva, SIZE);
}

/* All of it goes at once. */
static void test_kill(unsigned int ms)
{
	uint64_t state = page_enc_seed(ms, 2);
	pid_t child = fork();
	int status;

	if (!child) {
		struct storm s = start(ENFORCE | PUNCH, guest_code);

		for (;;)
			disturb(&s, VMM_CONVERT | VMM_PUNCH | VMM_SLOTS, &state);
	}
	usleep(ms * 1000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "the child has ended before: %x", status);
}

int main(int argc, char *argv[])
{
	unsigned int ms = argc > 1 ? atoi(argv[1]) : 1000, i;

	TEST_REQUIRE(kvm_check_cap(KVM_CAP_PRIVATE_MEM_CONVERSION));
	TEST_REQUIRE(have_debugfs());

	test_storm(ENFORCE | PUNCH, 0, ms, 1);
	test_storm(ENFORCE | PUNCH, VMM_CONVERT | VMM_PUNCH | VMM_LOOK, ms, 2);
	test_storm(ENFORCE | PUNCH, VMM_CONVERT | VMM_ATTRIBUTES | VMM_SLOTS, ms, 3);
	test_storm(ENFORCE, VMM_CONVERT | VMM_ATTRIBUTES | VMM_PUNCH | VMM_SLOTS, ms, 4);
	test_late_faults(3 * ms);
	for (i = 0; i < 4; i++) {
		test_teardown(true, false, 50 * (i + 1));
		test_teardown(false, false, 50 * (i + 1));
		test_teardown(false, true, 50 * (i + 1));
		test_kill(300 * (i + 1));
	}
	return 0;
}
