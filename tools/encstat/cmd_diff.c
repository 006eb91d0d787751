// SPDX-License-Identifier: GPL-2.0
/* encstat diff: where two maps of one memory say different things. */
#include <stdio.h>

#include "encstat.h"
#include "iomem.h"
#include "msg.h"
#include "out.h"
#include "text.h"
#include "view.h"

enum { MAP_WHICH, MAP_KIND, MAP_FROM, MAP_VM, MAP_NAME, MAP_TIME, MAP_SHARED, MAP_MIXED };

static const struct out_col map_cols[] = {
	[MAP_WHICH]	= { "map",		"MAP" },
	[MAP_KIND]	= { "kind",		"KIND" },
	[MAP_FROM]	= { "from",		"FROM" },
	[MAP_VM]	= { "vm",		"VM" },
	[MAP_NAME]	= { "name",		"NAME" },
	[MAP_TIME]	= { "time_ms",		"TIME" },
	[MAP_SHARED]	= { "shared_bytes",	"SHARED",	OUT_RIGHT },
	[MAP_MIXED]	= { "mixed_bytes",	"MIXED",	OUT_RIGHT },
};

enum { COL_START, COL_END, COL_SIZE, COL_A, COL_B };

static const struct out_col cols[] = {
	[COL_START]	= { "start_gpa",	"START",	OUT_LEFT,	18 },
	[COL_END]	= { "end_gpa",		"END",		OUT_LEFT,	18 },
	[COL_SIZE]	= { "size_bytes",	"SIZE",		OUT_RIGHT,	12 },
	[COL_A]		= { "a",		"A",		OUT_LEFT,	7 },
	[COL_B]		= { "b",		"B",		OUT_LEFT,	7 },
};

enum status { PRIVATE, SHARED, MIXED };

/* A place in a list, which only goes up. */
struct place {
	const struct ranges *ranges;
	size_t i;
};

/* Is @pos in the list? Lowers *until to where the answer changes. */
static bool is_in(struct place *p, uint64_t pos, uint64_t *until)
{
	const struct range *r;
	uint64_t change;

	while (p->i < p->ranges->nr && p->ranges->v[p->i].end <= pos)
		p->i++;
	if (p->i == p->ranges->nr)
		return false;
	r = &p->ranges->v[p->i];
	change = r->start <= pos ? r->end : r->start;
	if (change < *until)
		*until = change;
	return r->start <= pos;
}

struct side {
	struct place shared;
	struct place mixed;
};

static enum status status_at(struct side *s, uint64_t pos, uint64_t *until)
{
	bool shared = is_in(&s->shared, pos, until);

	return is_in(&s->mixed, pos, until) ? MIXED : shared ? SHARED : PRIVATE;
}

struct diff {
	const struct settings *s;
	struct side side[2];
	struct ranges ram;	/* empty: all is compared */
	uint64_t ranges;
	uint64_t bytes;
};

static void show_status(unsigned int col, enum status status)
{
	static const char *const word[] = { "private", "shared", "mixed" };

	out_str(col, word[status]);
}

static void show_part(struct diff *d, const struct range *r, enum status a, enum status b)
{
	d->ranges++;
	d->bytes += r->end - r->start;
	out_row();
	out_addr(COL_START, r->start);
	out_addr(COL_END, r->end);
	out_size(COL_SIZE, r->end - r->start);
	show_status(COL_A, a);
	show_status(COL_B, b);
	out_row_end();
}

/* What of it is to be compared. */
static void show_range(struct diff *d, struct range r, enum status a, enum status b)
{
	struct range in_ram, part;

	for (; filter_part(&d->ram, &r, &in_ram); r.start = in_ram.end) {
		struct range left = in_ram;

		for (; filter_part(&d->s->addr, &left, &part); left.start = part.end)
			show_part(d, &part, a, b);
	}
}

static void show_differences(struct diff *d)
{
	uint64_t pos, until;

	for (pos = 0; pos < UINT64_MAX; pos = until) {
		enum status a, b;

		until = UINT64_MAX;
		a = status_at(&d->side[0], pos, &until);
		b = status_at(&d->side[1], pos, &until);
		if (a != b)
			show_range(d, (struct range){ pos, until }, a, b);
	}
}

static void show_text(unsigned int col, const char *s)
{
	if (s && *s)
		out_str(col, s);
	else
		out_none(col, "-");
}

static void show_map(const char *which, const struct view *v)
{
	out_row();
	out_str(MAP_WHICH, which);
	out_str(MAP_KIND, v->kind);
	out_str(MAP_FROM, v->from);
	show_text(MAP_VM, v->id);
	show_text(MAP_NAME, v->name);
	if (v->has_time)
		out_time(MAP_TIME, v->time_ms);
	else
		out_none(MAP_TIME, "-");
	out_size(MAP_SHARED, ranges_bytes(&v->shared));
	out_size(MAP_MIXED, ranges_bytes(&v->mixed));
	out_row_end();
}

static void tell_result(const struct diff *d)
{
	char size[TEXT_NUM];

	if (!d->ranges)
		return;
	text_size(size, d->bytes);
	msg_note("differ", NULL, "the maps differ in %llu range%s, %s",
		 (unsigned long long)d->ranges, d->ranges == 1 ? "" : "s", size);
	msg_finding();
}

static void compare(struct diff *d, const struct view v[2])
{
	int i;

	for (i = 0; i < 2; i++)
		d->side[i] = (struct side){ { &v[i].shared }, { &v[i].mixed } };

	out_table("maps", map_cols, sizeof(map_cols) / sizeof(*map_cols), OUT_TABLE);
	show_map("a", &v[0]);
	show_map("b", &v[1]);
	out_table_end();
	if (!out_is_json())
		out_raw("\n", 1);
	out_table("differences", cols, sizeof(cols) / sizeof(*cols), OUT_STREAM);
	show_differences(d);
	out_table_end();
	tell_result(d);
}

/* -1: it has been told why. */
static int read_ram(const char *path, struct ranges *ram)
{
	struct fault fault = { 0 };
	struct iomem m;

	if (!iomem_read(&m, path, &fault)) {
		if (iomem_ram(&m, ram))
			fault_errno(&fault, path);
		else if (!ram->nr)
			fault_set(&fault, "malformed", "%s: no System RAM", path);
		iomem_free(&m);
	}
	msg_fault(&fault);
	return fault.code ? -1 : 0;
}

void cmd_diff(const struct settings *s)
{
	struct diff d = { .s = s };
	struct view v[2] = { 0 };

	if (!view_open(&v[0], s->args[0], &s->filter) &&
	    !view_open(&v[1], s->args[1], &s->filter) &&
	    (!s->ram || !read_ram(s->ram, &d.ram)))
		compare(&d, v);
	view_close(&v[0]);
	view_close(&v[1]);
	ranges_free(&d.ram);
}
