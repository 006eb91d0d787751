/* SPDX-License-Identifier: GPL-2.0 */
/* A number that is known, or is not: then it is not 0 either. */
#ifndef ENCSTAT_VALUE_H
#define ENCSTAT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

struct value {
	bool known;
	uint64_t v;		/* 0 if it is not known */
};

static inline struct value value(bool known, uint64_t v)
{
	return (struct value){ known, known ? v : 0 };
}

#endif
