#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything there is to test, a stage after the other; a stage that fails does
# not stop the rest.  At the end: how long each stage, check and case took, and
# in the last line the sum over all stages.
# usage: ci/test.sh [long]
#   long	what takes too long for each time, too
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# stage NAME COMMAND...: NAME's verdicts are in $RESULTS/NAME afterwards.  Only
# the end of all is to say "N passed, N failed".
stage()
{
	local name=$1 results=$RESULTS/$1 begin=$SECONDS rc=0
	shift
	printf '\n=== %s (at %s)\n' "$name" "$(elapsed $SECONDS)"
	"$@" 2>&1 </dev/null | sed -uE '/^[0-9]+ passed, [0-9]+ failed/d' || rc=$?
	touch "$results"
	if [ $rc != 0 ] && ! grep -q ^FAIL "$results"; then
		echo "FAIL $name: ended with $rc" | tee -a "$results"
	fi
	note_time stage "$name" $((SECONDS - begin))
}

# A step that only prepares: it counts if it fails
prepare()
{
	stage "$1" make --no-print-directory -C "$TOP" "$1"
	[ ! -s "$RESULTS/$1" ] || return 1
}

# TAP to verdicts
tap()
{
	sed -nE 's/^ok [0-9]+( -)? (.*) # SKIP ?(.*)/SKIP(\3) encstat: \2/p; t
		s/^ok [0-9]+( -)? /PASS encstat: /p
		s/^not ok [0-9]+( -)? /FAIL encstat: /p'
}

encstat_tests()
{
	local rc=0
	timeout -k 10 1800 make -C "$TOP/tools/encstat" O="$BUILD/encstat" check \
		>"$BUILD/encstat.log" 2>&1 || rc=$?
	tap <"$BUILD/encstat.log" | tee "$RESULTS/encstat" | grep -v ^PASS || :
	echo "$(grep -c ^PASS "$RESULTS/encstat") passed, log in $BUILD/encstat.log"
	[ $rc = 0 ] || { grep -v '^ok ' "$BUILD/encstat.log" | tail -n 30; return $rc; }
}

# times_of STAGE INDENTATION: its lines, the longest first
times_of()
{
	local name seconds cpu
	while IFS=$'\t' read -r _ name seconds cpu; do
		printf '%8s  %s%s%s\n' "$(elapsed "$seconds")" "$2" "$name" \
			"${cpu:+ ($(elapsed "$cpu") of CPU time)}"
		[ "$1" != stage ] || times_of "$name" "  "
	done < <(grep "^$1"$'\t' "$TIMES" | sort -t $'\t' -k 3,3nr)
}

count()
{
	cat "$RESULTS"/* | grep -c "^$1" || :
}

main()
{
	local long=${1:-}
	case $long in "" | long) ;; *) usage_error "usage: ci/test.sh [long]" ;; esac
	rm -rf "$RESULTS"
	mkdir -p "$RESULTS"
	export TIMES=$BUILD/times
	: >"$TIMES"
	if prepare tree && prepare source-base; then
		stage check "$TOP/ci/check.sh"
		stage kunit "$TOP/ci/kunit.sh"
	fi
	prepare encstat && stage encstat encstat_tests
	if prepare kernel && prepare kernel-base; then
		stage cases "$TOP/ci/cases.sh" ${long:+long}
		[ -z "$long" ] || stage each-patch "$TOP/ci/each-patch.sh"
	fi
	printf '\n=== done in %s\n' "$(elapsed $SECONDS)"
	times_of stage ""
	cat "$RESULTS"/* | grep ^FAIL || :
	echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
	[ "$(count FAIL)" = 0 ] && [ "$(count PASS)" != 0 ]
}

main "$@"
