// SPDX-License-Identifier: GPL-2.0
/* A picture of encstat report that stands alone, as an SVG file. */
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "msg.h"
#include "picture.h"

#define HEADING	52		/* height of what stands above */
#define NOTE	22

struct picture {
	const char *name;
	svg_fn *draw;
	bool over_time;		/* it takes two samples */
	enum svg_legend legend;
	void (*note)(FILE *f, const struct report_vm *v);	/* or NULL */
	const char *title;
};

static const struct picture pictures[] = {
	{ "map", svg_map, false, SVG_STATUS, svg_map_note, "Guest memory" },
	{ "timeline", svg_timeline, true, SVG_RATES, NULL, "Shared memory over time" },
	{ "history", svg_history, true, SVG_STATUS, NULL, "Guest memory over time" },
};

const struct picture *picture_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(pictures) / sizeof(*pictures); i++)
		if (!strcmp(pictures[i].name, name))
			return &pictures[i];
	return NULL;
}

bool picture_possible(const struct picture *p, const struct report *r)
{
	const struct report_vm *v = r->v;

	if (!r->nr)
		msg_error(EXIT_ERROR, "no-such-vm", NULL, "no VM was running");
	else if (r->nr > 1)
		msg_error(EXIT_ERROR, "ambiguous", "say which with -p or -g",
			  "there are several VMs");
	else if (!v->vm.has_map)
		msg_error(EXIT_ERROR, "read", NULL, "the map of the VM could not be read");
	else if (!v->vm.map.tracked)
		msg_error(EXIT_ERROR, "untracked", NULL, "the VM is not tracked");
	else if (p->over_time && v->first_ms == v->last_ms)
		msg_error(EXIT_ERROR, "one-sample", NULL, "%s: there is one sample of the VM only",
			  p->name);
	else
		return true;
	return false;
}

static void heading(FILE *f, const struct picture *p, const struct report_vm *v)
{
	fprintf(f, "<text class=\"t\" x=\"%d\" y=\"28\">%s</text>\n"
		"<text class=\"s\" x=\"%d\" y=\"47\">", SVG_MARGIN, p->title, SVG_MARGIN);
	html_text(f, v->vm.name && *v->vm.name ? v->vm.name : v->vm.id);
	if (v->sums.memory.known) {
		fputs(", ", f);
		html_size(f, v->sums.memory.v);
	}
	fputs(", ", f);
	if (v->sums.shared.known) {
		html_size(f, v->sums.shared.v);
		fputs(" shared at ", f);
	}
	html_time(f, v->last_ms);
	fputs("</text>\n", f);
}

/* The parts go to memory first: only then is it known how high it all is. */
static unsigned int parts(FILE *f, const struct picture *p, const struct report *r)
{
	const struct report_vm *v = r->v;
	unsigned int y = HEADING;

	heading(f, p, v);
	fprintf(f, "<g transform=\"translate(0 %u)\">\n", y);
	y += p->draw(f, r, v, 0);
	fputs("</g>\n", f);
	y = svg_legend_inside(f, p->legend, y + 4);
	if (p->note) {
		fprintf(f, "<text class=\"s\" x=\"%d\" y=\"%u\">", SVG_MARGIN, y + 13);
		p->note(f, v);
		fputs("</text>\n", f);
		y += NOTE;
	}
	return y + 8;
}

int picture_write(FILE *f, const struct picture *p, const struct report *r)
{
	unsigned int height;
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);

	if (!mem)
		return -1;
	height = parts(mem, p, r);
	if (fclose(mem)) {
		free(text);
		return -1;
	}
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" "
		"width=\"%d\" height=\"%u\">\n", SVG_WIDTH, height, SVG_WIDTH, height);
	html_svg_style(f);
	fprintf(f, "<rect class=\"bg\" width=\"%d\" height=\"%u\" rx=\"10\"/>\n", SVG_WIDTH, height);
	fwrite(text, 1, len, f);
	fputs("</svg>\n", f);
	free(text);
	return 0;
}
