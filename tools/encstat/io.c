// SPDX-License-Identifier: GPL-2.0
/* Reading small text files, line by line and without copies. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

int reader_open(struct reader *r, int dir, const char *file, const char *name)
{
	r->name = name;
	r->line = 0;
	r->pos = 0;
	r->len = 0;
	r->eof = false;
	r->fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	return r->fd < 0 ? -1 : 0;
}

void reader_close(struct reader *r)
{
	close(r->fd);
}

static ssize_t read_some(int fd, char *buf, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, buf, len);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Moves what is left to the front of the buffer and reads behind it. */
static int reader_fill(struct reader *r)
{
	ssize_t n;

	r->len -= r->pos;
	memmove(r->buf, r->buf + r->pos, r->len);
	r->pos = 0;
	if (r->len == sizeof(r->buf)) {
		r->line++;
		errno = EOVERFLOW;
		return -1;
	}
	n = read_some(r->fd, r->buf + r->len, sizeof(r->buf) - r->len);
	if (n < 0)
		return -1;
	r->len += n;
	r->eof = !n;
	return 0;
}

int reader_peek(struct reader *r, const char **text, size_t *len)
{
	while (!r->eof && r->len - r->pos < 64)
		if (reader_fill(r))
			return -1;
	*text = r->buf + r->pos;
	*len = r->len - r->pos;
	return 0;
}

int reader_line(struct reader *r, const char **line, const char **end)
{
	const char *start, *newline;

	for (;;) {
		start = r->buf + r->pos;
		newline = memchr(start, '\n', r->len - r->pos);
		if (newline)
			break;
		if (r->eof && r->pos == r->len)
			return 0;
		if (r->eof) {
			r->line++;
			errno = EBADMSG;
			return -1;
		}
		if (reader_fill(r))
			return -1;
	}
	r->line++;
	r->pos = newline + 1 - r->buf;
	*line = start;
	*end = newline;
	return 1;
}

char *read_whole(int dir, const char *file, size_t max, size_t *len)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	char *buf;
	ssize_t n = 0;

	if (fd < 0)
		return NULL;
	buf = malloc(max + 1);
	*len = 0;
	while (buf && *len < max) {
		n = read_some(fd, buf + *len, max - *len);
		if (n <= 0)
			break;
		*len += n;
	}
	close(fd);
	if (buf && n < 0) {
		free(buf);
		return NULL;
	}
	if (buf)
		buf[*len] = '\0';
	return buf;
}
