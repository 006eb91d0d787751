/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the libraries have in common that are preloaded into QEMU in order to change
 * its ioctls.  PRELOAD_NAME, which goes before their errors, is defined before.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm.h>

/* Without QEMU's handlers of exit(), which expect a machine. */
static inline void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs(PRELOAD_NAME ": ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(2);
}

/* What the library makes of an ioctl of QEMU's; most of them it passes to do_ioctl() */
int change_ioctl(int fd, unsigned long request, void *arg);

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return change_ioctl(fd, request, arg);
}

/* The ioctl itself, as the library has the function of that name. */
static inline int do_ioctl(int fd, unsigned long request, void *arg)
{
	return syscall(SYS_ioctl, fd, request, arg);
}

static inline void must_ioctl(int fd, unsigned long request, void *arg, const char *what)
{
	if (do_ioctl(fd, request, arg) < 0)
		die("%s: %s", what, strerror(errno));
}

/* An ioctl that makes a file descriptor, for which @set_up is called */
static inline int create(int fd, unsigned long request, void *arg, void (*set_up)(int))
{
	int new = do_ioctl(fd, request, arg);

	if (new >= 0)
		set_up(new);
	return new;
}

#define MAX_FDS	1024

/* Only the thread of a vCPU uses its entry, after the one that made it. */
static struct kvm_run *runs[MAX_FDS];

/* Of a new vCPU, the beginning of what QEMU maps as well */
static inline void map_run(int fd)
{
	void *run;

	if (fd >= MAX_FDS)
		die("file descriptor %d", fd);
	run = mmap(NULL, sizeof(struct kvm_run), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED)
		die("mmap of a vCPU: %s", strerror(errno));
	runs[fd] = run;
}

/*
 * KVM_RUN until an exit is QEMU's, for which @handle_exit returns false.  A signal that
 * comes while an exit is handled makes the next KVM_RUN finish that exit and return
 * -EINTR, as QEMU's handler has set immediate_exit.
 */
static inline int run_vcpu(int fd, bool (*handle_exit)(struct kvm_run *run))
{
	int r;

	do {
		r = do_ioctl(fd, KVM_RUN, NULL);
	} while (!r && runs[fd] && handle_exit(runs[fd]));

	return r;
}

static inline int open_file(const char *dir, const char *name, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

/*
 * Obey each line of a file from *@at on.  The file only grows, and what does not end
 * with a newline is still being written.
 */
static inline void read_orders(int fd, off_t *at, void (*obey)(const char *line))
{
	char text[1024], *line = text, *end;
	ssize_t n;

	n = pread(fd, text, sizeof(text) - 1, *at);
	if (n <= 0)
		return;

	text[n] = 0;
	while ((end = strchr(line, '\n'))) {
		*end = 0;
		obey(line);
		line = end + 1;
	}
	*at += line - text;
}

#endif /* PRELOAD_H */
