// SPDX-License-Identifier: GPL-2.0
/* Reading of recordings. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "recording.h"
#include "text.h"

#ifndef HAVE_JANSSON

int recording_open(struct recording *r, const char *path)
{
	msg_error(EXIT_UNSUPPORTED, "no-jansson", NULL,
		  "this encstat was built without libjansson and cannot read recordings");
	return -1;
}

void recording_close(struct recording *r)
{
}

int recording_make_seekable(struct recording *r)
{
	return 0;
}

int recording_next(struct recording *r, const struct vm_filter *filter,
		   struct vms *vms, struct when *when)
{
	return 0;
}

int recording_last(const struct vm_filter *filter, struct vms *vms, struct when *when)
{
	struct recording r;

	return recording_open(&r, filter->file);
}

#else

#include <jansson.h>

/* Reads the next line that is whole; false: there is none. */
static bool read_line(struct recording *r)
{
	ssize_t len = getline(&r->line, &r->line_size, r->f);

	if (len <= 0)
		return false;
	r->line_nr++;
	if (r->line[len - 1] == '\n')
		return true;
	msg_note("cut-off", NULL, "%s:%lu: the last line is cut off and left out",
		 r->path, r->line_nr);
	return false;
}

/* Passes over a string; *@s is behind its first quote. */
static void skip_string(const char **s)
{
	for (; **s && **s != '"'; ++*s)
		if (**s == '\\' && (*s)[1])
			++*s;
	*s += **s == '"';
}

/*
 * libjansson has integers of 63 bits, and nothing but an error for larger ones;
 * these become strings. NULL: there is none, and the line is good as it is.
 */
static char *quote_large_numbers(const char *line)
{
	/* in the worst case, all of it is numbers of 19 digits */
	char *copy = malloc(strlen(line) / 8 + strlen(line) + 1), *d = copy;
	const char *s = line, *start;
	bool any = false;

	while (copy && *s) {
		uint64_t n;
		size_t len;
		bool large;

		start = s;
		if (*s++ == '"')
			skip_string(&s);
		len = strspn(start, "0123456789");
		if (len)
			s = start + len;
		/* a sign, a point or an exponent beside it: it is no integer of that kind */
		large = len > 18 && !strchr(".eE", *s ?: ' ') &&
			(start == line || !strchr("-+.eE", start[-1])) &&
			(!text_parse_uint(&(const char *){ start }, s, &n) || n > INT64_MAX);
		any |= large;
		if (large)
			*d++ = '"';
		memcpy(d, start, s - start);
		d += s - start;
		if (large)
			*d++ = '"';
	}
	if (any) {
		*d = '\0';
		return copy;
	}
	free(copy);
	return NULL;
}

/* The line as an object; NULL: it has been told why. */
static json_t *parse_line(struct recording *r)
{
	char *copy = quote_large_numbers(r->line);
	json_error_t error;
	json_t *root = json_loads(copy ?: r->line, 0, &error);

	free(copy);
	if (root && json_is_object(root))
		return root;
	msg_error(EXIT_ERROR, "malformed", NULL, "%s:%lu: %s", r->path, r->line_nr,
		  root ? "not a JSON object" : error.text);
	json_decref(root);
	return NULL;
}

static int check_header(struct recording *r)
{
	json_t *root, *version;
	int ret = 0;

	if (!read_line(r)) {
		msg_error(EXIT_ERROR, "malformed", NULL, "%s: not a recording", r->path);
		return -1;
	}
	root = parse_line(r);
	if (!root)
		return -1;
	version = json_object_get(root, "encstat_recording");
	if (!json_is_integer(version)) {
		msg_error(EXIT_ERROR, "malformed", NULL, "%s: not a recording", r->path);
		ret = -1;
	} else if (json_integer_value(version) != RECORDING_VERSION) {
		msg_error(EXIT_UNSUPPORTED, "recording-version", NULL,
			  "%s: this version of recordings is not known to this encstat",
			  r->path);
		ret = -1;
	}
	json_decref(root);
	return ret;
}

int recording_open(struct recording *r, const char *path)
{
	bool is_stdin = !strcmp(path, "-");

	*r = (struct recording){ .path = is_stdin ? "stdin" : path };
	r->f = is_stdin ? fdopen(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), "r") : fopen(path, "re");
	if (!r->f) {
		msg_error(EXIT_ERROR, "read", NULL, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (!check_header(r))
		return 0;
	recording_close(r);
	return -1;
}

void recording_close(struct recording *r)
{
	fclose(r->f);
	free(r->line);
}

int recording_make_seekable(struct recording *r)
{
	char buf[1 << 14];
	FILE *copy;
	size_t n;

	if (ftell(r->f) >= 0)
		return 0;
	copy = tmpfile();
	while (copy && (n = fread(buf, 1, sizeof(buf), r->f)))
		if (fwrite(buf, 1, n, copy) != n)
			break;
	if (!copy || ferror(r->f) || ferror(copy) || fseek(copy, 0, SEEK_SET)) {
		msg_error(EXIT_ERROR, "read", NULL, "%s: %s", r->path, strerror(errno));
		if (copy)
			fclose(copy);
		return -1;
	}
	fclose(r->f);
	r->f = copy;
	return 0;
}

/* A number that is not negative; false: none, or no number. */
static bool take_uint(const json_t *n, uint64_t *v)
{
	const char *s = json_string_value(n), *end = s ? s + strlen(s) : NULL;
	uint64_t large;

	if (s) {
		if (!text_parse_uint(&s, end, &large) || s != end || large <= INT64_MAX)
			return false;
		*v = large;
		return true;
	}
	if (!json_is_integer(n) || json_integer_value(n) < 0)
		return false;
	*v = json_integer_value(n);
	return true;
}

static bool get_uint(const json_t *obj, const char *key, uint64_t *v)
{
	return take_uint(json_object_get(obj, key), v);
}

/* [[start, end], ...], ascending; false: it is something else. */
static bool get_ranges(const json_t *obj, const char *key, struct ranges *ranges)
{
	const json_t *array = json_object_get(obj, key);
	uint64_t start, end, last = 0;
	size_t i;

	if (!json_is_array(array))
		return false;
	for (i = 0; i < json_array_size(array); i++) {
		const json_t *pair = json_array_get(array, i);
		const json_t *s = json_array_get(pair, 0), *e = json_array_get(pair, 1);

		if (!take_uint(s, &start) || !take_uint(e, &end) || start >= end ||
		    start < last || ranges_add(ranges, start, end))
			return false;
		last = end;
	}
	return true;
}

/* What is null or missing was not known when it was recorded. */
static bool get_map(const json_t *obj, struct vm *vm)
{
	const json_t *tracked = json_object_get(obj, "tracked");
	const json_t *shared = json_object_get(obj, "shared");
	uint64_t c_bit;

	vm->has_map = json_is_boolean(tracked);
	vm->map.has_header = vm->has_map;
	vm->map.tracked = json_is_true(tracked);
	vm->map.sev_sim = json_is_true(json_object_get(obj, "sev_sim"));
	vm->map.c_bit = get_uint(obj, "c_bit", &c_bit) && c_bit < 64 ? (int)c_bit : -1;
	vm->map.complete = json_is_true(json_object_get(obj, "shared_complete"));
	return !json_is_array(shared) || get_ranges(obj, "shared", &vm->map.shared);
}

static void get_counters(const json_t *obj, struct vm *vm)
{
	int i;

	vm->has_counters = true;
	for (i = 0; i < VM_COUNTERS; i++)
		vm->has_counters &= get_uint(obj, vm_counter_keys[i], &vm->counters[i]);
}

static bool get_vm(const json_t *obj, struct vm *vm)
{
	const char *id = json_string_value(json_object_get(obj, "vm"));
	const char *name = json_string_value(json_object_get(obj, "name"));
	const json_t *memory = json_object_get(obj, "memory");
	const json_t *ready = json_object_get(obj, "ready");
	uint64_t pid;

	if (!id || !vm_parse_id(id, vm))
		return false;
	if (get_uint(obj, "pid", &pid) && pid && pid <= INT_MAX)
		vm->pid = pid;
	get_uint(obj, "instance", &vm->instance);
	vm->name = name ? strdup(name) : NULL;
	vm->has_ready = json_is_boolean(ready);
	vm->ready = json_is_true(ready);
	vm->has_bytes = get_uint(obj, "tracker_bytes", &vm->tracker_bytes);
	vm->has_slots = json_is_array(memory);
	if (vm->has_slots && !get_ranges(obj, "memory", &vm->slots.memory))
		return false;
	get_counters(obj, vm);
	vm->has_violations = get_uint(obj, "violations", &vm->violations);
	vm->has_double = get_uint(obj, "double_backed_bytes", &vm->double_bytes);
	get_uint(obj, "memory_readonly_bytes", &vm->slots.readonly_bytes);
	return get_map(obj, vm);
}

static bool add_vm(struct vms *vms, const json_t *obj, const struct vm_filter *filter)
{
	struct vm vm = { 0 };

	if (get_vm(obj, &vm))
		return !vms_add(vms, &vm, filter);
	vm_unload(&vm);
	free(vm.name);
	return false;
}

/* One sample from the line that was read. */
static int get_sample(struct recording *r, const struct vm_filter *filter,
		      struct vms *vms, struct when *when)
{
	json_t *root = parse_line(r), *list;
	bool ok = true;
	size_t i;

	*vms = (struct vms){ .recorded = true };
	if (!root)
		return -1;
	list = json_object_get(root, "vms");
	ok = get_uint(root, "time_ms", &when->time_ms) && json_is_array(list);
	when->running_ms.known = get_uint(root, "running_ms", &when->running_ms.v);
	for (i = 0; ok && i < json_array_size(list); i++)
		ok = add_vm(vms, json_array_get(list, i), filter);
	json_decref(root);
	if (ok)
		return 1;
	msg_error(EXIT_ERROR, "malformed", NULL, "%s:%lu: not a sample", r->path, r->line_nr);
	vms_free(vms);
	return -1;
}

int recording_next(struct recording *r, const struct vm_filter *filter,
		   struct vms *vms, struct when *when)
{
	if (!read_line(r))
		return 0;
	return get_sample(r, filter, vms, when);
}

/* Only the last line is worth parsing: they may be long. */
static char *last_line(struct recording *r)
{
	unsigned long nr = 0;
	char *last = NULL;

	while (read_line(r)) {
		free(last);
		last = r->line;
		nr = r->line_nr;
		r->line = NULL;
		r->line_size = 0;
	}
	free(r->line);
	r->line = last;
	r->line_nr = nr;
	return last;
}

int recording_last(const struct vm_filter *filter, struct vms *vms, struct when *when)
{
	struct recording r;
	int ret;

	if (recording_open(&r, filter->file))
		return -1;
	if (last_line(&r)) {
		ret = get_sample(&r, filter, vms, when);
	} else {
		msg_error(EXIT_ERROR, "no-sample", NULL, "%s: no sample", r.path);
		ret = -1;
	}
	recording_close(&r);
	return ret;
}

#endif
