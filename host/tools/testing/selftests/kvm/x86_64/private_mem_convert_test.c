// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conversion of private memory by KVM: permissions and ways to ask for it, its
 * effect on attributes, status and content, and signals.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <linux/falloc.h>
#include <linux/sizes.h>
#include <linux/userfaultfd.h>

#include "private_mem.h"

#define SIZE		SZ_8M
#define PLAIN_SLOT	20
#define PLAIN_GPA	(8ULL << 30)
#define HOLE_GPA	(12ULL << 30)
#define BIG		SZ_1G

/* Requests to the guest, which syncs the result */
enum { CALL, WRITE, READ, OUT, IN };

struct order {
	uint64_t what;
	uint64_t gpa;
	uint64_t value;
	uint64_t attrs;
};

static struct order order;

#define IO_PORT		0x5e

static void guest_code(void)
{
	struct order *o = &order;
	uint64_t result = 0;
	void *p;

	for (;;) {
		GUEST_SYNC(result);
		switch (READ_ONCE(o->what)) {
		case CALL:
			result = kvm_hypercall(KVM_HC_MAP_GPA_RANGE, o->gpa,
					       o->value, o->attrs, 0);
			break;
		case WRITE:
			WRITE_ONCE(*(uint64_t *)o->gpa, o->value);
			result = 0;
			break;
		case READ:
			result = READ_ONCE(*(uint64_t *)o->gpa);
			break;
		case OUT:
			/* It is KVM that reads this ... */
			p = (void *)o->gpa;
			asm volatile("cld; outsl" : "+S"(p)
				     : "d"((uint16_t)IO_PORT) : "memory");
			result = 0;
			break;
		case IN:
			/* ... and writes this. */
			p = (void *)o->gpa;
			asm volatile("cld; insl" : "+D"(p)
				     : "d"((uint16_t)IO_PORT) : "memory");
			result = 0;
			break;
		}
	}
}

struct guest {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_regs start;	/* registers that begin with its code */
	struct data d;
	uint64_t exits;		/* for hypercalls */
	uint64_t told;		/* exits when they are over */
	bool drop;		/* free the shared copy then */
	uint64_t refuse;	/* what they are answered with */
	uint32_t io;		/* what OUT has shown of memory, or IN puts there */
	uint64_t interrupts;
};

static void do_io(struct guest *g, struct kvm_run *run)
{
	void *data = (char *)run + run->io.data_offset;

	if (run->io.direction == KVM_EXIT_IO_OUT)
		memcpy(&g->io, data, sizeof(g->io));
	else
		memcpy(data, &g->io, sizeof(g->io));
}

/* The VMM lets the guest continue, or the guest gets the result. */
static void handle_hypercall(struct guest *g, struct kvm_run *run)
{
	uint64_t private = order.attrs & KVM_MAP_GPA_RANGE_ENCRYPTED;

	TEST_ASSERT_EQ(run->hypercall.nr, KVM_HC_MAP_GPA_RANGE);
	TEST_ASSERT_EQ(run->hypercall.args[0], order.gpa);
	TEST_ASSERT_EQ(run->hypercall.args[1], order.value);
	TEST_ASSERT_EQ(run->hypercall.args[2], order.attrs);
	if (!(run->hypercall.flags & KVM_EXIT_HYPERCALL_CONVERTED)) {
		TEST_ASSERT_EQ(nr_private(g->vm, g->d.gpa, g->d.size) == 0, !!private);
		run->hypercall.ret = g->refuse;
		g->exits++;
		return;
	}

	TEST_ASSERT_EQ(run->hypercall.flags & ~KVM_EXIT_HYPERCALL_LONG_MODE,
		       KVM_EXIT_HYPERCALL_CONVERTED);
	TEST_ASSERT_EQ(run->hypercall.ret, 0);
	TEST_ASSERT_EQ(nr_private(g->vm, order.gpa, order.value * PAGE_SIZE),
		       private ? order.value : 0);
	if (g->drop && private)
		TEST_ASSERT(!madvise(g->d.hva + order.gpa - DATA_GPA, order.value * PAGE_SIZE,
				     g->d.anonymous ? MADV_DONTNEED : MADV_REMOVE),
			    "madvise: errno %d", errno);
	/* It is too late to enable the capability. */
	run->hypercall.ret = -KVM_EPERM;
	g->told++;
}

/* Run until the guest syncs or has a fault, and return the result. */
static uint64_t run(struct guest *g)
{
	struct kvm_run *run = g->vcpu->run;
	struct ucall uc;

	for (;;) {
		int r = __vcpu_run(g->vcpu);

		if (r < 0 && errno == EINTR) {
			g->interrupts++;
			continue;
		}
		if (r < 0) {
			TEST_ASSERT(errno == EFAULT && run->exit_reason == KVM_EXIT_MEMORY_FAULT,
				    "KVM_RUN: errno %d, exit %u", errno, run->exit_reason);
			return run->exit_reason;
		}

		switch (run->exit_reason) {
		case KVM_EXIT_HYPERCALL:
			handle_hypercall(g, run);
			continue;
		case KVM_EXIT_IO:
			if (run->io.port == IO_PORT) {
				do_io(g, run);
				continue;
			}
			break;
		}
		TEST_ASSERT_EQ(get_ucall(g->vcpu, &uc), UCALL_SYNC);
		return uc.args[1];
	}
}

static void give(struct guest *g, uint64_t what, uint64_t gpa, uint64_t value,
		 uint64_t attrs)
{
	order = (struct order) { what, gpa, value, attrs };
	sync_global_to_guest(g->vm, order);
}

static int64_t call(struct guest *g, uint64_t gpa, uint64_t size, uint64_t attributes)
{
	give(g, CALL, gpa, size / PAGE_SIZE,
	     attributes ? KVM_MAP_GPA_RANGE_ENCRYPTED : KVM_MAP_GPA_RANGE_DECRYPTED);
	return run(g);
}

static uint64_t guest_write(struct guest *g, uint64_t gpa, uint64_t value)
{
	give(g, WRITE, gpa, value, 0);
	return run(g);
}

static uint64_t guest_read(struct guest *g, uint64_t gpa)
{
	give(g, READ, gpa, 0, 0);
	return run(g);
}

static uint64_t guest_out(struct guest *g, uint64_t gpa)
{
	give(g, OUT, gpa, 0, 0);
	TEST_ASSERT_EQ(run(g), 0);
	return g->io;
}

static void guest_in(struct guest *g, uint64_t gpa, uint32_t value)
{
	give(g, IN, gpa, 0, 0);
	g->io = value;
	TEST_ASSERT_EQ(run(g), 0);
}

/* Where the host sees page @i */
static uint64_t *host(struct guest *g, uint64_t i)
{
	return (uint64_t *)(g->d.hva + i * PAGE_SIZE);
}

static struct guest create_of(uint64_t flags, uint64_t size, bool anonymous)
{
	struct guest g = {};

	g.vm = create_vm(KVM_X86_SW_PROTECTED_VM, flags, 1, size);
	g.vcpu = vm_vcpu_add(g.vm, 0, guest_code);
	vcpu_regs_get(g.vcpu, &g.start);
	g.d = add_data_of(g.vm, size, anonymous);
	TEST_ASSERT_EQ(run(&g), 0);
	return g;
}

static struct guest create(uint64_t flags, uint64_t size)
{
	return create_of(flags, size, false);
}

static void destroy(struct guest *g)
{
	kvm_vm_free(g->vm);
	free_data(&g->d);
}

static int enable(struct kvm_vm *vm, uint64_t flags)
{
	return __vm_enable_cap(vm, KVM_CAP_PRIVATE_MEM_CONVERSION, flags) ? errno : 0;
}

static void test_cap(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_PRIVATE_MEM_CONVERSION, .args = { ENFORCE, 1 },
	};
	struct kvm_vm *vm = create_vm(KVM_X86_DEFAULT_VM, 0, 1, 0);
	uint64_t all = NOTIFY | ENFORCE | PUNCH | EMULATE | GUARD;

	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_PRIVATE_MEM_CONVERSION), 0);
	TEST_ASSERT_EQ(enable(vm, ENFORCE), EINVAL);
	kvm_vm_free(vm);

	vm = create_vm(KVM_X86_SW_PROTECTED_VM, 0, 1, 0);
	TEST_ASSERT_EQ(kvm_check_cap(KVM_CAP_PRIVATE_MEM_CONVERSION), all);
	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_PRIVATE_MEM_CONVERSION), all);
	TEST_ASSERT_EQ(enable(vm, 0), EINVAL);
	TEST_ASSERT_EQ(enable(vm, all + 1), EINVAL);
	TEST_ASSERT_EQ(enable(vm, ENFORCE | 1ULL << 63), EINVAL);
	TEST_ASSERT_EQ(enable(vm, PUNCH), EINVAL);
	TEST_ASSERT_EQ(enable(vm, PUNCH | NOTIFY), EINVAL);
	TEST_ASSERT_EQ(enable(vm, GUARD), EINVAL);
	TEST_ASSERT_EQ(enable(vm, GUARD | NOTIFY), EINVAL);
	TEST_ASSERT_EQ(__vm_ioctl(vm, KVM_ENABLE_CAP, &cap), -1);
	TEST_ASSERT_EQ(errno, EINVAL);
	TEST_ASSERT_EQ(convert(vm, 0, PAGE_SIZE, SHARED), ENOTTY);

	TEST_ASSERT_EQ(enable(vm, ENFORCE), 0);
	TEST_ASSERT_EQ(enable(vm, ENFORCE), 0);
	TEST_ASSERT_EQ(enable(vm, NOTIFY), EINVAL);
	TEST_ASSERT_EQ(__page_enc_set(vm, NULL, 0), -1);
	TEST_ASSERT_EQ(errno, EINVAL);
	vm_vcpu_add(vm, 0, guest_code);
	TEST_ASSERT_EQ(enable(vm, ENFORCE), EINVAL);
	kvm_vm_free(vm);

	vm = create_vm(KVM_X86_SW_PROTECTED_VM, 0, 1, 0);
	vm_vcpu_add(vm, 0, guest_code);
	TEST_ASSERT_EQ(enable(vm, NOTIFY), EINVAL);
	kvm_vm_free(vm);
}

static int bad_convert(struct kvm_vm *vm, struct kvm_convert_memory c)
{
	return __vm_ioctl(vm, KVM_CONVERT_MEMORY, &c) ? errno : 0;
}

/* Invalid arguments have no effect. */
static void test_bad_arguments(void)
{
	struct guest g = create(ENFORCE, SIZE);
	struct kvm_vm *vm = g.vm;
	void *plain = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vm_set_user_memory_region(vm, PLAIN_SLOT, 0, PLAIN_GPA, SIZE, plain);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA + 1, PAGE_SIZE, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, PAGE_SIZE + 8, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, 0, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, PAGE_SIZE, PRIVATE | 1), EINVAL);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, -DATA_GPA, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, -PAGE_SIZE, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(convert(vm, 1ULL << 52, PAGE_SIZE, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(convert(vm, PLAIN_GPA, PAGE_SIZE, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(convert(vm, DATA_GPA, PLAIN_GPA - DATA_GPA + PAGE_SIZE, PRIVATE), EINVAL);
	TEST_ASSERT_EQ(bad_convert(vm, (struct kvm_convert_memory) {
		.gpa = DATA_GPA, .size = PAGE_SIZE, .attributes = PRIVATE, .flags = 1 }), EINVAL);
	TEST_ASSERT_EQ(bad_convert(vm, (struct kvm_convert_memory) {
		.gpa = DATA_GPA, .size = PAGE_SIZE, .attributes = PRIVATE,
		.pad = { [3] = 1 } }), EINVAL);
	TEST_ASSERT_EQ(ioctl(vm->fd, KVM_CONVERT_MEMORY, 8), -1);
	TEST_ASSERT_EQ(errno, EFAULT);

	/* The guest, too, gets EINVAL from KVM's numbers, not errno's. */
	TEST_ASSERT_EQ(call(&g, PLAIN_GPA, PAGE_SIZE, PRIVATE), -KVM_EINVAL);
	TEST_ASSERT_EQ(call(&g, DATA_GPA, PLAIN_GPA - DATA_GPA + PAGE_SIZE, PRIVATE), -KVM_EINVAL);
	TEST_ASSERT_EQ(call(&g, DATA_GPA + 8, PAGE_SIZE, PRIVATE), -KVM_EINVAL);
	TEST_ASSERT_EQ(call(&g, DATA_GPA, 0, PRIVATE), -KVM_EINVAL);
	TEST_ASSERT_EQ(nr_private(vm, 0, 1ULL << 34), 0);

	/* Addresses without memory are accepted and forgotten. */
	TEST_ASSERT_EQ(call(&g, HOLE_GPA, SZ_1G, PRIVATE), 0);
	TEST_ASSERT_EQ(call(&g, HOLE_GPA, SZ_1G, SHARED), 0);
	TEST_ASSERT_EQ(convert(vm, HOLE_GPA, SZ_1G, PRIVATE), 0);
	TEST_ASSERT_EQ(convert(vm, 0, 1ULL << 52, SHARED), 0);
	TEST_ASSERT_EQ(nr_private(vm, 0, 1ULL << 34), 0);
	check_in_step(vm, DATA_GPA, SIZE);
	check_in_step(vm, PLAIN_GPA, SIZE);
	kvm_vm_free(vm);
	munmap(plain, SIZE);
	free_data(&g.d);
}

/*
 * Convert to private and back, by the guest or by the VMM.  There are six
 * cases: the guest accesses private or shared memory; the userspace mapping is
 * accessed, by the host or by KVM, for private or shared memory; and both of
 * these across a conversion.
 */
static void test_content(uint64_t flags, bool ioctl)
{
	struct guest g = create(flags, SIZE);
	const uint64_t gpa = DATA_GPA + 5 * PAGE_SIZE, size = SZ_2M;

	/* Shared memory, shared access */
	TEST_ASSERT_EQ(guest_write(&g, gpa, 0x11), 0);
	TEST_ASSERT_EQ(*host(&g, 5), 0x11);
	TEST_ASSERT_EQ(guest_out(&g, gpa), 0x11);
	*host(&g, 5) = 0x22;
	TEST_ASSERT_EQ(guest_read(&g, gpa), 0x22);

	/* Private memory, private access, across the conversion: it is new. */
	TEST_ASSERT_EQ(ioctl ? convert(g.vm, gpa, size, PRIVATE) :
		       call(&g, gpa, size, PRIVATE), 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), size / PAGE_SIZE);
	check_in_step(g.vm, DATA_GPA, SIZE);
	TEST_ASSERT_EQ(guest_read(&g, gpa), 0);
	TEST_ASSERT_EQ(guest_write(&g, gpa, 0x33), 0);
	TEST_ASSERT_EQ(guest_read(&g, gpa), 0x33);

	/* Private memory, shared access: of what was shared before. */
	TEST_ASSERT_EQ(*host(&g, 5), 0x22);
	TEST_ASSERT_EQ(guest_out(&g, gpa), 0x22);
	*host(&g, 5) = 0x44;
	TEST_ASSERT_EQ(guest_read(&g, gpa), 0x33);

	/* Next to it nothing has changed. */
	TEST_ASSERT_EQ(guest_write(&g, gpa - PAGE_SIZE, 0x55), 0);
	TEST_ASSERT_EQ(*host(&g, 4), 0x55);
	TEST_ASSERT_EQ(guest_write(&g, gpa + size, 0x66), 0);
	TEST_ASSERT_EQ(*host(&g, 5 + size / PAGE_SIZE), 0x66);

	/* Shared access across the conversion, of a page in the middle first */
	TEST_ASSERT_EQ(guest_write(&g, gpa + PAGE_SIZE, 0x77), 0);
	TEST_ASSERT_EQ(ioctl ? convert(g.vm, gpa + PAGE_SIZE, PAGE_SIZE, SHARED) :
		       call(&g, gpa + PAGE_SIZE, PAGE_SIZE, SHARED), 0);
	TEST_ASSERT_EQ(guest_read(&g, gpa), 0x33);
	TEST_ASSERT_EQ(guest_read(&g, gpa + PAGE_SIZE), 0);
	check_in_step(g.vm, DATA_GPA, SIZE);
	TEST_ASSERT_EQ(ioctl ? convert(g.vm, DATA_GPA, SIZE, SHARED) :
		       call(&g, DATA_GPA, SIZE, SHARED), 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), 0);
	TEST_ASSERT_EQ(guest_read(&g, gpa), 0x44);
	check_in_step(g.vm, DATA_GPA, SIZE);

	/* The VMM was told if and only if it asked for that. */
	TEST_ASSERT_EQ(!!g.exits, flags & NOTIFY && !ioctl);
	TEST_ASSERT_EQ(g.told, g.exits);
	destroy(&g);
}

/* Shared memory, private access: there is none, and that exits. */
static void test_mismatch(void)
{
	struct guest g = create(ENFORCE, SIZE);
	void *plain = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vm_set_user_memory_region(g.vm, PLAIN_SLOT, 0, DATA_GPA + SIZE, SIZE, plain);
	virt_map(g.vm, DATA_GPA + SIZE, DATA_GPA + SIZE, 1);
	TEST_ASSERT_EQ(guest_write(&g, DATA_GPA + SIZE, 0x11), 0);
	/* KVM_CONVERT_MEMORY refuses this, but mainline's ioctl still allows it. */
	vm_mem_set_private(g.vm, DATA_GPA + SIZE, PAGE_SIZE);
	check_in_step(g.vm, DATA_GPA + SIZE, SIZE);
	TEST_ASSERT_EQ(guest_write(&g, DATA_GPA + SIZE, 0x22), KVM_EXIT_MEMORY_FAULT);
	TEST_ASSERT_EQ(g.vcpu->run->memory_fault.flags, KVM_MEMORY_EXIT_FLAG_PRIVATE);
	TEST_ASSERT_EQ(g.vcpu->run->memory_fault.gpa, DATA_GPA + SIZE);

	/* The VMM resolves it. */
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA + SIZE, PAGE_SIZE, SHARED), 0);
	TEST_ASSERT_EQ(run(&g), 0);
	TEST_ASSERT_EQ(guest_read(&g, DATA_GPA + SIZE), 0x22);
	kvm_vm_free(g.vm);
	munmap(plain, SIZE);
	free_data(&g.d);
}

/* The VMM is told before anything has changed, and may refuse. */
static void test_refusal(void)
{
	struct guest g = create(ENFORCE | NOTIFY, SIZE);

	g.refuse = -KVM_EPERM;
	TEST_ASSERT_EQ(call(&g, DATA_GPA, SIZE, PRIVATE), -KVM_EPERM);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), 0);
	check_in_step(g.vm, DATA_GPA, SIZE);
	g.refuse = 0;
	TEST_ASSERT_EQ(call(&g, DATA_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), SIZE / PAGE_SIZE);
	check_in_step(g.vm, DATA_GPA, SIZE);
	TEST_ASSERT_EQ(g.exits, 2);
	TEST_ASSERT_EQ(g.told, 1);
	destroy(&g);

	/* With NOTIFY alone, the VMM has to convert the memory. */
	g = create(NOTIFY, SIZE);
	TEST_ASSERT_EQ(call(&g, DATA_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(g.exits, 1);
	TEST_ASSERT_EQ(g.told, 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), 0);
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), SIZE / PAGE_SIZE);
	destroy(&g);
}

/*
 * A page that becomes private leaves its shared copy behind.  The VMM frees it
 * when the conversion is over.  After that the guest can't bring it back.
 */
static void test_both_copies(bool anonymous)
{
	struct guest g = create_of(ENFORCE | NOTIFY, SIZE, anonymous);
	const uint64_t gpa = DATA_GPA + SZ_1M, size = 3 * PAGE_SIZE;
	uint64_t i;

	if (anonymous)
		madvise(g.d.hva, SIZE, MADV_NOHUGEPAGE);
	for (i = 0; i < size; i += PAGE_SIZE)
		TEST_ASSERT_EQ(guest_write(&g, gpa + i, i + 1), 0);
	check_held(g.vm, 0, 0);
	check_stale_shared(g.vm, 0);

	TEST_ASSERT_EQ(call(&g, gpa, size, PRIVATE), 0);
	check_stale_shared(g.vm, size);
	TEST_ASSERT_EQ(guest_write(&g, gpa, 5), 0);
	check_held(g.vm, PAGE_SIZE, 0);
	check_stale_shared(g.vm, size);

	/* Now the guest has both. */
	TEST_ASSERT_EQ(call(&g, gpa, size, SHARED), 0);
	check_held(g.vm, 0, PAGE_SIZE);
	check_stale_shared(g.vm, 0);

	g.drop = true;
	TEST_ASSERT_EQ(call(&g, gpa, size, PRIVATE), 0);
	check_held(g.vm, PAGE_SIZE, 0);
	check_stale_shared(g.vm, 0);
	TEST_ASSERT_EQ(guest_read(&g, gpa), 5);
	check_stale_shared(g.vm, 0);

	/* Pages that the VMM writes take memory again, and in a file those it reads. */
	WRITE_ONCE(*host(&g, (gpa - DATA_GPA) / PAGE_SIZE), 6);
	check_stale_shared(g.vm, PAGE_SIZE);
	TEST_ASSERT_EQ(g.told, 3);
	destroy(&g);
}

/* The VMM is told of the end, and has the vCPU do something else instead. */
static void test_told_and_moved(void)
{
	struct guest g = create(ENFORCE | NOTIFY, SIZE);
	struct kvm_run *run_page = g.vcpu->run;
	struct kvm_regs regs;

	give(&g, CALL, DATA_GPA, SIZE / PAGE_SIZE, KVM_MAP_GPA_RANGE_ENCRYPTED);
	do {
		TEST_ASSERT_EQ(__vcpu_run(g.vcpu), 0);
		TEST_ASSERT_EQ(run_page->exit_reason, KVM_EXIT_HYPERCALL);
	} while (!(run_page->hypercall.flags & KVM_EXIT_HYPERCALL_CONVERTED));

	/* Even that has no effect until the vCPU runs. */
	run_page->immediate_exit = 1;
	g.start.rax = 0x1234;
	vcpu_regs_set(g.vcpu, &g.start);
	TEST_ASSERT_EQ(__vcpu_run(g.vcpu), -1);
	TEST_ASSERT_EQ(errno, EINTR);
	run_page->immediate_exit = 0;
	vcpu_regs_get(g.vcpu, &regs);
	TEST_ASSERT_EQ(regs.rax, 0x1234);
	TEST_ASSERT_EQ(regs.rip, g.start.rip);
	TEST_ASSERT_EQ(run(&g), 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), SIZE / PAGE_SIZE);
	destroy(&g);
}

static int punch(struct guest *g, uint64_t offset, uint64_t size)
{
	return fallocate(g->d.gmem, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			 offset, size) ? errno : 0;
}

static int set_attributes(struct guest *g, uint64_t gpa, uint64_t size, uint64_t attributes)
{
	struct kvm_memory_attributes a = {
		.address = gpa, .size = size, .attributes = attributes,
	};

	return __vm_ioctl(g->vm, KVM_SET_MEMORY_ATTRIBUTES, &a) ? errno : 0;
}

static void check_overrides(struct guest *g, uint64_t overridden, uint64_t refused)
{
	TEST_ASSERT_EQ(vm_get_stat(g->vm, "page_enc_overridden"), overridden);
	TEST_ASSERT_EQ(vm_get_stat(g->vm, "page_enc_override_refused"), refused);
}

/* Overrides by the VMM are counted, and refused with GUARD. */
static void test_guard(uint64_t flags)
{
	const uint64_t two = 2 * PAGE_SIZE;
	bool guard = flags & GUARD;
	int error = guard ? EPERM : 0;
	struct guest g = create(flags, SIZE);

	/* No override: nothing is held, nothing changes, or no memslot. */
	TEST_ASSERT_EQ(punch(&g, 0, SIZE), 0);
	TEST_ASSERT_EQ(call(&g, DATA_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(set_attributes(&g, HOLE_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(guest_write(&g, DATA_GPA, 0x11), 0);
	TEST_ASSERT_EQ(guest_write(&g, DATA_GPA + PAGE_SIZE, 0x22), 0);
	TEST_ASSERT_EQ(punch(&g, two, SIZE - two), 0);
	check_overrides(&g, 0, 0);

	TEST_ASSERT_EQ(punch(&g, 0, PAGE_SIZE), error);
	TEST_ASSERT_EQ(guest_read(&g, DATA_GPA), guard ? 0x11 : 0);
	check_overrides(&g, !guard, guard);
	TEST_ASSERT_EQ(set_attributes(&g, DATA_GPA, two, SHARED), error);
	check_overrides(&g, guard ? 0 : 3, guard ? 3 : 0);
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA + two, two, SHARED), error);
	check_overrides(&g, guard ? 0 : 5, guard ? 5 : 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), SIZE / PAGE_SIZE - (guard ? 0 : 4));
	check_in_step(g.vm, DATA_GPA, SIZE);
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA, SIZE, PRIVATE), 0);
	check_overrides(&g, guard ? 0 : 9, guard ? 5 : 0);
	TEST_ASSERT_EQ(guest_read(&g, DATA_GPA + PAGE_SIZE), 0x22);

	/* The guest shares it, and shared pages' private memory is no loss. */
	TEST_ASSERT_EQ(call(&g, DATA_GPA, SIZE, SHARED), 0);
	TEST_ASSERT_EQ(punch(&g, 0, SIZE), 0);
	TEST_ASSERT_EQ(set_attributes(&g, DATA_GPA, two, PRIVATE), error);
	check_overrides(&g, guard ? 0 : 11, guard ? 7 : 0);
	destroy(&g);

	/* Until the guest runs, the VMM prepares memory as it likes. */
	g = (struct guest) { .vm = create_vm(KVM_X86_SW_PROTECTED_VM, flags, 1, SIZE) };
	g.vcpu = vm_vcpu_add(g.vm, 0, guest_code);
	g.d = add_data(g.vm, SIZE);
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(set_attributes(&g, DATA_GPA, SIZE, SHARED), 0);
	check_overrides(&g, 0, 0);
	destroy(&g);
}

#define PLUG_GPA	(16ULL << 30)

static bool is_ready(struct guest *g)
{
	return vcpu_get_msr(g->vcpu, MSR_KVM_MIGRATION_CONTROL);
}

/* KVM may have more flags. */
static void say_ready(struct guest *g)
{
	TEST_ASSERT_EQ(_vcpu_set_msr(g->vcpu, MSR_KVM_MIGRATION_CONTROL,
				     KVM_MIGRATION_READY), 1);
}

/* Memory that is plugged in later: the guest isn't READY if it isn't private. */
static void test_hotplug(void)
{
	struct guest g = create(ENFORCE, SIZE);
	struct data d = g.d;
	void *plain = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* The MSR alone is not enough: the status must be known. */
	say_ready(&g);
	TEST_ASSERT(!is_ready(&g), "READY without status");
	vm_mem_set_shared(g.vm, DATA_GPA, SIZE);
	say_ready(&g);
	TEST_ASSERT(is_ready(&g), "not READY");

	/* Slots that can't be private, or are created again, change nothing. */
	vm_set_user_memory_region(g.vm, PLAIN_SLOT, 0, PLAIN_GPA, SIZE, plain);
	set_data_slot(g.vm, &g.d, false);
	set_data_slot(g.vm, &g.d, true);
	TEST_ASSERT(is_ready(&g), "not READY");

	/* Private from the start */
	d.slot = DATA_SLOT + 1;
	d.gpa = PLUG_GPA;
	d.gmem = vm_create_guest_memfd(g.vm, SIZE, 0);
	vm_mem_set_private(g.vm, PLUG_GPA, SIZE);
	set_data_slot(g.vm, &d, true);
	TEST_ASSERT(is_ready(&g), "not READY");
	check_in_step(g.vm, PLUG_GPA, SIZE);

	/* Pages of the memslot that the guest has shared stay shared. */
	TEST_ASSERT_EQ(call(&g, PLUG_GPA, PAGE_SIZE, SHARED), 0);
	set_data_slot(g.vm, &d, false);
	set_data_slot(g.vm, &d, true);
	TEST_ASSERT(is_ready(&g), "not READY");

	/* Private pages aren't private any more, and the guest doesn't know. */
	set_data_slot(g.vm, &d, false);
	vm_mem_set_shared(g.vm, d.gpa, SIZE);
	set_data_slot(g.vm, &d, true);
	TEST_ASSERT(!is_ready(&g), "READY");

	/* A vCPU's old value doesn't bring READY back, but the VMM can. */
	say_ready(&g);
	TEST_ASSERT(!is_ready(&g), "READY");
	vm_mem_set_private(g.vm, d.gpa + PAGE_SIZE, SIZE - PAGE_SIZE);
	say_ready(&g);
	TEST_ASSERT(is_ready(&g), "not READY");

	/* One page is shared of what comes where nothing was before. */
	set_data_slot(g.vm, &d, false);
	d.gpa += 2 * SIZE;
	vm_mem_set_private(g.vm, d.gpa + PAGE_SIZE, SIZE - PAGE_SIZE);
	set_data_slot(g.vm, &d, true);
	TEST_ASSERT(!is_ready(&g), "READY");
	check_in_step(g.vm, d.gpa, SIZE);

	kvm_vm_free(g.vm);
	close(d.gmem);
	free_data(&g.d);
	munmap(plain, SIZE);
}

/* Readers of the page wait until UFFDIO_COPY. */
static int watch_page(void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)page, .len = PAGE_SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return fd;

	TEST_ASSERT(!ioctl(fd, UFFDIO_API, &api), "UFFDIO_API: errno %d", errno);
	TEST_ASSERT(!ioctl(fd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER: errno %d", errno);
	return fd;
}

struct slow_set {
	struct kvm_vm *vm;
	struct kvm_page_enc_extent *extents;
	int r;
	int error;
};

static void *set_slowly(void *arg)
{
	struct slow_set *s = arg;

	s->r = __page_enc_set(s->vm, s->extents, 1);
	s->error = errno;
	return NULL;
}

/* Attributes begin to count while userspace sets something else. */
static void test_enable_while_set(void)
{
	struct kvm_vm *vm = create_vm(KVM_X86_SW_PROTECTED_VM, 0, 1, 0);
	struct kvm_page_enc_extent e = {
		.gfn = DATA_GPA / PAGE_SIZE, .npages = 5, .flags = KVM_PAGE_ENC_SHARED,
	};
	struct slow_set s = { .vm = vm, .r = 1 };
	struct data d = add_data(vm, SIZE);
	struct uffd_msg msg;
	struct uffdio_copy copy = { .len = PAGE_SIZE };
	uint8_t page[PAGE_SIZE] = {};
	pthread_t thread;
	int uffd;

	page_enc_enable(vm);
	vm_mem_set_private(vm, d.gpa, SIZE);
	s.extents = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uffd = watch_page(s.extents);
	TEST_REQUIRE(uffd >= 0);

	/* Arguments have been checked, extents are still to be read. */
	pthread_create(&thread, NULL, set_slowly, &s);
	TEST_ASSERT_EQ(read(uffd, &msg, sizeof(msg)), sizeof(msg));
	TEST_ASSERT_EQ(enable(vm, ENFORCE), 0);
	memcpy(page, &e, sizeof(e));
	copy.dst = (uintptr_t)s.extents;
	copy.src = (uintptr_t)page;
	TEST_ASSERT(!ioctl(uffd, UFFDIO_COPY, &copy), "UFFDIO_COPY: errno %d", errno);
	pthread_join(thread, NULL);
	check_in_step(vm, d.gpa, SIZE);
	TEST_ASSERT_EQ(s.r, -1);
	TEST_ASSERT_EQ(s.error, EINVAL);
	close(uffd);
	munmap(s.extents, PAGE_SIZE);
	kvm_vm_free(vm);
	free_data(&d);
}

/* With PUNCH, shared pages lose their private memory; without, they keep it. */
static void test_punch(uint64_t flags)
{
	struct guest g = create(flags, SIZE);
	const uint64_t gpa = DATA_GPA + SZ_1M, size = SZ_4M;
	uint64_t i, kept = flags & PUNCH ? 0 : PAGE_SIZE;
	struct data other = g.d;

	check_held(g.vm, 0, 0);
	TEST_ASSERT_EQ(call(&g, DATA_GPA, SIZE, PRIVATE), 0);
	for (i = 0; i < size; i += PAGE_SIZE)
		TEST_ASSERT_EQ(guest_write(&g, gpa + i, i + 1), 0);
	check_held(g.vm, size, 0);

	TEST_ASSERT_EQ(call(&g, gpa + PAGE_SIZE, PAGE_SIZE, SHARED), 0);
	check_held(g.vm, size - PAGE_SIZE, kept);
	TEST_ASSERT_EQ(call(&g, gpa + PAGE_SIZE, PAGE_SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(guest_read(&g, gpa), 1);
	TEST_ASSERT_EQ(guest_read(&g, gpa + PAGE_SIZE), kept ? PAGE_SIZE + 1 : 0);
	TEST_ASSERT_EQ(guest_read(&g, gpa + 2 * PAGE_SIZE), 2 * PAGE_SIZE + 1);

	/*
	 * Memory of pages that mainline's ioctl shares stays until the next
	 * conversion.
	 */
	vm_mem_set_shared(g.vm, gpa, 3 * PAGE_SIZE);
	check_held(g.vm, size - 3 * PAGE_SIZE, 3 * PAGE_SIZE);
	TEST_ASSERT_EQ(convert(g.vm, gpa, 3 * PAGE_SIZE, SHARED), 0);
	check_held(g.vm, size - 3 * PAGE_SIZE, 3 * kept);

	/* A second memslot over the same file */
	other.slot++;
	other.gpa += 2 * SIZE;
	set_data_slot(g.vm, &g.d, false);
	set_data_slot(g.vm, &other, true);
	TEST_ASSERT_EQ(convert(g.vm, other.gpa, SIZE, PRIVATE), 0);
	check_held(g.vm, size - 3 * PAGE_SIZE + 3 * kept, 0);
	set_data_slot(g.vm, &other, false);
	set_data_slot(g.vm, &g.d, true);

	/* By the VMM, the rest, of which much has none */
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA, SIZE, SHARED), 0);
	check_held(g.vm, 0, size / PAGE_SIZE * kept);

	/* Nothing is left to be freed if the file is closed, or there is no slot. */
	close(g.d.gmem);
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA, SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(guest_read(&g, gpa), KVM_EXIT_MEMORY_FAULT);
	TEST_ASSERT_EQ(convert(g.vm, DATA_GPA, SIZE, SHARED), 0);
	TEST_ASSERT_EQ(run(&g), *host(&g, SZ_1M / PAGE_SIZE));
	check_held(g.vm, 0, 0);
	kvm_vm_free(g.vm);
	munmap(g.d.hva, SIZE);
}

/* Test the place of KVM's own reads and writes for the guest. */
static void test_emulation(uint64_t flags)
{
	struct guest g = create(flags, SIZE);
	bool emulate = flags & EMULATE;

	*host(&g, 0) = 1;
	TEST_ASSERT_EQ(guest_out(&g, DATA_GPA), 1);
	guest_in(&g, DATA_GPA, 2);
	TEST_ASSERT_EQ(*host(&g, 0), 2);

	TEST_ASSERT_EQ(call(&g, DATA_GPA, PAGE_SIZE, PRIVATE), 0);
	TEST_ASSERT_EQ(guest_out(&g, DATA_GPA), emulate ? 0 : 2);
	TEST_ASSERT_EQ(guest_write(&g, DATA_GPA, 3), 0);
	TEST_ASSERT_EQ(guest_out(&g, DATA_GPA), emulate ? 3 : 2);
	guest_in(&g, DATA_GPA, 4);
	TEST_ASSERT_EQ(guest_read(&g, DATA_GPA), emulate ? 4 : 3);
	TEST_ASSERT_EQ(*host(&g, 0), emulate ? 2 : 4);

	TEST_ASSERT_EQ(call(&g, DATA_GPA, PAGE_SIZE, SHARED), 0);
	TEST_ASSERT_EQ(guest_out(&g, DATA_GPA), emulate ? 2 : 4);
	destroy(&g);
}

/* MMIO becomes memory: its first access is one to a private page. */
static void test_memory_after_mmio(void)
{
	struct guest g = create(ENFORCE, SIZE);
	struct kvm_run *run_page = g.vcpu->run;

	set_data_slot(g.vm, &g.d, false);
	give(&g, READ, DATA_GPA, 0, 0);
	TEST_ASSERT_EQ(__vcpu_run(g.vcpu), 0);
	TEST_ASSERT_EQ(run_page->exit_reason, KVM_EXIT_MMIO);
	memset(run_page->mmio.data, 0xff, sizeof(run_page->mmio.data));
	TEST_ASSERT_EQ(run(&g), -1ULL);

	vm_mem_set_private(g.vm, DATA_GPA, SIZE);
	set_data_slot(g.vm, &g.d, true);
	TEST_ASSERT_EQ(guest_read(&g, DATA_GPA), 0);
	destroy(&g);
}

/* Memslots before and after, deleted, created again, and moved */
static void test_slots(void)
{
	struct kvm_vm *vm = create_vm(KVM_X86_SW_PROTECTED_VM, 0, 1, 0);
	struct kvm_page_enc_extent e = {
		.gfn = HOLE_GPA / PAGE_SIZE, .npages = 5, .flags = KVM_PAGE_ENC_SHARED,
	};
	struct data d = add_data(vm, SIZE);
	struct kvm_page_enc_status status;
	uint8_t shared[5];

	/* Status without a memslot is forgotten when ENFORCE begins. */
	page_enc_enable(vm);
	page_enc_set(vm, &e, 1);
	vm_mem_set_private(vm, d.gpa + PAGE_SIZE, PAGE_SIZE);
	vm_mem_set_private(vm, d.gpa + SIZE, SIZE);
	TEST_ASSERT_EQ(enable(vm, ENFORCE), 0);
	check_in_step(vm, d.gpa, SIZE);
	TEST_ASSERT_EQ(page_enc_get_all(vm, e.gfn, e.gfn + 5, shared, &status), 0);

	set_data_slot(vm, &d, false);
	vm_mem_set_private(vm, d.gpa + 3 * PAGE_SIZE, PAGE_SIZE);
	vm_mem_set_shared(vm, d.gpa + PAGE_SIZE, PAGE_SIZE);
	set_data_slot(vm, &d, true);
	check_in_step(vm, d.gpa, SIZE);

	set_data_slot(vm, &d, false);
	d.gpa += SIZE - 7 * PAGE_SIZE;
	set_data_slot(vm, &d, true);
	check_in_step(vm, d.gpa, SIZE);
	TEST_ASSERT_EQ(nr_private(vm, d.gpa, SIZE), (SIZE / PAGE_SIZE) - 7);
	vm_mem_set_shared(vm, d.gpa, SIZE);
	check_in_step(vm, d.gpa, SIZE);
	kvm_vm_free(vm);
	free_data(&d);
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

/* Signals may come at any time, and as often as they like. */
static void test_signals(void)
{
	struct sigaction action = { .sa_handler = nothing };
	struct guest g = create(ENFORCE, BIG);
	struct kvm_convert_memory c = {
		.gpa = DATA_GPA, .size = BIG, .attributes = PRIVATE,
	};
	unsigned int interrupts = 0;
	uint64_t left = BIG;
	int r;

	sigaction(SIGALRM, &action, NULL);
	interrupt_every(500);
	while ((r = __vm_ioctl(g.vm, KVM_CONVERT_MEMORY, &c))) {
		TEST_ASSERT_EQ(errno, EINTR);
		TEST_ASSERT(c.size < left && c.gpa == DATA_GPA + BIG - c.size, "no progress");
		TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, BIG), (BIG - c.size) / PAGE_SIZE);
		left = c.size;
		interrupts++;
	}
	TEST_ASSERT_EQ(c.size, 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, BIG), BIG / PAGE_SIZE);
	check_in_step(g.vm, DATA_GPA, BIG);
	TEST_ASSERT(interrupts, "no signal has interrupted the ioctl");

	TEST_ASSERT_EQ(call(&g, DATA_GPA, BIG, SHARED), 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, BIG), 0);
	check_in_step(g.vm, DATA_GPA, BIG);
	TEST_ASSERT(g.interrupts, "no signal has interrupted the hypercall");
	pr_info("%u signals for the ioctl, %lu for the hypercall\n", interrupts, g.interrupts);

	/* The VMM has the vCPU do something else in the middle of it. */
	give(&g, CALL, DATA_GPA, BIG / PAGE_SIZE, KVM_MAP_GPA_RANGE_ENCRYPTED);
	do {
		r = __vcpu_run(g.vcpu);
	} while (!r || !nr_private(g.vm, DATA_GPA, BIG));
	interrupt_every(0);
	TEST_ASSERT(r < 0 && errno == EINTR, "errno %d", errno);
	left = nr_private(g.vm, DATA_GPA, BIG);
	TEST_ASSERT(left < BIG / PAGE_SIZE, "the hypercall was not interrupted");
	check_in_step(g.vm, DATA_GPA, BIG);
	vcpu_regs_set(g.vcpu, &g.start);
	TEST_ASSERT_EQ(run(&g), 0);
	TEST_ASSERT_EQ(guest_read(&g, DATA_GPA), 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, BIG), left);
	destroy(&g);
}

/*
 * If the guest may not use the hypercall, the VMM isn't asked, and the guest
 * doesn't get 0, which would mean success.
 */
static void test_pv_cpuid_enforced(void)
{
	struct guest g = {};

	/* CPUID can't change once a vCPU has run. */
	g.vm = create_vm(KVM_X86_SW_PROTECTED_VM, ENFORCE | NOTIFY, 1, SIZE);
	g.vcpu = vm_vcpu_add(g.vm, 0, guest_code);
	vcpu_enable_cap(g.vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1);
	vcpu_clear_cpuid_entry(g.vcpu, KVM_CPUID_FEATURES);
	g.d = add_data(g.vm, SIZE);
	TEST_ASSERT_EQ(run(&g), 0);
	TEST_ASSERT_EQ(call(&g, DATA_GPA, SIZE, PRIVATE), -KVM_ENOSYS);
	TEST_ASSERT_EQ(g.exits, 0);
	TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, SIZE), 0);
	destroy(&g);
}

static void run_immediate(struct guest *g)
{
	g->vcpu->run->immediate_exit = 1;
	TEST_ASSERT(__vcpu_run(g->vcpu) == -1 && errno == EINTR, "errno %d", errno);
	g->vcpu->run->immediate_exit = 0;
}

/* From now on a signal is pending whenever the vCPU runs. */
static void signal_on(struct guest *g)
{
	struct kvm_signal_mask *none = calloc(1, sizeof(*none) + 8);
	sigset_t set;

	none->len = 8;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	vcpu_ioctl(g->vcpu, KVM_SET_SIGNAL_MASK, none);
	free(none);
	raise(SIGUSR1);
}

static void signal_off(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &sig);
}

/* Each KVM_RUN does a step, but none if the vCPU is to exit at once. */
static void test_steps(void)
{
	struct guest g = create(ENFORCE | NOTIFY, BIG);
	uint64_t all = BIG / PAGE_SIZE, before, after;

	give(&g, CALL, DATA_GPA, all, KVM_MAP_GPA_RANGE_ENCRYPTED);
	vcpu_run(g.vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(g.vcpu, KVM_EXIT_HYPERCALL);
	g.vcpu->run->hypercall.ret = 0;

	signal_on(&g);
	for (before = 0; before < all; before = after) {
		run_immediate(&g);
		TEST_ASSERT_EQ(nr_private(g.vm, DATA_GPA, BIG), before);
		/* The last exit may be the one at the end of the conversion. */
		TEST_ASSERT(!__vcpu_run(g.vcpu) || errno == EINTR, "errno %d", errno);
		after = nr_private(g.vm, DATA_GPA, BIG);
		TEST_ASSERT(after > before && after - before <= all / 8,
			    "%lu to %lu pages in a step", before, after);
	}
	signal_off();
	TEST_ASSERT_EQ(run(&g), 0);
	check_in_step(g.vm, DATA_GPA, BIG);
	destroy(&g);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_PRIVATE_MEM_CONVERSION));
	TEST_REQUIRE(have_debugfs());

	test_cap();
	test_bad_arguments();
	test_content(ENFORCE, false);
	test_content(ENFORCE, true);
	test_content(ENFORCE | NOTIFY, true);
	test_mismatch();
	test_refusal();
	test_punch(ENFORCE);
	test_punch(ENFORCE | PUNCH);
	test_emulation(ENFORCE);
	test_emulation(ENFORCE | PUNCH | EMULATE);
	test_both_copies(false);
	test_both_copies(true);
	test_told_and_moved();
	test_guard(ENFORCE);
	test_guard(ENFORCE | GUARD);
	test_memory_after_mmio();
	test_slots();
	test_hotplug();
	test_signals();
	test_pv_cpuid_enforced();
	test_steps();

	/* Skips what is left if there is no userfaultfd. */
	test_enable_while_set();
	return 0;
}
