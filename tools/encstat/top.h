/* SPDX-License-Identifier: GPL-2.0 */
/* encstat top: its parts. */
#ifndef ENCSTAT_TOP_H
#define ENCSTAT_TOP_H

#include <stdbool.h>

#include "feed.h"
#include "heat.h"

/* The terminal: -1 if it will not do; that has been told. */
int term_open(void);
void term_close(void);
bool term_stopped(void);		/* a signal says that it is over */
bool term_resized(void);		/* ... or that the size may be another; once */

/* Waits for a key or a signal, @ms at most. */
void term_wait(uint64_t ms);

/* What a place on the screen looks like; without colours, some look the same. */
enum look {
	LOOK_NORMAL, LOOK_BAR, LOOK_HEAD, LOOK_SORT, LOOK_SELECTED, LOOK_DIM, LOOK_ALERT,
	LOOK_KEY, LOOK_KINDS,
	LOOK_CHANGED = LOOK_KINDS + HEAT_KINDS, LOOKS = LOOK_CHANGED + HEAT_KINDS,
};

void term_look(enum look look);

/* The part of a VM's memory on the screen: rows of cells. */
#define VIEW_ROWS_MAX	512
#define VIEW_COLS_MAX	1024

struct view {
	bool fit;		/* all of the memory, whatever the size of the screen */
	uint64_t cell;		/* bytes */
	unsigned int cols;
	unsigned int rows;	/* as many as there is room for */
	uint64_t top;		/* an address in the first row */
	uint64_t cursor;
	unsigned int used;	/* rows that there are, and where they begin */
	uint64_t row[VIEW_ROWS_MAX];
};

void view_reset(struct view *v);
void view_layout(struct view *v, const struct vm *vm, unsigned int width, unsigned int height);
void view_zoom(struct view *v, const struct vm *vm, int steps);	/* > 0: in */
void view_move(struct view *v, const struct vm *vm, int rows, int cells);
void view_home(struct view *v, const struct vm *vm, bool end);
void view_point(struct view *v, unsigned int row, unsigned int col);

#define VIEW_LABEL	14	/* columns of the address in front of a row */

enum top_mode { TOP_NORMAL, TOP_HELP, TOP_DELAY };
enum top_focus { TOP_TABLE, TOP_MAP };

struct top {
	struct feed feed;
	uint64_t interval_ms;
	bool paused;
	bool ended;		/* the recording */
	bool failed;		/* the last sample: there is nothing to show */
	bool quit;
	enum top_mode mode;
	enum top_focus focus;
	bool whole;		/* the map has the whole screen */
	char input[16];		/* TOP_DELAY */

	unsigned int sort;	/* column */
	bool ascending;
	char selected[32];	/* id of the VM, "" if there is none */
	size_t first;		/* row of the table at the top */
	struct view view;
	char message[160];

	/* where things are on the screen, for the mouse */
	unsigned int table_y, table_rows, map_y;

	/* the map as it was drawn last */
	struct heat_cell *cells;
	unsigned long cells_version;
	struct view cells_view;
	char cells_id[32];
};

/* Index of the selected VM; false: there is none. */
bool top_selected(const struct top *t, size_t *i);

void top_draw(struct top *t);
void top_sort(struct top *t);
unsigned int top_columns(void);
int top_column_at(unsigned int x);	/* of the screen; -1: none */
bool top_column_shown(unsigned int col);

#endif
