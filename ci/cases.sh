#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the cases of ci/cases/ in L1.  Prints PASS, FAIL or SKIP(reason) for each
# test, and sums; logs are in $BUILD/logs/CASE.
# usage: ci/cases.sh [CASE...]	or CASE=... in the environment
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$TOP/ci/qemu.sh"

# declared CASE KEY: the value of a "# KEY: value" line of a case
declared()
{
	sed -n "s/^# $2: //p" "$TOP/ci/cases/$1.sh"
}

run_case()
{
	local CASE=$1 dir=$LOGS/$1 rc=0 limit append L1_MEM
	limit=$(declared "$CASE" timeout)
	append=$(declared "$CASE" append)
	L1_MEM=$(declared "$CASE" memory)
	[ -n "$limit" ] || die "case $CASE declares no time-out"
	l1_prepare "$dir" case
	l1_env "$dir" CASE
	l1_qemu "$dir" "$limit" "$append" || rc=$?
	l1_verdicts "$dir" "$rc" | sed -E "s/^(PASS|FAIL|SKIP\([^)]*\)) /\1 $CASE: /" |
		tee "$dir/verdicts"
	say "$CASE took $(elapsed $((SECONDS - start))) since the start, logs in $dir"
}

all_cases()
{
	find "$TOP/ci/cases" -name '*.sh' -printf '%f\n' | sed 's/\.sh$//' | sort
}

count()
{
	grep -c "^$1" "$results" || :
}

main()
{
	local cases=("$@") case start=$SECONDS results=$RESULTS/cases
	[ ${#cases[@]} -gt 0 ] || read -ra cases <<<"${CASE:-}"
	[ ${#cases[@]} -gt 0 ] || mapfile -t cases < <(all_cases)
	mkdir -p "$RESULTS" "$LOGS"
	: >"$results"
	for case in "${cases[@]}"; do
		[ -e "$TOP/ci/cases/$case.sh" ] || usage_error "no case '$case' ($(all_cases | paste -sd ' '))"
	done
	for case in "${cases[@]}"; do
		run_case "$case"
		cat "$LOGS/$case/verdicts" >>"$results"
	done
	echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
	[ "$(count FAIL)" = 0 ] && [ "$(count PASS)" != 0 ]
}

main "$@"
