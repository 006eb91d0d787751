// SPDX-License-Identifier: GPL-2.0
/* The name of a VM, as its VMM was told on the command line. */
#include <stdlib.h>
#include <string.h>

#include "vm.h"

/* A value up to a single comma; two stand for one. Moves *@s behind it. */
static char *option_value(const char **s)
{
	char *value = malloc(strlen(*s) + 1), *d = value;
	const char *p = *s;

	for (; *p; p++) {
		if (*p == ',' && *++p != ',')
			break;
		if (d)
			*d++ = *p;
	}
	if (d)
		*d = '\0';
	*s = p;
	return value;
}

static bool is_key(const char *s, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(s, key, len) && s[len] == '=';
}

/* "foo", "guest=foo,debug-threads=on", "foo,process=bar" */
static char *name_option(const char *arg)
{
	char *name = NULL, *value;
	const char *p = arg;
	bool key, guest;

	while (*p) {
		guest = is_key(p, "guest");
		key = p[strcspn(p, "=,")] == '=';
		if (guest)
			p += strlen("guest=");
		guest |= !key && p == arg;
		value = option_value(&p);
		if (guest) {
			free(name);
			name = value;
		} else {
			free(value);
		}
	}
	return name;
}

char *vm_name(const char *args, size_t len)
{
	const char *arg = args, *end = args + len;
	char *name = NULL, *found;
	bool takes = false;

	for (; arg < end; arg += strlen(arg) + 1) {
		found = takes ? name_option(arg) : NULL;
		if (found) {
			free(name);
			name = found;
		}
		takes = !takes && (!strcmp(arg, "-name") || !strcmp(arg, "--name"));
	}
	if (name && !*name) {
		free(name);
		name = NULL;
	}
	return name;
}
