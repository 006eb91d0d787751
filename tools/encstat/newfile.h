/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that is written anew. What had its name before stays until all of the
 * new one is there, and for good if that fails.
 */
#ifndef ENCSTAT_NEWFILE_H
#define ENCSTAT_NEWFILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define STDOUT_NAME	"-"

struct newfile {
	int fd;
	char path[PATH_MAX];	/* without symbolic links */
	char temp[PATH_MAX + 16];	/* its name until it is kept; "": it has no other */
};

/* @path may be "-": stdout. A file that is new gets @mode. -1 with errno. */
int newfile_open(struct newfile *f, const char *path, mode_t mode);

/* It is good enough for the name, and may become longer yet. -1 with errno. */
int newfile_keep(struct newfile *f);

/* Closes it, and removes it if it was not kept. -1 with errno. */
int newfile_close(struct newfile *f);

/* Both names are of one file, which would be read and written at once. */
bool newfile_is(const char *path, const char *other);

#endif
