// SPDX-License-Identifier: GPL-2.0
/* The pictures of encstat report. */
#include <string.h>

#include "heat.h"
#include "html.h"
#include "report.h"
#include "text.h"
#include "top.h"

#define WIDTH		SVG_WIDTH
#define LEFT		104	/* of what the axis says */
#define CELL		13	/* pixels, of the map */
#define MAP_COLS	64
#define MAP_ROWS	24
#define CHAR		8	/* width of one in a legend, at most */
#define LEGEND_ROW	22
#define PLOT		(WIDTH - LEFT - 14)	/* width of a plot */

static const char *const bin_class[] = {
	[BIN_PRIVATE] = "k0", [BIN_LITTLE] = "k1", [BIN_HALF] = "k2", [BIN_MUCH] = "k3",
	[BIN_SHARED] = "k4", [BIN_UNKNOWN] = "u",
};

#define KEY_BOX(class)	"<rect class=\"" class "\" width=\"14\" height=\"14\"/>"
#define KEY_LINE(class)	"<path class=\"" class "\" d=\"M0 7H14\"/>"

/* What stands in legends. */
static const struct svg_key {
	const char *svg;	/* 14 pixels square */
	const char *text;
} keys[][8] = {
	[SVG_STATUS] = {
		/* in the order of enum report_bin */
		{ KEY_BOX("k0"), "private" },
		{ KEY_BOX("k1"), "up to a quarter shared" },
		{ KEY_BOX("k2"), "a quarter to three quarters shared" },
		{ KEY_BOX("k3"), "more than three quarters shared" },
		{ KEY_BOX("k4"), "shared" },
		{ KEY_BOX("u"), "not known" },
		{ "<rect class=\"c\" x=\"1\" y=\"1\" width=\"12\" height=\"12\"/>",
		  "changed in the interval" },
	},
	[SVG_RATES] = {
		{ KEY_LINE("la"), "made shared" },
		{ KEY_LINE("lb"), "made private" },
	},
};

static const char *bin_text(enum report_bin bin)
{
	return keys[SVG_STATUS][bin - BIN_PRIVATE].text;
}

/* Readers that cannot see it get the title and the description. */
static void svg_begin(FILE *f, const char *kind, size_t id, unsigned int height,
		      const char *title)
{
	fprintf(f, "<svg viewBox=\"0 0 %d %u\" width=\"%d\" height=\"%u\" role=\"img\" "
		"aria-labelledby=\"%s%zu-t %s%zu-d\">\n<title id=\"%s%zu-t\">%s</title>\n"
		"<desc id=\"%s%zu-d\">", WIDTH, height, WIDTH, height, kind, id, kind, id, kind,
		id, title, kind, id);
}

static void svg_text(FILE *f, double x, double y, const char *anchor, const char *text)
{
	fprintf(f, "<text class=\"dim\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
		x, y, anchor, text);
}

void svg_legend(FILE *f, enum svg_legend which)
{
	const struct svg_key *key;

	fputs("<ul class=\"legend\">\n", f);
	for (key = keys[which]; key->text; key++)
		fprintf(f, "<li><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\">%s</svg>%s</li>\n",
			key->svg, key->text);
	fputs("</ul>\n", f);
}

unsigned int svg_legend_inside(FILE *f, enum svg_legend which, unsigned int y)
{
	const struct svg_key *key;
	unsigned int x = SVG_MARGIN, width;

	for (key = keys[which]; key->text; key++, x += width) {
		width = 14 + 6 + CHAR * strlen(key->text) + 16;
		if (x > SVG_MARGIN && x + width > WIDTH) {
			x = SVG_MARGIN;
			y += LEGEND_ROW;
		}
		fprintf(f, "<g transform=\"translate(%u %u)\">%s"
			"<text class=\"s\" x=\"20\" y=\"12\">%s</text></g>\n", x, y, key->svg, key->text);
	}
	return y + LEGEND_ROW;
}

/* Cells of a row that are alike are one rectangle, which says what it is. */
static void map_run(FILE *f, const struct view *w, unsigned int row, unsigned int first,
		    unsigned int last, enum report_bin bin, const struct heat_cell *sum)
{
	uint64_t start = w->row[row] + first * w->cell, bytes = (last - first) * w->cell;
	char part[TEXT_NUM];

	text_size(part, sum->shared);
	fprintf(f, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\">"
		"<title>0x%llx to 0x%llx: %s", bin_class[bin], LEFT + first * CELL,
		10 + row * CELL, (last - first) * CELL - 1, CELL - 1,
		(unsigned long long)start, (unsigned long long)(start + bytes), bin_text(bin));
	if (bin > BIN_PRIVATE && bin < BIN_SHARED)
		fprintf(f, " (%s)", part);
	fputs("</title></rect>\n", f);
}

static void map_row(FILE *f, const struct report_vm *v, const struct view *w, unsigned int row)
{
	struct heat_cell cells[MAP_COLS], sum;
	enum report_bin bin, next;
	unsigned int i, first;

	heat_fill(&v->vm, w->row[row], w->cell, cells, w->cols);
	heat_mark(&v->changed, w->row[row], w->cell, cells, w->cols);
	for (i = 0; i < w->cols; i = first) {
		first = i;
		bin = report_bin(cells[i].shared, cells[i].other, v->sums.private.known);
		next = bin;
		for (sum = (struct heat_cell){ 0 }; first < w->cols; first++) {
			next = report_bin(cells[first].shared, cells[first].other,
					  v->sums.private.known);
			if (next != bin)
				break;
			sum.shared += cells[first].shared;
		}
		if (bin != BIN_NONE)
			map_run(f, w, row, i, first, bin, &sum);
	}
	for (i = 0; i < w->cols; i++)
		if (cells[i].changed)
			fprintf(f, "<rect class=\"c\" x=\"%u\" y=\"%u\" "
				"width=\"%u\" height=\"%u\"/>\n", LEFT + i * CELL + 1,
				10 + row * CELL + 1, CELL - 3, CELL - 3);
}

static void map_layout(struct view *w, const struct report_vm *v)
{
	view_reset(w);
	view_layout(w, &v->vm, VIEW_LABEL + MAP_COLS, MAP_ROWS);
}

void svg_map_note(FILE *f, const struct report_vm *v)
{
	char cell[TEXT_NUM], line[TEXT_NUM];
	struct view w;

	map_layout(&w, v);
	text_size(cell, w.cell);
	text_size(line, w.cell * w.cols);
	fprintf(f, "A cell is %s, a row %s. Rows without memory are left out "
		"where there is a line.", cell, line);
}

unsigned int svg_map(FILE *f, const struct report *r, const struct report_vm *v, size_t id)
{
	char cell[TEXT_NUM], line[TEXT_NUM];
	unsigned int i, height;
	struct view w;

	map_layout(&w, v);
	height = 20 + w.used * CELL;
	text_size(cell, w.cell);
	text_size(line, w.cell * w.cols);
	svg_begin(f, "map", id, height, "Heat map of guest memory");
	fprintf(f, "Guest physical memory in cells of %s, %s a row; the colour is how much of a "
		"cell is shared.</desc>\n", cell, line);
	for (i = 0; i < w.used; i++) {
		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%llx</text>\n", LEFT - 8,
			20 + i * CELL, (unsigned long long)w.row[i]);
		if (i && w.row[i] != w.row[i - 1] + w.cell * w.cols)
			fprintf(f, "<path class=\"grid\" d=\"M8 %dH%d\"/>\n", 9 + i * CELL,
				WIDTH - 14);
		map_row(f, v, &w, i);
	}
	fputs("</svg>\n", f);
	return height;
}

/* Where a time is. */
static double time_x(const struct report *r, uint64_t ms)
{
	return LEFT + (double)PLOT * (ms - r->start_ms) / (r->end_ms - r->start_ms);
}

/* The times below a plot. */
static void time_axis(FILE *f, const struct report *r, unsigned int y)
{
	static const char *const anchors[] = { "start", "middle", "middle", "middle", "end" };
	int i;

	for (i = 0; i < 5; i++) {
		double x = LEFT + PLOT * i / 4.0;

		fprintf(f, "<text class=\"dim\" x=\"%.1f\" y=\"%u\" text-anchor=\"%s\">", x, y,
			anchors[i]);
		html_clock(f, r->start_ms + (r->end_ms - r->start_ms) * i / 4,
			   report_has_days(r));
		fputs("</text>\n", f);
	}
}

/* A plot of @height with its top at @top; what its largest value says. */
struct plot {
	FILE *f;
	const struct report *r;
	const struct report_vm *v;
	unsigned int top, height;
	double max;
	struct value (*value)(const struct report_point *p);
	double unit;		/* of the value */
};

static struct value value_shared(const struct report_point *p)
{
	return p->shared;
}

static struct value value_to_shared(const struct report_point *p)
{
	return report_rate(p, p->grown[VM_TO_SHARED]);
}

static struct value value_to_private(const struct report_point *p)
{
	return report_rate(p, p->grown[VM_TO_PRIVATE]);
}

static double plot_max(const struct plot *plot)
{
	double max = 0;
	size_t i;

	for (i = 0; i < plot->v->nr; i++)
		if (plot->value(&plot->v->points[i]).v / plot->unit > max)
			max = plot->value(&plot->v->points[i]).v / plot->unit;
	return max;
}

static double plot_y(const struct plot *plot, double v)
{
	return plot->top + plot->height * (1 - (plot->max > 0 ? v / plot->max : 0));
}

/*
 * Steps: a value holds for its interval. Where it is not known, or the VM was
 * not there, is a gap.
 */
static void plot_line(const struct plot *plot, const char *class, bool area)
{
	const struct report_point *p, *last = NULL;

	fprintf(plot->f, "<path class=\"%s\" d=\"M%d %u", class, LEFT,
		plot->top + plot->height);
	for (p = plot->v->points; p < plot->v->points + plot->v->nr; p++) {
		struct value v = plot->value(p);
		double y = plot_y(plot, v.v / plot->unit);
		bool gap = !last || last->end_ms != p->start_ms;

		if (last && (gap || !v.known) && area)
			fprintf(plot->f, "V%.1fZ", plot_y(plot, 0));
		if (v.known && gap)
			fprintf(plot->f, "M%.1f %.1f", time_x(plot->r, p->start_ms),
				area ? plot_y(plot, 0) : y);
		if (v.known)
			fprintf(plot->f, "V%.1fH%.1f", y, time_x(plot->r, p->end_ms));
		last = v.known ? p : NULL;
	}
	if (last && area)
		fprintf(plot->f, "V%.1fZ", plot_y(plot, 0));
	fputs("\"/>\n", plot->f);
}

static void plot_frame(const struct plot *plot, const char *name, const char *max)
{
	fprintf(plot->f, "<path class=\"grid\" d=\"M%d %uH%dM%d %uH%dM%d %uV%u\"/>\n",
		LEFT, plot->top, LEFT + PLOT, LEFT, plot->top + plot->height, LEFT + PLOT,
		LEFT, plot->top, plot->top + plot->height);
	svg_text(plot->f, LEFT - 8, plot->top + 8, "end", max);
	svg_text(plot->f, LEFT - 8, plot->top + plot->height, "end", "0");
	svg_text(plot->f, 10, plot->top + plot->height / 2 + 4, "start", name);
}

/* A bar where READY was set at the end of the interval, a grey one where nobody knows. */
static void ready_bar(const struct plot *plot, unsigned int y)
{
	size_t i;

	svg_text(plot->f, 10, y + 9, "start", "READY");
	for (i = 0; i < plot->v->nr; i++) {
		const struct report_point *p = &plot->v->points[i];

		if (p->ready.v || !p->ready.known)
			fprintf(plot->f, "<rect class=\"%s\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" "
				"height=\"8\"/>\n", p->ready.v ? "ready" : "u",
				time_x(plot->r, p->start_ms), y,
				time_x(plot->r, p->end_ms) - time_x(plot->r, p->start_ms));
	}
}

unsigned int svg_timeline(FILE *f, const struct report *r, const struct report_vm *v, size_t id)
{
	struct plot plot = { f, r, v, 14, 110, 0, value_shared, 1 };
	const unsigned int height = 320;
	char max[TEXT_NUM];
	double other;

	plot.max = plot_max(&plot);
	text_size(max, plot.max);
	svg_begin(f, "time", id, height, "Shared memory, conversions and READY over time");
	fprintf(f, "Shared memory was %s at most.", max);
	plot.value = value_to_private;
	plot.unit = 10;
	other = plot_max(&plot);
	plot.value = value_to_shared;
	fprintf(f, " Pages a second: %.1f at most became shared, %.1f private.</desc>\n",
		plot_max(&plot), other);

	plot.value = value_shared;
	plot.unit = 1;
	plot_line(&plot, "area", true);
	plot_frame(&plot, "shared", max);

	plot = (struct plot){ f, r, v, 146, 110, 0, value_to_shared, 10 };
	plot.max = plot_max(&plot) > other ? plot_max(&plot) : other;
	snprintf(max, sizeof(max), "%.*f", plot.max < 10 ? 1 : 0, plot.max);
	plot_line(&plot, "la", false);
	plot.value = value_to_private;
	plot_line(&plot, "lb", false);
	plot_frame(&plot, "pages/s", max);
	ready_bar(&plot, 274);
	time_axis(f, r, 308);
	fputs("</svg>\n", f);
	return height;
}

/* A part of memory over time; intervals that are alike are one rectangle. */
static void history_row(FILE *f, const struct report *r, const struct report_vm *v,
			unsigned int bin, double y, double height)
{
	size_t i, j;

	for (i = 0; i < v->nr; i = j) {
		uint8_t b = v->points[i].bins[bin];

		for (j = i + 1; j < v->nr && v->points[j].bins[bin] == b &&
		     v->points[j].start_ms == v->points[j - 1].end_ms; j++)
			;
		if (b == BIN_NONE)
			continue;
		fprintf(f, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
			"width=\"%.1f\" height=\"%.1f\"/>\n",
			bin_class[b], time_x(r, v->points[i].start_ms), y,
			time_x(r, v->points[j - 1].end_ms) - time_x(r, v->points[i].start_ms),
			height);
	}
	for (i = 0; i < v->nr; i++)
		if (v->points[i].changed[bin])
			fprintf(f, "<path class=\"c\" d=\"M%.1f %.1fv%.1f\"/>\n",
				time_x(r, v->points[i].end_ms) - 1, y + 0.5, height - 1);
}

/* The address in the layout that has @offset bytes of memory below it. */
static uint64_t layout_addr(const struct ranges *layout, uint64_t offset)
{
	size_t i;

	for (i = 0; i < layout->nr; i++) {
		uint64_t n = layout->v[i].end - layout->v[i].start;

		if (offset < n)
			return layout->v[i].start + offset;
		offset -= n;
	}
	return 0;
}

unsigned int svg_history(FILE *f, const struct report *r, const struct report_vm *v, size_t id)
{
	const unsigned int row = 6, height = 20 + REPORT_BINS * row + 20;
	uint64_t size = report_bin_size(v);
	char text[TEXT_NUM];
	unsigned int i;

	text_size(text, size);
	svg_begin(f, "hist", id, height, "Heat map of memory over time");
	fprintf(f, "Each of the %d rows is %s of guest memory, the lowest addresses at the top; "
		"the colour is how much of it is shared.</desc>\n", REPORT_BINS, text);
	fputs("<g shape-rendering=\"crispEdges\">\n", f);
	for (i = 0; i < REPORT_BINS; i++)
		history_row(f, r, v, i, 10 + i * row, row);
	fputs("</g>\n", f);
	for (i = 0; i < REPORT_BINS; i++) {
		if (i % 8 || i * size >= ranges_bytes(&v->layout))
			continue;
		snprintf(text, sizeof(text), "%llx",
			 (unsigned long long)layout_addr(&v->layout, i * size));
		svg_text(f, LEFT - 8, 10 + i * row + 8, "end", text);
	}
	time_axis(f, r, 10 + REPORT_BINS * row + 20);
	fputs("</svg>\n", f);
	return height;
}
