// SPDX-License-Identifier: GPL-2.0
/* encstat top: all of it live, in a terminal. */
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "msg.h"

#ifndef HAVE_NCURSES

void cmd_top(const struct settings *s)
{
	msg_error(EXIT_UNSUPPORTED, "no-ncurses", "list, stat and map do without",
		  "this encstat was built without libncursesw and has no top");
}

#else

#include <curses.h>

#include "sampler.h"
#include "top.h"

#define PAGE		10	/* rows that PgUp and PgDn move */
#define MESSAGE_MS	5000
#define CTRL_L		('L' & 0x1f)

static struct {
	char text[sizeof(((struct top *)0)->message)];
	uint64_t until_ms;
} told;

/* The latest message stands in the last line for a while. */
static void tell(const char *text)
{
	snprintf(told.text, sizeof(told.text), "%.*s", (int)sizeof(told.text) - 1, text);
	told.until_ms = time_running_ms() + MESSAGE_MS;
}

static void update_message(struct top *t)
{
	bool old = told.until_ms < time_running_ms();

	snprintf(t->message, sizeof(t->message), "%s", old ? "" : told.text);
}

bool top_selected(const struct top *t, size_t *i)
{
	for (*i = 0; *i < t->feed.nr; ++*i)
		if (!strcmp(t->feed.v[*i].vm.id, t->selected))
			return true;
	*i = 0;
	return false;
}

static void select_vm(struct top *t, size_t i)
{
	if (i >= t->feed.nr || !strcmp(t->selected, t->feed.v[i].vm.id))
		return;
	strcpy(t->selected, t->feed.v[i].vm.id);
	view_reset(&t->view);
}

static void move_selection(struct top *t, long n)
{
	size_t i;
	long to;

	if (!t->feed.nr)
		return;
	to = top_selected(t, &i) ? (long)i + n : 0;
	if (to < 0)
		to = 0;
	if (to >= (long)t->feed.nr)
		to = t->feed.nr - 1;
	select_vm(t, to);
}

/* The one that was selected may be gone: the next one takes its place. */
static void after_sample(struct top *t)
{
	size_t i;

	top_sort(t);
	if (!top_selected(t, &i) && t->feed.nr)
		select_vm(t, t->first < t->feed.nr ? t->first : t->feed.nr - 1);
}

/* What was read before an error is not what it is now. */
static void took_sample(struct top *t, int ret)
{
	if (ret < 0)
		feed_forget(&t->feed);
	if (ret)
		t->failed = ret < 0;
	if (ret > 0)
		after_sample(t);
}

static void next_sample(struct top *t)
{
	int ret = feed_next(&t->feed);

	t->ended = t->feed.recorded && t->feed.pos >= t->feed.nr_places;
	took_sample(t, ret);
}

/* @n samples on; @from is the number of the one that is shown, from 1 on. */
static void step(struct top *t, long n)
{
	long to = (long)t->feed.pos - 1 + n;

	if (!t->feed.recorded)
		return;
	t->paused = true;
	took_sample(t, feed_seek(&t->feed, to < 0 ? 0 : to));
	t->ended = t->feed.pos >= t->feed.nr_places;
}

static void sort_by(struct top *t, unsigned int col)
{
	/* once more: the other way round; texts begin with A, numbers with the largest */
	if (t->sort == col)
		t->ascending = !t->ascending;
	else
		t->ascending = col < 2;
	t->sort = col;
	top_sort(t);
}

static void sort_next(struct top *t, int n)
{
	unsigned int col = t->sort, nr = top_columns();

	do {
		col = (col + nr + n) % nr;
	} while (!top_column_shown(col) && col != t->sort);
	sort_by(t, col);
}

/* The map's keys need a VM. */
static struct vm *map_vm(struct top *t)
{
	size_t i;

	return top_selected(t, &i) && t->view.cols ? &t->feed.v[i].vm : NULL;
}

static void zoom(struct top *t, int steps)
{
	struct vm *vm = map_vm(t);

	if (vm)
		view_zoom(&t->view, vm, steps);
}

static void move_by(struct top *t, int rows, int cells)
{
	struct vm *vm = map_vm(t);

	if (t->focus == TOP_TABLE)
		move_selection(t, rows);
	else if (vm)
		view_move(&t->view, vm, rows, cells);
}

static void go_home(struct top *t, bool end)
{
	struct vm *vm = map_vm(t);

	if (t->focus == TOP_TABLE)
		select_vm(t, end ? t->feed.nr - 1 : 0);
	else if (vm)
		view_home(&t->view, vm, end);
}

static void whole(struct top *t, bool on)
{
	t->whole = on;
	t->focus = on ? TOP_MAP : TOP_TABLE;
}

static void click(struct top *t, unsigned int y, unsigned int x)
{
	struct view *v = &t->view;
	uint64_t was = v->cursor;

	if (t->table_rows && y == t->table_y - 1) {
		int col = top_column_at(x);

		if (col >= 0)
			sort_by(t, col);
	} else if (y >= t->table_y && y < t->table_y + t->table_rows) {
		t->focus = TOP_TABLE;
		select_vm(t, t->first + y - t->table_y);
	} else if (v->used && y >= t->map_y && x >= VIEW_LABEL) {
		view_point(v, y - t->map_y, x - VIEW_LABEL);
		if (t->focus == TOP_MAP && was == v->cursor)
			zoom(t, 1);
		t->focus = TOP_MAP;
	}
}

static void on_mouse(struct top *t)
{
	unsigned int y;
	MEVENT e;

	if (getmouse(&e) != OK || e.y < 0 || e.x < 0)
		return;
	y = e.y;
	if (e.bstate & BUTTON1_PRESSED)
		click(t, y, e.x);
	else if (y >= t->table_y && y < t->table_y + t->table_rows)
		move_selection(t, e.bstate & BUTTON4_PRESSED ? -1 : 1);
	else
		zoom(t, e.bstate & BUTTON4_PRESSED ? 1 : -1);
}

static void set_delay(struct top *t)
{
	char *end;
	double v = strtod(t->input, &end);

	if (*t->input && !*end && v >= 0.1 && v <= 86400)
		t->interval_ms = v * 1000;
	else if (*t->input)
		tell("a delay is a number of seconds from 0.1 to 86400");
	t->mode = TOP_NORMAL;
}

static void delay_key(struct top *t, int key)
{
	size_t len = strlen(t->input);

	if (key == '\n' || key == '\r' || key == KEY_ENTER)
		set_delay(t);
	else if (key == 27)
		t->mode = TOP_NORMAL;
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && len)
		t->input[len - 1] = '\0';
	else if (((key >= '0' && key <= '9') || key == '.') && len + 1 < sizeof(t->input))
		memcpy(t->input + len, (char[]){ key, 0 }, 2);
}

/* Of moving and looking; false: it is none of these. */
static bool move_key(struct top *t, int key)
{
	switch (key) {
	case KEY_UP: case 'k':
		move_by(t, -1, 0);
		break;
	case KEY_DOWN: case 'j':
		move_by(t, 1, 0);
		break;
	case KEY_LEFT:
		move_by(t, 0, -1);
		break;
	case KEY_RIGHT: case 'l':
		move_by(t, 0, 1);
		break;
	case KEY_PPAGE:
		move_by(t, -PAGE, 0);
		break;
	case KEY_NPAGE:
		move_by(t, PAGE, 0);
		break;
	case KEY_HOME:
		go_home(t, false);
		break;
	case KEY_END:
		go_home(t, true);
		break;
	case '\t':
		t->focus = t->focus == TOP_TABLE || t->whole ? TOP_MAP : TOP_TABLE;
		break;
	case '+': case '=': case KEY_F(7):
		zoom(t, 1);
		break;
	case '-': case KEY_F(8):
		zoom(t, -1);
		break;
	case '0': case 'f':
		view_reset(&t->view);
		break;
	default:
		return false;
	}
	return true;
}

static void other_key(struct top *t, int key)
{
	switch (key) {
	case 'q': case KEY_F(10): case 3:
		t->quit = true;
		break;
	case 'h': case '?': case KEY_F(1):
		t->mode = TOP_HELP;
		break;
	case '\n': case '\r': case KEY_ENTER: case KEY_F(5):
		whole(t, !t->whole);
		break;
	case 27:
		whole(t, false);
		break;
	case 's': case KEY_F(6): case '>':
		sort_next(t, 1);
		break;
	case 'S': case '<':
		sort_next(t, -1);
		break;
	case 'r': case 'I':
		sort_by(t, t->sort);
		break;
	case 'p': case ' ':
		t->paused = !t->paused;
		break;
	case 'd':
		t->mode = TOP_DELAY;
		*t->input = '\0';
		break;
	case '[': case ']':
		step(t, key == '[' ? -1 : 1);
		break;
	case '{': case '}':
		step(t, key == '{' ? -10 : 10);
		break;
	case KEY_MOUSE:
		on_mouse(t);
		break;
	}
}

static void on_key(struct top *t, int key)
{
	told.until_ms = 0;
	if (key == CTRL_L)
		clearok(curscr, TRUE);
	else if (t->mode == TOP_HELP && key != KEY_RESIZE)
		t->mode = TOP_NORMAL;
	else if (t->mode == TOP_DELAY)
		delay_key(t, key);
	else if (!move_key(t, key))
		other_key(t, key);
}

/* Each key finds the screen as the one before it left it. */
static void keys(struct top *t)
{
	int key;

	while (!t->quit && !term_stopped() && (key = getch()) != ERR) {
		on_key(t, key);
		update_message(t);
		top_draw(t);
	}
}

static uint64_t until(uint64_t ms, uint64_t now)
{
	return ms > now ? ms - now : 0;
}

static void loop(struct top *t, uint64_t left)
{
	uint64_t now, due = time_running_ms() + t->interval_ms, asked;
	bool draw = true;

	while (!t->quit && !term_stopped()) {
		now = time_running_ms();
		if (now >= due) {
			if (left && !--left)
				break;
			if (!t->paused && !t->ended)
				next_sample(t);
			due = now + t->interval_ms;
			draw = true;
		}
		if (draw) {
			update_message(t);
			top_draw(t);
		}
		asked = t->interval_ms;
		term_wait(until(due, time_running_ms()));
		draw = term_resized();
		keys(t);
		if (asked != t->interval_ms)
			due = time_running_ms() + t->interval_ms;
	}
}

/* The first sample tells its errors as every command does. */
static bool first_sample(struct top *t, const struct settings *s)
{
	if (feed_open(&t->feed, &s->filter))
		return false;
	if (feed_next(&t->feed) > 0)
		return true;
	feed_close(&t->feed);
	return false;
}

void cmd_top(const struct settings *s)
{
	struct top *t;

	t = calloc(1, sizeof(*t));
	if (!t)
		return;
	t->interval_ms = s->interval_ms;
	t->ascending = true;
	view_reset(&t->view);
	if (first_sample(t, s)) {
		after_sample(t);
		if (!term_open()) {
			msg_divert(tell);
			loop(t, s->count);
			term_close();
			msg_divert(NULL);
		}
		feed_close(&t->feed);
	}
	free(t->cells);
	free(t);
}

#endif
