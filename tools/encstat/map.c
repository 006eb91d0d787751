// SPDX-License-Identifier: GPL-2.0
/*
 * Parsers of page_enc_map and page_enc_slots. The kernel is trusted, but the
 * text may be a copy that was cut off or edited; so every line is checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "text.h"

/* A place in a line, for parsers that eat it from the left. */
struct cursor {
	const char *p;
	const char *end;
};

struct parser {
	struct reader *r;
	struct fault *fault;
	struct cursor c;		/* of the current line */
};

static int wrong(struct parser *p, const char *what)
{
	return fault_set(p->fault, "malformed", "%s:%lu: %s", p->r->name, p->r->line, what);
}

/* 0, or -1 with the fault set; a file may only end where @at_end allows it. */
static int next_line(struct parser *p, bool *at_end)
{
	int ret = reader_line(p->r, &p->c.p, &p->c.end);

	if (at_end)
		*at_end = !ret;
	if (ret > 0 || (!ret && at_end))
		return 0;
	if (ret < 0 && errno == EBADMSG)
		return wrong(p, "line cut off");
	if (ret < 0 && errno == EOVERFLOW)
		return wrong(p, "line too long");
	if (ret < 0)
		return fault_errno(p->fault, p->r->name);
	p->r->line++;
	return wrong(p, "text cut off: there is no 'end' line");
}

static bool eat_char(struct cursor *c, char ch)
{
	if (c->p == c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

/* @word and what ends it: a blank or the end of the line. */
static bool eat_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len))
		return false;
	if (c->end - c->p > (ptrdiff_t)len && c->p[len] != ' ')
		return false;
	c->p += len;
	return true;
}

static bool eat_uint(struct cursor *c, uint64_t *v)
{
	return text_parse_uint(&c->p, c->end, v);
}

static bool eat_hex(struct cursor *c, uint64_t *v)
{
	return text_parse_hex(&c->p, c->end, v);
}

static bool at_end_of_line(const struct cursor *c)
{
	return c->p == c->end;
}

static int version_line(struct parser *p)
{
	uint64_t version;

	if (next_line(p, NULL))
		return -1;
	if (!eat_word(&p->c, "version") || !eat_char(&p->c, ' ') ||
	    !eat_uint(&p->c, &version) || !at_end_of_line(&p->c))
		return wrong(p, "expected 'version 1'");
	if (version != 1)
		return wrong(p, "this version of the format is not known to this encstat");
	return 0;
}

/* "0xSTART 0xEND PAGES ", which both files have. */
static int range_columns(struct parser *p, struct range *range, uint64_t *pages)
{
	struct cursor *c = &p->c;

	if (!eat_hex(c, &range->start) || !eat_char(c, ' ') ||
	    !eat_hex(c, &range->end) || !eat_char(c, ' ') ||
	    !eat_uint(c, pages) || !eat_char(c, ' '))
		return wrong(p, "expected a range: start, end, number of pages");
	if (range->start >= range->end)
		return wrong(p, "range ends before it starts");
	if ((range->start | range->end) & ((1 << PAGE_SHIFT_4K) - 1))
		return wrong(p, "range is not made of whole pages");
	if ((range->end - range->start) >> PAGE_SHIFT_4K != *pages)
		return wrong(p, "number of pages does not fit the range");
	return 0;
}

/* "end LINES PAGES", which must agree with what was read, and nothing behind. */
static int end_line(struct parser *p, uint64_t lines, uint64_t pages)
{
	uint64_t told_lines, told_pages;
	bool at_end;

	if (!eat_char(&p->c, ' ') || !eat_uint(&p->c, &told_lines) ||
	    !eat_char(&p->c, ' ') || !eat_uint(&p->c, &told_pages) ||
	    !at_end_of_line(&p->c))
		return wrong(p, "expected 'end', number of ranges, number of pages");
	if (told_lines != lines || told_pages != pages)
		return wrong(p, "numbers of ranges and pages do not fit what stands above");
	if (next_line(p, &at_end))
		return -1;
	return at_end ? 0 : wrong(p, "text after the 'end' line");
}

static int bool_value(struct parser *p, bool *v)
{
	uint64_t n;

	if (!eat_char(&p->c, ' ') || !eat_uint(&p->c, &n) || n > 1 ||
	    !at_end_of_line(&p->c))
		return wrong(p, "expected 0 or 1");
	*v = n;
	return 0;
}

static int c_bit_value(struct parser *p, int *bit)
{
	bool negative;
	uint64_t n;

	if (!eat_char(&p->c, ' '))
		return wrong(p, "expected a bit number");
	negative = eat_char(&p->c, '-');
	if (!eat_uint(&p->c, &n) || !at_end_of_line(&p->c) || n > (negative ? 1 : 63))
		return wrong(p, "expected a bit number");
	*bit = negative ? -1 : (int)n;
	return 0;
}

/* Keys that came later than this program are passed over. */
static int map_header(struct parser *p, struct enc_map *map)
{
	bool enabled_seen = false;
	int ret = version_line(p);

	while (!ret) {
		ret = next_line(p, NULL);
		if (ret)
			break;
		if (eat_word(&p->c, "extents")) {
			if (!at_end_of_line(&p->c))
				return wrong(p, "text after 'extents'");
			return enabled_seen ? 0 : wrong(p, "no 'enabled' line before this one");
		}
		if (eat_word(&p->c, "enabled")) {
			ret = bool_value(p, &map->tracked);
			enabled_seen = true;
		} else if (eat_word(&p->c, "sev_sim")) {
			ret = bool_value(p, &map->sev_sim);
		} else if (eat_word(&p->c, "c_bit")) {
			ret = c_bit_value(p, &map->c_bit);
		} else if (eat_word(&p->c, "end")) {
			ret = wrong(p, "no 'extents' line before this one");
		}
	}
	return ret;
}

static int map_extent(struct parser *p, struct enc_map *map, uint64_t *pages)
{
	const struct ranges *shared = &map->shared;
	struct range range;
	uint64_t n;

	if (range_columns(p, &range, &n))
		return -1;
	if (!eat_word(&p->c, "shared") || !at_end_of_line(&p->c))
		return wrong(p, "status of a range is not 'shared'");
	if (shared->nr && range.start < shared->v[shared->nr - 1].end)
		return wrong(p, "ranges are not in ascending order");
	if (ranges_add(&map->shared, range.start, range.end))
		return fault_errno(p->fault, p->r->name);
	*pages += n;
	return 0;
}

/* Only whether the VM is tracked and so on: cheap, however long the map is. */
int map_read_header(struct reader *r, struct enc_map *map, struct fault *fault)
{
	struct parser p = { .r = r, .fault = fault };

	*map = (struct enc_map){ .c_bit = -1 };
	if (map_header(&p, map))
		return -1;
	map->has_header = true;
	return 0;
}

int map_read(struct reader *r, struct enc_map *map, struct fault *fault)
{
	struct parser p = { .r = r, .fault = fault };
	uint64_t lines = 0, pages = 0;

	if (map_read_header(r, map, fault))
		return -1;
	for (;; lines++) {
		if (next_line(&p, NULL))
			return -1;
		if (eat_word(&p.c, "end"))
			break;
		if (map_extent(&p, map, &pages))
			return -1;
	}
	if (end_line(&p, lines, pages))
		return -1;
	map->complete = true;
	return 0;
}

static int decrypted_line(struct parser *p, struct ranges *decrypted,
			  struct ranges *mixed, uint64_t *last, uint64_t *pages)
{
	struct ranges *to = decrypted;
	struct range range;
	uint64_t n;

	if (range_columns(p, &range, &n))
		return -1;
	if (eat_word(&p->c, "mixed"))
		to = mixed;
	else if (!eat_word(&p->c, "decrypted"))
		return wrong(p, "status of a range is neither 'decrypted' nor 'mixed'");
	if (!at_end_of_line(&p->c))
		return wrong(p, "text behind the status of a range");
	if (range.start < *last)
		return wrong(p, "ranges are not in ascending order");
	if (ranges_add(to, range.start, range.end))
		return fault_errno(p->fault, p->r->name);
	*last = range.end;
	*pages += n;
	return 0;
}

int decrypted_read(struct reader *r, struct ranges *decrypted, struct ranges *mixed,
		   struct fault *fault)
{
	struct parser p = { .r = r, .fault = fault };
	uint64_t lines = 0, pages = 0, last = 0;

	for (;; lines++) {
		if (next_line(&p, NULL))
			return -1;
		if (eat_word(&p.c, "end"))
			return end_line(&p, lines, pages);
		if (decrypted_line(&p, decrypted, mixed, &last, &pages))
			return -1;
	}
}

struct slot_list {
	struct slot *v;
	size_t nr;
};

/* "ID FLAGS", flags being rw or ro and then anything behind a comma. */
static int slot_columns(struct parser *p, struct slot *slot)
{
	size_t len;

	if (!eat_uint(&p->c, &slot->id) || !eat_char(&p->c, ' '))
		return wrong(p, "expected the number of a slot");
	if (p->c.end - p->c.p < 2 || p->c.p[0] != 'r' || (p->c.p[1] != 'w' && p->c.p[1] != 'o'))
		return wrong(p, "expected 'rw' or 'ro'");
	slot->readonly = p->c.p[1] == 'o';
	len = p->c.end - p->c.p;
	if (len >= sizeof(slot->flags))
		len = sizeof(slot->flags) - 1;
	memcpy(slot->flags, p->c.p, len);
	slot->flags[len] = '\0';
	p->c.p += 2;
	if (!at_end_of_line(&p->c) && *p->c.p != ',')
		return wrong(p, "expected 'rw' or 'ro'");
	return 0;
}

static int slot_line(struct parser *p, struct slot_list *list, uint64_t *pages)
{
	struct slot slot, *v;
	uint64_t n;

	if (range_columns(p, &slot.range, &n) || slot_columns(p, &slot))
		return -1;
	v = reallocarray(list->v, list->nr + 1, sizeof(*v));
	if (!v)
		return fault_errno(p->fault, p->r->name);
	list->v = v;
	list->v[list->nr++] = slot;
	*pages += n;
	return 0;
}

static int slot_order(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

/* Slots of one address space do not overlap; they may come in any order. */
static int slots_merge(struct parser *p, struct slot_list *list, struct slot_map *slots)
{
	const struct slot *s;

	if (list->nr)
		qsort(list->v, list->nr, sizeof(*list->v), slot_order);
	for (s = list->v; s < list->v + list->nr; s++) {
		if (s > list->v && s->range.start < s[-1].range.end)
			return wrong(p, "the slots above overlap");
		if (ranges_add(&slots->memory, s->range.start, s->range.end))
			return fault_errno(p->fault, p->r->name);
		if (s->readonly)
			slots->readonly_bytes += s->range.end - s->range.start;
	}
	return 0;
}

static int slots_lines(struct parser *p, struct slot_list *list, struct slot_map *slots)
{
	uint64_t pages = 0;

	if (version_line(p) || next_line(p, NULL))
		return -1;
	if (!eat_word(&p->c, "slots") || !at_end_of_line(&p->c))
		return wrong(p, "expected 'slots'");
	for (;;) {
		if (next_line(p, NULL))
			return -1;
		if (eat_word(&p->c, "end"))
			break;
		if (slot_line(p, list, &pages))
			return -1;
	}
	return slots_merge(p, list, slots) ?: end_line(p, list->nr, pages);
}

int slots_read(struct reader *r, struct slot_map *slots, struct fault *fault)
{
	struct parser p = { .r = r, .fault = fault };
	struct slot_list list = { 0 };
	int ret;

	*slots = (struct slot_map){ 0 };
	ret = slots_lines(&p, &list, slots);
	slots->slots = list.v;
	slots->nr = list.nr;
	return ret;
}

void slots_free(struct slot_map *slots)
{
	ranges_free(&slots->memory);
	free(slots->slots);
	slots->slots = NULL;
	slots->nr = 0;
}
