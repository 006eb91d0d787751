/* SPDX-License-Identifier: GPL-2.0 */
/* What an address of a guest is, where that is known and not guessed. */
#ifndef ENCSTAT_WHERE_H
#define ENCSTAT_WHERE_H

#include "map.h"

struct place {
	const struct slot *slot;	/* NULL: none, or not known */
	const char *where;		/* NULL: not known */
	uint64_t until;			/* all of it is so up to here */
};

void place_at(const struct slot_map *slots, uint64_t addr, struct place *place);

#endif
