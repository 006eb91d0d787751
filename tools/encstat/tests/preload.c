// SPDX-License-Identifier: GPL-2.0
/*
 * For LD_PRELOAD: what a kernel in lockdown refuses, and a word for each nap.
 * LOCKED has the names of files that cannot be opened, with a colon on both sides.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_locked(const char *path)
{
	const char *locked = getenv("LOCKED"), *name = strrchr(path, '/');
	char word[256];

	snprintf(word, sizeof(word), ":%s:", name ? name + 1 : path);
	return locked && strstr(locked, word);
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...) = dlsym(RTLD_NEXT, "openat");
	unsigned int mode = 0;
	va_list ap;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, unsigned int);
		va_end(ap);
	}
	if (!is_locked(path))
		return next(dir, path, flags, mode);
	errno = EPERM;
	return -1;
}

int usleep(useconds_t us)
{
	fputs("a nap\n", stderr);
	return 0;
}
