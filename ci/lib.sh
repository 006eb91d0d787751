# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Sourced by the scripts of ci/: where things are, how to speak, how to wait.
# Every variable may come from the environment (the Makefile exports them).

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KVER=${KVER:-6.12}
BUILD=${BUILD:-$TOP/.build}
JOBS=${JOBS:-$(nproc)}
RESULTS=${RESULTS:-$BUILD/results}	# one file a test stage: PASS/FAIL/SKIP name
KDIR=$BUILD/$KVER
BASE=$KDIR/base				# pristine source, a git worktree of $LINUX
MAINLINE=$KDIR/mainline		# base and what tests need in any kernel, see mainline.sh
LINUX=$KDIR/linux			# base and both series as commits
PATCHES=$TOP/patches/$KVER
export TOP KVER BUILD JOBS RESULTS LC_ALL=C

# The kernel's make must not inherit this make's flags and variables.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES O C W V M ARCH CROSS_COMPILE LLVM

say()
{
	printf '%s: %s\n' "${0##*/}" "$*"
}

warn()
{
	say "$@" >&2
}

die()
{
	warn "$@"
	exit 1
}

usage_error()
{
	warn "$@"
	exit 2
}

# Seconds as 1m05s.
elapsed()
{
	if [ "$1" -lt 60 ]; then
		printf '%ds' "$1"
	else
		printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
	fi
}

# note_time STAGE NAME SECONDS [CPU SECONDS]: for the list at the end of make test
note_time()
{
	[ -z "${TIMES:-}" ] || printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-}" >>"$TIMES"
}

# One make at a time works on $KDIR; the lock ends with the process.
lock()
{
	[ -z "${SERIES_LOCKED:-}" ] || return 0
	export SERIES_LOCKED=1
	mkdir -p "$KDIR"
	exec 9>"$KDIR/.lock"
	flock -n 9 && return
	say "waiting for another run that holds $KDIR/.lock"
	flock 9
}

# run_logged LABEL LOG PATTERN COMMAND...: COMMAND's output goes to LOG; every
# ten seconds one line tells how many lines of it match PATTERN by now.
run_logged()
{
	local label=$1 log=$2 pattern=$3 start=$SECONDS next=10 pid
	shift 3
	"$@" </dev/null >"$log" 2>&1 9>&- &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if [ $((SECONDS - start)) -ge $next ]; then
			say "$label: $(grep -cE "$pattern" "$log" || :), $(elapsed $next)"
			next=$((next + 10))
		fi
	done
	wait "$pid"
}

# What makes builds of all trees repeatable, and alike for the compiler cache
build_environment()
{
	export KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=build KBUILD_BUILD_HOST=localhost
	export CCACHE_NOHASHDIR=1
	# A miss costs one run of the preprocessor, not two; warnings want both
	[ -n "${CCACHE_CPP2:-}" ] || export CCACHE_NOCPP2=1
}

# write_if_changed FILE: standard input to FILE; the time stamp stays if equal.
write_if_changed()
{
	local new=$1.new.$$
	mkdir -p "$(dirname "$1")"
	cat >"$new"
	if cmp -s "$new" "$1"; then
		rm "$new"
	else
		mv "$new" "$1"
	fi
}
