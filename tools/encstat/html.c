// SPDX-License-Identifier: GPL-2.0
/* Pieces of a page of HTML that is well-formed XML, too. */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "html.h"
#include "text.h"

static void hex_bytes(FILE *f, const char *s, size_t n)
{
	for (; n; n--, s++)
		fprintf(f, "\\x%02x", (unsigned char)*s);
}

void html_text(FILE *f, const char *s)
{
	size_t n;

	for (; *s; s += n) {
		n = text_utf8(s);
		if (!n || text_is_unsafe(text_code_point(s, n))) {
			n = n ?: 1;
			hex_bytes(f, s, n);
		} else if (*s == '&') {
			fputs("&amp;", f);
		} else if (*s == '<') {
			fputs("&lt;", f);
		} else if (*s == '>') {
			fputs("&gt;", f);
		} else if (*s == '"') {
			fputs("&quot;", f);
		} else if (*s == '\'') {
			fputs("&#39;", f);
		} else {
			fwrite(s, 1, n, f);
		}
	}
}

void html_size(FILE *f, uint64_t bytes)
{
	char buf[TEXT_NUM];

	text_size(buf, bytes);
	fputs(buf, f);
}

static void put_time(FILE *f, uint64_t ms, const char *format)
{
	char buf[64];
	time_t s = ms / 1000;
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(buf, sizeof(buf), format, &tm))
		strcpy(buf, "?");
	fputs(buf, f);
}

void html_time(FILE *f, uint64_t ms)
{
	put_time(f, ms, "%Y-%m-%d %H:%M:%S UTC");
}

void html_clock(FILE *f, uint64_t ms, bool date)
{
	put_time(f, ms, date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S");
}

#define FG	"#1b1f24"
#define DIM	"#57606a"
#define LINE	"#d0d7de"
#define CARD	"#f6f8fa"
#define UNKNOWN	"#a0a0a0"
#define MARK	"#d1242f"
#define A	"#b35900"
#define B	"#0550ae"

/* The steps from private to shared differ in lightness, not only in hue. */
#define K0	"#31446b"
#define K1	"#2f7f86"
#define K2	"#57b06a"
#define K3	"#b4cf3a"
#define K4	"#fbd524"

/* What is drawn in pictures, in these colours. */
#define SVG_RULES(fg, dim, line, unknown, mark, a, b, k0, k1, k2, k3, k4)		\
	"svg text{fill:" fg ";font:11px ui-monospace,monospace}svg .dim{fill:" dim "}\n"	\
	".k0{fill:" k0 "}.k1{fill:" k1 "}.k2{fill:" k2 "}.k3{fill:" k3 "}"		\
	".k4{fill:" k4 "}.u{fill:" unknown "}\n"					\
	".c{fill:none;stroke:" mark ";stroke-width:1.5}"				\
	".grid{stroke:" line ";fill:none}\n"						\
	".area{fill:" k4 ";fill-opacity:.55;stroke:" a ";stroke-width:1.5}"		\
	".la{stroke:" a ";fill:none;stroke-width:2}"					\
	".lb{stroke:" b ";fill:none;stroke-width:2;stroke-dasharray:5 3}"		\
	".ready{fill:" b "}\n"

static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:" FG ";--dim:" DIM ";--line:" LINE ";"
	"--card:" CARD ";--k0:" K0 ";--k1:" K1 ";--k2:" K2 ";--k3:" K3 ";--k4:" K4 ";"
	"--unknown:" UNKNOWN ";--mark:" MARK ";--a:" A ";--b:" B "}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#14171c;--fg:#e6e9ed;--dim:#9aa4af;"
	"--line:#3a424c;--card:#1c2128;--k0:#46608f;--unknown:#707070;--mark:#ff6b6b;"
	"--a:#ffb454;--b:#79c0ff}}\n"
	"body{background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif;"
	"margin:0 auto;max-width:1000px;padding:1em}\n"
	"h1{font-size:1.5em;margin:.3em 0}h2{font-size:1.25em;margin:1.8em 0 .3em;"
	"border-bottom:2px solid var(--line);overflow-wrap:anywhere}"
	"h3{font-size:1em;margin:1.2em 0 .4em}p{margin:.3em 0}\n"
	".dim{color:var(--dim)}.scroll{overflow-x:auto}\n"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.3em 0}"
	"caption{text-align:left;color:var(--dim)}"
	"th,td{padding:.15em .8em .15em 0;text-align:right;white-space:nowrap;"
	"border-bottom:1px solid var(--line)}\n"
	"th.l,td.l{text-align:left}td.name{white-space:normal;overflow-wrap:anywhere}"
	"td.addr{font-family:ui-monospace,monospace}\n"
	"svg{display:block;width:100%;height:auto;background:var(--card);border-radius:6px}\n"
	SVG_RULES("var(--fg)", "var(--dim)", "var(--line)", "var(--unknown)", "var(--mark)",
		  "var(--a)", "var(--b)", "var(--k0)", "var(--k1)", "var(--k2)", "var(--k3)",
		  "var(--k4)")
	".legend{display:flex;flex-wrap:wrap;gap:.2em 1.2em;font-size:.87em;padding:0;"
	"margin:.4em 0;list-style:none}.legend svg{display:inline-block;width:14px;height:14px;"
	"background:none;border-radius:0;vertical-align:-2px;margin-right:.4em}\n";

/* No variables: not all that draws SVG knows them. */
void html_svg_style(FILE *f)
{
	fputs("<style>\n"
	      SVG_RULES(FG, DIM, LINE, UNKNOWN, MARK, A, B, K0, K1, K2, K3, K4)
	      ".bg{fill:" CARD "}svg .t{font:600 17px system-ui,sans-serif}"
	      "svg .s{font:13px system-ui,sans-serif;fill:" DIM "}\n</style>\n", f);
}

void html_begin(FILE *f, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n<title>", f);
	html_text(f, title);
	fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

void html_end(FILE *f)
{
	fputs("</body>\n</html>\n", f);
}
