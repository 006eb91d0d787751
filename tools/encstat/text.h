/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers, sizes and names as text, and back. */
#ifndef ENCSTAT_TEXT_H
#define ENCSTAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NUM	24	/* enough for any 64-bit number, size or address */

/* All of these return the length; @buf is terminated. */
size_t text_uint(char *buf, uint64_t v);
size_t text_tenths(char *buf, uint64_t tenths);	/* "1.5" of 15 */
size_t text_addr(char *buf, uint64_t v);	/* 0x and 16 digits, as debugfs has it */
size_t text_size(char *buf, uint64_t bytes);	/* IEC units: "4 KiB", "1.5 GiB" */

/* A part of all in per cent, to one decimal, but never 0.0 if there is some: "<0.1%". */
void text_share(char *buf, uint64_t part, uint64_t all);

/* Length of the valid UTF-8 sequence at @s (1 for ASCII), 0 if it is none. */
size_t text_utf8(const char *s);

/* Of a valid sequence of @n bytes. */
uint32_t text_code_point(const char *s, size_t n);

/* Controls, what turns the direction, what has no width, what XML forbids. */
bool text_is_unsafe(uint32_t c);

/*
 * @s for a terminal: what the locale cannot print, and anything that would
 * move the cursor, becomes \xNN; at most @columns wide ("..." at the end says
 * that it was longer). Returns the width and, in @buf, never more than @size
 * bytes.
 */
size_t text_safe(char *buf, size_t size, const char *s, size_t columns);

size_t text_width(const char *s);	/* of all of that */

/*
 * The same for names, which may differ at their end only: the dots stand in the
 * middle, if there are that many columns at all.
 */
#define TEXT_ENDS_MIN	8
size_t text_safe_ends(char *buf, size_t size, const char *s, size_t columns);

/*
 * Parsers of one number at *@p, not going beyond @end. They advance *@p and
 * fail on no digits and on overflow.
 */
bool text_parse_uint(const char **p, const char *end, uint64_t *v);
bool text_parse_hex(const char **p, const char *end, uint64_t *v);

#endif
