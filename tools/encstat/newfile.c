// SPDX-License-Identifier: GPL-2.0
/* A file that is written anew. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "newfile.h"

bool newfile_is(const char *path, const char *other)
{
	struct stat a, b;

	return !stat(path, &a) && !stat(other, &b) && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A pipe, a device, or a place where no file can stand beside it. */
static int open_in_place(struct newfile *f, const char *path, mode_t mode)
{
	f->temp[0] = '\0';
	f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	return f->fd < 0 ? -1 : 0;
}

/* Who may read the old one may read the new one, and nobody else. */
static int take_rights(int fd, const struct stat *old)
{
	int ret = fchown(fd, old->st_uid, old->st_gid);

	/* only root gives files away */
	return fchmod(fd, old->st_mode & (ret ? 0700 : 0777));
}

static int open_beside(struct newfile *f, const struct stat *old, mode_t mode)
{
	int err;

	snprintf(f->temp, sizeof(f->temp), "%s.new-XXXXXX", f->path);
	f->fd = mkostemp(f->temp, O_CLOEXEC);
	if (f->fd < 0)
		return -1;
	if (old ? !take_rights(f->fd, old) : !fchmod(f->fd, mode))
		return 0;
	err = errno;
	newfile_close(f);
	errno = err;
	return -1;
}

int newfile_open(struct newfile *f, const char *path, mode_t mode)
{
	mode_t mask = umask(0);
	struct stat st;

	umask(mask);
	*f = (struct newfile){ .fd = -1 };
	if (!strcmp(path, STDOUT_NAME)) {
		f->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
		return f->fd < 0 ? -1 : 0;
	}
	if (stat(path, &st)) {
		/* a link to nowhere makes a file there */
		if (errno != ENOENT || !lstat(path, &st))
			return open_in_place(f, path, mode);
		snprintf(f->path, sizeof(f->path), "%s", path);
		return open_beside(f, NULL, mode & ~mask);
	}
	if (!S_ISREG(st.st_mode) || !realpath(path, f->path))
		return open_in_place(f, path, mode);
	if (access(path, W_OK))
		return -1;
	if (!open_beside(f, &st, mode))
		return 0;
	return errno == EACCES || errno == EROFS ? open_in_place(f, path, mode) : -1;
}

int newfile_keep(struct newfile *f)
{
	if (*f->temp && rename(f->temp, f->path))
		return -1;
	f->temp[0] = '\0';
	return 0;
}

int newfile_close(struct newfile *f)
{
	int ret = close(f->fd), err = errno;

	if (*f->temp)
		unlink(f->temp);
	errno = err;
	return ret;
}
