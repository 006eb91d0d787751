/* SPDX-License-Identifier: GPL-2.0 */
/* A JSON writer: commas, nesting and escapes are its business, nobody else's. */
#ifndef ENCSTAT_JSON_H
#define ENCSTAT_JSON_H

#include <stdbool.h>
#include <stdint.h>

enum json_style {
	JSON_COMPACT,		/* objects in an array have a line each */
	JSON_PRETTY,
	JSON_LINE,		/* a document is one line */
};

#define JSON_DEPTH_MAX	16

/* A document being written; there is one at a time, but see json_swap(). */
struct json_state {
	struct {
		char close;	/* what ends it: '}' or ']' */
		bool used;	/* has a member already */
	} level[JSON_DEPTH_MAX];
	unsigned int depth;
	bool after_key;
	enum json_style style;
};

/* Goes on with @other, and puts what was written until now there. */
void json_swap(struct json_state *other);

void json_style(enum json_style style);

void json_object(void);
void json_array(void);
void json_end(void);			/* of the innermost object or array */

void json_key(const char *key);		/* @key needs no escapes */
void json_uint(uint64_t v);
void json_int(int64_t v);
void json_tenths(uint64_t tenths);	/* a number with one decimal */
void json_bool(bool v);
void json_null(void);
void json_string(const char *s);	/* any bytes; what is not UTF-8 becomes U+FFFD */

#endif
