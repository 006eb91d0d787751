// SPDX-License-Identifier: GPL-2.0
/* Output of a command: one call writes a value as text or as JSON. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "encstat.h"
#include "json.h"
#include "msg.h"
#include "out.h"
#include "text.h"

#define NAME_COLUMNS	40	/* names are cut there, in text */
#define LONG_COLUMNS	600
#define NEST_MAX	4

struct cell {
	char *text;
	size_t width;
};

struct table {
	const struct out_col *cols;
	unsigned int nr;
	enum out_style style;
	bool line_open;		/* of OUT_BLOCK: text that has no newline yet */
	unsigned int rows;
	struct cell *cells;	/* of OUT_TABLE, nr a row, the heading first */
	unsigned int order[OUT_COLS_MAX];	/* columns to show */
	const char *heads[OUT_COLS_MAX];	/* of all, NULL: not shown */
	unsigned int shown;
};

/* Where it goes, and how. */
struct sink {
	int fd;
	bool json;
	bool lines;		/* of JSON: a document for each row */
	bool csv;
	bool no_heading;	/* of OUT_STREAM: it is there already */
	int write_errno;
};

static struct {
	struct sink sink;
	enum out_unit unit;
	struct table table[NEST_MAX];
	unsigned int depth;
	size_t used;
	char buf[1 << 16];
	struct sink sink_kept;		/* those of stdout, while a file is written */
	struct json_state json_kept;
} out = { .sink.fd = STDOUT_FILENO };

void out_init(bool json, bool pretty, enum out_unit unit)
{
	out.sink.json = json;
	out.unit = unit;
	json_style(pretty ? JSON_PRETTY : JSON_COMPACT);
}

bool out_is_json(void)
{
	return out.sink.json;
}

void out_csv(void)
{
	out.sink.csv = !out.sink.json;
}

static void out_write(const char *s, size_t len)
{
	ssize_t n;

	while (len && !out.sink.write_errno) {
		n = write(out.sink.fd, s, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			out.sink.write_errno = errno;
			return;
		}
		s += n;
		len -= n;
	}
}

void out_flush(void)
{
	size_t used = out.used;

	out.used = 0;
	out_write(out.buf, used);
}

bool out_failed(void)
{
	return out.sink.write_errno;
}

void out_raw(const char *s, size_t len)
{
	if (out.used + len > sizeof(out.buf))
		out_flush();
	if (len > sizeof(out.buf)) {
		out_write(s, len);
		return;
	}
	memcpy(out.buf + out.used, s, len);
	out.used += len;
}

void out_file_begin(int fd)
{
	out_flush();
	out.sink_kept = out.sink;
	out.sink = (struct sink){ .fd = fd, .json = true };
	out.json_kept = (struct json_state){ .style = JSON_LINE };
	json_swap(&out.json_kept);
}

int out_file_end(void)
{
	int err;

	out_flush();
	err = out.sink.write_errno;
	out.sink = out.sink_kept;
	json_swap(&out.json_kept);
	errno = err;
	return err ? -1 : 0;
}

static void out_text(const char *s)
{
	out_raw(s, strlen(s));
}

static void out_pad(size_t n)
{
	while (n--)
		out_raw(" ", 1);
}

void out_safe(FILE *f, const char *s)
{
	char buf[4 * 1024];

	text_safe(buf, sizeof(buf), s, sizeof(buf));
	fputs(buf, f);
}

bool out_is_lines(void)
{
	return out.sink.lines;
}

void out_begin(const char *command, bool lines)
{
	if (!out.sink.json)
		return;
	out.sink.lines = lines;
	json_object();
	json_key("schema");
	json_uint(OUT_SCHEMA);
	json_key("encstat_version");
	json_string(ENCSTAT_VERSION);
	json_key("command");
	if (command)
		json_string(command);
	else
		json_null();
	if (lines) {
		json_end();
		out_flush();
	}
}

int out_end(void)
{
	if (out.sink.json && !out.sink.lines) {
		msg_json();
		json_end();
	}
	out_flush();
	errno = out.sink.write_errno;
	return errno ? -1 : 0;
}

static struct table *top(void)
{
	assert(out.depth);
	return &out.table[out.depth - 1];
}

static bool last_col(const struct table *t, unsigned int col)
{
	return !t->shown || col == t->order[t->shown - 1];
}

/* A cell in its column; nothing may follow the last one, not even blanks. */
static void put_aligned(const struct table *t, unsigned int col, const char *text,
			size_t width, size_t column_width)
{
	size_t pad = width < column_width ? column_width - width : 0;

	if (t->cols[col].align == OUT_RIGHT)
		out_pad(pad);
	out_text(text);
	if (last_col(t, col)) {
		out_text("\n");
		return;
	}
	if (t->cols[col].align == OUT_LEFT)
		out_pad(pad);
	out_text("  ");
}

/* Quoted, if it has to be. */
static void put_csv(const struct table *t, unsigned int col, const char *text)
{
	bool quote = strpbrk(text, ",\"");

	if (quote)
		out_text("\"");
	for (; *text; text++)
		out_raw(*text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	if (quote)
		out_text("\"");
	out_text(last_col(t, col) ? "\n" : ",");
}

static void stream_head(const struct table *t)
{
	unsigned int i;

	for (i = 0; i < t->nr; i++)
		if (t->heads[i] && out.sink.csv)
			put_csv(t, i, t->heads[i]);
		else if (t->heads[i])
			put_aligned(t, i, t->heads[i], strlen(t->heads[i]), t->cols[i].width);
}

static void table_row_alloc(struct table *t)
{
	size_t row = t->nr * sizeof(*t->cells);

	t->cells = realloc(t->cells, (t->rows + 1) * row);
	if (!t->cells) {
		perror("encstat");
		exit(EXIT_ERROR);
	}
	memset(t->cells + t->rows * t->nr, 0, row);
	t->rows++;
}

static void table_cell(struct table *t, unsigned int col, const char *text, size_t width)
{
	struct cell *cell = &t->cells[(t->rows - 1) * t->nr + col];

	cell->text = strdup(text);
	cell->width = width;
}

static void table_head(struct table *t)
{
	unsigned int i;

	if (!t->rows)
		table_row_alloc(t);
	for (i = 0; i < t->nr; i++)
		free(t->cells[i].text);
	memset(t->cells, 0, t->nr * sizeof(*t->cells));
	for (i = 0; i < t->nr; i++)
		if (t->heads[i])
			table_cell(t, i, t->heads[i], strlen(t->heads[i]));
}

static size_t table_width(const struct table *t, unsigned int col)
{
	size_t width = 0, r;

	for (r = 0; r < t->rows; r++)
		if (t->cells[r * t->nr + col].width > width)
			width = t->cells[r * t->nr + col].width;
	return width;
}

static void table_show(struct table *t)
{
	size_t width[OUT_COLS_MAX];
	unsigned int i, r;

	for (i = 0; i < t->nr; i++)
		width[i] = table_width(t, i);

	for (r = 0; r < t->rows; r++) {
		for (i = 0; i < t->shown; i++) {
			unsigned int col = t->order[i];
			struct cell *cell = &t->cells[r * t->nr + col];

			put_aligned(t, col, cell->text ?: "", cell->width, width[col]);
		}
	}
	for (i = 0; i < t->rows * t->nr; i++)
		free(t->cells[i].text);
	free(t->cells);
	t->cells = NULL;
}

static void block_line_end(struct table *t)
{
	if (t->line_open)
		out_text("\n");
	t->line_open = false;
}

static void block_cell(struct table *t, unsigned int col, const char *text)
{
	const char *head = t->cols[col].head;

	if (t->line_open)
		out_text(", ");
	for (; *head; head++)
		out_raw(&(char){ tolower((unsigned char)*head) }, 1);
	out_text(" ");
	out_text(text);
	t->line_open = true;
}

static const char *head_of(const struct out_col *col)
{
	if (!out.sink.csv)
		return col->head;
	return col->csv ?: col->head ? col->key : NULL;
}

static void table_default_order(struct table *t)
{
	unsigned int i;

	for (i = 0; i < t->nr; i++) {
		t->heads[i] = head_of(&t->cols[i]);
		if (t->heads[i])
			t->order[t->shown++] = i;
	}
}

void out_table_order(const unsigned int *order, unsigned int nr, const char *const *heads)
{
	struct table *t = top();
	unsigned int i;

	if (out.sink.json)
		return;
	for (i = 0; i < t->nr; i++)
		t->heads[i] = NULL;
	for (i = 0; i < nr; i++) {
		t->order[i] = order[i];
		t->heads[order[i]] = heads[i];
	}
	t->shown = nr;
	table_head(t);
}

void out_redirect(int fd, bool heading)
{
	out_flush();
	out.sink.fd = fd;
	out.sink.no_heading = !heading;
	if (heading && out.depth)
		stream_head(top());
}

void out_table(const char *key, const struct out_col *cols, unsigned int nr,
	       enum out_style style)
{
	struct table *t = &out.table[out.depth++];

	assert(out.depth <= NEST_MAX && nr <= OUT_COLS_MAX);
	*t = (struct table){ .cols = cols, .nr = nr, .style = style };
	table_default_order(t);
	if (out.sink.lines)
		return;
	if (out.sink.json) {
		json_key(key);
		json_array();
		return;
	}
	/* A table within a row comes under what the row says. */
	if (out.depth > 1)
		block_line_end(t - 1);
	if (style == OUT_TABLE)
		table_head(t);
	else if (style == OUT_STREAM && !out.sink.no_heading)
		stream_head(t);
}

void out_table_end(void)
{
	struct table *t = top();

	if (out.sink.json && !out.sink.lines)
		json_end();
	else if (t->style == OUT_TABLE)
		table_show(t);
	out.depth--;
}

void out_row(void)
{
	struct table *t = top();

	if (out.sink.json)
		json_object();
	else if (t->style == OUT_TABLE)
		table_row_alloc(t);
	else if (t->style == OUT_BLOCK && t->rows++)
		out_text("\n");	/* an empty line between two rows */
}

void out_row_end(void)
{
	if (out.sink.json)
		json_end();
	else
		block_line_end(top());
}

/* In JSON: is it wanted? Then its key is written already. */
static bool json_col(unsigned int col)
{
	const char *key = top()->cols[col].key;

	if (key)
		json_key(key);
	return key;
}

static void put_text(unsigned int col, const char *text, size_t width)
{
	struct table *t = top();

	if (!t->heads[col])
		return;
	switch (t->style) {
	case OUT_TABLE:
		table_cell(t, col, text, width);
		break;
	case OUT_STREAM:
		if (out.sink.csv)
			put_csv(t, col, text);
		else
			put_aligned(t, col, text, width, t->cols[col].width);
		break;
	case OUT_BLOCK:
		block_cell(t, col, text);
		break;
	}
}

void out_uint(unsigned int col, uint64_t v)
{
	char buf[TEXT_NUM];

	if (!out.sink.json)
		put_text(col, buf, text_uint(buf, v));
	else if (json_col(col))
		json_uint(v);
}

void out_int(unsigned int col, int64_t v)
{
	char buf[TEXT_NUM];

	if (!out.sink.json)
		put_text(col, buf, snprintf(buf, sizeof(buf), "%lld", (long long)v));
	else if (json_col(col))
		json_int(v);
}

static size_t size_in_unit(char *buf, uint64_t bytes)
{
	switch (out.sink.csv ? OUT_BYTES : out.unit) {
	case OUT_BYTES:
		return text_uint(buf, bytes);
	case OUT_PAGES:
		/* what is not made of whole pages takes one more */
		return text_uint(buf, (bytes >> 12) + !!(bytes & 4095));
	default:
		return text_size(buf, bytes);
	}
}

void out_size(unsigned int col, uint64_t bytes)
{
	char buf[TEXT_NUM];

	if (!out.sink.json)
		put_text(col, buf, size_in_unit(buf, bytes));
	else if (json_col(col))
		json_uint(bytes);
}

void out_addr(unsigned int col, uint64_t addr)
{
	char buf[TEXT_NUM];
	size_t len = text_addr(buf, addr);

	if (!out.sink.json)
		put_text(col, buf, len);
	else if (json_col(col))
		json_string(buf);
}

void out_hex(unsigned int col, uint64_t v)
{
	char buf[TEXT_NUM];
	int len = snprintf(buf, sizeof(buf), "0x%llx", (unsigned long long)v);

	if (!out.sink.json)
		put_text(col, buf, len);
	else if (json_col(col))
		json_string(buf);
}

void out_tenths(unsigned int col, uint64_t tenths)
{
	char buf[TEXT_NUM + 2];

	if (!out.sink.json)
		put_text(col, buf, text_tenths(buf, tenths));
	else if (json_col(col))
		json_tenths(tenths);
}

void out_bool(unsigned int col, bool v)
{
	if (!out.sink.json)
		put_text(col, v ? "yes" : "no", v ? 3 : 2);
	else if (json_col(col))
		json_bool(v);
}

/* A spreadsheet takes a cell that begins with one of these for a formula. */
static bool is_formula(const char *s)
{
	return *s && strchr("=+-@", *s);
}

void out_str(unsigned int col, const char *s)
{
	char buf[1 + (LONG_COLUMNS + 1) * MB_LEN_MAX];
	bool quote = out.sink.csv && is_formula(s);
	size_t width;

	if (out.sink.json) {
		if (json_col(col))
			json_string(s);
		return;
	}
	*buf = '\'';
	width = text_safe_ends(buf + quote, sizeof(buf) - 1, s,
			       out.sink.csv ? LONG_COLUMNS : NAME_COLUMNS);
	put_text(col, buf, width + quote);
}

void out_long(unsigned int col, const char *s)
{
	char buf[LONG_COLUMNS * 4];

	if (!out.sink.json)
		put_text(col, buf, text_safe(buf, sizeof(buf), s, LONG_COLUMNS));
	else if (json_col(col))
		json_string(s);
}

void out_none(unsigned int col, const char *text)
{
	if (!out.sink.json)
		put_text(col, out.sink.csv ? "" : text, strlen(text));
	else if (json_col(col))
		json_null();
}

static void put_time(unsigned int col, uint64_t ms, const char *format)
{
	char buf[64] = "?";
	time_t t = ms / 1000;
	struct tm tm;

	if (out.sink.json) {
		if (json_col(col))
			json_uint(ms);
		return;
	}
	if (out.sink.csv)
		text_uint(buf, ms);
	else if (gmtime_r(&t, &tm))
		strftime(buf, sizeof(buf), format, &tm);
	put_text(col, buf, strlen(buf));
}

void out_clock(unsigned int col, uint64_t ms)
{
	put_time(col, ms, "%Y-%m-%d %H:%M:%S");
}

void out_time(unsigned int col, uint64_t ms)
{
	put_time(col, ms, "%Y-%m-%d %H:%M:%S UTC");
}

void out_value(unsigned int col, struct value v)
{
	if (v.known)
		out_uint(col, v.v);
	else
		out_none(col, "-");
}

void out_size_value(unsigned int col, struct value bytes)
{
	if (bytes.known)
		out_size(col, bytes.v);
	else
		out_none(col, "-");
}

void out_tenths_value(unsigned int col, struct value tenths)
{
	if (tenths.known)
		out_tenths(col, tenths.v);
	else
		out_none(col, "-");
}

void out_bool_value(unsigned int col, struct value v)
{
	if (v.known)
		out_bool(col, v.v);
	else
		out_none(col, "-");
}
