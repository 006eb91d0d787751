/* SPDX-License-Identifier: GPL-2.0 */
/* The two texts of a VM in debugfs: page_enc_map and page_enc_slots. */
#ifndef ENCSTAT_MAP_H
#define ENCSTAT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"
#include "msg.h"

#define PAGE_SHIFT_4K	12

/* Guest physical addresses, [start, end). */
struct range {
	uint64_t start;
	uint64_t end;
};

/* Ascending, not overlapping, and touching ones are merged. */
struct ranges {
	struct range *v;
	size_t nr;
	size_t alloc;
};

struct enc_map {
	bool tracked;
	bool sev_sim;
	int c_bit;			/* -1: unknown */
	bool has_header;		/* what stands above is known */
	struct ranges shared;
	bool complete;			/* else it was cut off, or is not what it should be */
};

struct slot {
	struct range range;
	uint64_t id;
	char flags[16];			/* as they are written: "rw", "ro,log" */
	bool readonly;
};

struct slot_map {
	struct ranges memory;
	uint64_t readonly_bytes;
	struct slot *slots;		/* ascending; none in a recording */
	size_t nr;
};

void slots_free(struct slot_map *slots);

/*
 * -1 and the reason in @fault if the text is wrong. What came before the wrong
 * line is in @map nevertheless.
 */
int map_read(struct reader *r, struct enc_map *map, struct fault *fault);
int map_read_header(struct reader *r, struct enc_map *map, struct fault *fault);
/* The guest's own list: RAM that its kernel has mapped decrypted, or both ways. */
int decrypted_read(struct reader *r, struct ranges *decrypted, struct ranges *mixed,
		   struct fault *fault);
int slots_read(struct reader *r, struct slot_map *slots, struct fault *fault);

int ranges_add(struct ranges *r, uint64_t start, uint64_t end);
void ranges_free(struct ranges *r);
uint64_t ranges_bytes(const struct ranges *r);

/*
 * Walks memory and what is shared of it in ascending order: each call gives
 * the next range with one status.
 */
struct walk {
	const struct ranges *memory, *shared;
	size_t mem, shr;		/* next of each */
	uint64_t pos;			/* memory below is done */
};

void walk_start(struct walk *w, const struct ranges *memory, const struct ranges *shared);
bool walk_next(struct walk *w, struct range *range, bool *is_shared);

/* Bytes that are in @memory, but not in @shared. */
uint64_t private_bytes(const struct ranges *memory, const struct ranges *shared);

#endif
