// SPDX-License-Identifier: GPL-2.0
/*
 * A file that rows are appended to, and that may be rotated meanwhile: moved
 * away, removed, or copied and truncated. Nobody has to tell. A file begins with
 * the heading; one that has something in it already goes on without.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logfile.h"
#include "msg.h"
#include "out.h"

static int tell(const struct logfile *l)
{
	msg_error(EXIT_ERROR, "write", NULL, "%s: %s", l->path, strerror(errno));
	return -1;
}

static bool is_empty(int fd)
{
	struct stat st;

	return fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size;
}

/* A full disk, or a crash, may have cut the last line. */
static bool is_cut(int fd)
{
	struct stat st;
	char last;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size &&
	       pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

/* To look at the last line, it has to be readable; that need not be allowed. */
static int open_file(const char *path)
{
	const int flags = O_CREAT | O_APPEND | O_CLOEXEC;
	int fd = open(path, O_RDWR | flags, 0644);

	return fd < 0 && errno == EACCES ? open(path, O_WRONLY | flags, 0644) : fd;
}

int logfile_open(struct logfile *l, const char *path)
{
	l->path = path;
	l->fd = open_file(path);
	if (l->fd < 0 || (is_cut(l->fd) && write(l->fd, "\n", 1) != 1))
		return tell(l);
	out_redirect(l->fd, is_empty(l->fd));
	return 0;
}

int logfile_follow(struct logfile *l)
{
	struct stat open_one, named;

	if (fstat(l->fd, &open_one))
		return tell(l);
	if (!S_ISREG(open_one.st_mode))
		return 0;
	if (stat(l->path, &named) || named.st_ino != open_one.st_ino ||
	    named.st_dev != open_one.st_dev) {
		logfile_close(l);
		return logfile_open(l, l->path);
	}
	if (!open_one.st_size)
		out_redirect(l->fd, true);
	return 0;
}

void logfile_close(struct logfile *l)
{
	out_flush();
	close(l->fd);
	l->fd = -1;
}
