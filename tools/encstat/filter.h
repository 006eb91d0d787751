/* SPDX-License-Identifier: GPL-2.0 */
/* Which part of guest memory: the address ranges of page-types, in bytes. */
#ifndef ENCSTAT_FILTER_H
#define ENCSTAT_FILTER_H

#include <stdbool.h>

#include "map.h"

/*
 * Adds to @filter what @spec says:
 *
 *	N	the page of address N
 *	N+M	M bytes from N on
 *	N,M	from N to M, without M
 *	N,	from N to the end
 *	,M	from 0 to M, without M
 *
 * Numbers are decimal or 0x..., and may have a suffix K, M, G or T. False: it
 * is none of these, or is empty, or does not begin and end at a page.
 */
bool filter_add(struct ranges *filter, const char *spec);

/*
 * The first part of @range that @filter lets through, as @part; false: nothing.
 * An empty filter lets everything through.
 */
bool filter_part(const struct ranges *filter, const struct range *range,
		 struct range *part);

#endif
