// SPDX-License-Identifier: GPL-2.0
/*
 * Write to pages of memory in random order, and expect to find in each of them
 * what was last written.  What a page should hold follows from its number and
 * from how often it was written, which is kept apart from it.
 *
 * usage: memload MIB FILE, where FILE says "rounds N corrupted N" all the time
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_WORDS	512
/* Pages between two naps, or a migration never catches up */
#define BATCH		64
#define NAP_US		20000

static uint64_t (*pages)[PAGE_WORDS];
static uint32_t *times;
static unsigned long corrupted;

static uint64_t expected(size_t page, unsigned int word)
{
	return (times[page] * 0x9e3779b97f4a7c15ull) ^ (page << 20) ^ word;
}

static void check(size_t page)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++) {
		if (pages[page][i] != expected(page, i)) {
			corrupted++;
			return;
		}
	}
}

static void fill(size_t page)
{
	unsigned int i;

	times[page]++;
	for (i = 0; i < PAGE_WORDS; i++)
		pages[page][i] = expected(page, i);
}

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void report(const char *path, unsigned long rounds)
{
	char new[256];
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", path);
	f = fopen(new, "w");
	if (!f)
		return;
	fprintf(f, "rounds %lu corrupted %lu\n", rounds, corrupted);
	fclose(f);
	rename(new, path);
}

int main(int argc, char *argv[])
{
	unsigned long rounds;
	size_t nr, i, page;

	if (argc != 3)
		return 2;
	nr = strtoul(argv[1], NULL, 0) * 256;
	pages = aligned_alloc(sizeof(*pages), nr * sizeof(*pages));
	times = calloc(nr, sizeof(*times));
	if (!nr || !pages || !times)
		return 1;

	for (i = 0; i < nr; i++)
		fill(i);

	for (rounds = 0;; rounds++) {
		report(argv[2], rounds);
		for (i = 0; i < nr; i++) {
			page = next_random() % nr;
			check(page);
			fill(page);
			if (i % BATCH == 0)
				usleep(NAP_US);
		}
		for (i = 0; i < nr; i++)
			check(i);
	}
}
