/* SPDX-License-Identifier: GPL-2.0 */
/* What one source says about the memory of one VM. */
#ifndef ENCSTAT_VIEW_H
#define ENCSTAT_VIEW_H

#include "vm.h"

struct view {
	const char *kind;	/* live, recording, map or guest */
	const char *from;	/* what the user called it */
	char id[32];		/* of the VM, "" if it is not known */
	char *name;		/* or NULL */
	bool has_time;
	uint64_t time_ms;	/* of a recording */
	struct ranges shared;
	struct ranges mixed;	/* of a guest's list: mapped both ways */
};

/*
 * @spec is PID, PID-FD, "live" (the VM that @filter lets through), or a file:
 * a recording, of which ":PID" or ":PID-FD" behind it or @filter chooses the
 * VM; a copy of page_enc_map; a guest's list of what it has decrypted.
 * -1: it has been told why.
 */
int view_open(struct view *v, const char *spec, const struct vm_filter *filter);
void view_close(struct view *v);

#endif
