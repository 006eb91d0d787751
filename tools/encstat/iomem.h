/* SPDX-License-Identifier: GPL-2.0 */
/* What a kernel says its physical memory is: /proc/iomem, or a copy of it. */
#ifndef ENCSTAT_IOMEM_H
#define ENCSTAT_IOMEM_H

#include "map.h"
#include "msg.h"

#define IOMEM_DEPTH	6	/* deeper ones are left out */

struct iomem_entry {
	uint64_t start;
	uint64_t end;		/* behind it */
	unsigned int depth;
	char name[48];
};

struct iomem {
	struct iomem_entry *v;
	size_t nr;
};

/* -1 and the reason in @fault. Only root is told addresses; others get an error. */
int iomem_read(struct iomem *m, const char *path, struct fault *fault);
void iomem_free(struct iomem *m);

/* The whole pages of "System RAM". */
int iomem_ram(const struct iomem *m, struct ranges *ram);

/*
 * What is at @addr, the outermost first, separated by "/" (at most @size bytes
 * of it); and up to where that is so. An empty string: nothing.
 */
void iomem_where(const struct iomem *m, uint64_t addr, char *buf, size_t size,
		 uint64_t *until);

#endif
