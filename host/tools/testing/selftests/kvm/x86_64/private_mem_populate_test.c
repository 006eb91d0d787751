// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_POPULATE_PRIVATE_MEMORY: the content that the guest finds, errors,
 * partial progress, and that each page is populated once, whatever other tasks
 * do.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <linux/falloc.h>
#include <linux/sizes.h>

#include "private_mem.h"

#define SIZE		SZ_8M
#define NPAGES		(SIZE / PAGE_SIZE)
#define NR_THREADS	3

static uint64_t first_of(uint64_t page, uint64_t who)
{
	return page << 8 | who;
}

/* Sync what is at the start of the pages that the host names. */
static uint64_t page;

static void guest_code(void)
{
	for (;;)
		GUEST_SYNC(READ_ONCE(*(uint64_t *)(DATA_GPA + READ_ONCE(page) * PAGE_SIZE)));
}

static uint64_t guest_read(struct kvm_vcpu *vcpu, uint64_t n)
{
	struct ucall uc;

	page = n;
	sync_global_to_guest(vcpu->vm, page);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
	return uc.args[1];
}

static int __populate(struct kvm_vm *vm, struct kvm_populate_private_memory *p)
{
	return __vm_ioctl(vm, KVM_POPULATE_PRIVATE_MEMORY, p) ? errno : 0;
}

/* Pages [@first, @first + @n) of the data; *done: how many it got to */
static int populate(struct kvm_vm *vm, uint64_t first, uint64_t n, uint8_t *from,
		    uint64_t *done)
{
	struct kvm_populate_private_memory p = {
		.gpa = DATA_GPA + first * PAGE_SIZE,
		.size = n * PAGE_SIZE,
		.uaddr = (uintptr_t)from,
	};
	int r = __populate(vm, &p);

	TEST_ASSERT(p.gpa + p.size == DATA_GPA + (first + n) * PAGE_SIZE &&
		    p.uaddr + p.size == (uintptr_t)from + n * PAGE_SIZE,
		    "%llx+%llx from %llx are left", p.gpa, p.size, p.uaddr);
	TEST_ASSERT(!r == !p.size, "errno %d with %llx bytes left", r, p.size);
	*done = n - p.size / PAGE_SIZE;
	return r;
}

static uint8_t *create_content(uint64_t who)
{
	uint8_t *content = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t i;

	TEST_ASSERT(content != MAP_FAILED, "mmap() failed");
	for (i = 0; i < NPAGES; i++)
		*(uint64_t *)(content + i * PAGE_SIZE) = first_of(i, who);
	return content;
}

static void test_arguments(struct kvm_vm *vm, uint8_t *content)
{
	const struct kvm_populate_private_memory good = {
		.gpa = DATA_GPA, .size = PAGE_SIZE, .uaddr = (uintptr_t)content,
	};
	struct kvm_populate_private_memory p;

#define TRY(field, value, error) do {		\
	p = good;				\
	p.field = (value);			\
	TEST_ASSERT_EQ(__populate(vm, &p), error);	\
} while (0)

	TRY(gpa, DATA_GPA + 8, EINVAL);
	TRY(size, PAGE_SIZE + 8, EINVAL);
	TRY(size, 0, EINVAL);
	TRY(size, -PAGE_SIZE, EINVAL);
	TRY(gpa, -PAGE_SIZE, EINVAL);
	TRY(flags, 1, EINVAL);
	TRY(pad[3], 1, EINVAL);
	TRY(uaddr, -8ULL, EINVAL);
	TRY(uaddr, 8, EFAULT);
	TRY(gpa, DATA_GPA + SIZE, EINVAL);
	TRY(gpa, 1ULL << 60, EINVAL);
	TRY(gpa, 0, EINVAL);
	TEST_ASSERT_EQ(ioctl(vm->fd, KVM_POPULATE_PRIVATE_MEMORY, 8), -1);
	TEST_ASSERT_EQ(errno, EFAULT);
	check_held(vm, 0, 0);
}

static void test_content(void)
{
	uint8_t *content = create_content(1);
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	uint64_t i, done;
	struct data d;

	vm = create_vm(KVM_X86_SW_PROTECTED_VM, ENFORCE | PUNCH, 1, SIZE);
	vcpu = vm_vcpu_add(vm, 0, guest_code);
	d = add_data(vm, SIZE);

	/* Nothing is private. */
	TEST_ASSERT_EQ(populate(vm, 0, NPAGES, content, &done), EINVAL);
	TEST_ASSERT_EQ(done, 0);
	check_held(vm, 0, 0);

	TEST_ASSERT_EQ(convert(vm, DATA_GPA, SIZE, PRIVATE), 0);
	test_arguments(vm, content);

	/* All but a page, in pieces that are in each other's way */
	TEST_ASSERT_EQ(populate(vm, 100, 21, content + 100 * PAGE_SIZE, &done), 0);
	check_held(vm, 21 * PAGE_SIZE, 0);
	TEST_ASSERT_EQ(populate(vm, 100, 1, content, &done), EEXIST);
	TEST_ASSERT_EQ(populate(vm, 0, NPAGES, content, &done), EEXIST);
	TEST_ASSERT_EQ(done, 100);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA + 777 * PAGE_SIZE, PAGE_SIZE, SHARED), 0);
	TEST_ASSERT_EQ(populate(vm, 121, NPAGES - 121, content + 121 * PAGE_SIZE, &done), EINVAL);
	TEST_ASSERT_EQ(done, 777 - 121);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA + 777 * PAGE_SIZE, PAGE_SIZE, PRIVATE), 0);

	/* A page that was only allocated counts as empty. */
	TEST_ASSERT_EQ(fallocate(d.gmem, FALLOC_FL_KEEP_SIZE, 778 * PAGE_SIZE, PAGE_SIZE), 0);

	/* The buffer ends before the request does. */
	munmap(content + SZ_4M, PAGE_SIZE);
	TEST_ASSERT_EQ(populate(vm, 778, NPAGES - 778, content + 778 * PAGE_SIZE, &done), EFAULT);
	TEST_ASSERT_EQ(done, 1024 - 778);
	TEST_ASSERT_EQ(populate(vm, 1025, NPAGES - 1025, content + 1025 * PAGE_SIZE, &done), 0);
	check_held(vm, SIZE - 2 * PAGE_SIZE, 0);

	for (i = 0; i < NPAGES; i++)
		TEST_ASSERT_EQ(guest_read(vcpu, i), i == 777 || i == 1024 ? 0 : first_of(i, 1));

	/* Too late for pages that are empty, or empty again */
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, PAGE_SIZE, SHARED), 0);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, PAGE_SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(populate(vm, 0, 1, content, &done), EBUSY);
	check_held(vm, SIZE - PAGE_SIZE, 0);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, SIZE, SHARED), 0);
	check_held(vm, 0, 0);

	kvm_vm_free(vm);
	free_data(&d);
	munmap(content, SIZE);

	/* Only for VMs that have asked for it */
	vm = create_vm(KVM_X86_SW_PROTECTED_VM, 0, 1, 0);
	TEST_ASSERT_EQ(populate(vm, 0, 1, content, &done), ENOTTY);
	kvm_vm_free(vm);
}

struct racer {
	struct kvm_vm *vm;
	uint8_t *content;
	pthread_t thread;
	uint64_t populated;
};

/* Populate all that nobody else has. */
static void *race(void *arg)
{
	struct racer *racer = arg;
	uint64_t i, done;
	int r;

	for (i = 0; i < NPAGES; i += done) {
		r = populate(racer->vm, i, NPAGES - i, racer->content + i * PAGE_SIZE, &done);
		racer->populated += done;
		if (!r)
			break;
		TEST_ASSERT(r == EEXIST || r == EINTR || r == EINVAL, "errno %d", r);
		done += r == EEXIST;
	}
	return NULL;
}

static void nothing(int sig)
{
}

static unsigned int nr_pages_of(struct kvm_vcpu *vcpu, uint64_t who)
{
	unsigned int n = 0;
	uint64_t i, value;

	for (i = 0; i < NPAGES; i++) {
		value = guest_read(vcpu, i);
		TEST_ASSERT(value >> 8 == i && (value & 0xff) && (value & 0xff) <= NR_THREADS,
			    "page %lu has content %lx", i, value);
		n += (value & 0xff) == who;
	}
	return n;
}

/* Several at once, interrupted by signals, while page faults are made as well. */
static void test_races(bool convert_too)
{
	struct itimerval timer = { { .tv_usec = 700 }, { .tv_usec = 700 } };
	struct kvm_vm *vm = create_vm(KVM_X86_SW_PROTECTED_VM, ENFORCE | PUNCH, 1, SIZE);
	struct sigaction action = { .sa_handler = nothing };
	struct kvm_vcpu *vcpu = vm_vcpu_add(vm, 0, guest_code);
	struct racer racers[NR_THREADS] = {};
	struct data d = add_data(vm, SIZE);
	uint64_t i, private, twice;

	sigaction(SIGALRM, &action, NULL);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, SIZE, PRIVATE), 0);
	for (i = 0; i < NR_THREADS; i++) {
		racers[i].vm = vm;
		racers[i].content = create_content(i + 1);
	}
	setitimer(ITIMER_REAL, &timer, NULL);
	for (i = 0; i < NR_THREADS; i++)
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);

	for (i = 0; convert_too && i < 200; i++) {
		uint64_t gpa = DATA_GPA + i * 37 % NPAGES * PAGE_SIZE;
		struct kvm_pre_fault_memory range = {
			.gpa = gpa, .size = PAGE_SIZE,
		};

		convert(vm, gpa, PAGE_SIZE, SHARED);
		convert(vm, gpa, PAGE_SIZE, PRIVATE);
		__vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range);
	}

	for (i = 0; i < NR_THREADS; i++)
		pthread_join(racers[i].thread, NULL);
	timer = (struct itimerval) {};
	setitimer(ITIMER_REAL, &timer, NULL);

	pr_info("populated %lu, %lu, %lu of %llu pages\n", racers[0].populated,
		racers[1].populated, racers[2].populated, NPAGES);
	if (!convert_too) {
		check_held(vm, SIZE, 0);
		TEST_ASSERT_EQ(racers[0].populated + racers[1].populated +
			       racers[2].populated, NPAGES);
		for (i = 0; i < NR_THREADS; i++)
			TEST_ASSERT_EQ(nr_pages_of(vcpu, i + 1), racers[i].populated);
	} else {
		held_bytes(vm, &private, &twice);
		TEST_ASSERT_EQ(twice, 0);
	}
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, SIZE, SHARED), 0);
	check_held(vm, 0, 0);
	kvm_vm_free(vm);
	free_data(&d);
	for (i = 0; i < NR_THREADS; i++)
		munmap(racers[i].content, SIZE);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_PRIVATE_MEM_CONVERSION));
	TEST_REQUIRE(have_debugfs());

	test_content();
	test_races(false);
	test_races(true);
	return 0;
}
