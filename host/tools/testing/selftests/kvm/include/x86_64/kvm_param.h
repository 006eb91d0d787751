/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters of the kvm module that take effect for VMs created afterwards.
 */
#ifndef SELFTEST_KVM_PARAM_H
#define SELFTEST_KVM_PARAM_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

static inline int kvm_param_open(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/kvm/parameters/%s", name);
	return open(path, flags);
}

/* Skip the test if this KVM has no such parameter, or it can't be set. */
static inline void kvm_param_require(const char *name)
{
	int fd = kvm_param_open(name, O_RDWR);

	__TEST_REQUIRE(fd >= 0, "kvm.%s missing, or no permission", name);
	close(fd);
}

/* A parameter that this KVM doesn't have is off. */
static inline bool kvm_param_get(const char *name)
{
	char value = 0;
	int fd = kvm_param_open(name, O_RDONLY);

	if (fd < 0)
		return false;
	TEST_ASSERT(read(fd, &value, 1) == 1, "read kvm.%s", name);
	close(fd);
	return value == 'Y';
}

static inline void kvm_param_set(const char *name, bool on)
{
	int fd = kvm_param_open(name, O_WRONLY);

	TEST_ASSERT(fd >= 0 && write(fd, on ? "Y" : "N", 1) == 1,
		    "write kvm.%s", name);
	close(fd);
}

static inline bool kvm_host_has_flag(const char *flag)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char *line = NULL;
	bool found = false;
	size_t size = 0;

	while (f && !found && getline(&line, &size, f) > 0)
		found = !strncmp(line, "flags", 5) && strstr(line, flag);
	free(line);
	if (f)
		fclose(f);
	return found;
}

/*
 * The C-bit of simulated SEV: the topmost bit that nested page tables can
 * translate.  NPT has as many levels as the host has.
 */
static inline uint64_t sev_sim_c_bit(struct kvm_vm *vm)
{
	unsigned int bits = host_cpu_is_amd && kvm_host_has_flag(" la57") ? 57 : 48;

	return 1ULL << (min(vm->pa_bits, bits) - 1);
}

#endif /* SELFTEST_KVM_PARAM_H */
