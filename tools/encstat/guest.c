// SPDX-License-Identifier: GPL-2.0
/* A guest's own view of its memory: list and map where no VM runs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "iomem.h"
#include "msg.h"
#include "root.h"

#define DECRYPTED	"/sys/kernel/debug/x86/mem_encrypt/decrypted"
#define STATE_READY	4
#define WHERE_MAX	200

enum {
	GUEST_MEMORY, GUEST_PRIVATE, GUEST_SHARED, GUEST_MIXED, GUEST_RANGES, GUEST_READY,
	GUEST_CALLS, GUEST_REFUSED, GUEST_TO_SHARED, GUEST_TO_PRIVATE, GUEST_STATE,
};

static const struct out_col guest_cols[] = {
	[GUEST_MEMORY]		= { "memory_bytes",	"MEMORY",	OUT_RIGHT },
	[GUEST_PRIVATE]		= { "private_bytes",	"PRIVATE",	OUT_RIGHT },
	[GUEST_SHARED]		= { "shared_bytes",	"SHARED",	OUT_RIGHT },
	[GUEST_MIXED]		= { "mixed_bytes",	"MIXED",	OUT_RIGHT },
	[GUEST_RANGES]		= { "shared_ranges",	"RANGES",	OUT_RIGHT },
	[GUEST_READY]		= { "ready",		"READY" },
	[GUEST_CALLS]		= { "calls",		"CALLS",	OUT_RIGHT },
	[GUEST_REFUSED]		= { "refused",		"REFUSED",	OUT_RIGHT },
	[GUEST_TO_SHARED]	= { "pages_to_shared" },
	[GUEST_TO_PRIVATE]	= { "pages_to_private" },
	[GUEST_STATE]		= { "state" },
};

#define GUEST_COLS	(sizeof(guest_cols) / sizeof(*guest_cols))

enum { RANGE_START, RANGE_END, RANGE_SIZE, RANGE_STATUS, RANGE_WHERE };

static const struct out_col range_cols[] = {
	[RANGE_START]	= { "start_gpa",	"START",	OUT_LEFT,	18 },
	[RANGE_END]	= { "end_gpa",		"END",		OUT_LEFT,	18 },
	[RANGE_SIZE]	= { "size_bytes",	"SIZE",		OUT_RIGHT,	12 },
	[RANGE_STATUS]	= { "status",		"STATUS",	OUT_LEFT,	7 },
	[RANGE_WHERE]	= { "where",		"WHERE" },
};

struct guest {
	struct iomem iomem;
	bool has_ram;
	struct ranges ram;
	bool has_list;
	struct ranges shared;	/* decrypted or mixed */
	struct ranges mixed;
};

bool guest_is_here(const char *root)
{
	char path[PATH_MAX];
	bool vms = false;
	struct dirent *e;
	struct vm vm;
	DIR *dir;

	if (!root_exists(root, GUEST_DEBUGFS))
		return false;
	snprintf(path, sizeof(path), "%s/sys/kernel/debug/kvm", root);
	dir = opendir(path);
	if (!dir)
		return true;
	while (!vms && (e = readdir(dir)))
		vms = vm_parse_id(e->d_name, &vm);
	closedir(dir);
	return !vms;
}

/* Both are ascending and have nothing in common. */
static bool merge(struct ranges *to, const struct ranges *a, const struct ranges *b)
{
	size_t i = 0, j = 0;

	while (i < a->nr || j < b->nr) {
		bool first = j == b->nr || (i < a->nr && a->v[i].start < b->v[j].start);
		const struct range *r = first ? &a->v[i++] : &b->v[j++];

		if (ranges_add(to, r->start, r->end))
			return false;
	}
	return true;
}

static void read_list(struct guest *g, const char *root)
{
	struct ranges decrypted = { 0 };
	struct fault fault = { 0 };
	char path[PATH_MAX];
	struct reader r;

	snprintf(path, sizeof(path), "%s" DECRYPTED, root);
	if (reader_open(&r, AT_FDCWD, path, path)) {
		fault_errno(&fault, path);
		if (fault.missing)
			fault.hint = "the guest kernel needs CONFIG_X86_MEM_ENCRYPT_DEBUGFS=y";
	} else {
		g->has_list = !decrypted_read(&r, &decrypted, &g->mixed, &fault) &&
			      merge(&g->shared, &decrypted, &g->mixed);
		reader_close(&r);
	}
	msg_fault(&fault);
	ranges_free(&decrypted);
}

/* Without it nothing is called private, but the rest can be shown. */
static void read_ram(struct guest *g, const char *root)
{
	struct fault fault = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/proc/iomem", root);
	if (!iomem_read(&g->iomem, path, &fault))
		g->has_ram = !iomem_ram(&g->iomem, &g->ram);
	if (fault.code)
		msg_note(fault.code, fault.hint, "%s", fault.text);
}

static void guest_free(struct guest *g)
{
	iomem_free(&g->iomem);
	ranges_free(&g->ram);
	ranges_free(&g->shared);
	ranges_free(&g->mixed);
}

static void show_size(unsigned int col, bool known, uint64_t bytes)
{
	if (known)
		out_size(col, bytes);
	else
		out_none(col, "-");
}

static void show_count(unsigned int col, const char *root, const char *file)
{
	char path[128];
	uint64_t v;

	snprintf(path, sizeof(path), GUEST_DEBUGFS "/%s", file);
	if (root_read_uint(root, path, &v))
		out_uint(col, v);
	else
		out_none(col, "-");
}

static void show_guest(const struct guest *g, const char *root)
{
	bool both = g->has_list && g->has_ram;
	uint64_t state;

	show_size(GUEST_MEMORY, g->has_ram, ranges_bytes(&g->ram));
	show_size(GUEST_PRIVATE, both, both ? private_bytes(&g->ram, &g->shared) : 0);
	show_size(GUEST_SHARED, g->has_list, ranges_bytes(&g->shared) - ranges_bytes(&g->mixed));
	show_size(GUEST_MIXED, g->has_list, ranges_bytes(&g->mixed));
	if (g->has_list)
		out_uint(GUEST_RANGES, g->shared.nr);
	else
		out_none(GUEST_RANGES, "-");
	if (root_read_uint(root, GUEST_DEBUGFS "/state", &state))
		out_bool(GUEST_READY, state & STATE_READY);
	else
		out_none(GUEST_READY, "-");
	show_count(GUEST_CALLS, root, "calls");
	show_count(GUEST_REFUSED, root, "refused");
	show_count(GUEST_TO_SHARED, root, "pages_shared");
	show_count(GUEST_TO_PRIVATE, root, "pages_private");
	show_count(GUEST_STATE, root, "state");
}

/* A guest is one line, and no VM of its own. */
static int check_choice(const struct settings *s)
{
	const struct vms none = { 0 };

	if (vms_check(&none, &s->filter))
		return -1;
	if (!s->columns.nr && !s->sort.on && !s->has_interval)
		return 0;
	msg_error(EXIT_USAGE, "usage", NULL,
		  "in a guest, list takes none of --columns, --sort and --interval");
	return -1;
}

void guest_list(const struct settings *s)
{
	struct guest g = { 0 };

	if (check_choice(s))
		return;
	read_list(&g, s->filter.root);
	read_ram(&g, s->filter.root);
	out_table("guest", guest_cols, GUEST_COLS, OUT_TABLE);
	out_row();
	show_guest(&g, s->filter.root);
	out_row_end();
	out_table_end();
	guest_free(&g);
}

static void show_range(const struct range *r, const char *status, const char *where)
{
	out_row();
	out_addr(RANGE_START, r->start);
	out_addr(RANGE_END, r->end);
	out_size(RANGE_SIZE, r->end - r->start);
	out_str(RANGE_STATUS, status);
	if (where && *where)
		out_long(RANGE_WHERE, where);
	else if (where)
		out_none(RANGE_WHERE, "-");
	out_row_end();
}

/* What the kernel itself calls it. Where that changes within a page, the page is one. */
static void show_where(const struct guest *g, struct range r, const char *status)
{
	char where[WHERE_MAX];
	uint64_t end = r.end, until;

	for (; r.start < end; r.start = r.end) {
		iomem_where(&g->iomem, r.start, where, sizeof(where), &until);
		until = (until + 4095) & ~4095ULL;
		r.end = until > r.start && until < end ? until : end;
		show_range(&r, status, where);
	}
}

static bool is_mixed(const struct guest *g, const struct range *r, struct range *part)
{
	size_t i;

	*part = *r;
	for (i = 0; i < g->mixed.nr; i++) {
		const struct range *m = &g->mixed.v[i];

		if (m->end <= r->start || m->start >= r->end)
			continue;
		if (m->start > r->start) {
			part->end = m->start;
			return false;
		}
		part->end = m->end < r->end ? m->end : r->end;
		return true;
	}
	return false;
}

static void show_filtered(const struct guest *g, const struct settings *s, struct range r,
			  unsigned int state)
{
	static const char *const names[] = {
		[STATE_PRIVATE] = "private", [STATE_SHARED] = "shared", [STATE_ALL] = "mixed",
	};
	const char *status = names[state];
	struct range part;

	if (!state_wanted(&s->state, state))
		return;
	for (; filter_part(&s->addr, &r, &part); r.start = part.end) {
		if (s->where)
			show_where(g, part, status);
		else
			show_range(&part, status, NULL);
	}
}

static void show_shared(const struct guest *g, const struct settings *s, struct range r)
{
	struct range part;
	bool mixed;

	for (; r.start < r.end; r.start = part.end) {
		mixed = is_mixed(g, &r, &part);
		show_filtered(g, s, part, mixed ? STATE_ALL : STATE_SHARED);
	}
}

static void show_ranges(const struct guest *g, const struct settings *s)
{
	static const struct ranges nothing;
	struct range range;
	bool is_shared;
	struct walk w;

	out_table("ranges", range_cols, s->where ? RANGE_WHERE + 1 : RANGE_WHERE, OUT_STREAM);
	walk_start(&w, g->has_list ? &g->ram : &nothing, &g->shared);
	while (walk_next(&w, &range, &is_shared)) {
		if (is_shared)
			show_shared(g, s, range);
		else
			show_filtered(g, s, range, STATE_PRIVATE);
	}
	out_table_end();
}

void guest_map(const struct settings *s)
{
	struct guest g = { 0 };

	if (check_choice(s))
		return;
	read_list(&g, s->filter.root);
	read_ram(&g, s->filter.root);
	out_table("guest", guest_cols, GUEST_COLS, OUT_BLOCK);
	out_row();
	show_guest(&g, s->filter.root);
	show_ranges(&g, s);
	out_row_end();
	out_table_end();
	guest_free(&g);
}
