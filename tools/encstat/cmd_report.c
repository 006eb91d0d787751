// SPDX-License-Identifier: GPL-2.0
/* encstat report: a page of HTML with pictures and tables, or one of the pictures. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "html.h"
#include "msg.h"
#include "newfile.h"
#include "picture.h"
#include "report.h"
#include "sampler.h"
#include "text.h"

#define INTERVALS	10	/* if nobody says how many */
#define TOP_RANGES	12
#define TOP_INTERVALS	8

static void cell_size(FILE *f, struct value bytes)
{
	fputs("<td>", f);
	if (bytes.known)
		html_size(f, bytes.v);
	else
		fputs("-", f);
	fputs("</td>", f);
}

static void cell_flag(FILE *f, struct value v)
{
	fprintf(f, "<td class=\"l\">%s</td>", !v.known ? "-" : v.v ? "yes" : "no");
}

static void cell_share(FILE *f, const struct vm_sums *sums)
{
	char text[TEXT_NUM] = "-";
	uint64_t shared;

	if (vm_share(sums, &shared))
		text_share(text, shared, sums->memory.v);
	fputs("<td>", f);
	html_text(f, text);
	fputs("</td>", f);
}

static void vm_name_html(FILE *f, const struct report_vm *v)
{
	html_text(f, v->vm.name && *v->vm.name ? v->vm.name : "-");
}

static void vm_row(FILE *f, const struct report *r, const struct report_vm *v, size_t id)
{
	struct value tracked = vm_tracked(&v->vm);

	fprintf(f, "<tr><td class=\"l name\"><a href=\"#vm%zu\">", id);
	vm_name_html(f, v);
	fprintf(f, "</a></td><td>%d</td>", v->vm.pid);
	cell_size(f, v->sums.memory);
	cell_size(f, v->sums.private);
	cell_size(f, v->sums.shared);
	cell_share(f, &v->sums);
	if (v->sums.ranges.known)
		fprintf(f, "<td>%llu</td>", (unsigned long long)v->sums.ranges.v);
	else
		fputs("<td>-</td>", f);
	cell_flag(f, vm_ready(&v->vm));
	fprintf(f, "<td class=\"l\">%s</td></tr>\n",
		tracked.known && !tracked.v ? "not tracked" :
		v->last_ms < r->end_ms ? "ended" : "running");
}

static void vm_table(FILE *f, const struct report *r)
{
	size_t i;

	fputs("<div class=\"scroll\"><table><caption>Each VM at its last sample</caption>\n"
	      "<thead><tr><th class=\"l\" scope=\"col\">Name</th><th scope=\"col\">PID</th>"
	      "<th scope=\"col\">Memory</th><th scope=\"col\">Private</th>"
	      "<th scope=\"col\">Shared</th><th scope=\"col\">Share</th>"
	      "<th scope=\"col\">Ranges</th><th class=\"l\" scope=\"col\">READY</th>"
	      "<th class=\"l\" scope=\"col\">State</th></tr></thead>\n<tbody>\n", f);
	for (i = 0; i < r->nr; i++)
		vm_row(f, r, &r->v[i], i);
	fputs("</tbody></table></div>\n", f);
}

/* Puts @n into a short list of the largest: where, or -1. */
static int rank(const uint64_t *values, int used, int max, uint64_t n)
{
	int i = used;

	while (i > 0 && values[i - 1] < n)
		i--;
	return i < max ? i : -1;
}

static void insert(uint64_t *values, size_t *index, int *used, int max, uint64_t n, size_t i)
{
	int at = rank(values, *used, max, n);

	if (at < 0)
		return;
	if (*used < max)
		++*used;
	memmove(values + at + 1, values + at, (*used - at - 1) * sizeof(*values));
	memmove(index + at + 1, index + at, (*used - at - 1) * sizeof(*index));
	values[at] = n;
	index[at] = i;
}

static void range_table(FILE *f, const struct report_vm *v)
{
	const struct ranges *shared = &v->vm.map.shared;
	uint64_t values[TOP_RANGES];
	size_t index[TOP_RANGES], i;
	int used = 0, k;

	for (i = 0; i < shared->nr; i++)
		insert(values, index, &used, TOP_RANGES,
		       shared->v[i].end - shared->v[i].start, i);
	if (!used)
		return;
	fprintf(f, "<h3>Largest shared ranges</h3>\n<div class=\"scroll\"><table>"
		"<caption>%d of %zu</caption>\n<thead><tr><th class=\"l\" scope=\"col\">Start</th>"
		"<th class=\"l\" scope=\"col\">End</th><th scope=\"col\">Size</th></tr></thead>\n"
		"<tbody>\n", used, shared->nr);
	for (k = 0; k < used; k++) {
		const struct range *range = &shared->v[index[k]];

		fprintf(f, "<tr><td class=\"l addr\">0x%016llx</td>"
			"<td class=\"l addr\">0x%016llx</td>",
			(unsigned long long)range->start, (unsigned long long)range->end);
		cell_size(f, value(true, values[k]));
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

static void cell_rate(FILE *f, const struct report_point *p, uint64_t n)
{
	struct value tenths = report_rate(p, n);
	char text[TEXT_NUM + 2] = "-";

	if (tenths.known)
		text_tenths(text, tenths.v);
	fprintf(f, "<td>%s</td>", text);
}

static void interval_row(FILE *f, const struct report_point *p, bool date)
{
	fputs("<tr><td class=\"l\">", f);
	html_clock(f, p->start_ms, date);
	fputs(" to ", f);
	html_clock(f, p->end_ms, date);
	fputs("</td>", f);
	cell_rate(f, p, p->grown[VM_CALLS]);
	cell_rate(f, p, p->grown[VM_TO_SHARED]);
	cell_rate(f, p, p->grown[VM_TO_PRIVATE]);
	cell_rate(f, p, p->grown[VM_REFUSED_INVAL] + p->grown[VM_REFUSED_PERM]);
	cell_size(f, p->shared);
	cell_flag(f, p->ready);
	fputs("</tr>\n", f);
}

static void interval_table(FILE *f, const struct report *r, const struct report_vm *v)
{
	uint64_t values[TOP_INTERVALS];
	size_t index[TOP_INTERVALS], i;
	int used = 0, k;

	for (i = 0; i < v->nr; i++) {
		const struct report_point *p = &v->points[i];
		uint64_t n = report_rate(p, p->grown[VM_TO_SHARED] + p->grown[VM_TO_PRIVATE] +
					 p->grown[VM_CALLS]).v;

		if (n)
			insert(values, index, &used, TOP_INTERVALS, n, i);
	}
	if (!used)
		return;
	fputs("<h3>Busiest intervals</h3>\n<div class=\"scroll\"><table>"
	      "<caption>Rates are per second; shared memory and READY are those at the end of the "
	      "interval</caption>\n"
	      "<thead><tr><th class=\"l\" scope=\"col\">UTC</th><th scope=\"col\">Calls</th>"
	      "<th scope=\"col\">Pages shared</th><th scope=\"col\">Pages private</th>"
	      "<th scope=\"col\">Refused</th><th scope=\"col\">Shared</th>"
	      "<th class=\"l\" scope=\"col\">READY</th></tr></thead>\n<tbody>\n", f);
	for (k = 0; k < used; k++)
		interval_row(f, &v->points[index[k]], report_has_days(r));
	fputs("</tbody></table></div>\n", f);
}

static void vm_part(FILE *f, const struct report *r, const struct report_vm *v, size_t id)
{
	fprintf(f, "<section>\n<h2 id=\"vm%zu\">", id);
	vm_name_html(f, v);
	fprintf(f, " <span class=\"dim\">%s</span></h2>\n", v->vm.id);
	if (!v->vm.has_map || !v->vm.map.tracked) {
		fprintf(f, "<p>%s</p>\n</section>\n", v->vm.has_map ?
			"It is not tracked: what it shares is not known." :
			"Its map could not be read.");
		return;
	}
	fputs("<h3>Memory at the end</h3>\n", f);
	svg_map(f, r, v, id);
	fputs("<p class=\"dim\">", f);
	svg_map_note(f, v);
	fputs("</p>\n", f);
	if (v->last_ms > v->first_ms) {
		fputs("<h3>Over time</h3>\n", f);
		svg_timeline(f, r, v, id);
		svg_legend(f, SVG_RATES);
		fputs("<h3>Memory over time</h3>\n", f);
		svg_history(f, r, v, id);
	} else {
		fputs("<p class=\"dim\">There is one sample of it, hence no timeline.</p>\n", f);
	}
	range_table(f, v);
	interval_table(f, r, v);
	fputs("</section>\n", f);
}

static void write_page(FILE *f, const struct report *r, const struct settings *s)
{
	size_t i;

	html_begin(f, "encstat report");
	fputs("<h1>Page encryption status</h1>\n<p class=\"dim\">", f);
	html_time(f, r->start_ms);
	fputs(" to ", f);
	html_time(f, r->end_ms);
	fprintf(f, ", %zu sample%s, ", r->samples, r->samples == 1 ? "" : "s");
	if (s->filter.file)
		html_text(f, s->filter.file);
	else
		fputs("live", f);
	fputs(", encstat " ENCSTAT_VERSION "</p>\n", f);
	vm_table(f, r);
	if (!r->nr)
		fputs("<p>No VM was running.</p>\n", f);
	else
		svg_legend(f, SVG_STATUS);
	for (i = 0; i < r->nr; i++)
		vm_part(f, r, &r->v[i], i);
	html_end(f);
}

static void tell_write_error(const char *path)
{
	msg_error(EXIT_ERROR, "write", NULL, "%s: %s", path, strerror(errno));
}

static bool add_sample(struct report *r, const struct feed *f)
{
	if (!report_add(r, f))
		return true;
	msg_error(EXIT_ERROR, "memory", NULL, "%s", strerror(ENOMEM));
	return false;
}

/* Samples that are malformed have been told about, and are left out. */
static void take_samples(struct report *r, struct feed *f, const struct settings *s)
{
	struct pace pace;
	int ret;

	if (f->recorded) {
		while ((ret = feed_next(f)))
			if (ret > 0 && !add_sample(r, f))
				break;
		return;
	}
	pace_start(&pace, s->interval_ms, (s->count ?: INTERVALS) + 1);
	while (pace_next(&pace))
		if (feed_next(f) < 0 || !add_sample(r, f))
			break;
}

static int write_file(const struct report *r, const struct settings *s)
{
	struct newfile file;
	bool failed = false;
	FILE *f;
	int err;

	if (newfile_open(&file, s->args[0], 0666))
		return -1;
	f = fdopen(fcntl(file.fd, F_DUPFD_CLOEXEC, 0), "w");
	if (f && s->picture)
		failed = picture_write(f, s->picture, r);
	else if (f)
		write_page(f, r, s);
	failed = !f || failed | ferror(f) | fclose(f) || newfile_keep(&file);
	err = errno;
	newfile_close(&file);
	errno = err;
	return failed ? -1 : 0;
}

void cmd_report(const struct settings *s)
{
	struct report r = { 0 };
	struct feed f;

	if (s->filter.file && newfile_is(s->args[0], s->filter.file)) {
		msg_error(EXIT_USAGE, "usage", NULL,
			  "%s is the recording: the %s has to be another file", s->args[0],
			  s->picture ? "picture" : "page");
		return;
	}
	if (feed_open(&f, &s->filter))
		return;
	f.exact = true;
	take_samples(&r, &f, s);
	feed_close(&f);
	if (!r.samples) {
		report_free(&r);
		return;
	}
	if (s->picture && !picture_possible(s->picture, &r)) {
		report_free(&r);
		return;
	}
	if (write_file(&r, s))
		tell_write_error(s->args[0]);
	report_free(&r);
}
