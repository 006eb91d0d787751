// SPDX-License-Identifier: GPL-2.0
/* Doing something at a pace, until a signal comes. */
#include <signal.h>
#include <time.h>

#include "sampler.h"

#define NS_PER_MS	1000000
#define MS_PER_S	1000

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / NS_PER_MS;
}

uint64_t time_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

uint64_t time_running_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void pace_start(struct pace *p, uint64_t interval_ms, uint64_t count)
{
	struct sigaction sa = { .sa_handler = stop };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGQUIT, &sa, NULL);
	*p = (struct pace){
		.interval_ms = interval_ms,
		.next_ms = time_running_ms(),
		.left = count,
	};
}

static void sleep_until(uint64_t ms)
{
	struct timespec ts = {
		.tv_sec = ms / MS_PER_S,
		.tv_nsec = ms % MS_PER_S * NS_PER_MS,
	};

	/* a signal ends it, which is what is wanted */
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

bool pace_next(struct pace *p)
{
	uint64_t now;

	if (p->begun && p->left && !--p->left)
		return false;
	if (p->begun) {
		/* the last one may have been late: not in the same millisecond as that */
		now = time_running_ms();
		if (p->next_ms <= now)
			p->next_ms = now + 1;
		sleep_until(p->next_ms);
	}
	p->begun = true;

	/* after a pause of the machine, do not catch up: an interval of 0 has no rate */
	now = time_running_ms();
	p->next_ms += p->interval_ms;
	if (p->next_ms < now + p->interval_ms / 2)
		p->next_ms = now + p->interval_ms;
	return !stopped;
}
