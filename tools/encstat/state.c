// SPDX-License-Identifier: GPL-2.0
/*
 * Which states of memory are wanted, in the grammar of page-types:
 *   a,b    any of them        a,~b   a and not b
 *   =a,b   these and no more  a,b=a  of a and b only a
 */
#include <string.h>

#include "state.h"

static unsigned int state_of(const char *p, size_t len)
{
	if (len == 7 && !strncmp(p, "private", len))
		return STATE_PRIVATE;
	if (len == 6 && !strncmp(p, "shared", len))
		return STATE_SHARED;
	return 0;
}

/* Names up to @end with commas in between; those behind "~" only go into @all. */
static bool parse_names(const char *p, const char *end, unsigned int *plain, unsigned int *all)
{
	*plain = 0;
	*all = 0;
	for (;;) {
		bool not = *p == '~';
		size_t len;
		unsigned int state;

		p += not;
		len = strcspn(p, ",=");
		state = state_of(p, len);
		if (!state)
			return false;
		*all |= state;
		*plain |= not ? 0 : state;
		p += len;
		if (p == end)
			return true;
		if (*p++ != ',')
			return false;
	}
}

static bool parse(const char *spec, unsigned int *mask, unsigned int *want)
{
	const char *equals = strchr(spec, '='), *end = spec + strlen(spec);
	unsigned int plain, all;

	*mask = STATE_ALL;
	if (equals && strchr(spec, '~'))
		return false;
	if (equals && equals != spec && !parse_names(spec, equals, &plain, mask))
		return false;
	if (equals)
		return parse_names(equals + 1, end, want, &all) && !(*want & ~*mask);
	if (!parse_names(spec, end, &plain, &all))
		return false;
	if (!strchr(spec, '~')) {
		*mask = plain;
		*want = 0;
		return true;
	}
	/* memory is at least one of them: not to be a is to be b and no more */
	*want = plain ?: STATE_ALL & ~all;
	return *want;
}

bool state_add(struct state_filter *f, const char *spec)
{
	unsigned int mask, want;

	if (f->nr == STATE_TERMS || !parse(spec, &mask, &want))
		return false;
	f->term[f->nr].mask = mask;
	f->term[f->nr++].want = want;
	return true;
}

bool state_wanted(const struct state_filter *f, unsigned int state)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++) {
		unsigned int got = state & f->term[i].mask;

		if (f->term[i].want ? got != f->term[i].want : !got)
			return false;
	}
	return true;
}
