// SPDX-License-Identifier: GPL-2.0
/* Files below the root that --root gives, or "" for this machine. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "root.h"
#include "text.h"

bool root_exists(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return !access(full, F_OK);
}

char *root_read(const char *root, const char *path, size_t max)
{
	char full[PATH_MAX], *text;
	size_t len;

	snprintf(full, sizeof(full), "%s%s", root, path);
	text = read_whole(AT_FDCWD, full, max, &len);
	if (text && len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return text;
}

bool root_read_uint(const char *root, const char *path, uint64_t *v)
{
	char *text = root_read(root, path, 64);
	const char *p = text, *end = text ? text + strlen(text) : NULL;
	bool ok = text && text_parse_uint(&p, end, v) && p == end;

	free(text);
	return ok;
}

char *root_lockdown(const char *root)
{
	char *text = root_read(root, "/sys/kernel/security/lockdown", 256);
	char *name = text ? strchr(text, '[') : NULL;

	name = name ? strndup(name + 1, strcspn(name + 1, "]")) : NULL;
	free(text);
	if (name && strcmp(name, "none"))
		return name;
	free(name);
	return NULL;
}

bool root_is_copy(const char *root)
{
	return *root;
}
