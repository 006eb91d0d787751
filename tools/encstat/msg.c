// SPDX-License-Identifier: GPL-2.0
/* What goes wrong and what is worth saying, as text or as part of the JSON. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "msg.h"
#include "out.h"

struct msg {
	struct msg *next;
	const char *code;
	const char *hint;
	char text[512];
};

struct msg_list {
	struct msg *first;
	struct msg **tail;
};

static struct msg_list errors = { .tail = &errors.first };
static struct msg_list notes = { .tail = &notes.first };
static int exit_code = EXIT_OK;
static bool finding;
static void (*diverted)(const char *text);

int fault_set(struct fault *fault, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (fault->code)
		return -1;

	fault->code = code;
	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	return -1;
}

const char *hint_root(const char *hint)
{
	return geteuid() ? hint : NULL;
}

int fault_errno(struct fault *fault, const char *path)
{
	bool denied = errno == EACCES || errno == EPERM;

	fault->missing = errno == ENOENT;
	fault->locked = errno == EPERM;
	fault_set(fault, denied ? "permission" : "read", "%s: %s", path, strerror(errno));
	if (denied)
		fault->hint = hint_root(HINT_PERMISSION);
	return -1;
}

void msg_fault(const struct fault *fault)
{
	if (fault->code)
		msg_error(EXIT_ERROR, fault->code, fault->hint, "%s", fault->text);
}

void msg_divert(void (*to)(const char *text))
{
	diverted = to;
}

static void divert(const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	diverted(text);
}

static void tell(const char *kind, const char *hint, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);

	/* Keep the order when both streams are the same terminal. */
	out_flush();
	fprintf(stderr, "encstat: %s", kind);
	out_safe(stderr, text);
	fputc('\n', stderr);
	if (hint)
		fprintf(stderr, "encstat: hint: %s\n", hint);
}

static void put_json(const char *code, const char *text, const char *hint)
{
	json_object();
	json_key("code");
	json_string(code);
	json_key("message");
	json_string(text);
	if (hint) {
		json_key("hint");
		json_string(hint);
	}
	json_end();
}

/* Of output in lines: now, as everything else there. */
static void put_line(const char *key, const char *code, const char *hint,
		     const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	json_object();
	json_key(key);
	put_json(code, text, hint);
	json_end();
	out_flush();
}

static void keep(struct msg_list *list, const char *code, const char *hint,
		 const char *fmt, va_list ap)
{
	struct msg *m = calloc(1, sizeof(*m));

	if (!m)
		return;
	m->code = code;
	m->hint = hint;
	vsnprintf(m->text, sizeof(m->text), fmt, ap);
	*list->tail = m;
	list->tail = &m->next;
}

void msg_error(int exit_with, const char *code, const char *hint, const char *fmt, ...)
{
	va_list ap;

	if (exit_code == EXIT_OK && !diverted)
		exit_code = exit_with;

	va_start(ap, fmt);
	if (diverted)
		divert(fmt, ap);
	else if (out_is_lines())
		put_line("error", code, hint, fmt, ap);
	else if (out_is_json())
		keep(&errors, code, hint, fmt, ap);
	else
		tell("", hint, fmt, ap);
	va_end(ap);
}

void msg_note(const char *code, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (diverted)
		divert(fmt, ap);
	else if (out_is_lines())
		put_line("note", code, hint, fmt, ap);
	else if (out_is_json())
		keep(&notes, code, hint, fmt, ap);
	else
		tell("note: ", hint, fmt, ap);
	va_end(ap);
}

void msg_finding(void)
{
	finding = true;
}

int msg_exit_code(void)
{
	return exit_code == EXIT_OK && finding ? EXIT_FINDING : exit_code;
}

static void list_json(const char *key, struct msg_list *list)
{
	struct msg *m, *next;

	json_key(key);
	json_array();
	for (m = list->first; m; m = next) {
		next = m->next;
		put_json(m->code, m->text, m->hint);
		free(m);
	}
	json_end();
	list->first = NULL;
	list->tail = &list->first;
}

void msg_json(void)
{
	list_json("errors", &errors);
	list_json("notes", &notes);
}
