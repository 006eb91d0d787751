/* SPDX-License-Identifier: GPL-2.0 */
/* What goes wrong and what is worth saying, as text or as part of the JSON. */
#ifndef ENCSTAT_MSG_H
#define ENCSTAT_MSG_H

#include <stdbool.h>

/* Exit codes, the same for every command. */
enum {
	EXIT_OK		 = 0,
	EXIT_ERROR	 = 1,
	EXIT_USAGE	 = 2,
	EXIT_FINDING	 = 3,
	EXIT_UNSUPPORTED = 77,
};

#define HINT_PERMISSION	"debugfs is readable by root only; run encstat as root"

/* @hint says to be root, which is none for those who are. */
const char *hint_root(const char *hint);

/* An error that is found in one place and told, or not, in another. */
struct fault {
	const char *code;	/* NULL: none */
	const char *hint;
	bool missing;		/* a file was not there */
	bool locked;		/* not for want of permission, which root has */
	char text[512];
};

/* The first one stays. Both return -1. */
int fault_set(struct fault *fault, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int fault_errno(struct fault *fault, const char *path);

/*
 * @code is a stable short word for programs, @hint says what to do about it
 * (or NULL). With text output they go to stderr at once, with JSON they are
 * kept for msg_json().
 */
void msg_error(int exit_code, const char *code, const char *hint,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void msg_note(const char *code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void msg_fault(const struct fault *fault);

/* What was looked for has been found; it is no error, but makes EXIT_FINDING. */
void msg_finding(void);

/*
 * While a program has the whole screen, it gets the texts, in one line each,
 * and the exit code does not change. NULL: back to normal.
 */
void msg_divert(void (*to)(const char *text));

/* The exit code of the first error, else EXIT_FINDING or EXIT_OK. */
int msg_exit_code(void);

/* Writes the members "errors" and "notes" into the open JSON object. */
void msg_json(void);

#endif
