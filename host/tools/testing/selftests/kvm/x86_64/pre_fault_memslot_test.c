// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_PRE_FAULT_MEMORY while memslots come and go.  It must not keep trying,
 * and must not let changes of memslots wait.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <linux/sizes.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

#define SLOT		10
#define OTHER_SLOT	11
#define GPA		SZ_4G
#define SIZE		SZ_4M
#define OTHER_GPA	(GPA + SIZE)
#define ROUNDS		50

/* Seconds; prefaulting takes milliseconds. */
#define HANGS_AFTER	30

static void guest_code(void)
{
}

static void on_alarm(int sig)
{
	static const char text[] = "KVM_PRE_FAULT_MEMORY hangs\n";

	/* The other thread may be in an uninterruptible wait. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1))
		_exit(1);
	_exit(1);
}

/* Prefault as much as can be; returns the errno that ended it, or 0. */
static int prefault(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = size };

	alarm(HANGS_AFTER);
	while (range.size) {
		if (__vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range) < 0)
			return errno;
	}
	return 0;
}

static void set_slot(struct kvm_vm *vm, uint32_t slot, uint64_t gpa,
		     uint64_t size, void *hva)
{
	vm_set_user_memory_region(vm, slot, 0, gpa, size, hva);
}

/* The roots are obsolete after the deletion, and no guest is entered. */
static void test_obsolete_root(struct kvm_vcpu *vcpu, void *hva)
{
	struct kvm_vm *vm = vcpu->vm;

	set_slot(vm, SLOT, GPA, SIZE, hva);
	TEST_ASSERT_EQ(prefault(vcpu, GPA, PAGE_SIZE), 0);

	set_slot(vm, OTHER_SLOT, OTHER_GPA, PAGE_SIZE, hva);
	set_slot(vm, OTHER_SLOT, OTHER_GPA, 0, hva);
	TEST_ASSERT_EQ(prefault(vcpu, GPA, PAGE_SIZE), 0);

	set_slot(vm, SLOT, GPA, 0, hva);
	TEST_ASSERT_EQ(prefault(vcpu, GPA, PAGE_SIZE), ENOENT);
}

struct churn {
	struct kvm_vm *vm;
	void *hva;
	uint32_t slot;
	uint64_t gpa;
	uint64_t size;
	bool move;
	bool done;
};

static void *churn(void *arg)
{
	struct churn *c = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		set_slot(c->vm, c->slot, c->gpa, c->size, c->hva);
		usleep(i * 30);
		if (c->move)
			set_slot(c->vm, c->slot, c->gpa + SIZE, c->size, c->hva);
		usleep(i % 7 * 100);
		set_slot(c->vm, c->slot, c->gpa, 0, c->hva);
	}
	WRITE_ONCE(c->done, true);
	return NULL;
}

/* Prefault the memory that @c deletes, or memory next to it. */
static void test_churn(struct kvm_vcpu *vcpu, struct churn *c)
{
	unsigned int again = 0, gone = 0, all = 0;
	pthread_t thread;
	int r;

	pthread_create(&thread, NULL, churn, c);
	while (!READ_ONCE(c->done)) {
		r = prefault(vcpu, GPA, SIZE);
		again += r == EAGAIN;
		gone += r == ENOENT;
		all += !r;
		if (r)
			usleep(100);
		TEST_ASSERT(!r || r == EAGAIN || r == ENOENT, "errno %d", r);
	}
	pthread_join(thread, NULL);

	pr_info("slot %u%s: %u times all of it, EAGAIN %u, ENOENT %u\n", c->slot,
		c->move ? ", moved" : "", all, again, gone);
	if (c->slot != SLOT)
		TEST_ASSERT(!again && !gone, "the slot was there all the time");
}

int main(int argc, char *argv[])
{
	struct churn c = { .slot = SLOT, .gpa = GPA, .size = SIZE };
	struct kvm_vcpu *vcpu;

	TEST_REQUIRE(kvm_check_cap(KVM_CAP_PRE_FAULT_MEMORY));
	TEST_REQUIRE(kvm_is_tdp_enabled());

	signal(SIGALRM, on_alarm);

	c.vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	c.hva = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(c.hva != MAP_FAILED, "mmap() failed");
	madvise(c.hva, SIZE, MADV_NOHUGEPAGE);

	test_obsolete_root(vcpu, c.hva);
	test_churn(vcpu, &c);

	c.done = false;
	c.move = true;
	test_churn(vcpu, &c);

	set_slot(c.vm, SLOT, GPA, SIZE, c.hva);
	c = (struct churn) {
		.vm = c.vm, .hva = c.hva,
		.slot = OTHER_SLOT, .gpa = OTHER_GPA, .size = PAGE_SIZE,
	};
	test_churn(vcpu, &c);

	alarm(0);
	kvm_vm_free(c.vm);
	return 0;
}
