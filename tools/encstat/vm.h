/* SPDX-License-Identifier: GPL-2.0 */
/* The VMs of a host, and what debugfs says about each. */
#ifndef ENCSTAT_VM_H
#define ENCSTAT_VM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"
#include "value.h"

#define VM_LOCKDOWN	"what counts up cannot be read, nor rates be known"
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
	char id[32];		/* name of its directory: "<thread>-<fd>" */
	int thread;		/* that created it */
	int pid;		/* the process of that; the thread, if it is not known */
	int fd;
	uint64_t instance;	/* another one: another VM of that id; 0: not known */
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
	struct value conversion_tenths;	/* pages converted a second, if that was measured */
	uint64_t since_ms;	/* since when READY is known to be set; 0: not known */
};

struct vms {
	struct vm *v;
	size_t nr;
	bool recorded;		/* all is known, there is nothing to load */
	bool want_counters;	/* vm_load() reads them too */
	bool lockdown_told;	/* by others: vm_load() need not */
	bool only_stats;	/* vm_load() reads numbers and no ranges, which is cheap */
	char (*left_out)[32];	/* ids of those that the filter has left out */
	size_t nr_left_out;
	bool tracking_default;	/* the parameter: new VMs are tracked */
	char dir[PATH_MAX];	/* where they are */
	const char *root;
};

/* "<pid>-<fd>" and nothing else; fills in a new @vm. */
bool vm_parse_id(const char *id, struct vm *vm);
bool vm_is_of_pid(const struct vm *vm, int pid);
bool vm_wanted(const struct vm *vm, const struct vm_filter *filter);

/* Takes over @vm, its name too, or leaves it out. -1: no memory. */
int vms_add(struct vms *vms, struct vm *vm, const struct vm_filter *filter);

/*
 * -1 if there is nothing to look at; the reason has been told. Who has found a
 * VM and looks for it again finds none while it is started anew: that is no
 * error, as it is of the first look.
 */
int vms_find(struct vms *vms, const struct vm_filter *filter);
int vms_find_again(struct vms *vms, const struct vm_filter *filter);

/* -1: a filter lets nobody through; that has been told. */
int vms_check(const struct vms *vms, const struct vm_filter *filter);
void vms_free(struct vms *vms);

/* The VM of an earlier or later sample that @vm is, and not only by its id. */
bool vm_same(const struct vm *a, const struct vm *b);
const struct vm *vms_find_same(const struct vms *vms, const struct vm *vm);
bool vms_left_out(const struct vms *vms, const struct vm *vm);

/*
 * Reads what debugfs says. What is wrong with it is told and left out. False:
 * the VM is gone, which is nobody's fault.
 */
bool vm_load(struct vm *vm, const struct vms *vms);

void vm_unload(struct vm *vm);

/* The name that QEMU was given in its arguments, separated by NULs; or NULL. */
char *vm_name(const char *args, size_t len);

#endif
