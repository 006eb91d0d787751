// SPDX-License-Identifier: GPL-2.0
/*
 * Print the frequency of the TSC in kHz.  L1 is told it (tsc_early_khz), as what
 * it calibrates on a busy machine may be wrong by a factor of two.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct point {
	unsigned long long tsc, ns;
};

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The TSC and the clock at once: of many tries the one that took least. */
static struct point sample(void)
{
	unsigned long long before, after, best = -1ULL;
	struct point p = { 0, 0 };
	int i;

	for (i = 0; i < 200; i++) {
		before = __rdtsc();
		unsigned long long ns = now_ns();

		after = __rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		p.tsc = before + best / 2;
		p.ns = ns;
	}
	return p;
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 100000000 };
	struct point a = sample(), b;

	nanosleep(&pause, NULL);
	b = sample();
	printf("%llu\n", (b.tsc - a.tsc) * 1000000 / (b.ns - a.ns));
	return 0;
}
