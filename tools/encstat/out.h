/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Output of a command. One call writes a value as text or as JSON, so the two
 * cannot differ. A command describes its values in a table of columns and then
 * gives rows of them.
 */
#ifndef ENCSTAT_OUT_H
#define ENCSTAT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "value.h"

#define OUT_SCHEMA	2	/* to raise when a JSON key changes or goes, not when one comes */
#define OUT_COLS_MAX	24

enum out_style {
	OUT_TABLE,		/* text: columns as wide as needed, shown at the end */
	OUT_STREAM,		/* text: columns of the given width, shown at once */
	OUT_BLOCK,		/* text: a line "HEAD value, HEAD value" for each row */
};

enum out_align { OUT_LEFT, OUT_RIGHT };

struct out_col {
	const char *key;	/* in JSON, with its unit; NULL: only in text */
	const char *head;	/* in text; NULL: only in JSON */
	enum out_align align;
	unsigned int width;	/* of OUT_STREAM */
	const char *csv;	/* key of a column that only CSV has */
};

/* Of sizes, in text; JSON has bytes. */
enum out_unit { OUT_IEC, OUT_BYTES, OUT_PAGES };

void out_init(bool json, bool pretty, enum out_unit unit);
bool out_is_json(void);

/* From now on OUT_STREAM is comma-separated values under the JSON keys. */
void out_csv(void);

/* From now on text goes to @fd; OUT_STREAM begins there with a heading, or without. */
void out_redirect(int fd, bool heading);

/*
 * A document; out_end() also writes errors and notes, and fails if a write did.
 * With @lines it is not one, but in JSON a line that says what follows, and then a
 * line for each row, error and note, which are on their way at once.
 */
void out_begin(const char *command, bool lines);
bool out_is_lines(void);
int out_end(void);

/* Rows, in JSON an array of objects under @key. Tables nest, within a row. */
void out_table(const char *key, const struct out_col *cols, unsigned int nr,
	       enum out_style style);
/* Of OUT_TABLE, after out_table(): these columns, in this order, under @heads. */
void out_table_order(const unsigned int *order, unsigned int nr, const char *const *heads);
void out_table_end(void);
void out_row(void);
void out_row_end(void);

/* The value of column @col of the row; text wants them in the table's order. */
void out_uint(unsigned int col, uint64_t v);
void out_int(unsigned int col, int64_t v);
void out_size(unsigned int col, uint64_t bytes);
/* In JSON a string: 64 bits are more than a number has in many a program. */
void out_addr(unsigned int col, uint64_t addr);
void out_hex(unsigned int col, uint64_t v);	/* without leading zeros */
void out_tenths(unsigned int col, uint64_t tenths);
void out_bool(unsigned int col, bool v);
void out_str(unsigned int col, const char *s);		/* may be hostile */
void out_long(unsigned int col, const char *s);		/* the same, and is not cut */
void out_none(unsigned int col, const char *text);	/* JSON: null */

/* The same of what may not be known: then it is "-". */
void out_value(unsigned int col, struct value v);
void out_size_value(unsigned int col, struct value bytes);
void out_tenths_value(unsigned int col, struct value tenths);
void out_bool_value(unsigned int col, struct value v);

/* Milliseconds since the epoch; as text in UTC, without or with the date. */
void out_clock(unsigned int col, uint64_t ms);
void out_time(unsigned int col, uint64_t ms);

/*
 * Between the two, what is written goes to @fd and is JSON, a line for each
 * document. out_file_end() returns -1 and errno if that failed.
 */
void out_file_begin(int fd);
int out_file_end(void);

/* Below the tables. */
void out_raw(const char *s, size_t len);
void out_flush(void);
bool out_failed(void);		/* a write did */
void out_safe(FILE *f, const char *s);

#endif
