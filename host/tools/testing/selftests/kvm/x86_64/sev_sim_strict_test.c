// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strict mode of simulated SEV (kvm.sev_sim_strict=1): which accesses KVM counts
 * as being through the wrong view.
 */
#include <asm/kvm_para.h>
#include <linux/kvm_para.h>
#include <pthread.h>
#include <stdint.h>

#include "kselftest_harness.h"
#include "kvm_param.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

#define NR_VCPUS	4
#define MEM_SLOT	5
#define MEM_GPA		(4ULL << 30)
#define MEM_PAGES	1024
#define SZ_PAGE		4096ULL

/* Where the guest sees the slot: without the C-bit, and with it. */
#define VA_PLAIN	0xc0000000ULL
#define VA_C_BIT	0xd0000000ULL
#define PLAIN(page)	(VA_PLAIN + (page) * SZ_PAGE)
#define C_BIT(page)	(VA_C_BIT + (page) * SZ_PAGE)
#define GPA(page)	(MEM_GPA + (page) * SZ_PAGE)

/* Conversions while another vCPU uses the page. */
#define RACES		200

enum op {
	OP_READ, OP_WRITE, OP_INC, OP_MOVS, OP_STOS, OP_SIMD, OP_CALL,
	OP_SHARE, OP_UNSHARE, OP_READY, OP_RACE, OP_HAMMER,
};

/* The next operation of each vCPU, which ends with GUEST_SYNC() */
static struct todo {
	enum op op;
	uint64_t addr;
	uint64_t value;
	uint64_t n;
} todos[NR_VCPUS];

static bool stop;

static void set_status(uint64_t gpa, uint64_t npages, uint64_t attrs)
{
	GUEST_ASSERT_EQ(kvm_hypercall(KVM_HC_MAP_GPA_RANGE, gpa, npages, attrs,
				      0), 0);
}

static void make_shared(uint64_t gpa, uint64_t npages)
{
	set_status(gpa, npages, KVM_MAP_GPA_RANGE_DECRYPTED);
}

static void make_private(uint64_t gpa, uint64_t npages)
{
	set_status(gpa, npages, KVM_MAP_GPA_RANGE_ENCRYPTED);
}

/* KVM's emulator doesn't know PADDQ. */
static uint64_t simd_add(uint64_t addr, uint64_t value)
{
	asm volatile("movq %0, %%xmm0; paddq (%1), %%xmm0; movq %%xmm0, %0"
		     : "+r"(value) : "r"(addr) : "xmm0", "memory");
	return value;
}

static void movs(uint64_t to, uint64_t from, uint64_t n)
{
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) :: "memory");
}

static void stos(uint64_t to, uint8_t value, uint64_t n)
{
	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

/* One access through each wrong view, and many through right ones. */
static void race(uint64_t page, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		make_shared(GPA(page), 1);
		WRITE_ONCE(*(uint64_t *)PLAIN(page), i);
		READ_ONCE(*(uint64_t *)C_BIT(page));
		make_private(GPA(page), 1);
		GUEST_ASSERT_EQ(READ_ONCE(*(uint64_t *)C_BIT(page)), i);
		READ_ONCE(*(uint64_t *)PLAIN(page));
	}
}

static void hammer(uint64_t addr)
{
	while (!READ_ONCE(stop))
		READ_ONCE(*(uint64_t *)addr);
}

static void guest_code(unsigned int id)
{
	struct todo *todo = &todos[id];

	for (;;) {
		switch (todo->op) {
		case OP_READ:
			todo->value = READ_ONCE(*(uint64_t *)todo->addr);
			break;
		case OP_WRITE:
			WRITE_ONCE(*(uint64_t *)todo->addr, todo->value);
			break;
		case OP_INC:
			asm volatile("lock incq (%0)" :: "r"(todo->addr) : "memory");
			break;
		case OP_MOVS:
			movs(todo->addr, todo->value, todo->n);
			break;
		case OP_STOS:
			stos(todo->addr, todo->value, todo->n);
			break;
		case OP_SIMD:
			todo->value = simd_add(todo->addr, todo->value);
			break;
		case OP_CALL:
			((void (*)(void))todo->addr)();
			break;
		case OP_SHARE:
			make_shared(todo->addr, todo->n);
			break;
		case OP_UNSHARE:
			make_private(todo->addr, todo->n);
			break;
		case OP_READY:
			wrmsr(MSR_KVM_MIGRATION_CONTROL, todo->value);
			break;
		case OP_RACE:
			race(todo->addr, todo->n);
			break;
		case OP_HAMMER:
			hammer(todo->addr);
			break;
		}
		GUEST_SYNC(0);
	}
}

static uint64_t c_bit(struct kvm_vm *vm)
{
	return sev_sim_c_bit(vm);
}

static struct kvm_vm *create_vm_with(struct kvm_vcpu **vcpus, bool track)
{
	struct kvm_vm *vm;
	unsigned int i;

	kvm_param_set("page_enc_status", track);
	kvm_param_set("sev_sim", true);
	kvm_param_set("sev_sim_strict", true);

	vm = vm_create_with_vcpus(NR_VCPUS, guest_code, vcpus);
	for (i = 0; i < NR_VCPUS; i++)
		vcpu_args_set(vcpus[i], 1, i);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	virt_map(vm, VA_PLAIN, MEM_GPA, MEM_PAGES);
	virt_map(vm, VA_C_BIT, MEM_GPA | c_bit(vm), MEM_PAGES);
	memset(addr_gpa2hva(vm, MEM_GPA), 0, MEM_PAGES * SZ_PAGE);
	return vm;
}

static uint64_t run(struct kvm_vcpu *vcpu, enum op op, uint64_t addr,
		    uint64_t value, uint64_t n)
{
	struct todo *todo = addr_gva2hva(vcpu->vm, (vm_vaddr_t)&todos[vcpu->id]);
	struct ucall uc;

	*todo = (struct todo) { op, addr, value, n };
	vcpu_run(vcpu);
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_SYNC);
	return todo->value;
}

/* How many violations the test has seen. */
static uint64_t counted;

static uint64_t violations(struct kvm_vm *vm)
{
	return vm_get_stat(vm, "page_enc_violations");
}

/* @n accesses were counted since the last time. */
static void expect(struct kvm_vm *vm, uint64_t n)
{
	TEST_ASSERT_EQ(violations(vm) - counted, n);
	counted += n;
}

/*
 * A guest that is ready.  Code, stack and page tables are at addresses without
 * the C-bit, so it shares all of them.  The other slot is private.
 */
static struct kvm_vm *create_vm(struct kvm_vcpu **vcpus)
{
	struct kvm_vm *vm = create_vm_with(vcpus, true);
	struct userspace_mem_region *region = memslot2region(vm, 0);

	run(vcpus[0], OP_SHARE, region->region.guest_phys_addr, 0,
	    region->region.memory_size / SZ_PAGE);
	run(vcpus[0], OP_READY, 0, KVM_MIGRATION_READY, 0);
	counted = 0;
	expect(vm, 0);
	return vm;
}

static uint64_t *mem(struct kvm_vm *vm, unsigned int page)
{
	return addr_gpa2hva(vm, GPA(page));
}

TEST(private_and_shared)
{
	struct kvm_vcpu *vcpus[NR_VCPUS], *vcpu;
	struct kvm_vm *vm = create_vm(vcpus);
	unsigned int i;

	vcpu = vcpus[0];
	run(vcpu, OP_WRITE, C_BIT(0), 0x1234, 0);
	TEST_ASSERT_EQ(run(vcpu, OP_READ, C_BIT(0), 0, 0), 0x1234);
	expect(vm, 0);

	/* Not only the first access is seen, and all of them are carried out. */
	for (i = 0; i < 10; i++) {
		run(vcpu, OP_WRITE, PLAIN(0), i, 0);
		expect(vm, 1);
		TEST_ASSERT_EQ(run(vcpu, OP_READ, PLAIN(0), 0, 0), i);
		expect(vm, 1);
		run(vcpu, OP_INC, PLAIN(0), 0, 0);
		expect(vm, 1);
		TEST_ASSERT_EQ(run(vcpu, OP_READ, C_BIT(0), 0, 0), i + 1);
		expect(vm, 0);
	}

	/* The other way round, for the page and for no other. */
	run(vcpu, OP_SHARE, GPA(0), 0, 1);
	for (i = 0; i < 10; i++) {
		run(vcpu, OP_WRITE, PLAIN(0), i, 0);
		expect(vm, 0);
		TEST_ASSERT_EQ(run(vcpu, OP_READ, C_BIT(0), 0, 0), i);
		expect(vm, 1);
		run(vcpu, OP_INC, C_BIT(1), 0, 0);
		expect(vm, 0);
	}

	run(vcpu, OP_UNSHARE, GPA(0), 0, 1);
	run(vcpu, OP_READ, C_BIT(0), 0, 0);
	expect(vm, 0);
	run(vcpu, OP_READ, PLAIN(0), 0, 0);
	expect(vm, 1);
	kvm_vm_free(vm);
}

/* The first access through the right view maps no other pages. */
TEST(pages_within_large_page)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm(vcpus);
	unsigned int i;

	run(vcpus[0], OP_SHARE, GPA(100), 0, 100);
	for (i = 0; i < 300; i++)
		run(vcpus[0], OP_WRITE, C_BIT(i), i, 0);
	expect(vm, 100);
	for (i = 0; i < 300; i++)
		TEST_ASSERT_EQ(run(vcpus[0], OP_READ, PLAIN(i), 0, 0), i);
	expect(vm, 200);
	kvm_vm_free(vm);
}

/* Each page once, however long it takes and whatever else is in use. */
TEST(instructions_on_many_pages)
{
	struct kvm_vcpu *vcpus[NR_VCPUS], *vcpu;
	struct kvm_vm *vm = create_vm(vcpus);

	vcpu = vcpus[0];
	run(vcpu, OP_WRITE, PLAIN(1) - 4, 0x1122334455667788, 0);
	expect(vm, 2);
	TEST_ASSERT_EQ(run(vcpu, OP_READ, C_BIT(1) - 4, 0, 0),
		       0x1122334455667788);

	run(vcpu, OP_STOS, PLAIN(0), 0x5a, 100 * SZ_PAGE);
	expect(vm, 100);
	TEST_ASSERT_EQ(*(mem(vm, 100) - 1), 0x5a5a5a5a5a5a5a5a);

	run(vcpu, OP_MOVS, PLAIN(200), PLAIN(0), 50 * SZ_PAGE);
	expect(vm, 100);
	TEST_ASSERT(!memcmp(mem(vm, 200), mem(vm, 0), 50 * SZ_PAGE), "copy");

	/* Half of it is right. */
	run(vcpu, OP_MOVS, PLAIN(300), C_BIT(0), 50 * SZ_PAGE);
	expect(vm, 50);
	kvm_vm_free(vm);
}

TEST(instruction_unknown_to_emulator)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm(vcpus);

	run(vcpus[0], OP_WRITE, C_BIT(0), 0x1000, 0);
	TEST_ASSERT_EQ(run(vcpus[0], OP_SIMD, C_BIT(0), 1, 0), 0x1001);
	expect(vm, 0);
	TEST_ASSERT_EQ(run(vcpus[0], OP_SIMD, PLAIN(0), 2, 0), 0x1002);
	expect(vm, 1);
	kvm_vm_free(vm);
}

/* Hardware takes them for private, whichever address is used. */
TEST(fetches_and_page_walks)
{
	struct kvm_vcpu *vcpus[NR_VCPUS], *vcpu;
	struct kvm_vm *vm = create_vm(vcpus);
	struct kvm_sregs sregs;

	vcpu = vcpus[0];
	*(uint8_t *)mem(vm, 0) = 0xc3; /* ret */
	run(vcpu, OP_CALL, C_BIT(0), 0, 0);
	run(vcpu, OP_CALL, PLAIN(0), 0, 0);
	run(vcpu, OP_SHARE, GPA(0), 0, 1);
	run(vcpu, OP_CALL, C_BIT(0), 0, 0);
	run(vcpu, OP_CALL, PLAIN(0), 0, 0);
	expect(vm, 0);

	/* A fetch leaves no mapping behind that hides what comes after it. */
	run(vcpu, OP_READ, C_BIT(0), 0, 0);
	expect(vm, 1);

	/* The root of the page tables: private, without the C-bit in CR3. */
	run(vcpu, OP_UNSHARE, vm->pgd, 0, 1);
	run(vcpu, OP_READ, C_BIT(1), 0, 0);
	expect(vm, 0);

	/* Shared, with it. */
	run(vcpu, OP_SHARE, vm->pgd, 0, 1);
	vcpu_sregs_get(vcpu, &sregs);
	sregs.cr3 |= c_bit(vm);
	vcpu_sregs_set(vcpu, &sregs);
	run(vcpu, OP_READ, C_BIT(2), 0, 0);
	expect(vm, 0);
	kvm_vm_free(vm);
}

/* Announcements count only while the guest declares them complete. */
TEST(only_while_ready)
{
	struct kvm_vcpu *vcpus[NR_VCPUS], *vcpu;
	struct kvm_vm *vm = create_vm_with(vcpus, true);

	vcpu = vcpus[0];
	counted = 0;
	run(vcpu, OP_WRITE, PLAIN(0), 1, 0);
	run(vcpu, OP_SHARE, GPA(0), 0, 1);
	run(vcpu, OP_WRITE, C_BIT(0), 1, 0);
	kvm_vm_free(vm);

	vm = create_vm(vcpus);
	vcpu = vcpus[0];
	run(vcpu, OP_READY, 0, 0, 0);
	run(vcpu, OP_WRITE, PLAIN(0), 1, 0);
	expect(vm, 0);

	/* A mapping from before READY doesn't hide the violation. */
	run(vcpu, OP_READY, 0, KVM_MIGRATION_READY, 0);
	run(vcpu, OP_WRITE, PLAIN(0), 1, 0);
	expect(vm, 1);
	kvm_vm_free(vm);
}

/* A guest that says again that it is ready doesn't lose its mappings. */
TEST(ready_again)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm(vcpus);
	uint64_t mapped;
	unsigned int i;

	for (i = 0; i < 100; i++)
		run(vcpus[0], OP_WRITE, C_BIT(i), i, 0);
	mapped = vm_get_stat(vm, "pages_4k");
	TEST_ASSERT(mapped >= 100, "%lu", mapped);
	run(vcpus[0], OP_READY, 0, KVM_MIGRATION_READY, 0);
	TEST_ASSERT(vm_get_stat(vm, "pages_4k") >= mapped, "zapped");
	kvm_vm_free(vm);
}

/* Memory that the guest can't write is the VMM's, and never encrypted. */
TEST(read_only_memory)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm(vcpus);

	vm_mem_region_delete(vm, MEM_SLOT);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, KVM_MEM_READONLY);
	*mem(vm, 0) = 7;
	TEST_ASSERT_EQ(run(vcpus[0], OP_READ, PLAIN(0), 0, 0), 7);
	expect(vm, 0);
	kvm_vm_free(vm);
}

TEST(prefault)
{
	struct kvm_pre_fault_memory range = { .gpa = MEM_GPA, .size = SZ_PAGE };
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm(vcpus);

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PRE_FAULT_MEMORY));

	/* The wrong view isn't mapped, neither when asked for nor by chance. */
	TEST_ASSERT_EQ(__vcpu_ioctl(vcpus[0], KVM_PRE_FAULT_MEMORY, &range), -1);
	TEST_ASSERT_EQ(errno, ENOENT);
	range.gpa |= c_bit(vm);
	range.size = 512 * SZ_PAGE;
	vcpu_ioctl(vcpus[0], KVM_PRE_FAULT_MEMORY, &range);
	run(vcpus[0], OP_READ, C_BIT(0), 0, 0);
	expect(vm, 0);
	run(vcpus[0], OP_READ, PLAIN(0), 0, 0);
	expect(vm, 1);
	kvm_vm_free(vm);
}

/* The same in a VM with guest_memfd. */
TEST(prefault_private)
{
	struct kvm_pre_fault_memory range = { .gpa = MEM_GPA, .size = SZ_PAGE };
	const struct vm_shape shape = {
		.mode = VM_MODE_DEFAULT,
		.type = KVM_X86_SW_PROTECTED_VM,
	};
	struct kvm_vcpu *vcpus[1];
	struct kvm_vm *vm;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PRE_FAULT_MEMORY));
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM));

	kvm_param_set("page_enc_status", true);
	kvm_param_set("sev_sim", true);
	kvm_param_set("sev_sim_strict", true);
	vm = __vm_create_with_vcpus(shape, 1, 0, guest_code, vcpus);
	vcpu_args_set(vcpus[0], 1, 0);
	vm_mem_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT, MEM_PAGES,
		   KVM_MEM_GUEST_MEMFD, -1, 0);
	vm_mem_set_private(vm, MEM_GPA, SZ_PAGE);
	run(vcpus[0], OP_READY, 0, KVM_MIGRATION_READY, 0);

	TEST_ASSERT_EQ(__vcpu_ioctl(vcpus[0], KVM_PRE_FAULT_MEMORY, &range), -1);
	TEST_ASSERT_EQ(errno, ENOENT);
	range.gpa |= c_bit(vm);
	vcpu_ioctl(vcpus[0], KVM_PRE_FAULT_MEMORY, &range);
	kvm_vm_free(vm);
}

/* Without status to compare with, nothing happens. */
TEST(without_tracker)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm_with(vcpus, false);

	counted = 0;
	run(vcpus[0], OP_WRITE, PLAIN(0), 1, 0);
	TEST_ASSERT_EQ(run(vcpus[0], OP_READ, C_BIT(0), 0, 0), 1);
	expect(vm, 0);
	kvm_vm_free(vm);
}

static void *many_accesses(void *arg)
{
	struct kvm_vcpu *vcpu = arg;
	unsigned int i, page = vcpu->id * 200;

	for (i = 0; i < 200; i++) {
		run(vcpu, OP_WRITE, PLAIN(page + i), i, 0);
		run(vcpu, OP_INC, PLAIN(page), 0, 0);
		run(vcpu, OP_WRITE, C_BIT(page), i, 0);
	}
	return NULL;
}

TEST(several_vcpus)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm(vcpus);
	pthread_t threads[NR_VCPUS];
	unsigned int i;

	for (i = 0; i < NR_VCPUS; i++)
		pthread_create(&threads[i], NULL, many_accesses, vcpus[i]);
	for (i = 0; i < NR_VCPUS; i++)
		pthread_join(threads[i], NULL);
	expect(vm, NR_VCPUS * 400);
	kvm_vm_free(vm);
}

static void *hammers(void *arg)
{
	run(arg, OP_HAMMER, C_BIT(0), 0, 0);
	return NULL;
}

/*
 * Another vCPU uses the page all the time.  While the page is shared, the access
 * with the C-bit of one of the two is the first and is seen; the one without it,
 * while the page is private, is seen each time.
 */
TEST(conversion_races_with_access)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_vm(vcpus);
	pthread_t thread;

	pthread_create(&thread, NULL, hammers, vcpus[1]);
	run(vcpus[0], OP_RACE, 0, 0, RACES);
	*(bool *)addr_gva2hva(vm, (vm_vaddr_t)&stop) = true;
	pthread_join(thread, NULL);
	TEST_ASSERT(violations(vm) >= 2 * RACES, "%lu of %u", violations(vm),
		    2 * RACES);
	kvm_vm_free(vm);
}

int main(int argc, char *argv[])
{
	const char * const params[] = {
		"page_enc_status", "sev_sim", "sev_sim_strict",
	};
	bool old[ARRAY_SIZE(params)];
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(params); i++)
		kvm_param_require(params[i]);
	TEST_REQUIRE(kvm_is_tdp_enabled());

	for (i = 0; i < ARRAY_SIZE(params); i++)
		old[i] = kvm_param_get(params[i]);
	r = test_harness_run(argc, argv);
	for (i = 0; i < ARRAY_SIZE(params); i++)
		kvm_param_set(params[i], old[i]);
	return r;
}
