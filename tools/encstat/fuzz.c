// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz targets for libFuzzer: the parsers of what encstat reads. FUZZ_RECORDING
 * is the one of recordings; without it, that of the maps and lists.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io.h"
#include "iomem.h"
#include "map.h"
#include "msg.h"
#include "out.h"
#include "qemu_args.h"
#include "recording.h"
#include "vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

/* The parsers read files; this one is in memory. */
static void set_file(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("input", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (fd < 0 || !freopen("/dev/null", "w", stderr))
			abort();
	}
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
}

/* Ascending, in whole pages, none empty: whatever the text was. */
static void check_ranges(const struct ranges *r)
{
	size_t i;

	for (i = 0; i < r->nr; i++)
		if (r->v[i].start >= r->v[i].end || (i && r->v[i].start <= r->v[i - 1].end))
			abort();
}

#ifdef FUZZ_RECORDING

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_filter filter = { .file = path, .root = "" };
	struct recording r;
	struct when when;
	struct vms vms;
	size_t i;
	int ret;

	set_file(data, size);
	if (recording_open(&r, path))
		return 0;
	while ((ret = recording_next(&r, &filter, &vms, &when))) {
		for (i = 0; ret > 0 && i < vms.nr; i++) {
			check_ranges(&vms.v[i].map.shared);
			check_ranges(&vms.v[i].slots.memory);
		}
		if (ret > 0)
			vms_free(&vms);
	}
	recording_close(&r);
	return 0;
}

#else

static void open_reader(struct reader *r)
{
	if (reader_open(r, AT_FDCWD, path, "input"))
		abort();
}

static void fuzz_map(struct reader *r)
{
	struct fault fault = { 0 };
	struct enc_map map;

	open_reader(r);
	if (!map_read(r, &map, &fault) && !map.complete)
		abort();
	check_ranges(&map.shared);
	ranges_free(&map.shared);
	reader_close(r);
}

static void fuzz_slots(struct reader *r)
{
	struct slot_map slots;
	struct fault fault = { 0 };

	open_reader(r);
	if (!slots_read(r, &slots, &fault))
		check_ranges(&slots.memory);
	slots_free(&slots);
	reader_close(r);
}

static void fuzz_decrypted(struct reader *r)
{
	struct ranges decrypted = { 0 }, mixed = { 0 };
	struct fault fault = { 0 };

	open_reader(r);
	decrypted_read(r, &decrypted, &mixed, &fault);
	check_ranges(&decrypted);
	check_ranges(&mixed);
	ranges_free(&decrypted);
	ranges_free(&mixed);
	reader_close(r);
}

static void fuzz_iomem(void)
{
	struct fault fault = { 0 };
	struct ranges ram = { 0 };
	char where[32];
	struct iomem m;
	uint64_t until;

	if (iomem_read(&m, path, &fault))
		return;
	if (!iomem_ram(&m, &ram))
		check_ranges(&ram);
	iomem_where(&m, 0x100000, where, sizeof(where), &until);
	ranges_free(&ram);
	iomem_free(&m);
}

static void fuzz_args(const uint8_t *data, size_t size)
{
	char *args = malloc(size + 1);
	struct qemu_args q;

	if (!args)
		return;
	for (size_t i = 0; i < size; i++)
		args[i] = data[i];
	args[size] = '\0';
	qemu_args_parse(&q, args, size);
	free(vm_name(args, size));
	free(args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reader r;

	set_file(data, size);
	fuzz_map(&r);
	fuzz_slots(&r);
	fuzz_decrypted(&r);
	fuzz_iomem();
	fuzz_args(data, size);
	return 0;
}

#endif
