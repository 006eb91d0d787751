// SPDX-License-Identifier: GPL-2.0
/*
 * encstat top: the terminal, which must be as it was before whenever and
 * however the program ends.
 */
#ifdef HAVE_NCURSES

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "msg.h"
#include "top.h"

#define STUCK_S		2	/* after a signal to end */
#define ESC_MS		200	/* a slow line takes that for the rest of a key's sequence */

static volatile sig_atomic_t stopped, resized, is_open;
static int wake[2] = { -1, -1 };
static SCREEN *screen;
static bool colours;

/* What a signal handler needs to clean up without ncurses. */
static struct termios before;
static char undo[256];
static size_t undo_len;

/* Without the padding of very old terminals: "$<5>". */
static void add_undo(const char *name)
{
	const char *s = tigetstr(name);

	if (!s || s == (char *)-1)
		return;
	for (; *s && undo_len < sizeof(undo); s++) {
		if (s[0] == '$' && s[1] == '<' && strchr(s, '>'))
			s = strchr(s, '>');
		else
			undo[undo_len++] = *s;
	}
}

static void add_undo_mouse(void)
{
	static const char off[] = "\033[?1006l\033[?1002l\033[?1000l";
	const char *s = tigetstr("kmous");

	if (!s || s == (char *)-1 || undo_len + sizeof(off) > sizeof(undo))
		return;
	memcpy(undo + undo_len, off, sizeof(off) - 1);
	undo_len += sizeof(off) - 1;
}

static void make_undo(void)
{
	static const char *const names[] = { "sgr0", "op", "rmacs", "rmkx", "cnorm", "rmcup" };
	size_t i;

	undo_len = 0;
	add_undo_mouse();
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		add_undo(names[i]);
}

/* Nothing in here but what a signal handler may call. */
static void clean_up(void)
{
	ssize_t n;

	if (!is_open)
		return;
	is_open = 0;
	tcflow(STDOUT_FILENO, TCOON);	/* ^S would have the write below wait */
	n = write(STDOUT_FILENO, undo, undo_len);
	(void)n;
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* The handler is gone by now, so it ends the program, as if there had been none. */
static void on_crash(int sig)
{
	clean_up();
	raise(sig);
}

static void on_stop(int sig)
{
	int err = errno;
	ssize_t n = write(wake[1], "", 1);

	(void)n;
	stopped = 1;
	alarm(STUCK_S);
	errno = err;
}

/* The loop does not see that it shall stop: it hangs, in a write perhaps. */
static void on_stuck(int sig)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	/* a terminal that takes nothing does not take the rest either */
	fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
	clean_up();
	fcntl(STDOUT_FILENO, F_SETFL, flags);
	_exit(EXIT_ERROR);
}

static void on_resize(int sig)
{
	int err = errno;
	ssize_t n = write(wake[1], "", 1);

	(void)n;
	resized = 1;
	errno = err;
}

static void catch(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void catch_all(void)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
	static char stack[1 << 16];	/* the usual one may be what is full */
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	size_t i;

	sigaltstack(&alt, NULL);
	for (i = 0; i < sizeof(stops) / sizeof(*stops); i++)
		catch(stops[i], on_stop, 0);
	for (i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		catch(crashes[i], on_crash, SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
	catch(SIGALRM, on_stuck, 0);
	catch(SIGPIPE, SIG_IGN, 0);
	/* ncurses has the one for ^Z; the size may be another after it */
	catch(SIGWINCH, on_resize, SA_RESTART);
	catch(SIGCONT, on_resize, SA_RESTART);
}

static int wrong_terminal(const char *what)
{
	msg_error(EXIT_ERROR, "terminal", "list, stat and map do without such a terminal",
		  "top: %s", what);
	return -1;
}

static int check_terminal(void)
{
	const char *cup, *term = getenv("TERM");
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return wrong_terminal("input and output must be a terminal");
	if (!term || !*term)
		return wrong_terminal("TERM is not set");
	if (setupterm(NULL, STDOUT_FILENO, &err) == ERR)
		return wrong_terminal(err < 0 ? "there is no database of terminals" :
				      "the terminal that TERM names is not known");
	cup = tigetstr("cup");
	if (!cup || cup == (char *)-1)
		return wrong_terminal("the terminal that TERM names cannot move its cursor");
	return 0;
}

/* Black on light, white on dark: readable whatever the terminal's own two are. */
static void make_colours(void)
{
	static const struct {
		short pair, fg, bg;
	} pairs[] = {
		{ LOOK_BAR,		COLOR_BLACK,	COLOR_CYAN },
		{ LOOK_SORT,		COLOR_BLACK,	COLOR_GREEN },
		{ LOOK_HEAD,		COLOR_BLACK,	COLOR_WHITE },
		{ LOOK_SELECTED,	COLOR_BLACK,	COLOR_CYAN },
		{ LOOK_ALERT,		COLOR_WHITE,	COLOR_RED },
		{ LOOK_KEY,		COLOR_BLACK,	COLOR_CYAN },
		{ LOOK_KINDS + HEAT_PRIVATE,	COLOR_WHITE,	COLOR_BLUE },
		{ LOOK_KINDS + HEAT_SHARED,	COLOR_BLACK,	COLOR_YELLOW },
		{ LOOK_KINDS + HEAT_MIXED,	COLOR_BLACK,	COLOR_GREEN },
		{ LOOK_KINDS + HEAT_UNKNOWN,	COLOR_BLACK,	COLOR_WHITE },
		{ LOOK_CHANGED + HEAT_PRIVATE,	COLOR_WHITE,	COLOR_RED },
		{ LOOK_CHANGED + HEAT_SHARED,	COLOR_WHITE,	COLOR_RED },
		{ LOOK_CHANGED + HEAT_MIXED,	COLOR_WHITE,	COLOR_RED },
		{ LOOK_CHANGED + HEAT_HOLE,	COLOR_WHITE,	COLOR_RED },
		{ LOOK_CHANGED + HEAT_UNKNOWN,	COLOR_WHITE,	COLOR_RED },
	};
	const char *no = getenv("NO_COLOR");
	size_t i;

	colours = !(no && *no) && has_colors() && start_color() == OK &&
		  COLORS >= 8 && COLOR_PAIRS > LOOKS;
	if (!colours)
		return;
	use_default_colors();
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		init_pair(pairs[i].pair, pairs[i].fg, pairs[i].bg);
}

void term_look(enum look look)
{
	static const attr_t attrs[LOOKS] = {
		[LOOK_BAR] = A_REVERSE, [LOOK_HEAD] = A_REVERSE,
		[LOOK_SORT] = A_REVERSE | A_BOLD, [LOOK_SELECTED] = A_REVERSE,
		[LOOK_DIM] = A_DIM, [LOOK_ALERT] = A_REVERSE, [LOOK_KEY] = A_REVERSE,
		[LOOK_CHANGED ... LOOKS - 1] = A_BOLD,
	};
	attr_t attr = attrs[look];
	short pair = 0;

	if (colours && look != LOOK_NORMAL && look != LOOK_DIM &&
	    look != LOOK_KINDS + HEAT_HOLE) {
		pair = look;
		attr &= ~A_REVERSE;
	}
	attr_set(attr, pair, NULL);
}

int term_open(void)
{
	if (check_terminal())
		return -1;
	if (pipe2(wake, O_NONBLOCK | O_CLOEXEC) || tcgetattr(STDIN_FILENO, &before))
		return wrong_terminal(strerror(errno));
	make_undo();
	catch_all();
	del_curterm(cur_term);
	is_open = 1;
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		is_open = 0;
		return wrong_terminal("the terminal cannot be used");
	}
	atexit(term_close);
	set_escdelay(ESC_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	curs_set(0);
	mouseinterval(0);
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	make_colours();
	return 0;
}

void term_close(void)
{
	if (!is_open)
		return;
	endwin();
	is_open = 0;
	alarm(0);
	delscreen(screen);
	catch(SIGWINCH, SIG_DFL, 0);
	catch(SIGCONT, SIG_DFL, 0);
}

bool term_stopped(void)
{
	return stopped;
}

bool term_resized(void)
{
	struct winsize size;

	if (!resized)
		return false;
	resized = 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
	return true;
}

void term_wait(uint64_t ms)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = wake[0], .events = POLLIN },
	};
	char buf[64];

	if (poll(fds, 2, ms < INT_MAX ? (int)ms : INT_MAX) <= 0)
		return;
	/* the terminal is gone: nobody is there to press a key ever again */
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		stopped = 1;
	while (read(wake[0], buf, sizeof(buf)) == sizeof(buf))
		;
}

#endif
