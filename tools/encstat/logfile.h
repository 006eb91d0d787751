/* SPDX-License-Identifier: GPL-2.0 */
/* A file that rows are appended to, and that may be rotated meanwhile. */
#ifndef ENCSTAT_LOGFILE_H
#define ENCSTAT_LOGFILE_H

struct logfile {
	const char *path;
	int fd;
};

/* From now on what is written goes there. -1: it has been told why. */
int logfile_open(struct logfile *l, const char *path);

/* Before rows are written: is it still the file of that name? */
int logfile_follow(struct logfile *l);

void logfile_close(struct logfile *l);

#endif
