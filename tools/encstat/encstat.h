/* SPDX-License-Identifier: GPL-2.0 */
/* What commands are given. */
#ifndef ENCSTAT_H
#define ENCSTAT_H

#include <stdbool.h>

#include "filter.h"
#include "list_cols.h"
#include "out.h"
#include "state.h"
#include "vm.h"

#define ENCSTAT_VERSION	"0.1"

struct settings {
	struct vm_filter filter;
	struct ranges addr;	/* empty: all */
	const char *ram;	/* a copy of the guest's /proc/iomem, or NULL */
	struct state_filter state;
	bool shared_only;	/* --shared, --private were given */
	bool private_only;
	enum out_unit unit;
	struct list_choice columns;
	struct list_sort sort;
	bool help_columns;
	bool where;
	uint64_t min_pages;	/* 0: any size */
	uint64_t interval_ms;
	bool has_interval;	/* it was given */
	uint64_t count;		/* 0: until a signal comes */
	bool json;
	bool csv;
	const struct picture *picture;	/* that report draws, instead of a page; or NULL */
	const char *log;	/* a file that stat appends to, or NULL */
	bool pretty;
	bool help;
	bool version;
	char **args;		/* behind the command, terminated by NULL */
};

/*
 * Commands tell their errors by msg_error(), which also makes the exit code.
 * They run between out_begin() and out_end().
 */
void cmd_list(const struct settings *s);
void cmd_map(const struct settings *s);
void cmd_check(const struct settings *s);
void cmd_diff(const struct settings *s);
void cmd_trace(const struct settings *s);
void cmd_metrics(const struct settings *s);
void cmd_completion(const struct settings *s);
void cmd_stat(const struct settings *s);
void cmd_record(const struct settings *s);
void cmd_replay(const struct settings *s);
void cmd_report(const struct settings *s);
void cmd_top(const struct settings *s);

void show_list(struct vms *vms);

/* What there is to say about a VM, as a row; the columns are the same everywhere. */
extern const struct out_col vm_cols[];
extern const unsigned int vm_cols_nr;
void vm_show(const struct vm *vm);

#endif
