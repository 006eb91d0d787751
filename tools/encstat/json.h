/* SPDX-License-Identifier: GPL-2.0 */
/* A JSON writer: commas, nesting and escapes are its business, nobody else's. */
#ifndef ENCSTAT_JSON_H
#define ENCSTAT_JSON_H

#include <stdbool.h>
#include <stdint.h>

void json_pretty(bool pretty);

void json_object(void);
void json_array(void);
void json_end(void);			/* of the innermost object or array */

void json_key(const char *key);		/* @key needs no escapes */
void json_uint(uint64_t v);
void json_int(int64_t v);
void json_bool(bool v);
void json_null(void);
void json_string(const char *s);	/* any bytes; what is not UTF-8 becomes U+FFFD */

#endif
