/* SPDX-License-Identifier: GPL-2.0 */
/* Reading small text files, line by line and without copies. */
#ifndef ENCSTAT_IO_H
#define ENCSTAT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const char *name;	/* the path, for messages */
	int fd;
	unsigned long line;	/* number of the line last returned */
	size_t pos, len;
	bool eof;
	char buf[1 << 16];
};

/* -1 with errno; @name must live as long as the reader. */
int reader_open(struct reader *r, int dir, const char *file, const char *name);
void reader_close(struct reader *r);

/*
 * 1 and a line without its newline; 0 at the end of the file; -1 with errno.
 * EBADMSG: the line is not ended by a newline, so the text was cut off.
 * EOVERFLOW: the line is longer than any line should be.
 */
int reader_line(struct reader *r, const char **line, const char **end);

/* What comes next, without taking it; fewer than 64 bytes only at the end. */
int reader_peek(struct reader *r, const char **text, size_t *len);

/* A whole file, at most @max bytes of it, terminated; NULL with errno. */
char *read_whole(int dir, const char *file, size_t max, size_t *len);

#endif
