// SPDX-License-Identifier: GPL-2.0
/* encstat top: what is on the screen. */
#ifdef HAVE_NCURSES

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curses.h>

#include "text.h"
#include "top.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))
#define NAME_MIN	9
#define NAME_MAX_COLS	40
#define NAME_SIZE	((NAME_MAX_COLS + 1) * MB_LEN_MAX)
#define RANK_SPARE	5	/* columns from this rank on give way before names are cut */

enum column {
	COL_PID, COL_NAME, COL_MEMORY, COL_PRIVATE, COL_SHARED, COL_SHARE, COL_RANGES,
	COL_READY, COL_CALLS, COL_TO_SHARED, COL_TO_PRIVATE, COL_REFUSED, COL_TRACKER,
	COLUMNS,
};

static const struct {
	const char *head;
	unsigned int width;
	unsigned int rank;	/* those of a low one are there on narrow screens, too */
} columns[COLUMNS] = {
	[COL_PID]	 = { "PID",	  7, 0 },
	[COL_NAME]	 = { "NAME",	  NAME_MIN, 0 },
	[COL_MEMORY]	 = { "MEMORY",	  10, 1 },
	[COL_PRIVATE]	 = { "PRIVATE",	  10, 9 },
	[COL_SHARED]	 = { "SHARED",	  10, 2 },
	[COL_SHARE]	 = { "SHARE",	  6, 3 },
	[COL_RANGES]	 = { "RANGES",	  7, 8 },
	[COL_READY]	 = { "READY",	  5, 4 },
	[COL_CALLS]	 = { "CALLS/s",	  7, 5 },
	[COL_TO_SHARED]	 = { "SHARED/s",  8, 6 },
	[COL_TO_PRIVATE] = { "PRIVATE/s", 9, 7 },
	[COL_REFUSED]	 = { "REFUSED/s", 9, 10 },
	[COL_TRACKER]	 = { "TRACKER",	  10, 11 },
};

/* Where the columns are on a screen this wide. */
struct places {
	bool shown[COLUMNS];
	unsigned int x[COLUMNS], width[COLUMNS];
};

static const char *vm_label(const struct feed_vm *v)
{
	return v->vm.name && *v->vm.name ? v->vm.name : "-";
}

/* What the names of the VMs need. */
static unsigned int name_width = NAME_MIN;

static void measure_names(const struct top *t)
{
	size_t i, width;

	name_width = NAME_MIN;
	for (i = 0; i < t->feed.nr; i++) {
		width = text_width(vm_label(&t->feed.v[i]));
		if (width > name_width)
			name_width = width < NAME_MAX_COLS ? width : NAME_MAX_COLS;
	}
}

static void place_columns(struct places *p, unsigned int width)
{
	unsigned int i, rank, x = 1;	/* the mark of the selected row is in front */

	memset(p, 0, sizeof(*p));
	for (rank = 0; rank < COLUMNS; rank++) {
		for (i = 0; i < COLUMNS; i++) {
			if (columns[i].rank != rank)
				continue;
			if (rank == RANK_SPARE)
				x += name_width - NAME_MIN;
			if (x + columns[i].width > width)
				rank = COLUMNS;
			else
				p->shown[i] = true;
			x += columns[i].width + 1;
		}
	}
	for (x = 1, i = 0; i < COLUMNS; i++)
		if (p->shown[i])
			x += columns[i].width + 1;
	for (i = 0; i < COLUMNS; i++)
		p->width[i] = columns[i].width;
	if (x - 1 < width)	/* what is left is for names */
		p->width[COL_NAME] += width - (x - 1);
	if (p->width[COL_NAME] > NAME_MAX_COLS)
		p->width[COL_NAME] = NAME_MAX_COLS;
	for (x = 1, i = 0; i < COLUMNS; i++) {
		p->x[i] = x;
		if (p->shown[i])
			x += p->width[i] + 1;
	}
}

unsigned int top_columns(void)
{
	return COLUMNS;
}

bool top_column_shown(unsigned int col)
{
	struct places p;

	place_columns(&p, COLS);
	return p.shown[col];
}

int top_column_at(unsigned int x)
{
	struct places p;
	unsigned int i;

	place_columns(&p, COLS);
	for (i = 0; i < COLUMNS; i++)
		if (p.shown[i] && x >= p.x[i] && x < p.x[i] + p.width[i])
			return i;
	return -1;
}

/* As much of it as there are columns left; names and messages are made safe. */
static unsigned int put(int y, int x, const char *text)
{
	char buf[1024];
	size_t width;

	if (y < 0 || y >= LINES || x >= COLS)
		return 0;
	width = text_safe(buf, sizeof(buf), text, COLS - x);
	mvaddstr(y, x, buf);
	return width;
}

__attribute__((format(printf, 3, 4)))
static unsigned int putf(int y, int x, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put(y, x, text);
}

/* A whole line in one look. */
static void put_bar(int y, enum look look)
{
	term_look(look);
	mvhline(y, 0, ' ', COLS);
}

/* "0.5", "123", "12.3k": never more than six columns. */
static void rate_text(char *buf, uint64_t tenths)
{
	static const char units[] = "kMGT";
	double v = tenths / 10.0;
	int u = -1;

	while (v >= 99999.5 && u < 3) {
		v /= 1000;
		u++;
	}
	if (u < 0)
		snprintf(buf, TEXT_NUM, v < 999.95 ? "%.1f" : "%.0f", v);
	else
		snprintf(buf, TEXT_NUM, "%.0f%c", v, units[u]);
}

/* What a column says, as a number to sort by; a share is in millionths. */
static struct value cell_value(const struct feed_vm *v, enum column col)
{
	const struct vm_sums *sums = &v->sums;
	uint64_t shared;
	bool known;

	switch (col) {
	case COL_MEMORY:
		return sums->memory;
	case COL_PRIVATE:
		return sums->private;
	case COL_SHARED:
		return sums->shared;
	case COL_SHARE:
		known = vm_share(sums, &shared);
		return value(known, known ? shared * 1e6 / sums->memory.v : 0);
	case COL_RANGES:
		return sums->ranges;
	case COL_READY:
		return vm_ready(&v->vm);
	case COL_CALLS:
		return growth_rate(&v->growth, VM_CALLS);
	case COL_TO_SHARED:
		return growth_rate(&v->growth, VM_TO_SHARED);
	case COL_TO_PRIVATE:
		return growth_rate(&v->growth, VM_TO_PRIVATE);
	case COL_REFUSED:
		return growth_rate_of_two(&v->growth, VM_REFUSED_INVAL, VM_REFUSED_PERM);
	case COL_TRACKER:
		return vm_tracker_bytes(&v->vm);
	default:
		return value(true, v->vm.pid);
	}
}

static void cell_text(char *buf, const struct feed_vm *v, enum column col)
{
	struct value n = cell_value(v, col);

	if (!n.known) {
		strcpy(buf, col == COL_TRACKER && v->vm.has_map && !v->vm.map.tracked ? "off" : "-");
		return;
	}
	switch (col) {
	case COL_MEMORY: case COL_PRIVATE: case COL_SHARED: case COL_TRACKER:
		text_size(buf, n.v);
		break;
	case COL_SHARE:
		text_share(buf, v->sums.memory.v - v->sums.private.v, v->sums.memory.v);
		break;
	case COL_READY:
		strcpy(buf, n.v ? "yes" : "no");
		break;
	case COL_CALLS: case COL_TO_SHARED: case COL_TO_PRIVATE: case COL_REFUSED:
		rate_text(buf, n.v);
		break;
	default:
		text_uint(buf, n.v);
	}
}

/* What is not known comes last, whatever the order. */
static int compare_values(const struct feed_vm *x, const struct feed_vm *y, const struct top *t)
{
	struct value a = cell_value(x, t->sort), b = cell_value(y, t->sort);

	if (a.known != b.known)
		return a.known ? -1 : 1;
	return (a.v < b.v ? -1 : a.v > b.v) * (t->ascending ? 1 : -1);
}

static int compare_names(const struct feed_vm *x, const struct feed_vm *y, const struct top *t)
{
	if (!x->vm.name || !y->vm.name)
		return !x->vm.name - !y->vm.name;
	return strcmp(x->vm.name, y->vm.name) * (t->ascending ? 1 : -1);
}

static int sort_order(const void *a, const void *b, void *arg)
{
	const struct feed_vm *x = a, *y = b;
	const struct top *t = arg;
	int order = t->sort == COL_NAME ? compare_names(x, y, t) : compare_values(x, y, t);

	if (order)
		return order;
	return x->vm.pid != y->vm.pid ? x->vm.pid - y->vm.pid : x->vm.fd - y->vm.fd;
}

void top_sort(struct top *t)
{
	if (t->feed.nr)
		qsort_r(t->feed.v, t->feed.nr, sizeof(*t->feed.v), sort_order, t);
}

static void time_text(char *buf, size_t size, uint64_t ms, const char *format)
{
	time_t s = ms / 1000;
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(buf, size, format, &tm))
		strcpy(buf, "?");
}

static void draw_title(const struct top *t)
{
	const struct feed *f = &t->feed;
	char when[64], left[160], right[96], sort[32];
	size_t width;

	put_bar(0, LOOK_BAR);
	time_text(when, sizeof(when), f->when.time_ms, f->recorded ?
		  "%Y-%m-%d %H:%M:%S UTC" : "%H:%M:%S UTC");
	snprintf(left, sizeof(left), " encstat  %zu VM%s  %s", f->nr,
		 f->nr == 1 ? "" : "s", when);
	if (f->recorded)
		snprintf(right, sizeof(right), "sample %zu of %zu ", f->pos, f->nr_places);
	else
		snprintf(right, sizeof(right), "every %g s ", t->interval_ms / 1000.0);
	if (t->paused || t->ended)
		strcat(right, t->paused ? " PAUSED " : " END ");
	width = put(0, 0, left);
	snprintf(sort, sizeof(sort), " sort %s %s ", columns[t->sort].head,
		 t->ascending ? "up" : "down");
	if (width + strlen(right) + strlen(sort) < (size_t)COLS)
		strcat(right, sort);
	if (width + strlen(right) < (size_t)COLS)
		put(0, COLS - strlen(right), right);
}

static void put_cell(const struct places *p, int y, unsigned int col, const char *text,
		     bool right)
{
	char buf[NAME_SIZE];
	size_t width = text_safe_ends(buf, sizeof(buf), text, p->width[col]);
	unsigned int x = p->x[col];

	if (right && width < p->width[col])
		x += p->width[col] - width;
	mvaddstr(y, x, buf);
}

static void draw_row(const struct top *t, const struct places *p, int y,
		     const struct feed_vm *v, bool selected)
{
	char buf[TEXT_NUM + 8];
	unsigned int i;

	if (selected)
		put_bar(y, LOOK_SELECTED);
	else
		term_look(LOOK_NORMAL);
	if (selected)
		mvaddch(y, 0, t->focus == TOP_TABLE ? '>' : '-');
	for (i = 0; i < COLUMNS; i++) {
		if (!p->shown[i])
			continue;
		cell_text(buf, v, i);
		if (i == COL_NAME)
			put_cell(p, y, i, vm_label(v), false);
		else
			put_cell(p, y, i, buf, i != COL_READY);
	}
}

static void draw_head(const struct top *t, const struct places *p, int y)
{
	unsigned int i;

	put_bar(y, LOOK_HEAD);
	for (i = 0; i < COLUMNS; i++) {
		if (!p->shown[i])
			continue;
		term_look(i == t->sort ? LOOK_SORT : LOOK_HEAD);
		put_cell(p, y, i, columns[i].head, i != COL_NAME && i != COL_READY);
	}
}

/* From line @y on; how many lines it took. */
static unsigned int draw_table(struct top *t, unsigned int y, unsigned int rows)
{
	struct places p;
	size_t i, selected = 0;
	bool any = top_selected(t, &selected);

	measure_names(t);
	place_columns(&p, COLS);
	draw_head(t, &p, y);
	if (rows > t->feed.nr)
		rows = t->feed.nr;
	if (selected < t->first)
		t->first = selected;
	if (selected >= t->first + rows)
		t->first = selected + 1 - rows;
	if (t->first + rows > t->feed.nr)
		t->first = t->feed.nr - rows;
	t->table_y = y + 1;
	t->table_rows = rows;
	for (i = 0; i < rows; i++)
		draw_row(t, &p, y + 1 + i, &t->feed.v[t->first + i],
			 any && t->first + i == selected);
	return rows + 1;
}

/* Also without colours, each of them says what it is. */
static const char cell_chars[2][HEAT_KINDS + 1] = { " .#+?", "x:@%!" };

static void put_heat(int y, int x, enum heat_kind kind, bool changed)
{
	term_look((changed ? LOOK_CHANGED : LOOK_KINDS) + kind);
	mvaddch(y, x, cell_chars[changed][kind]);
}

static void fill_cells(struct top *t, const struct feed_vm *v)
{
	const struct view *w = &t->view;
	unsigned int r, i;

	if (t->cells_version == v->version && !strcmp(t->cells_id, v->vm.id) &&
	    !memcmp(&t->cells_view, w, sizeof(*w)))
		return;
	t->cells = reallocarray(t->cells, VIEW_ROWS_MAX * VIEW_COLS_MAX, sizeof(*t->cells));
	if (!t->cells)
		abort();
	for (r = 0; r < w->used; r++) {
		struct heat_cell *row = t->cells + r * w->cols;

		heat_fill(&v->vm, w->row[r], w->cell, row, w->cols);
		for (i = 0; i < FEED_HISTORY; i++)
			heat_mark(&v->changed[i], w->row[r], w->cell, row, w->cols);
	}
	t->cells_version = v->version;
	t->cells_view = *w;
	strcpy(t->cells_id, v->vm.id);
}

static void draw_cells(const struct top *t, const struct feed_vm *v, int y)
{
	const struct view *w = &t->view;
	unsigned int r, c;

	for (r = 0; r < w->used; r++) {
		const struct heat_cell *row = t->cells + r * w->cols;
		bool gap = r && w->row[r] != w->row[r - 1] + w->cell * w->cols;

		term_look(LOOK_NORMAL);
		/* a mark where rows were left out */
		putf(y + r, 0, "%12llx%c", (unsigned long long)w->row[r], gap ? '^' : ' ');
		for (c = 0; c < w->cols && VIEW_LABEL + (int)c < COLS; c++)
			put_heat(y + r, VIEW_LABEL + c, heat_kind(&v->vm, &row[c]),
				 row[c].changed);
	}
}

static const struct heat_cell *cursor_cell(const struct top *t, unsigned int *row,
					   unsigned int *col)
{
	const struct view *w = &t->view;
	uint64_t at = w->cursor - w->cursor % (w->cell * w->cols);

	for (*row = 0; *row < w->used; ++*row) {
		if (w->row[*row] != at)
			continue;
		*col = (w->cursor - at) / w->cell;
		return &t->cells[*row * w->cols + *col];
	}
	return NULL;
}

/* What the cell of the cursor is, in words. */
static void draw_detail(const struct top *t, const struct feed_vm *v, int y)
{
	static const char *const words[] = {
		[HEAT_HOLE] = "no memory", [HEAT_PRIVATE] = "private", [HEAT_SHARED] = "shared",
		[HEAT_MIXED] = "mixed", [HEAT_UNKNOWN] = "not known",
	};
	char size[TEXT_NUM], part[TEXT_NUM];
	const struct heat_cell *cell;
	enum heat_kind kind;
	unsigned int row, col, x;
	unsigned long long at = t->view.cursor - t->view.cursor % t->view.cell;

	cell = cursor_cell(t, &row, &col);
	if (!cell)
		return;
	kind = heat_kind(&v->vm, cell);
	text_size(size, t->view.cell);
	term_look(LOOK_NORMAL);
	x = putf(y, 0, " 0x%llx + %s: %s", at, size, words[kind]);
	if (kind == HEAT_MIXED) {
		text_size(part, cell->shared);
		x += putf(y, x, ", shared %s", part);
		text_size(part, cell->other);
		x += putf(y, x, ", private %s", part);
	}
	if (cell->changed)
		putf(y, x, ", changed in the last %d samples", FEED_HISTORY);
}

static void draw_legend(int y)
{
	static const struct {
		enum heat_kind kind;
		bool changed;
		const char *text;
	} legend[] = {
		{ HEAT_PRIVATE, false, "private" }, { HEAT_SHARED, false, "shared" },
		{ HEAT_MIXED, false, "mixed" }, { HEAT_UNKNOWN, false, "unknown" },
		{ HEAT_PRIVATE, true, NULL }, { HEAT_SHARED, true, NULL },
		{ HEAT_MIXED, true, "the same, changed lately" },
	};
	int x = 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(legend) && x < COLS; i++) {
		put_heat(y, x++, legend[i].kind, legend[i].changed);
		term_look(LOOK_NORMAL);
		if (legend[i].text)
			x += put(y, x + 1, legend[i].text) + 3;
	}
}

static void draw_map_title(const struct top *t, const struct feed_vm *v, int y)
{
	const struct view *w = &t->view;
	char name[NAME_SIZE], cell[TEXT_NUM], row[TEXT_NUM], shared[TEXT_NUM];
	int x = 1;

	put_bar(y, LOOK_HEAD);
	x += text_safe_ends(name, sizeof(name), vm_label(v), COLS / 3 < NAME_MAX_COLS ?
			    COLS / 3 : NAME_MAX_COLS);
	text_size(cell, w->cell);
	text_size(row, w->cell * w->cols);
	strcpy(shared, "-");
	if (v->sums.shared.known)
		text_size(shared, v->sums.shared.v);
	/* the name is safe by now, and must not be made so again */
	mvaddch(y, 0, t->focus == TOP_MAP ? '>' : ' ');
	mvaddstr(y, 1, name);
	if (!v->vm.has_map || v->vm.map.tracked)
		x += putf(y, x, " (%s)  cell %s, row %s, %s shared", v->vm.id, cell, row, shared);
	else
		x += putf(y, x, " (%s)  is not tracked", v->vm.id);
	if (!w->fit)
		x += putf(y, x, "  ZOOM");
	if (v->stale)
		putf(y, x, "  ...");
}

static void draw_map(struct top *t, struct feed_vm *v, int y, int height)
{
	unsigned int row, col;

	t->map_y = y + 1;
	/* the line about the cell and the legend are below */
	height -= 3;
	view_layout(&t->view, &v->vm, COLS, height > 0 ? height : 0);
	draw_map_title(t, v, y);
	if (height <= 0)
		return;
	fill_cells(t, v);
	draw_cells(t, v, y + 1);
	draw_detail(t, v, y + 1 + height);
	draw_legend(y + 2 + height);
	if (t->focus == TOP_MAP && cursor_cell(t, &row, &col)) {
		curs_set(1);
		move(y + 1 + row, VIEW_LABEL + col);
	}
}

static void draw_keys(const struct top *t)
{
	static const char *const live[][2] = {
		{ "F1", "Help" }, { "Tab", "Map" }, { "F5", "Whole" }, { "F6", "Sort" },
		{ "+-", "Zoom" }, { "p", "Pause" }, { "d", "Delay" }, { "q", "Quit" },
	};
	static const char *const replay[][2] = {
		{ "F1", "Help" }, { "Tab", "Map" }, { "F5", "Whole" }, { "F6", "Sort" },
		{ "+-", "Zoom" }, { "p", "Pause" }, { "[]", "Step" }, { "q", "Quit" },
	};
	const char *const (*keys)[2] = t->feed.recorded ? replay : live;
	int x = 0, y = LINES - 1;
	size_t i;

	term_look(LOOK_NORMAL);
	mvhline(y, 0, ' ', COLS);
	if (t->mode == TOP_DELAY) {
		x = putf(y, 0, "Seconds between samples: %s", t->input);
		curs_set(1);
		move(y, x);
		return;
	}
	if (*t->message) {
		term_look(LOOK_ALERT);
		put(y, 0, t->message);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(live) && x + 12 < COLS; i++) {
		term_look(LOOK_NORMAL);
		x += put(y, x, keys[i][0]);
		term_look(LOOK_KEY);
		x += putf(y, x, "%-6s", keys[i][1]);
	}
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"encstat top: which memory of virtual machines is private, which is shared",
		"",
		"  Up Down j k     select a VM; in the map, a row     PgUp PgDn  ten of them",
		"  Left Right      in the map, a cell                 Home End   first, last",
		"  Tab             between the table and the map      Enter F5   whole screen",
		"  + - F7 F8       zoom in and out                    0 f        all of it",
		"  s S F6          sort by the next column, previous  r I        other order",
		"  p Space         pause                              d          delay",
		"  ^L              paint the screen again",
		"  [ ] { }         in a recording: a sample back, forth; ten of them",
		"  h ? F1          this help                          q F10 ^C   quit",
		"  Mouse: selects a VM, a column to sort by, a cell; once more: zoom; wheel: zoom",
		"",
		"Each cell is a range of guest memory of the size that stands above the map:",
		"  . all private   # all shared   + some of each   ? not known   blank: no memory",
		"  : @ % ! x       the same, but something in it changed in the last five samples",
		"^ behind an address: rows without memory are left out above.",
		"SHARED/s and PRIVATE/s are pages made shared or private in a second.",
		"... behind the name: the map changes faster than it is read.",
		"",
		"Any key goes back.",
	};
	size_t i;

	term_look(LOOK_NORMAL);
	for (i = 0; i < ARRAY_SIZE(lines); i++)
		put(i, 0, lines[i]);
}

static void draw_no_vm(const struct top *t, int y)
{
	const struct vm_filter *filter = t->feed.filter;

	const char *is = t->feed.recorded ? "was" : "is";

	if (t->failed)
		put(y, 1, t->feed.recorded ? "this sample cannot be read" :
		    "the VMs cannot be read now; it goes on trying");
	else if (filter->name)
		putf(y, 1, "no VM named %s %s running", filter->name, is);
	else if (filter->pid)
		putf(y, 1, "no VM with pid %d %s running", filter->pid, is);
	else
		putf(y, 1, "no VM %s running", is);
}

/* A few lines of table, as many as there are VMs, and the map. */
static void draw_all(struct top *t)
{
	unsigned int y = 1, rows = LINES / 4 > 3 ? LINES / 4 : 3;
	size_t i = 0;
	bool any = top_selected(t, &i);

	draw_title(t);
	t->table_rows = 0;
	if (LINES < 12)
		rows = LINES > 4 ? LINES - 3 : 1;
	if (!t->whole)
		y += draw_table(t, y, rows);
	t->view.used = 0;
	draw_keys(t);
	if (any && LINES > (int)y + 5) {
		draw_map(t, &t->feed.v[i], y, LINES - 1 - y);
	} else if (!any) {
		term_look(LOOK_NORMAL);
		draw_no_vm(t, y);
	}
}

void top_draw(struct top *t)
{
	curs_set(0);
	term_look(LOOK_NORMAL);
	erase();
	if (t->mode == TOP_HELP)
		draw_help();
	else
		draw_all(t);
	term_look(LOOK_NORMAL);
	refresh();
}

#endif
