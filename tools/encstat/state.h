/* SPDX-License-Identifier: GPL-2.0 */
/* Which states of memory are wanted, in the grammar of page-types. */
#ifndef ENCSTAT_STATE_H
#define ENCSTAT_STATE_H

#include <stdbool.h>

/* What a guest's kernel has mapped both ways is both. */
#define STATE_PRIVATE	1
#define STATE_SHARED	2
#define STATE_ALL	(STATE_PRIVATE | STATE_SHARED)

#define STATE_TERMS	8

/* All terms must hold; without any, everything is wanted. */
struct state_filter {
	unsigned int nr;
	struct {
		unsigned int mask;
		unsigned int want;	/* 0: any of the mask */
	} term[STATE_TERMS];
};

/* False: it is no such thing, or there are too many. */
bool state_add(struct state_filter *f, const char *spec);

bool state_wanted(const struct state_filter *f, unsigned int state);

#endif
