// SPDX-License-Identifier: GPL-2.0
/* What a kernel says its physical memory is: /proc/iomem, or a copy of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "iomem.h"

#define PAGE_MASK_4K	((1ULL << PAGE_SHIFT_4K) - 1)

/* "  1000-9ffff : System RAM", two blanks for each level; no 0x. */
static bool parse_line(const char *line, const char *end, struct iomem_entry *e)
{
	unsigned long long start, last;
	char text[128];
	int n = 0;

	if ((size_t)(end - line) >= sizeof(text))
		return false;
	memcpy(text, line, end - line);
	text[end - line] = '\0';
	e->depth = strspn(text, " ") / 2;
	if (sscanf(text, " %16llx-%16llx : %n", &start, &last, &n) != 2 || !n || last < start)
		return false;
	e->start = start;
	e->end = last + 1;
	snprintf(e->name, sizeof(e->name), "%s", text + n);
	return e->name[0] && e->end;
}

static int add_entry(struct iomem *m, const struct iomem_entry *e)
{
	struct iomem_entry *v = reallocarray(m->v, m->nr + 1, sizeof(*v));

	if (!v)
		return -1;
	m->v = v;
	m->v[m->nr++] = *e;
	return 0;
}

static int read_lines(struct iomem *m, struct reader *r, struct fault *fault)
{
	const char *line, *end;
	struct iomem_entry e;
	int ret;

	while ((ret = reader_line(r, &line, &end)) > 0) {
		if (!parse_line(line, end, &e))
			return fault_set(fault, "malformed", "%s:%lu: not a line of /proc/iomem",
					 r->name, r->line);
		if (add_entry(m, &e))
			return fault_errno(fault, r->name);
	}
	return ret ? fault_errno(fault, r->name) : 0;
}

/* For all but root, all addresses are 0. */
static bool is_censored(const struct iomem *m)
{
	return m->nr && m->v[m->nr - 1].end == 1;
}

int iomem_read(struct iomem *m, const char *path, struct fault *fault)
{
	struct reader r;
	int ret;

	*m = (struct iomem){ 0 };
	if (reader_open(&r, AT_FDCWD, path, path))
		return fault_errno(fault, path);
	ret = read_lines(m, &r, fault);
	reader_close(&r);
	if (!ret && is_censored(m)) {
		ret = fault_set(fault, "permission", "%s: no addresses for this user", path);
		fault->hint = "only root sees the addresses in /proc/iomem";
	}
	if (ret)
		iomem_free(m);
	return ret;
}

void iomem_free(struct iomem *m)
{
	free(m->v);
	*m = (struct iomem){ 0 };
}

int iomem_ram(const struct iomem *m, struct ranges *ram)
{
	uint64_t start, end, last = 0;
	size_t i;

	for (i = 0; i < m->nr; i++) {
		if (m->v[i].depth || strcmp(m->v[i].name, "System RAM"))
			continue;
		start = (m->v[i].start + PAGE_MASK_4K) & ~PAGE_MASK_4K;
		end = m->v[i].end & ~PAGE_MASK_4K;
		if (start < last || start >= end)
			continue;
		if (ranges_add(ram, start, end))
			return -1;
		last = end;
	}
	return 0;
}

/* A nested entry follows the one it is in, so the last at a depth is the one. */
void iomem_where(const struct iomem *m, uint64_t addr, char *buf, size_t size,
		 uint64_t *until)
{
	size_t i, used = 0;

	*until = UINT64_MAX;
	*buf = '\0';
	for (i = 0; i < m->nr; i++) {
		const struct iomem_entry *e = &m->v[i];

		if (e->start > addr && e->start < *until)
			*until = e->start;
		if (e->start > addr || e->end <= addr)
			continue;
		if (e->end < *until)
			*until = e->end;
		if (used < size)
			used += snprintf(buf + used, size - used, "%s%s", used ? "/" : "", e->name);
	}
}
