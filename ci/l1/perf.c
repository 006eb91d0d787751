// SPDX-License-Identifier: GPL-2.0
/*
 * What KVM needs for hypercalls, page faults and page encryption status, in
 * ticks of the TSC, which are instructions if L0 counts them, and in bytes.  A VM
 * with a single vCPU in 64-bit mode and nothing else: no firmware, no devices.
 * usage: perf COMMAND ARGUMENT...	see commands[]; prints one number
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

/* Names of this series, which the headers of this machine may not have */
#ifndef KVM_X86_SW_PROTECTED_VM
#define KVM_X86_SW_PROTECTED_VM		1
#endif
#ifndef KVM_MEMORY_ATTRIBUTE_PRIVATE
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	(1ULL << 3)
#endif

/* struct kvm_memory_attributes; headers older than 6.8 do not have it */
struct attributes {
	uint64_t address, size, attributes, flags;
};

#define SET_ATTRIBUTES		_IOW(KVMIO, 0xd2, struct attributes)

/* struct kvm_create_guest_memfd and struct kvm_userspace_memory_region2 */
struct create_gmem {
	uint64_t size, flags, reserved[6];
};

struct region2 {
	uint32_t slot, flags;
	uint64_t gpa, size, userspace_addr, offset;
	uint32_t gmem, pad1;
	uint64_t pad2[14];
};

#define CREATE_GMEM		_IOWR(KVMIO, 0xd4, struct create_gmem)
#define SET_REGION2		_IOW(KVMIO, 0x49, struct region2)
#define WITH_GMEM		(1U << 2)

/* KVM_CAP_PRIVATE_MEM_CONVERSION and its flags */
#define CAP_CONVERSION		0x70650003
#define CONVERSION_ENFORCE	2
#define CONVERSION_PUNCH	4

struct populate {
	uint64_t gpa, size, uaddr, flags, pad[4];
};

#define POPULATE		_IOWR(KVMIO, 0xf5, struct populate)

/* struct kvm_page_enc_extent and struct kvm_page_enc_status */
struct extent {
	uint64_t gfn, npages, flags;
};

struct status {
	uint64_t gfn, end, flags, nr, extents, generation, control, pad[9];
};

#define GET_STATUS		_IOWR(KVMIO, 0xf0, struct status)
#define SET_STATUS		_IOW(KVMIO, 0xf1, struct status)
#define EXTENT_SHARED		1
#define GET_CHANGED_AND_CLEAR	3
#define EXTENTS			1024		/* as many as a chunk may take */
#define END_OF_GFNS		(1ULL << 40)

#define SHARED			KVM_MAP_GPA_RANGE_DECRYPTED
#define PRIVATE			KVM_MAP_GPA_RANGE_ENCRYPTED

#define PAGE			4096ULL
#define MIB			(1ULL << 20)
#define GIB			(1ULL << 30)
#define CHUNK			(4 * MIB)

/* Below the first MiB: tables and code.  What is measured begins at 1 GiB. */
#define TABLES			0x10000ULL
#define CODE			0x20000ULL
#define DATA			GIB

struct vm {
	int kvm, fd, vcpu;
	int gmem;		/* of the private memory at DATA, or 0 */
	struct kvm_run *run;
	struct kvm_userspace_memory_region slot;
};

/*
 * %r8: how often; %r9: address, %r10: what is added to it each time; %rsi: number
 * of the hypercall, %rcx: its pages, %rdi: its attributes, %r11: what of them is
 * another each time.
 */
asm(".pushsection .rodata\n"
    "guest_calls:\n"
    "1:	mov	%rsi, %rax\n"
    "	mov	%r9, %rbx\n"
    "	mov	%rdi, %rdx\n"
    "	vmmcall\n"
    "	add	%r10, %r9\n"
    "	xor	%r11, %rdi\n"
    "	dec	%r8\n"
    "	jnz	1b\n"
    "	hlt\n"
    "guest_writes:\n"
    "1:	movb	$1, (%r9)\n"
    "	add	%r10, %r9\n"
    "	dec	%r8\n"
    "	jnz	1b\n"
    "	hlt\n"
    "guest_end:\n"
    ".popsection\n");
extern const char guest_calls[], guest_writes[], guest_end[];

static _Noreturn void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("perf: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static int check(int r, const char *what)
{
	if (r < 0)
		die("%s: %s", what, strerror(errno));
	return r;
}

/* Long mode, all memory up to 512 GiB mapped to itself by pages of 1 GiB */
static void set_up_tables(char *memory)
{
	uint64_t *pml4 = (uint64_t *)(memory + TABLES);
	uint64_t *pdpt = (uint64_t *)(memory + TABLES + PAGE);
	uint64_t i;

	pml4[0] = (TABLES + PAGE) | 3;
	for (i = 0; i < 512; i++)
		pdpt[i] = i * GIB | 0x83;
}

static void set_up_mode(struct vm *vm)
{
	struct kvm_segment code = {
		.limit = ~0, .selector = 8, .type = 11, .present = 1, .s = 1,
		.l = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	check(ioctl(vm->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = code;
	code.selector = 16;
	code.type = 3;
	code.l = 0;
	sregs.ds = code;
	sregs.es = code;
	sregs.ss = code;
	sregs.cr0 = 0x80000011;
	sregs.cr3 = TABLES;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	check(ioctl(vm->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

static void set_up_cpuid(struct vm *vm)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));
	cpuid->nent = 256;
	check(ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	check(ioctl(vm->vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

static void set_slot(struct vm *vm, uint64_t size)
{
	struct kvm_userspace_memory_region slot = vm->slot;

	slot.memory_size = size;
	check(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
}

/* A memslot at DATA whose memory may be private, in a VM that has been created */
static void add_private(struct vm *vm, uint64_t size)
{
	struct create_gmem create = { .size = size };
	struct region2 slot = {
		.slot = 1, .flags = WITH_GMEM, .gpa = DATA, .size = size,
	};
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	slot.userspace_addr = (uintptr_t)memory;
	vm->gmem = check(ioctl(vm->fd, CREATE_GMEM, &create), "KVM_CREATE_GUEST_MEMFD");
	slot.gmem = vm->gmem;
	check(ioctl(vm->fd, SET_REGION2, &slot), "KVM_SET_USER_MEMORY_REGION2");
}

static void enable_cap(struct vm *vm, unsigned int cap, uint64_t flags)
{
	struct kvm_enable_cap enable = { .cap = cap, .args[0] = flags };

	check(ioctl(vm->fd, KVM_ENABLE_CAP, &enable), "KVM_ENABLE_CAP");
}

/* Complete a VM, with SIZE bytes of memory from address 0 on. */
static void add_vcpu(struct vm *vm, uint64_t size)
{
	char *memory;
	int length;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		die("no %llu MiB of address space", size / MIB);
	vm->slot.memory_size = size;
	vm->slot.userspace_addr = (uintptr_t)memory;
	set_slot(vm, size);
	set_up_tables(memory);
	memcpy(memory + CODE, guest_calls, guest_end - guest_calls);

	vm->vcpu = check(ioctl(vm->fd, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	length = check(ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	vm->run = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED)
		die("mmap of the vCPU: %s", strerror(errno));
	set_up_cpuid(vm);
	set_up_mode(vm);
}

static struct vm create_vm(uint64_t size)
{
	struct vm vm = {};

	vm.kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vm.fd = check(ioctl(vm.kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	add_vcpu(&vm, size);
	return vm;
}

/*
 * With private memory, which KVM converts with or without freeing it, or with
 * flags 0 the VMM.
 */
static struct vm create_private_vm(uint64_t size, uint64_t flags)
{
	struct vm vm = {};

	vm.kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vm.fd = check(ioctl(vm.kvm, KVM_CREATE_VM, KVM_X86_SW_PROTECTED_VM), "KVM_CREATE_VM");
	if (flags)
		enable_cap(&vm, CAP_CONVERSION, flags);
	else
		enable_cap(&vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	add_private(&vm, size);
	add_vcpu(&vm, MIB);
	return vm;
}

/* Convert memory as a VMM does that KVM has told of a hypercall. */
static void convert_exit(struct vm *vm)
{
	struct attributes set = {
		.address = vm->run->hypercall.args[0],
		.size = vm->run->hypercall.args[1] * PAGE,
	};

	if (vm->run->hypercall.args[2] & PRIVATE)
		set.attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE;
	check(ioctl(vm->fd, SET_ATTRIBUTES, &set), "KVM_SET_MEMORY_ATTRIBUTES");
	if (!set.attributes)
		check(fallocate(vm->gmem, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				set.address - DATA, set.size), "fallocate");
}

/* Run until the guest halts and answer its hypercalls with 0; returns ticks. */
static uint64_t run(struct vm *vm, struct kvm_regs *regs)
{
	uint64_t start;

	regs->rflags = 2;
	check(ioctl(vm->vcpu, KVM_SET_REGS, regs), "KVM_SET_REGS");
	start = __rdtsc();
	for (;;) {
		check(ioctl(vm->vcpu, KVM_RUN, 0), "KVM_RUN");
		if (vm->run->exit_reason != KVM_EXIT_HYPERCALL)
			break;
		vm->run->hypercall.ret = 0;
		if (vm->gmem)
			convert_exit(vm);
	}
	start = __rdtsc() - start;
	if (vm->run->exit_reason != KVM_EXIT_HLT)
		die("exit %u", vm->run->exit_reason);
	check(ioctl(vm->vcpu, KVM_GET_REGS, regs), "KVM_GET_REGS");
	return start;
}

/* COUNT calls, each for PAGES at STRIDE behind the last one's; must return WANTED */
static uint64_t calls(struct vm *vm, unsigned int nr, uint64_t count, uint64_t gpa,
		      uint64_t stride, uint64_t pages, uint64_t attributes, int64_t wanted)
{
	struct kvm_regs regs = {
		.rip = CODE, .r8 = count, .r9 = gpa, .r10 = stride,
		.rsi = nr, .rcx = pages, .rdi = attributes,
	};
	uint64_t ticks = run(vm, &regs);

	if ((int64_t)regs.rax != wanted)
		die("hypercall %u returned %lld, not %lld", nr, (long long)regs.rax, (long long)wanted);
	return ticks;
}

static void map_range(struct vm *vm, uint64_t gpa, uint64_t pages, uint64_t attributes)
{
	calls(vm, KVM_HC_MAP_GPA_RANGE, 1, gpa, 0, pages, attributes, 0);
}

static uint64_t writes(struct vm *vm, uint64_t count)
{
	struct kvm_regs regs = {
		.rip = CODE + (guest_writes - guest_calls), .r8 = count, .r9 = DATA, .r10 = PAGE,
	};

	return run(vm, &regs);
}

/* A file of the VM's in debugfs */
static uint64_t stat(struct vm *vm, const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/%s", getpid(), vm->fd, name);
	fd = check(open(path, O_RDONLY), path);
	check(read(fd, text, sizeof(text) - 1), path);
	close(fd);
	return strtoull(text, NULL, 10);
}

/* The number behind a name in such a file */
static uint64_t field(struct vm *vm, const char *file, const char *name)
{
	long long value;
	char path[128], word[32];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/%s", getpid(), vm->fd, file);
	f = fopen(path, "r");
	while (f && fscanf(f, "%31s %lli", word, &value) == 2) {
		if (strcmp(word, name))
			continue;
		fclose(f);
		return value;
	}
	die("no %s in %s", name, path);
}

/* Bytes in slabs of the whole machine */
static uint64_t slab(void)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "Slab: %llu kB", &kib) != 1)
		;
	if (!kib)
		die("no Slab in /proc/meminfo");
	fclose(f);
	return kib * 1024;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

/* calls NR COUNT RESULT: a hypercall that KVM handles */
static uint64_t cmd_calls(char **args)
{
	struct vm vm = create_vm(2 * GIB);
	uint64_t count = number(args[1]);
	int64_t result = strtoll(args[2], NULL, 0);

	calls(&vm, number(args[0]), count / 10, DATA, 0, 1, SHARED, result);
	return calls(&vm, number(args[0]), count, DATA, 0, 1, SHARED, result) / count;
}

/* convert COUNT [exit]: a page to shared, the next one to shared, ..., all back */
static uint64_t cmd_convert(char **args)
{
	uint64_t count = number(args[0]), ticks = 0;
	struct vm vm = create_vm(DATA + count * PAGE);
	int loop;

	if (args[1])
		enable_cap(&vm, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	/* The first time does not count. */
	for (loop = 0; loop < 2; loop++) {
		ticks = calls(&vm, KVM_HC_MAP_GPA_RANGE, count, DATA, PAGE, 1, SHARED, 0);
		ticks += calls(&vm, KVM_HC_MAP_GPA_RANGE, count, DATA, PAGE, 1, PRIVATE, 0);
	}
	return ticks / count / 2;
}

/*
 * convert-private COUNT PAGES kernel|exit: so many pages at a time to private,
 * and back, which frees what is private; none of it was ever touched.
 */
static uint64_t cmd_convert_private(char **args)
{
	uint64_t count = number(args[0]), pages = number(args[1]), ticks = 0;
	bool kernel = !strcmp(args[2], "kernel");
	struct vm vm = create_private_vm(count * pages * PAGE,
					 kernel ? CONVERSION_ENFORCE | CONVERSION_PUNCH : 0);
	int loop;

	/* The first time does not count. */
	for (loop = 0; loop < 2; loop++) {
		ticks = calls(&vm, KVM_HC_MAP_GPA_RANGE, count, DATA, pages * PAGE, pages, PRIVATE, 0);
		ticks += calls(&vm, KVM_HC_MAP_GPA_RANGE, count, DATA, pages * PAGE, pages, SHARED, 0);
	}
	return ticks / count / 2;
}

/*
 * double-backed MIB [punch]: have the guest use memory as private, and share it
 * again; what it takes in guest_memfd then
 */
static uint64_t cmd_double_backed(char **args)
{
	uint64_t size = number(args[0]) * MIB;
	struct vm vm = create_private_vm(size, CONVERSION_ENFORCE |
					 (args[1] ? CONVERSION_PUNCH : 0));
	uint64_t used;

	map_range(&vm, DATA, size / PAGE, PRIVATE);
	writes(&vm, size / PAGE);
	used = field(&vm, "private_mem", "private_bytes");
	if (used != size)
		die("%llu bytes are private", (unsigned long long)used);
	map_range(&vm, DATA, size / PAGE, SHARED);
	writes(&vm, size / PAGE);
	return field(&vm, "private_mem", "double_backed_bytes");
}

/* A guest that converts memory for ever, and the last time that its vCPU was kicked */
static struct {
	struct vm vm;
	uint64_t exit;
	sem_t out;
} busy;

static void kick(int sig)
{
	(void)sig;
	busy.vm.run->immediate_exit = 1;
}

static void *keep_running(void *arg)
{
	for (;;) {
		if (!ioctl(busy.vm.vcpu, KVM_RUN, 0) || errno != EINTR)
			die("exit %u of a vCPU that nobody kicked", busy.vm.run->exit_reason);
		busy.exit = __rdtsc();
		busy.vm.run->immediate_exit = 0;
		sem_post(&busy.out);
	}
	return arg;
}

/* Ticks until a vCPU that is kicked has left KVM_RUN */
static uint64_t wait_for_exit(pthread_t vcpu)
{
	uint64_t start = __rdtsc();

	pthread_kill(vcpu, SIGUSR1);
	while (sem_wait(&busy.out))
		;
	return busy.exit - start;
}

/* Ticks until a memslot is created, or deleted */
static uint64_t wait_for_slot(bool there)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .guest_phys_addr = 512 * GIB, .memory_size = there ? PAGE : 0,
		.userspace_addr = (uintptr_t)page,
	};
	uint64_t start = __rdtsc();

	check(ioctl(busy.vm.fd, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	return __rdtsc() - start;
}

/*
 * interrupt MIB COUNT kick|slot: of a VM with 64 GiB, whose dirty pages are logged, a
 * guest makes so much private, and shared again, without end; the mean of what a kick,
 * or a change of a memslot, waits for meanwhile
 */
static uint64_t cmd_interrupt(char **args)
{
	struct kvm_regs regs = {
		.rip = CODE, .rflags = 2, .r8 = ~0ULL, .r9 = DATA, .r11 = PRIVATE ^ SHARED,
		.rsi = KVM_HC_MAP_GPA_RANGE, .rcx = number(args[0]) * MIB / PAGE, .rdi = SHARED,
	};
	uint64_t i, count = number(args[1]), ticks = 0;
	struct sigaction action = { .sa_handler = kick };
	struct timespec pause = {};
	pthread_t thread;

	busy.vm = create_vm(DATA + 64 * GIB);
	busy.vm.slot.flags = KVM_MEM_LOG_DIRTY_PAGES;
	set_slot(&busy.vm, busy.vm.slot.memory_size);
	check(ioctl(busy.vm.vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	sigaction(SIGUSR1, &action, NULL);
	sem_init(&busy.out, 0, 0);
	if (pthread_create(&thread, NULL, keep_running, NULL))
		die("no thread");

	for (i = 0; i < count; i++) {
		/* Any moment of it, in no step with anything */
		pause.tv_nsec = 5000000 + i * 7919 % 1009 * 1000;
		nanosleep(&pause, NULL);
		ticks += *args[2] == 'k' ? wait_for_exit(thread) : wait_for_slot(i % 2 == 0);
	}
	if (!stat(&busy.vm, "page_enc_to_shared"))
		die("nothing was converted");
	return ticks / count;
}

/* Content for all of the private memory; returns ticks */
static uint64_t populate(struct vm *vm, uint64_t size)
{
	struct populate args = { .gpa = DATA, .size = size };
	char *content = malloc(size);
	uint64_t start;

	if (!content)
		die("malloc: %s", strerror(errno));
	memset(content, 1, size);
	args.uaddr = (uintptr_t)content;
	start = __rdtsc();
	check(ioctl(vm->fd, POPULATE, &args), "KVM_POPULATE_PRIVATE_MEMORY");
	start = __rdtsc() - start;
	free(content);
	return start;
}

/*
 * private-faults PAGES [populate]: write to private pages, a byte each, which are
 * allocated then, or have been filled before, which counts
 */
static uint64_t cmd_private_faults(char **args)
{
	uint64_t count = number(args[0]), ticks = 0;
	struct vm vm = create_private_vm(count * PAGE, CONVERSION_ENFORCE);
	struct attributes set = {
		.address = DATA, .size = count * PAGE, .attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE,
	};

	check(ioctl(vm.fd, SET_ATTRIBUTES, &set), "KVM_SET_MEMORY_ATTRIBUTES");
	if (args[1]) {
		ticks = populate(&vm, set.size);
		fprintf(stderr, "to populate: %llu a page\n", (unsigned long long)(ticks / count));
	}
	return (ticks + writes(&vm, count)) / count;
}

/* faults PAGES: write to pages that the host has and KVM does not map yet */
static uint64_t cmd_faults(char **args)
{
	uint64_t count = number(args[0]);
	struct vm vm = create_vm(DATA + count * PAGE);

	memset((char *)vm.slot.userspace_addr + DATA, 1, count * PAGE);
	return writes(&vm, count) / count;
}

/* refaults PAGES: delete the slot, create it again, and write to its pages */
static uint64_t cmd_refaults(char **args)
{
	uint64_t count = number(args[0]), start;
	struct vm vm = create_vm(DATA + count * PAGE);

	memset((char *)vm.slot.userspace_addr + DATA, 1, count * PAGE);
	writes(&vm, count);
	start = __rdtsc();
	set_slot(&vm, 0);
	set_slot(&vm, vm.slot.memory_size);
	writes(&vm, count);
	return (__rdtsc() - start) / count;
}

/*
 * dirty-log MIB: the guest writes to so much memory, and the time that it takes to
 * read which pages that were, and to protect them again
 */
static uint64_t cmd_dirty_log(char **args)
{
	uint64_t size = number(args[0]) * MIB, start;
	struct vm vm = create_vm(DATA + size);
	struct kvm_dirty_log log = {
		.dirty_bitmap = calloc(1, vm.slot.memory_size / PAGE / 8),
	};

	vm.slot.flags = KVM_MEM_LOG_DIRTY_PAGES;
	set_slot(&vm, vm.slot.memory_size);
	writes(&vm, size / PAGE);
	start = __rdtsc();
	check(ioctl(vm.fd, KVM_GET_DIRTY_LOG, &log), "KVM_GET_DIRTY_LOG");
	start = __rdtsc() - start;
	if (!((char *)log.dirty_bitmap)[(DATA + size) / PAGE / 8 - 1])
		die("the last page was not dirty");
	return start;
}

static uint64_t tracker_bytes(struct vm *vm, uint64_t before)
{
	fprintf(stderr, "ranges in %llu GiB: %llu shared pages, tracker %llu bytes, slabs grew by %lld\n",
		vm->slot.memory_size / GIB, (unsigned long long)stat(vm, "page_enc_shared_pages"),
		(unsigned long long)stat(vm, "page_enc_bytes"), (long long)(slab() - before));
	return stat(vm, "page_enc_bytes");
}

/* ranges GIB COUNT: ranges of 1 to 64 pages, evenly spread */
static uint64_t cmd_ranges(char **args)
{
	struct vm vm = create_vm(number(args[0]) * GIB);
	uint64_t i, count = number(args[1]), before = slab();

	for (i = 0; i < count; i++)
		map_range(&vm, vm.slot.memory_size / count * i / PAGE * PAGE, 1 << i % 7, SHARED);
	return tracker_bytes(&vm, before);
}

/* alternate GIB: every other page is shared */
static uint64_t cmd_alternate(char **args)
{
	struct vm vm = create_vm(number(args[0]) * GIB);
	uint64_t before = slab();

	calls(&vm, KVM_HC_MAP_GPA_RANGE, vm.slot.memory_size / PAGE / 2, 0, 2 * PAGE, 1, SHARED, 0);
	return tracker_bytes(&vm, before);
}

/* As after a migration, which takes less time than as many calls */
static void set_alternate(struct vm *vm, uint64_t pages)
{
	struct extent *extents = calloc(pages, sizeof(*extents));
	struct status status = { .nr = pages, .extents = (uintptr_t)extents };
	uint64_t i;

	if (!extents)
		die("no memory for %llu extents", (unsigned long long)pages);
	for (i = 0; i < pages; i++)
		extents[i] = (struct extent){ 2 * i, 1, EXTENT_SHARED };
	check(ioctl(vm->fd, SET_STATUS, &status), "KVM_SET_PAGE_ENC_STATUS");
	free(extents);
}

/*
 * hold GIB: every other page is shared, until standard input ends; each line of it
 * makes 4 MiB from 1 GiB on private or shared, by turns.
 */
static uint64_t cmd_hold(char **args)
{
	struct vm vm = create_vm(number(args[0]) * GIB);
	uint64_t pages = vm.slot.memory_size / PAGE / 2, turn;
	char line[16];

	set_alternate(&vm, pages);
	puts("holding");
	fflush(stdout);
	for (turn = 0; fgets(line, sizeof(line), stdin); turn++)
		map_range(&vm, DATA, CHUNK / PAGE, turn % 2 ? SHARED : PRIVATE);
	return pages;
}

/* chunks GIB: one page of each chunk is shared, for which KVM needs as much */
static uint64_t cmd_chunks(char **args)
{
	struct vm vm = create_vm(number(args[0]) * GIB);
	uint64_t before = slab();

	calls(&vm, KVM_HC_MAP_GPA_RANGE, vm.slot.memory_size / CHUNK, 0, CHUNK, 1, SHARED, 0);
	return tracker_bytes(&vm, before);
}

/* attributes GIB: memory that every other page being private takes as attributes */
static uint64_t cmd_attributes(char **args)
{
	int kvm = check(open("/dev/kvm", O_RDWR), "/dev/kvm");
	int fd = check(ioctl(kvm, KVM_CREATE_VM, KVM_X86_SW_PROTECTED_VM), "KVM_CREATE_VM");
	struct attributes set = { .size = PAGE, .attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE };
	uint64_t before = slab();

	for (set.address = 0; set.address < number(args[0]) * GIB; set.address += 2 * PAGE)
		check(ioctl(fd, SET_ATTRIBUTES, &set), "KVM_SET_MEMORY_ATTRIBUTES");
	return slab() - before;
}

/* One page in each of COUNT chunks, evenly spread, is shared. */
static struct vm changed_vm(char **args)
{
	struct vm vm = create_vm(number(args[0]) * GIB);
	uint64_t i, count = number(args[1]);

	for (i = 0; i < count; i++)
		map_range(&vm, vm.slot.memory_size / CHUNK * i / count * CHUNK + 7 * PAGE, 1, SHARED);
	return vm;
}

/* Read what has changed, as a VMM does; returns bytes copied to and from the kernel */
static uint64_t harvest(struct vm *vm)
{
	static struct extent extents[EXTENTS];
	struct status status;
	uint64_t bytes = 0, shared = 0, i, gfn = 0;

	do {
		status = (struct status){ .gfn = gfn, .flags = GET_CHANGED_AND_CLEAR,
					  .nr = EXTENTS, .extents = (uintptr_t)extents };
		check(ioctl(vm->fd, GET_STATUS, &status), "KVM_GET_PAGE_ENC_STATUS");
		bytes += 2 * sizeof(status) + status.nr * sizeof(extents[0]);
		for (i = 0; i < status.nr; i++)
			shared += extents[i].flags ? extents[i].npages : 0;
		gfn = status.gfn;
	} while (gfn != END_OF_GFNS);
	fprintf(stderr, "harvested %llu shared pages\n", (unsigned long long)shared);
	return bytes;
}

/* harvest-bytes GIB COUNT: what is copied to learn of COUNT changed pages */
static uint64_t cmd_harvest_bytes(char **args)
{
	struct vm vm = changed_vm(args);

	return harvest(&vm);
}

/* harvest GIB COUNT: the time that this takes */
static uint64_t cmd_harvest(char **args)
{
	struct vm vm = changed_vm(args);
	uint64_t start = __rdtsc();

	harvest(&vm);
	return __rdtsc() - start;
}

/* copy MIB: the time to copy a bitmap of that size from the kernel */
static uint64_t cmd_copy(char **args)
{
	uint64_t size = number(args[0]) * MIB, start;
	int fd = check(memfd_create("bitmap", 0), "memfd_create");
	char *from = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(from, 1, size);
	if (write(fd, from, size) != (ssize_t)size)
		die("write: %s", strerror(errno));
	start = __rdtsc();
	if (pread(fd, from, size, 0) != (ssize_t)size)
		die("read: %s", strerror(errno));
	return __rdtsc() - start;
}

static const struct {
	const char *name;
	int args;
	uint64_t (*run)(char **args);
} commands[] = {
	{ "calls", 3, cmd_calls },
	{ "convert", 1, cmd_convert },
	{ "convert-private", 3, cmd_convert_private },
	{ "double-backed", 1, cmd_double_backed },
	{ "private-faults", 1, cmd_private_faults },
	{ "faults", 1, cmd_faults },
	{ "refaults", 1, cmd_refaults },
	{ "dirty-log", 1, cmd_dirty_log },
	{ "ranges", 2, cmd_ranges },
	{ "alternate", 1, cmd_alternate },
	{ "hold", 1, cmd_hold },
	{ "chunks", 1, cmd_chunks },
	{ "attributes", 1, cmd_attributes },
	{ "harvest-bytes", 2, cmd_harvest_bytes },
	{ "harvest", 2, cmd_harvest },
	{ "copy", 1, cmd_copy },
	{ "interrupt", 3, cmd_interrupt },
};

int main(int argc, char *argv[])
{
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc < 2 || strcmp(argv[1], commands[i].name) || argc < 2 + commands[i].args)
			continue;
		printf("%llu\n", (unsigned long long)commands[i].run(argv + 2));
		return 0;
	}
	die("usage: perf COMMAND ARGUMENT...");
}
