// SPDX-License-Identifier: GPL-2.0
/* Which part of guest memory: the address ranges of page-types, in bytes. */
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "text.h"

#define PAGE_SIZE_4K	(1ULL << PAGE_SHIFT_4K)

/* The end of the last page that 64 bits can address; addresses beyond do not exist. */
#define ADDR_END	(~(PAGE_SIZE_4K - 1))

static bool number(const char **p, uint64_t *v)
{
	static const char suffix[] = "KMGT";
	const char *end = *p + strlen(*p), *s;
	unsigned int shift;

	if (!text_parse_hex(p, end, v) && !text_parse_uint(p, end, v))
		return false;
	s = **p ? strchr(suffix, **p) : NULL;
	if (!s)
		return true;
	shift = 10 * (s - suffix + 1);
	if (*v > UINT64_MAX >> shift)
		return false;
	*v <<= shift;
	++*p;
	return true;
}

static bool parse_spec(const char *p, struct range *r)
{
	uint64_t bytes;

	*r = (struct range){ 0, ADDR_END };
	if (*p != ',' && !number(&p, &r->start))
		return false;

	switch (*p) {
	case '\0':
		r->start &= ~(PAGE_SIZE_4K - 1);
		r->end = r->start + PAGE_SIZE_4K;
		return r->start < ADDR_END;
	case '+':
		p++;
		if (!number(&p, &bytes))
			return false;
		r->end = r->start + bytes;
		break;
	case ',':
		p++;
		if (*p && !number(&p, &r->end))
			return false;
		break;
	}
	/* an end that went beyond 64 bits is below the start */
	return !*p && r->start < r->end && !((r->start | r->end) & (PAGE_SIZE_4K - 1));
}

static int range_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* What is given twice is one, so that it is neither shown twice nor in pieces. */
static void sort_and_merge(struct ranges *r)
{
	size_t i, n = 0;

	qsort(r->v, r->nr, sizeof(*r->v), range_order);
	for (i = 1; i < r->nr; i++) {
		if (r->v[i].start > r->v[n].end)
			r->v[++n] = r->v[i];
		else if (r->v[i].end > r->v[n].end)
			r->v[n].end = r->v[i].end;
	}
	r->nr = n + 1;
}

bool filter_add(struct ranges *filter, const char *spec)
{
	struct range r;

	if (!parse_spec(spec, &r) || ranges_add(filter, r.start, r.end))
		return false;
	sort_and_merge(filter);
	return true;
}

bool filter_part(const struct ranges *filter, const struct range *range,
		 struct range *part)
{
	size_t i;

	*part = *range;
	if (!filter->nr)
		return range->start < range->end;

	for (i = 0; i < filter->nr; i++) {
		const struct range *f = &filter->v[i];

		if (f->end <= range->start)
			continue;
		part->start = f->start > range->start ? f->start : range->start;
		part->end = f->end < range->end ? f->end : range->end;
		return part->start < part->end;
	}
	return false;
}
