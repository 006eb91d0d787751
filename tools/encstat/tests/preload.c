// SPDX-License-Identifier: GPL-2.0
/*
 * For LD_PRELOAD: what a kernel in lockdown refuses, a word for each nap, and clocks.
 * LOCKED has the names of files that cannot be opened, with a colon on both sides.
 * NOW is the time of the day. With LATE, the other clock only goes on when somebody
 * sleeps, and by five seconds when it is read for the LATE-th time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static struct timespec running = { .tv_sec = 1000 };

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	const char *now = getenv("NOW"), *late = getenv("LATE");
	static int nr;

	if (clock == CLOCK_REALTIME && now) {
		*ts = (struct timespec){ .tv_sec = atol(now) };
	} else if (clock == CLOCK_MONOTONIC && late) {
		if (++nr == atoi(late))
			running.tv_sec += 5;
		*ts = running;
	} else {
		return next(clock, ts);
	}
	return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
		    struct timespec *left)
{
	int (*next)(clockid_t, int, const struct timespec *, struct timespec *) =
		dlsym(RTLD_NEXT, "clock_nanosleep");

	if (!getenv("LATE"))
		return next(clock, flags, until, left);
	if (until->tv_sec > running.tv_sec ||
	    (until->tv_sec == running.tv_sec && until->tv_nsec > running.tv_nsec))
		running = *until;
	return 0;
}
