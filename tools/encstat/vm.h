/* SPDX-License-Identifier: GPL-2.0 */
/* The VMs of a host, and what debugfs says about each. */
#ifndef ENCSTAT_VM_H
#define ENCSTAT_VM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"

#define VM_PARAMETER	"/sys/module/kvm/parameters/page_enc_status"

/* Which VMs; all, if neither is given. */
struct vm_filter {
	const char *file;	/* a recording to look at, or NULL */
	const char *root;	/* in front of /sys and /proc; "" for this machine */
	int pid;		/* 0: any */
	const char *name;	/* NULL: any */
};

/* What only grows while a VM lives, and the keys of it in JSON. */
enum vm_counter {
	VM_CALLS, VM_TO_SHARED, VM_TO_PRIVATE, VM_REFUSED_INVAL, VM_REFUSED_PERM,
	VM_READY_SET, VM_READY_CLEARED, VM_COUNTERS,
};

extern const char *const vm_counter_keys[VM_COUNTERS];

struct vm {
	char id[32];		/* name of its directory: "<pid>-<fd>" */
	int pid;
	int fd;
	char *name;		/* NULL: none, or not known */

	bool has_map;		/* the header at least */
	struct enc_map map;
	bool has_slots;
	struct slot_map slots;
	bool has_ready;
	bool ready;
	bool has_bytes;
	uint64_t tracker_bytes;
	bool has_shared;	/* of only_stats */
	uint64_t shared_bytes;
	bool has_counters;
	uint64_t counters[VM_COUNTERS];
	bool has_violations;	/* strict mode of simulated SEV, if the kernel has it */
	uint64_t violations;
	bool has_double;	/* of VMs with guest_memfd, if the kernel tells */
	uint64_t double_bytes;	/* shared, and backed by guest_memfd all the same */
	bool has_rate;		/* pages converted a second, if that was measured */
	uint64_t rate_tenths;
	uint64_t since_ms;	/* since when READY is known to be set; 0: not known */
};

struct vms {
	struct vm *v;
	size_t nr;
	bool recorded;		/* all is known, there is nothing to load */
	bool want_counters;	/* vm_load() reads them too */
	bool only_stats;	/* vm_load() reads numbers and no ranges, which is cheap */
	bool tracking_default;	/* the parameter: new VMs are tracked */
	char dir[PATH_MAX];	/* where they are */
};

/* "<pid>-<fd>" and nothing else; fills in a new @vm. */
bool vm_parse_id(const char *id, struct vm *vm);
bool vm_wanted(const struct vm *vm, const struct vm_filter *filter);
int vms_add(struct vms *vms, const struct vm *vm);

/* -1 if there is nothing to look at; the reason has been told. */
int vms_find(struct vms *vms, const struct vm_filter *filter);
void vms_free(struct vms *vms);

/*
 * Reads what debugfs says. What is wrong with it is told and left out. False:
 * the VM is gone, which is nobody's fault.
 */
bool vm_load(struct vm *vm, const struct vms *vms);

/*
 * How much a counter has grown. One that went back belongs to another VM of the
 * same id, and has grown from 0.
 */
uint64_t vm_grown(const struct vm *vm, const struct vm *before, enum vm_counter c);
void vm_unload(struct vm *vm);

/* The name that QEMU was given in its arguments, separated by NULs; or NULL. */
char *vm_name_of_pid(const char *root, int pid);
char *vm_name(const char *args, size_t len);

#endif
