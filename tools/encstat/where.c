// SPDX-License-Identifier: GPL-2.0
/* What an address of a guest is, where that is known and not guessed. */
#include "where.h"

#define SIZE_4G		(1ULL << 32)
#define RESET_VECTOR	(SIZE_4G - 16)

/* What every PC has in its first MiB; above it, only 4 GiB is a border. */
static const struct {
	uint64_t end;
	const char *name;
} areas[] = {
	{ 0xa0000,	"low memory" },
	{ 0xc0000,	"VGA hole" },
	{ 0x100000,	"BIOS area" },
	{ SIZE_4G,	NULL },
	{ UINT64_MAX,	"above 4G" },
};

static void until(struct place *place, uint64_t addr)
{
	if (addr < place->until)
		place->until = addr;
}

static void find_area(uint64_t addr, struct place *place)
{
	unsigned int i = 0;

	while (addr >= areas[i].end)
		i++;
	place->where = areas[i].name;
	place->until = areas[i].end;
}

static void find_slot(const struct slot_map *slots, uint64_t addr, struct place *place)
{
	size_t low = 0, high = slots->nr;

	/* the first that ends behind it */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (slots->slots[middle].range.end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == slots->nr)
		return;
	if (slots->slots[low].range.start > addr) {
		until(place, slots->slots[low].range.start);
		return;
	}
	place->slot = &slots->slots[low];
	until(place, place->slot->range.end);
}

void place_at(const struct slot_map *slots, uint64_t addr, struct place *place)
{
	const struct slot *slot;

	*place = (struct place){ 0 };
	find_area(addr, place);
	find_slot(slots, addr, place);
	slot = place->slot;
	/* the first instruction of a CPU comes from there */
	if (slot && slot->range.start <= RESET_VECTOR && slot->range.end == SIZE_4G)
		place->where = "firmware (reset vector)";
}
