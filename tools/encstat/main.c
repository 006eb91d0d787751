// SPDX-License-Identifier: GPL-2.0
/*
 * encstat: page encryption status of virtual machines.
 *
 * The two tables here are all there is to commands and options: parsing and
 * help are made from them.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encstat.h"
#include "msg.h"
#include "newfile.h"
#include "out.h"
#include "picture.h"
#include "text.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* Bits of the commands that take an option. */
enum {
	LIST	= 1 << 0,
	MAP	= 1 << 1,
	RECORD	= 1 << 2,
	REPLAY	= 1 << 3,
	STAT	= 1 << 4,
	DIFF	= 1 << 8,
	CHECK	= 1 << 9,
	TRACE	= 1 << 10,
	METRICS	= 1 << 11,
	COMPLETION = 1 << 12,
	HELP	= 1 << 13,
	TOP	= 1 << 24,
	REPORT	= 1 << 25,
	ALL	= ~0U,
	TEXTS	= COMPLETION | HELP,	/* about encstat itself */
	JSON	= ALL & ~(METRICS | TOP | TEXTS),
	LINES	= STAT | TRACE,		/* of JSON */
	VMS	= ALL & ~TEXTS,
	SIZES	= DIFF | LIST | MAP | REPLAY | STAT | TRACE,
	PACED	= RECORD | REPORT | STAT | TOP,
	FROM_FILE = LIST | MAP | METRICS | REPORT | STAT | TOP,
	LIVE	= CHECK | DIFF | TRACE | RECORD | FROM_FILE,
};

struct command {
	unsigned int bit;
	const char *name;
	const char *args;	/* in the usage line */
	unsigned int nr_args;
	const char *help;
	const char *more;	/* at the end of its own help, or NULL */
	void (*run)(const struct settings *s);
};

struct option_def {
	char letter;		/* 0: none */
	const char *name;
	const char *arg;	/* NULL: it takes none */
	unsigned int commands;
	const char *help;
	bool (*set)(struct settings *s, const char *arg);
};

static const struct command commands[] = {
	{ LIST, "list", "", 0, "a line for each VM (the default)",
	  "MEMORY is what the VMM has mapped into the guest: RAM, and also ROM and\n"
	  "device memory such as a frame buffer; it is PRIVATE or SHARED. RANGES are\n"
	  "the shared ones. TRACKER is the memory that the host spends on tracking;\n"
	  "off: the VM is not tracked, because the parameter kvm.page_enc_status was\n"
	  "off when it was created. READY: the guest declares its announcements complete.\n"
	  "With -i SEC it waits for so long and adds the column 'conversions', pages\n"
	  "converted a second. The column 'since' needs a recording.\n",
	  cmd_list },
	{ MAP, "map", "", 0, "the private and shared ranges of each VM",
	  "END is the first address behind the range.\n"
	  "\n"
	  "The SPEC of -a selects guest physical addresses, with the grammar of page-types,\n"
	  "but in bytes. A range that is only partly selected is cut. Several -a select\n"
	  "what any of them does.\n"
	  "  N      the page of address N    N,     from N to the end\n"
	  "  N+M    M bytes from N on        ,M     from 0 to M, without M\n"
	  "  N,M    from N to M, without M\n"
	  "Numbers are decimal or 0x..., and may end in K, M, G or T.\n"
	  "\n"
	  "The SPEC of -s selects states, private and shared; what a guest has mapped both\n"
	  "ways is both.\n"
	  "  A,B    any of them              A,~B   A and not B\n"
	  "  =A,B   these and no other one   A,B=A  of A and B only A\n",
	  cmd_map },
	{ DIFF, "diff", "A B", 2, "where two maps differ",
	  "A and B are each one of\n"
	  "  PID or PID-FD  a VM that is running; live: the one that -p or -g says\n"
	  "  FILE           a recording (its last sample), a copy of page_enc_map, or what\n"
	  "                 a guest has in /sys/kernel/debug/x86/mem_encrypt/decrypted\n"
	  "  FILE:PID       the VM of a recording, if there are several\n"
	  "  -              a map or a list from standard input\n"
	  "A guest's list only covers RAM; with --ram only RAM is compared.\n"
	  "The exit code is 3 if they differ.\n",
	  cmd_diff },
	{ CHECK, "check", "", 0, "find what is missing or wrong, and say what to do",
	  "In a host it looks at the kernel, its parameters, /dev/kvm, debugfs, and each\n"
	  "VM and its QEMU; in a guest at CPUID, SEV, the kernel's log, debugfs and EFI.\n"
	  "Findings that need root are 'unknown' to others. The exit code is 3 if something\n"
	  "is wrong; warnings and unknown findings do not count.\n",
	  cmd_check },
	{ STAT, "stat", "", 0, "how fast each VM converts memory",
	  "A line for each VM and interval. Rates are pages or calls a second in that\n"
	  "interval, the first one too; a VM that began within it counts from then on.\n"
	  "READY+ and READY- are how often READY was set and withdrawn.\n",
	  cmd_stat },
	{ METRICS, "metrics", "", 0, "text for node-exporter and the like",
	  "For the textfile collector, write to a temporary file beside it and rename that.\n",
	  cmd_metrics },
	{ TRACE, "trace", "", 0, "what guests announce, as it happens",
	  "A line for each event of kvm:kvm_page_enc_*: ranges that a guest set, refused\n"
	  "calls, READY, and accesses against the status (strict mode of simulated SEV).\n"
	  "A filter drops events that lack the field it looks at. Ctrl-C ends it.\n",
	  cmd_trace },
	{ RECORD, "record", "FILE", 1, "samples of all VMs, for replay and -F",
	  "FILE gets a line of JSON for each sample. Ctrl-C ends it.\n",
	  cmd_record },
	{ REPLAY, "replay", "FILE", 1, "list for each sample of a recording",
	  NULL,
	  cmd_replay },
	{ TOP, "top", "", 0, "list and stat live, and a map of a VM's memory",
	  "It needs a terminal; h shows the keys. With -F it plays a recording: [ and ]\n"
	  "step from sample to sample. NO_COLOR=1 turns colours off.\n",
	  cmd_top },
	{ REPORT, "report", "FILE", 1, "a page of HTML: heat maps, timelines, tables",
	  "It covers all samples of a recording (-F), or N intervals (-n, 10 if not given)\n"
	  "from now on. FILE is a page that needs no other file; with --svg it is a picture\n"
	  "of one VM.\n",
	  cmd_report },
	{ COMPLETION, "completion", "", 0, "the completion of bash, made from these tables",
	  NULL,
	  cmd_completion },
	{ HELP, "help", "[COMMAND]", 1, "this help, or that of a command",
	  NULL,
	  NULL },
};

static bool set_pid(struct settings *s, const char *arg)
{
	const char *end = arg + strlen(arg);
	uint64_t v;

	if (!text_parse_uint(&arg, end, &v) || arg != end || !v || v > INT_MAX)
		return false;
	s->filter.pid = v;
	return true;
}

static bool set_guest(struct settings *s, const char *arg)
{
	s->filter.name = arg;
	return true;
}

static bool set_file(struct settings *s, const char *arg)
{
	s->filter.file = arg;
	return true;
}

/* Seconds, which may have decimals; 10 ms at least, a day at most. */
static bool set_interval(struct settings *s, const char *arg)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || *end || !(v >= 0.01 && v <= 86400))
		return false;
	s->interval_ms = v * 1000;
	s->has_interval = true;
	return true;
}

static bool set_count(struct settings *s, const char *arg)
{
	const char *end = arg + strlen(arg);

	return text_parse_uint(&arg, end, &s->count) && arg == end && s->count;
}

static bool set_csv(struct settings *s, const char *arg)
{
	s->csv = true;
	return true;
}

static bool set_log(struct settings *s, const char *arg)
{
	s->log = strcmp(arg, STDOUT_NAME) ? arg : NULL;
	return true;
}

static bool set_root(struct settings *s, const char *arg)
{
	s->filter.root = arg;
	return strlen(arg) < PATH_MAX / 2;
}

static bool set_svg(struct settings *s, const char *arg)
{
	s->picture = picture_find(arg);
	return s->picture;
}

static bool set_columns(struct settings *s, const char *arg)
{
	s->help_columns |= !strcmp(arg, "help");
	return s->help_columns || list_choice_add(&s->columns, arg);
}

static bool set_sort(struct settings *s, const char *arg)
{
	return list_sort_set(&s->sort, arg);
}

static bool set_where(struct settings *s, const char *arg)
{
	s->where = true;
	return true;
}

static bool set_min_pages(struct settings *s, const char *arg)
{
	const char *end = arg + strlen(arg);

	return text_parse_uint(&arg, end, &s->min_pages) && arg == end && s->min_pages;
}

static bool set_ram(struct settings *s, const char *arg)
{
	s->ram = arg;
	return true;
}

static bool set_state(struct settings *s, const char *arg)
{
	return state_add(&s->state, arg);
}

static bool set_shared(struct settings *s, const char *arg)
{
	s->shared_only = true;
	return state_add(&s->state, "shared");
}

static bool set_private(struct settings *s, const char *arg)
{
	s->private_only = true;
	return state_add(&s->state, "=private");
}

static bool set_bytes(struct settings *s, const char *arg)
{
	s->unit = OUT_BYTES;
	return true;
}

static bool set_pages(struct settings *s, const char *arg)
{
	s->unit = OUT_PAGES;
	return true;
}

static bool set_addr(struct settings *s, const char *arg)
{
	return filter_add(&s->addr, arg);
}

static bool set_json(struct settings *s, const char *arg)
{
	s->json = true;
	return true;
}

static bool set_pretty(struct settings *s, const char *arg)
{
	s->json = true;
	s->pretty = true;
	return true;
}

static bool set_help(struct settings *s, const char *arg)
{
	s->help = true;
	return true;
}

static bool set_version(struct settings *s, const char *arg)
{
	s->version = true;
	return true;
}

static const struct option_def options[] = {
	{ 'p', "pid", "PID", VMS, "only the VMs of this process", set_pid },
	{ 'g', "guest", "NAME", VMS, "only the VMs of this name", set_guest },
	{ 'F', "file", "FILE", FROM_FILE, "read a recording", set_file },
	{ 'i', "interval", "SEC", LIST | PACED, "length of an interval (1)", set_interval },
	{ 'n', "count", "N", PACED | TRACE, "end after N samples, intervals, events", set_count },
	{ 'c', "csv", NULL, STAT, "comma-separated values", set_csv },
	{ 'L', "log", "FILE", STAT, "append to FILE, which may be rotated", set_log },
	{ 0, "svg", "PICTURE", REPORT, "one picture: map, timeline or history", set_svg },
	{ 'o', "columns", "LIST", LIST, "these columns, with commas; help lists them", set_columns },
	{ 0, "sort", "COLUMN", LIST, "sort by this column; - in front reverses", set_sort },
	{ 'a', "addr", "SPEC", DIFF | MAP | TRACE, "only these addresses", set_addr },
	{ 0, "ram", "FILE", DIFF, "only RAM: FILE is the guest's /proc/iomem", set_ram },
	{ 0, "where", NULL, MAP, "also what each range is, where that is known", set_where },
	{ 0, "min-pages", "N", TRACE, "only events of N pages or more", set_min_pages },
	{ 's', "state", "SPEC", MAP | TRACE, "only these states", set_state },
	{ 0, "shared", NULL, MAP | TRACE, "only shared ranges", set_shared },
	{ 0, "private", NULL, MAP | TRACE, "only private ranges", set_private },
	{ 'b', "bytes", NULL, SIZES, "sizes in bytes, not in KiB, MiB, ...", set_bytes },
	{ 0, "pages", NULL, SIZES, "sizes in pages of 4 KiB", set_pages },
	{ 'j', "json", NULL, JSON, "JSON, errors too; sizes are in bytes", set_json },
	{ 0, "pretty", NULL, JSON, "JSON with indentation", set_pretty },
	{ 0, "root", "DIR", LIVE, "read the copies of /sys, /proc, ... below DIR", set_root },
	{ 'h', "help", NULL, ALL, "help; behind a command, help for it", set_help },
	{ 'V', "version", NULL, ALL, "version", set_version },
};

/* What getopt_long() takes and gives. */
#define OPTION_VAL	256	/* plus the index into options[] */

struct getopt_tables {
	char letters[2 + 2 * ARRAY_SIZE(options)];
	struct option longs[ARRAY_SIZE(options) + 1];
};

/* The first thing that is wrong with the arguments; told when they are all read. */
struct usage_error {
	bool set;
	char text[256];
};

__attribute__((format(printf, 2, 3)))
static void usage(struct usage_error *e, const char *fmt, ...)
{
	va_list ap;

	if (e->set)
		return;
	e->set = true;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

static void make_getopt_tables(struct getopt_tables *t)
{
	char *letters = t->letters;
	size_t i;

	*letters++ = ':';	/* tell a missing argument from an unknown option */
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_def *o = &options[i];

		t->longs[i] = (struct option){
			.name = o->name,
			.has_arg = o->arg ? required_argument : no_argument,
			.val = OPTION_VAL + i,
		};
		if (o->letter)
			*letters++ = o->letter;
		if (o->letter && o->arg)
			*letters++ = ':';
	}
	*letters = '\0';
	t->longs[i] = (struct option){ 0 };
}

static const struct option_def *find_option(int val)
{
	size_t i;

	if (val >= OPTION_VAL)
		return &options[val - OPTION_VAL];
	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].letter == val)
			return &options[i];
	return NULL;
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Reads all options; @given gets a bit for each. */
static void parse_options(int argc, char **argv, struct settings *s,
			  unsigned int *given, struct usage_error *e)
{
	struct getopt_tables t;
	int val;

	make_getopt_tables(&t);
	opterr = 0;
	while ((val = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
		const struct option_def *o = find_option(val);

		if (val == '?' || val == ':') {
			char letter[3] = { '-', optopt };
			bool is_letter = optopt && optopt < OPTION_VAL;

			usage(e, val == ':' ? "option %s needs a value" : "no option %s",
			      is_letter ? letter : argv[optind - 1]);
			continue;
		}
		if (!o->set(s, optarg))
			usage(e, "'%s' is not a value for --%s", optarg, o->name);
		*given |= 1U << (o - options);
	}
}

static void check_options(const struct command *c, unsigned int given,
			  struct usage_error *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (given & 1U << i && !(options[i].commands & c->bit))
			usage(e, "this command does not take --%s", options[i].name);
}

static const struct command *take_command(struct settings *s, struct usage_error *e)
{
	const struct command *c = find_command(*s->args);

	if (!c)
		usage(e, "no command '%s'", *s->args);
	s->args++;
	return c;
}

/* "help X" is "X --help". NULL: all of them. */
static const struct command *parse_help(struct settings *s, struct usage_error *e)
{
	const struct command *c = NULL;

	s->help = true;
	if (*s->args)
		c = take_command(s, e);
	if (*s->args)
		usage(e, "too many arguments: '%s'", *s->args);
	return c;
}

/* What one of them says, another would ignore. */
static void check_pairs(const struct command *c, const struct settings *s,
			struct usage_error *e)
{
	if (s->shared_only && s->private_only)
		usage(e, "--shared and --private exclude each other");
	if (c->bit & (LIST | STAT | REPORT) && s->has_interval && s->filter.file)
		usage(e, "-i and -F exclude each other");
	if (c->bit & REPORT && s->count && s->filter.file)
		usage(e, "-n and -F exclude each other");
	if (c->bit & (RECORD | REPORT) && s->json && *s->args && !strcmp(*s->args, STDOUT_NAME))
		usage(e, "%s to stdout and --json exclude each other", c->name);
	if (s->csv && s->json)
		usage(e, "--csv and --json exclude each other");
	if (s->log && s->json)
		usage(e, "--log has text or -c, not JSON");
}

static const struct command *parse(int argc, char **argv, struct settings *s,
				   struct usage_error *e)
{
	const struct command *c = NULL;
	unsigned int given = 0, nr_args;

	parse_options(argc, argv, s, &given, e);
	s->args = argv + optind;
	if (*s->args) {
		c = take_command(s, e);
		if (!c)
			return NULL;
	} else if (s->help) {
		return NULL;
	}
	c = c ?: &commands[0];
	if (c->bit == HELP) {
		check_options(c, given, e);
		return parse_help(s, e);
	}
	nr_args = argv + argc - s->args;
	if (nr_args > c->nr_args)
		usage(e, "too many arguments: '%s'", s->args[c->nr_args]);
	else if (nr_args < c->nr_args && !s->help && !s->version)
		usage(e, "%s needs %s", c->name, c->args);
	check_options(c, given, e);
	check_pairs(c, s, e);
	return c;
}

__attribute__((format(printf, 1, 2)))
static void say(const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_raw(text, len < (int)sizeof(text) ? len : (int)sizeof(text) - 1);
}

static void help_names(const char *sep, unsigned int bits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!(commands[i].bit & bits))
			continue;
		say("%s%s", sep, commands[i].name);
		sep = ", ";
	}
	say(")");
}

/* " (map)" or " (not map)", whichever is shorter, if not every command takes it. */
static void help_option_commands(const struct option_def *o)
{
	unsigned int all = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		all |= commands[i].bit;
	if ((o->commands & all) == all)
		return;
	if (__builtin_popcount(o->commands & all) * 2 > __builtin_popcount(all))
		help_names(" (not ", all & ~o->commands);
	else
		help_names(" (", o->commands & all);
}

/* Of one command, or of all. */
static void help_options(unsigned int bits)
{
	size_t i;

	say("\nOptions:\n");
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_def *o = &options[i];
		char left[32];

		if (!(o->commands & bits))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ?: "");
		say("  %c%c%c %-16s %s", o->letter ? '-' : ' ', o->letter ?: ' ',
		       o->letter ? ',' : ' ', left, o->help);
		if (bits == ALL)
			help_option_commands(o);
		say("\n");
	}
}

static void help_command(const struct command *c)
{
	say("encstat %s: %s\n\nUsage: encstat %s [OPTION]...%s%s\n", c->name, c->help,
	       c->name, *c->args ? " " : "", c->args);
	help_options(c->bit);
	if (c->more)
		say("\n%s", c->more);
}

static void help_all(void)
{
	size_t i;

	say("encstat: which memory of virtual machines is private, which is shared\n"
	       "\nUsage: encstat [COMMAND] [OPTION]...\n"
	       "\nCommands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		say("  %-20s %s\n", commands[i].name, commands[i].help);
	help_options(ALL);
	say("\nExit codes: %d done, %d error, %d usage, %d finding, %d not supported here\n",
	       EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_FINDING, EXIT_UNSUPPORTED);
}

static void complete_commands(unsigned int bits, const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].bit & bits)
			say("%s%s", i ? word : "", commands[i].name);
}

static void complete_options(const struct command *c)
{
	size_t i;

	say("\t%s) opts='", c->name);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!(options[i].commands & c->bit))
			continue;
		say("--%s ", options[i].name);
		if (options[i].letter)
			say("-%c ", options[i].letter);
	}
	say("' ;;\n");
}

/* Options whose value is a file or anything else: @files says which. */
static void complete_values(bool files)
{
	const char *sep = "";
	size_t i;

	say("\t");
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_def *o = &options[i];
		bool file = o->arg && (!strcmp(o->arg, "FILE") || !strcmp(o->arg, "DIR"));

		if (!o->arg || file != files)
			continue;
		say("%s--%s", sep, o->name);
		sep = "|";
		if (o->letter)
			say("|-%c", o->letter);
	}
	say(") ");
}

void cmd_completion(const struct settings *s)
{
	size_t i;

	say("# SPDX-License-Identifier: GPL-2.0\n"
	       "# bash completion of encstat, made by \"encstat completion\"\n"
	       "_encstat()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tlocal cmd=list word opts\n"
	       "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	       "\t\tcase $word in ");
	complete_commands(ALL, "|");
	say(") cmd=$word; break ;; esac\n\tdone\n\tcase $prev in\n");
	complete_values(true);
	say("mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n");
	complete_values(false);
	say("return ;;\n\tesac\n\tcase $cmd in\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		complete_options(&commands[i]);
	say("\tesac\n\tif [[ $cur == -* ]]; then\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -W \"$opts\" -- \"$cur\")\n"
	       "\telif [[ $COMP_CWORD == 1 ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W '");
	complete_commands(ALL, " ");
	say("' -- \"$cur\")\n"
	       "\telse\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n\tfi\n}\n"
	       "complete -F _encstat encstat\n");
}

/* JSON has it in every document. */
static void show_version(void)
{
	static const char text[] = "encstat " ENCSTAT_VERSION "\n";

	if (!out_is_json())
		out_raw(text, strlen(text));
}

static void run(const struct command *c, const struct settings *s, struct usage_error *e)
{
	out_begin(c ? c->name : NULL, c && c->bit & LINES);
	if (e->set)
		msg_error(EXIT_USAGE, "usage", "encstat -h shows how it is used", "%s", e->text);
	else if (s->version)
		show_version();
	else
		c->run(s);
}

int main(int argc, char **argv)
{
	struct settings s = {
		.filter.root = getenv("ENCSTAT_ROOT") ?: "",
		.interval_ms = 1000,
	};
	struct usage_error e = { 0 };
	const struct command *c;

	setlocale(LC_CTYPE, "");
	c = parse(argc, argv, &s, &e);
	if (!e.set && s.help) {
		if (c)
			help_command(c);
		else
			help_all();
	} else {
		out_init(s.json, s.pretty, s.unit);
		run(c, &s, &e);
	}
	if (out_end()) {
		fprintf(stderr, "encstat: cannot write: %s\n", strerror(errno));
		return EXIT_ERROR;
	}
	ranges_free(&s.addr);
	return msg_exit_code();
}
