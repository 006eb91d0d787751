#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything there is to test, a stage after the other; a stage that fails does
# not stop the rest.  The last line is the sum over all stages.
# usage: ci/test.sh
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
	times+=("$name $(elapsed $((SECONDS - begin)))")
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
	timeout -k 10 1200 make -C "$TOP/tools/encstat" O="$BUILD/encstat" check \
		>"$BUILD/encstat.log" 2>&1 || rc=$?
	tap <"$BUILD/encstat.log" | tee "$RESULTS/encstat" | grep -v ^PASS || :
	echo "$(grep -c ^PASS "$RESULTS/encstat") passed, log in $BUILD/encstat.log"
	[ $rc = 0 ] || { grep -v '^ok ' "$BUILD/encstat.log" | tail -n 30; return $rc; }
}

count()
{
	cat "$RESULTS"/* | grep -c "^$1" || :
}

main()
{
	local times=()
	rm -rf "$RESULTS"
	mkdir -p "$RESULTS"
	if prepare tree && prepare source-base; then
		stage check "$TOP/ci/check.sh"
		stage kunit "$TOP/ci/kunit.sh"
	fi
	prepare encstat && stage encstat encstat_tests
	if prepare kernel && prepare kernel-base; then
		stage cases "$TOP/ci/cases.sh"
	fi
	printf '\n=== done in %s:%s\n' "$(elapsed $SECONDS)" "$(printf ' %s,' "${times[@]}")"
	cat "$RESULTS"/* | grep ^FAIL || :
	echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
	[ "$(count FAIL)" = 0 ] && [ "$(count PASS)" != 0 ]
}

main "$@"
