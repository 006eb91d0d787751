// SPDX-License-Identifier: GPL-2.0
/* Numbers, sizes and names as text, and back. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "text.h"

size_t text_uint(char *buf, uint64_t v)
{
	char tmp[TEXT_NUM], *p = tmp + sizeof(tmp);
	size_t len;

	do {
		*--p = '0' + v % 10;
		v /= 10;
	} while (v);

	len = tmp + sizeof(tmp) - p;
	memcpy(buf, p, len);
	buf[len] = '\0';
	return len;
}

size_t text_tenths(char *buf, uint64_t tenths)
{
	size_t len = text_uint(buf, tenths / 10);

	buf[len++] = '.';
	buf[len++] = '0' + tenths % 10;
	buf[len] = '\0';
	return len;
}

size_t text_addr(char *buf, uint64_t v)
{
	static const char digits[] = "0123456789abcdef";
	int i;

	buf[0] = '0';
	buf[1] = 'x';
	for (i = 17; i >= 2; i--, v >>= 4)
		buf[i] = digits[v & 15];
	buf[18] = '\0';
	return 18;
}

/* Exact if it is a whole number of a unit, else rounded to one decimal. */
size_t text_size(char *buf, uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int u = 0;
	uint64_t whole, tenths;
	size_t len;

	while (u < 6 && bytes >> (10 * (u + 1)))
		u++;
	whole = bytes >> (10 * u);
	if (u && (bytes & ((1ULL << (10 * u)) - 1))) {
		/* ten bits are enough for a decimal, and do not overflow */
		tenths = ((bytes >> (10 * (u - 1))) & 1023) * 10;
		tenths = (tenths + 512) >> 10;
		whole += tenths / 10;
		tenths %= 10;
		if (whole == 1024 && u < 6) {
			whole = 1;
			u++;
		}
		len = text_uint(buf, whole);
		buf[len++] = '.';
		buf[len++] = '0' + tenths;
	} else {
		len = text_uint(buf, whole);
	}
	buf[len++] = ' ';
	strcpy(buf + len, unit[u]);
	return len + strlen(unit[u]);
}

void text_share(char *buf, uint64_t part, uint64_t all)
{
	snprintf(buf, TEXT_NUM, "%.1f%%", 100.0 * part / all);
	if (part && !strcmp(buf, "0.0%"))
		strcpy(buf, "<0.1%");
}

static bool utf8_tail(const unsigned char *s, size_t n)
{
	while (n--)
		if ((*s++ & 0xc0) != 0x80)
			return false;
	return true;
}

size_t text_utf8(const char *str)
{
	const unsigned char *s = (const unsigned char *)str;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return utf8_tail(s + 1, 1) ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		/* neither overlong nor a surrogate */
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return utf8_tail(s + 1, 2) ? 3 : 0;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return utf8_tail(s + 1, 3) ? 4 : 0;
	}
	return 0;
}

uint32_t text_code_point(const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7f >> n);
	size_t i;

	for (i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

bool text_is_unsafe(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f }, { '\\', '\\' }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c },
		{ 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xffff },
		{ 0xe0000, 0xe0fff },
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return (c & 0xfffe) == 0xfffe;
}

/*
 * One character of @s: its bytes in @n, its width as the result. 0 if it must
 * not reach a terminal: control characters of both sets, directional overrides
 * and everything else without a width of its own.
 */
static size_t printable(const char *s, size_t *n)
{
	mbstate_t state = { 0 };
	wchar_t wc;
	int width;

	*n = mbrtowc(&wc, s, strlen(s), &state);
	if (*n == (size_t)-1 || *n == (size_t)-2 || !*n) {
		*n = 1;
		return 0;
	}
	if (wc == L'\\' || !iswprint(wc))
		return 0;
	width = wcwidth(wc);
	return width > 0 ? width : 0;
}

/* One character of @s, of @n bytes, made safe; returns its bytes in @c. */
static size_t safe_char(char *c, const char *s, size_t *n, size_t *width)
{
	size_t i;

	*width = printable(s, n);
	if (*width) {
		memcpy(c, s, *n);
		return *n;
	}
	for (i = 0; i < *n; i++)
		*width += sprintf(c + 4 * i, "\\x%02x", (unsigned char)s[i]);
	return *width;
}

/* ... unless there is not even room for these. */
static size_t put_dots(char *buf, size_t columns)
{
	size_t n = columns < 3 ? columns : 3;

	memcpy(buf, "...", n);
	buf[n] = '\0';
	return n;
}

size_t text_safe(char *buf, size_t size, const char *s, size_t columns)
{
	size_t used = 0, width = 0;		/* so far */
	size_t mark = 0, mark_width = 0;	/* where the dots still fit */
	char c[4 * MB_LEN_MAX + 1];
	size_t n, w, len;

	for (; *s; s += n) {
		len = safe_char(c, s, &n, &w);
		if (width + w > columns || used + len + 4 > size) {
			return mark_width + put_dots(buf + mark, columns);
		}
		memcpy(buf + used, c, len);
		used += len;
		width += w;
		if (width + 3 <= columns) {
			mark = used;
			mark_width = width;
		}
	}
	buf[used] = '\0';
	return width;
}

size_t text_width(const char *s)
{
	char c[4 * MB_LEN_MAX + 1];
	size_t n, w, width = 0;

	for (; *s; s += n) {
		safe_char(c, s, &n, &w);
		width += w;
	}
	return width;
}

/* As many whole characters of *@s as fit, to *@buf; returns their width. */
static size_t safe_part(char **buf, const char **s, size_t columns)
{
	char c[4 * MB_LEN_MAX + 1];
	size_t n, w, len, width = 0;

	for (; **s; *s += n) {
		len = safe_char(c, *s, &n, &w);
		if (width + w > columns)
			break;
		memcpy(*buf, c, len);
		*buf += len;
		width += w;
	}
	**buf = '\0';
	return width;
}

size_t text_safe_ends(char *buf, size_t size, const char *s, size_t columns)
{
	size_t total = text_width(s), tail = columns / 2, n, w, done;
	char c[4 * MB_LEN_MAX + 1];

	if (total <= columns || columns < TEXT_ENDS_MIN || size < (columns + 1) * MB_LEN_MAX)
		return text_safe(buf, size, s, columns);
	done = safe_part(&buf, &s, columns - tail - 3);
	columns = done;
	for (; total - done > tail; s += n) {
		safe_char(c, s, &n, &w);
		done += w;
	}
	buf += put_dots(buf, 3);
	return columns + 3 + safe_part(&buf, &s, tail);
}

bool text_parse_uint(const char **p, const char *end, uint64_t *v)
{
	const char *s = *p;
	uint64_t n = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		unsigned int d = *s - '0';

		if (n > (UINT64_MAX - d) / 10)
			return false;
		n = n * 10 + d;
	}
	if (s == *p)
		return false;
	*p = s;
	*v = n;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* With 0x in front. */
bool text_parse_hex(const char **p, const char *end, uint64_t *v)
{
	const char *s = *p;
	uint64_t n = 0;
	int d;

	if (end - s < 3 || s[0] != '0' || s[1] != 'x' || hex_digit(s[2]) < 0)
		return false;

	for (s += 2; s < end && (d = hex_digit(*s)) >= 0; s++) {
		if (n >> 60)
			return false;
		n = n << 4 | d;
	}
	*p = s;
	*v = n;
	return true;
}
