// SPDX-License-Identifier: GPL-2.0
/* A JSON writer: commas, nesting and escapes are its business, nobody else's. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "out.h"
#include "text.h"

static struct json_state json;

void json_swap(struct json_state *other)
{
	struct json_state tmp = json;

	json = *other;
	*other = tmp;
}

void json_style(enum json_style style)
{
	json.style = style;
}

static void new_line(void)
{
	unsigned int i;

	out_raw("\n", 1);
	for (i = 0; json.style == JSON_PRETTY && i < json.depth; i++)
		out_raw("  ", 2);
}

static bool breaks_lines(bool row)
{
	return json.style == JSON_PRETTY || (json.style == JSON_COMPACT && row);
}

/*
 * Goes before every value and key. Without indentation, objects in an array
 * still get a line each: it costs a byte and makes the output greppable.
 */
static void separate(bool container)
{
	if (json.after_key || !json.depth) {
		json.after_key = false;
		return;
	}
	if (json.level[json.depth - 1].used)
		out_raw(",", 1);
	json.level[json.depth - 1].used = true;
	if (breaks_lines(container && json.level[json.depth - 1].close == ']'))
		new_line();
}

static void open_level(char open, char close)
{
	separate(true);
	assert(json.depth < JSON_DEPTH_MAX);
	out_raw(&open, 1);
	json.level[json.depth].close = close;
	json.level[json.depth].used = false;
	json.depth++;
}

void json_object(void)
{
	open_level('{', '}');
}

void json_array(void)
{
	open_level('[', ']');
}

void json_end(void)
{
	assert(json.depth);
	json.depth--;
	if (json.level[json.depth].used && breaks_lines(json.level[json.depth].close == ']'))
		new_line();
	out_raw(&json.level[json.depth].close, 1);
	if (!json.depth)
		out_raw("\n", 1);
}

void json_key(const char *key)
{
	separate(false);
	out_raw("\"", 1);
	out_raw(key, strlen(key));
	out_raw(json.style == JSON_PRETTY ? "\": " : "\":",
		json.style == JSON_PRETTY ? 3 : 2);
	json.after_key = true;
}

void json_uint(uint64_t v)
{
	char buf[TEXT_NUM];

	separate(false);
	out_raw(buf, text_uint(buf, v));
}

void json_int(int64_t v)
{
	char buf[TEXT_NUM];
	size_t n = 0;

	separate(false);
	if (v < 0)
		buf[n++] = '-';
	n += text_uint(buf + n, v < 0 ? -(uint64_t)v : (uint64_t)v);
	out_raw(buf, n);
}

void json_tenths(uint64_t tenths)
{
	char buf[TEXT_NUM + 2];

	separate(false);
	out_raw(buf, text_tenths(buf, tenths));
}

void json_bool(bool v)
{
	separate(false);
	out_raw(v ? "true" : "false", v ? 4 : 5);
}

void json_null(void)
{
	separate(false);
	out_raw("null", 4);
}

/* Beyond 16 bits, as two surrogates. */
static void json_escape(uint32_t c)
{
	char buf[16];

	if (c > 0xffff)
		out_raw(buf, snprintf(buf, sizeof(buf), "\\u%04x\\u%04x",
				      0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff)));
	else
		out_raw(buf, snprintf(buf, sizeof(buf), "\\u%04x", c));
}

static void json_char(const char *s, size_t len)
{
	char buf[8];

	if (!len)
		out_raw("\\ufffd", 6);
	else if (*s != '\\' && text_is_unsafe(text_code_point(s, len)))
		json_escape(text_code_point(s, len));
	else if (len > 1)
		out_raw(s, len);
	else if (*s == '"' || *s == '\\')
		out_raw(buf, snprintf(buf, sizeof(buf), "\\%c", *s));
	else
		out_raw(s, 1);
}

void json_string(const char *s)
{
	separate(false);
	out_raw("\"", 1);
	while (*s) {
		size_t len = text_utf8(s);

		json_char(s, len);
		s += len ? len : 1;
	}
	out_raw("\"", 1);
}
