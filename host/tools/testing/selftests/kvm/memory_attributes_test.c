// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of KVM_GET_MEMORY_ATTRIBUTES and of the file in debugfs.
 */
#include <linux/sizes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

#define PRIVATE		KVM_MEMORY_ATTRIBUTE_PRIVATE
#define ALL		BIT_ULL(52)

static struct kvm_vm *create_vm(void)
{
	return vm_create_barebones_type(KVM_X86_SW_PROTECTED_VM);
}

static void set_private(struct kvm_vm *vm, uint64_t gfn, uint64_t npages)
{
	vm_mem_set_private(vm, gfn * 4096, npages * 4096);
}

static void set_shared(struct kvm_vm *vm, uint64_t gfn, uint64_t npages)
{
	vm_mem_set_shared(vm, gfn * 4096, npages * 4096);
}

static int __get(struct kvm_vm *vm, struct kvm_memory_attribute_extents *args)
{
	return __vm_ioctl(vm, KVM_GET_MEMORY_ATTRIBUTES, args);
}

/* Get extents of [gfn, end).  Returns their number and updates @gfn. */
static uint64_t get(struct kvm_vm *vm, uint64_t gfn, uint64_t end,
		    struct kvm_memory_attribute_extent *e, uint64_t nr,
		    uint64_t *next)
{
	struct kvm_memory_attribute_extents args = {
		.gfn = gfn, .end = end, .nr = nr, .extents = (uintptr_t)e,
	};

	TEST_ASSERT_EQ(__get(vm, &args), 0);
	TEST_ASSERT_EQ(args.end, end);
	TEST_ASSERT(args.nr <= nr, "more extents than room");
	*next = args.gfn;
	return args.nr;
}

static void expect_extent(struct kvm_memory_attribute_extent *e, uint64_t gfn,
			  uint64_t npages)
{
	TEST_ASSERT_EQ(e->gfn, gfn);
	TEST_ASSERT_EQ(e->npages, npages);
	TEST_ASSERT_EQ(e->attributes, PRIVATE);
}

/* Compare the table in debugfs, if it is mounted. */
static void expect_table(struct kvm_vm *vm, const char *extents)
{
	char path[128], text[4096];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/mem_attributes",
		 getpid(), vm->fd);
	f = fopen(path, "r");
	if (!f)
		return;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;

	TEST_ASSERT(!strncmp(text, "version 1\nextents\n", 18) &&
		    !strcmp(text + 18, extents),
		    "expected extents:\n%sbut found:\n%s", extents, text);
}

TEST(capability)
{
	struct kvm_vm *vm = create_vm(), *plain = vm_create_barebones();
	struct kvm_memory_attribute_extent e;
	uint64_t next;

	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_GET_MEMORY_ATTRIBUTES), PRIVATE);
	TEST_ASSERT_EQ(vm_check_cap(plain, KVM_CAP_GET_MEMORY_ATTRIBUTES), 0);

	/* VMs that can't have attributes have none. */
	TEST_ASSERT_EQ(get(plain, 0, 0, &e, 1, &next), 0);
	TEST_ASSERT_EQ(next, ALL);
	kvm_vm_free(vm);
	kvm_vm_free(plain);
}

TEST(empty)
{
	struct kvm_vm *vm = create_vm();
	struct kvm_memory_attribute_extent e[2];
	uint64_t next;

	TEST_ASSERT_EQ(get(vm, 0, 0, e, 2, &next), 0);
	TEST_ASSERT_EQ(next, ALL);
	TEST_ASSERT_EQ(get(vm, 7, 9, e, 2, &next), 0);
	TEST_ASSERT_EQ(next, 9);
	TEST_ASSERT_EQ(get(vm, 9, 9, e, 2, &next), 0);
	TEST_ASSERT_EQ(next, 9);
	TEST_ASSERT_EQ(get(vm, ALL, 0, e, 2, &next), 0);
	TEST_ASSERT_EQ(next, ALL);

	/* Pages that became shared again have no attributes. */
	set_private(vm, 0, 100);
	set_shared(vm, 0, 100);
	TEST_ASSERT_EQ(get(vm, 0, 0, e, 2, &next), 0);
	expect_table(vm, "end 0 0\n");
	kvm_vm_free(vm);
}

TEST(merged)
{
	struct kvm_vm *vm = create_vm();
	struct kvm_memory_attribute_extent e[4];
	uint64_t next;

	/*
	 * Three ranges that touch, in no order, and a page that doesn't touch
	 * them
	 */
	set_private(vm, 20, 10);
	set_private(vm, 0, 10);
	set_private(vm, 10, 10);
	set_private(vm, 31, 1);
	TEST_ASSERT_EQ(get(vm, 0, 0, e, 4, &next), 2);
	TEST_ASSERT_EQ(next, ALL);
	expect_extent(&e[0], 0, 30);
	expect_extent(&e[1], 31, 1);
	expect_table(vm, "0x0000000000000000 0x000000000001e000 30 0x8\n"
			 "0x000000000001f000 0x0000000000020000 1 0x8\n"
			 "end 2 31\n");

	set_shared(vm, 15, 1);
	TEST_ASSERT_EQ(get(vm, 0, 0, e, 4, &next), 3);
	expect_extent(&e[0], 0, 15);
	expect_extent(&e[1], 16, 14);
	expect_extent(&e[2], 31, 1);
	kvm_vm_free(vm);
}

TEST(range_cuts)
{
	struct kvm_vm *vm = create_vm();
	struct kvm_memory_attribute_extent e[4];
	uint64_t next;

	set_private(vm, 100, 100);
	TEST_ASSERT_EQ(get(vm, 0, 100, e, 4, &next), 0);
	TEST_ASSERT_EQ(next, 100);
	TEST_ASSERT_EQ(get(vm, 200, 300, e, 4, &next), 0);
	TEST_ASSERT_EQ(next, 300);
	TEST_ASSERT_EQ(get(vm, 120, 130, e, 4, &next), 1);
	TEST_ASSERT_EQ(next, 130);
	expect_extent(&e[0], 120, 10);
	TEST_ASSERT_EQ(get(vm, 199, 200, e, 4, &next), 1);
	expect_extent(&e[0], 199, 1);
	kvm_vm_free(vm);
}

TEST(paging)
{
	struct kvm_vm *vm = create_vm();
	struct kvm_memory_attribute_extent e[2] = {};
	uint64_t next = 0, i;

	for (i = 0; i < 200; i++)
		set_private(vm, 3 * i, 2);

	for (i = 0; i < 200; i++) {
		TEST_ASSERT_EQ(get(vm, next, 0, e, 1, &next), 1);
		TEST_ASSERT_EQ(next, 3 * i + 2);
		expect_extent(&e[0], 3 * i, 2);
		/* No more than there was room for */
		TEST_ASSERT_EQ(e[1].npages, 0);
	}
	TEST_ASSERT_EQ(get(vm, next, 0, e, 1, &next), 0);
	TEST_ASSERT_EQ(next, ALL);

	/* Without room nothing is looked at or written. */
	TEST_ASSERT_EQ(get(vm, 5, 0, NULL, 0, &next), 0);
	TEST_ASSERT_EQ(next, 5);
	kvm_vm_free(vm);
}

TEST(table_longer_than_buffer)
{
	struct kvm_vm *vm = create_vm();
	char path[128], line[128] = "";
	unsigned int i, lines = 0;
	FILE *f;

	for (i = 0; i < 500; i++)
		set_private(vm, 2 * i, 1);

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/mem_attributes",
		 getpid(), vm->fd);
	f = fopen(path, "r");
	if (!f)
		SKIP(goto out, "no debugfs");
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	TEST_ASSERT_EQ(lines, 2 + 500 + 1);
	TEST_ASSERT(!strcmp(line, "end 500 500\n"), "%s", line);
out:
	kvm_vm_free(vm);
}

static void __expect_error(struct kvm_vm *vm, int error,
			   struct kvm_memory_attribute_extents args)
{
	TEST_ASSERT_EQ(__get(vm, &args), -1);
	TEST_ASSERT_EQ(errno, error);
}

#define expect_error(vm, error, ...)					\
	__expect_error(vm, error,					\
		       (struct kvm_memory_attribute_extents) { __VA_ARGS__ })

TEST(errors)
{
	struct kvm_vm *vm = create_vm();
	struct kvm_memory_attribute_extent e[2] = {};
	uint64_t to = (uintptr_t)e;
	struct kvm_memory_attribute_extents args = { .nr = 1, .extents = to };
	unsigned int i;

	set_private(vm, 10, 1);
	for (i = 0; i < 64; i++)
		expect_error(vm, EINVAL, .flags = BIT_ULL(i), .nr = 1, .extents = to);
	for (i = 0; i < ARRAY_SIZE(args.pad); i++) {
		memset(args.pad, 0, sizeof(args.pad));
		args.pad[i] = BIT_ULL(63);
		__expect_error(vm, EINVAL, args);
	}
	expect_error(vm, EINVAL, .gfn = 2, .end = 1, .nr = 1, .extents = to);
	expect_error(vm, EINVAL, .end = ALL + 1, .nr = 1, .extents = to);
	expect_error(vm, EINVAL, .gfn = ALL + 1, .nr = 1, .extents = to);
	expect_error(vm, EINVAL, .gfn = ~0ull, .end = ~0ull, .nr = 1, .extents = to);
	expect_error(vm, EFAULT, .nr = 1, .extents = 8);
	expect_error(vm, EFAULT, .nr = ~0ull, .extents = ~0ull - 23);
	TEST_ASSERT_EQ(e[0].npages, 0);

	TEST_ASSERT_EQ(__get(vm, (void *)8), -1);
	TEST_ASSERT_EQ(errno, EFAULT);
	kvm_vm_free(vm);
}

TEST(huge)
{
	const uint64_t pages = SZ_1G / 4096, top = ALL - 16;
	struct kvm_vm *vm = create_vm();
	struct kvm_memory_attribute_extent e[3];
	uint64_t next;

	set_private(vm, 12345, pages);
	set_private(vm, top, 15);
	TEST_ASSERT_EQ(get(vm, 0, 0, e, 3, &next), 2);
	TEST_ASSERT_EQ(next, ALL);
	expect_extent(&e[0], 12345, pages);
	expect_extent(&e[1], top, 15);
	/* Room for more than there could be */
	TEST_ASSERT_EQ(get(vm, 0, 0, e, ~0ull, &next), 2);
	kvm_vm_free(vm);
}

static atomic_bool stop;

/* Two ranges come and go, a third is always there. */
static void *change(void *data)
{
	struct kvm_vm *vm = data;

	while (!stop) {
		set_private(vm, 0, 3000);
		set_private(vm, 8192, 3000);
		set_shared(vm, 0, 3000);
		set_shared(vm, 8192, 3000);
	}
	return NULL;
}

TEST(while_changed)
{
	struct kvm_vm *vm = create_vm();
	struct kvm_memory_attribute_extent e[16];
	unsigned int i, j, found;
	uint64_t nr, next, end;
	pthread_t thread;

	set_private(vm, 4096, 3000);
	stop = false;
	pthread_create(&thread, NULL, change, vm);
	for (i = 0; i < 500; i++) {
		found = 0;
		for (next = 0; next < 16384;) {
			end = next;
			nr = get(vm, next, 16384, e, 1 + i % 16, &next);
			for (j = 0; j < nr; j++) {
				TEST_ASSERT(e[j].gfn >= end && e[j].npages,
					    "neither ascending nor disjoint");
				end = e[j].gfn + e[j].npages;
				TEST_ASSERT_EQ(e[j].attributes, PRIVATE);
				found += e[j].gfn == 4096 && e[j].npages == 3000;
			}
			TEST_ASSERT(end <= next, "beyond where to go on");
		}
		TEST_ASSERT_EQ(found, 1);
	}
	stop = true;
	pthread_join(thread, NULL);
	TEST_ASSERT_EQ(get(vm, 0, 0, e, 2, &next), 1);
	kvm_vm_free(vm);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM));
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_GET_MEMORY_ATTRIBUTES));

	return test_harness_run(argc, argv);
}
