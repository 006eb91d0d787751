// SPDX-License-Identifier: GPL-2.0
/* encstat check: is everything in place, and what to do if it is not. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "msg.h"
#include "out.h"

enum { COL_STATUS, COL_WHAT, COL_SUBJECT, COL_MESSAGE, COL_HINT };

static const struct out_col cols[] = {
	[COL_STATUS]	= { "status",	"STATUS",	OUT_LEFT,	7 },
	[COL_WHAT]	= { "check",	"CHECK",	OUT_LEFT,	15 },
	[COL_SUBJECT]	= { "subject",	"VM",		OUT_LEFT,	9 },
	[COL_MESSAGE]	= { "message",	"FOUND" },
	[COL_HINT]	= { "hint" },
};

static unsigned int found[CHECK_UNKNOWN + 1];

static void show_hint(const char *hint)
{
	out_row_end();
	if (hint && !out_is_json()) {
		out_raw("         do: ", 13);
		out_raw(hint, strlen(hint));
		out_raw("\n", 1);
	}
}

void check_found(enum check_status status, const char *what, const char *subject,
		 const char *hint, const char *fmt, ...)
{
	static const char *const word[] = { "ok", "warning", "wrong", "unknown" };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	found[status]++;
	out_row();
	out_str(COL_STATUS, word[status]);
	out_str(COL_WHAT, what);
	if (subject)
		out_str(COL_SUBJECT, subject);
	else
		out_none(COL_SUBJECT, "-");
	out_long(COL_MESSAGE, text);
	if (hint)
		out_str(COL_HINT, hint);
	else
		out_none(COL_HINT, "-");
	show_hint(hint);
}

void cmd_check(const struct settings *s)
{
	bool host, guest;

	out_table("checks", cols, sizeof(cols) / sizeof(*cols), OUT_STREAM);
	guest = check_guest(s);
	host = check_host(s);
	if (!guest && !host)
		check_found(CHECK_WRONG, "kvm", NULL, "modprobe kvm_amd, or kvm_intel",
			    "neither a host with KVM nor a guest of KVM");
	out_table_end();
	if (!found[CHECK_WRONG])
		return;
	msg_note("wrong", NULL, "%u of %u checks found something wrong", found[CHECK_WRONG],
		 found[CHECK_OK] + found[CHECK_WARNING] + found[CHECK_WRONG] +
		 found[CHECK_UNKNOWN]);
	msg_finding();
}
