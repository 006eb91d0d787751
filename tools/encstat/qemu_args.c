// SPDX-License-Identifier: GPL-2.0
/* What QEMU's arguments say about a guest's CPU. */
#include <stdio.h>
#include <string.h>

#include "qemu_args.h"

/* Is @word one of the parts of @list, which has commas in between? */
static bool has_part(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (; ; list += n + 1) {
		n = strcspn(list, ",");
		if (n == len && !memcmp(list, word, n))
			return true;
		if (!list[n])
			return false;
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * QEMU shows a guest the bits that it knows by name; with migratable=off, a
 * model that takes its bits from KVM gets all that KVM offers.
 */
static bool all_bits(const char *cpu)
{
	size_t model = strcspn(cpu, ",");

	if (!(model == 4 && !memcmp(cpu, "host", 4)) && !(model == 3 && !memcmp(cpu, "max", 3)))
		return false;
	return has_part(cpu, "migratable=off") || has_part(cpu, "migratable=no") ||
	       has_part(cpu, "migratable=false") || has_part(cpu, "-migratable");
}

static bool is_option(const char *arg, const char *name)
{
	if (*arg++ != '-')
		return false;
	return !strcmp(arg + (*arg == '-'), name);
}

static void take_value(struct qemu_args *q, const char *option, const char *value)
{
	if (is_option(option, "cpu")) {
		snprintf(q->cpu, sizeof(q->cpu), "%s", value);
		q->shows_all_bits = all_bits(value);
	} else if (is_option(option, "accel")) {
		q->kvm |= has_part(value, "kvm") || has_part(value, "accel=kvm");
	} else if (is_option(option, "machine") || is_option(option, "M")) {
		q->kvm |= has_part(value, "accel=kvm") || strstr(value, "accel=kvm:");
	}
}

void qemu_args_parse(struct qemu_args *q, const char *args, size_t len)
{
	const char *arg = args, *end = args + len, *last = "";

	*q = (struct qemu_args){ 0 };
	if (!len)
		return;
	q->is_qemu = !strncmp(base_name(args), "qemu-system-", 12) ||
		     !strcmp(base_name(args), "kvm") || !strcmp(base_name(args), "qemu-kvm");
	q->kvm = q->is_qemu && strstr(base_name(args), "kvm");
	for (; arg < end; last = arg, arg += strlen(arg) + 1) {
		take_value(q, last, arg);
		q->kvm |= is_option(arg, "enable-kvm");
	}
}
