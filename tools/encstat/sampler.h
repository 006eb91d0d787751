/* SPDX-License-Identifier: GPL-2.0 */
/* Doing something at a pace, until a signal comes. */
#ifndef ENCSTAT_SAMPLER_H
#define ENCSTAT_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	uint64_t interval_ms;
	uint64_t next_ms;
	uint64_t left;		/* times to go; 0: no end */
	bool begun;
};

/* The signals that end a program then end the pace, so that output ends whole. */
void pace_start(struct pace *p, uint64_t interval_ms, uint64_t count);

/* Waits, but not before the first time. False: it is over. */
bool pace_next(struct pace *p);

uint64_t time_now_ms(void);		/* of the day */
uint64_t time_running_ms(void);		/* never set back */

#endif
