#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the checks of ci/check/: one line each, what is wrong below a FAIL.
# usage: ci/check.sh [NAME...]
# A check is a program that ends with 0 (PASS), 77 (SKIP) or else (FAIL).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

run_check()
{
	local name=$1 log=$logs/$1.log start=$SECONDS verdict=PASS rc=0 took
	[ -x "$TOP/ci/check/$name" ] || usage_error "no check '$name' (there are: ${all[*]})"
	timeout -k 10 "${CHECK_TIMEOUT:-2400}" "$TOP/ci/check/$name" 3>&1 >"$log" 2>&1 </dev/null || rc=$?
	case $rc in
	0) ;;
	77) verdict=SKIP ;;
	124) verdict=FAIL; echo "timed out" >>"$log" ;;
	*) verdict=FAIL ;;
	esac
	took=$(elapsed $((SECONDS - start)))
	note_time check "$name" $((SECONDS - start))
	echo "$verdict check/$name" | tee -a "$RESULTS/check" | sed "s/\$/ ($took)/"
	[ $verdict = PASS ] || head -n 40 "$log" | sed 's/^/    /'
	[ $verdict != FAIL ]
}

main()
{
	local all=() failed=0 logs=$BUILD/check name
	mkdir -p "$logs" "$RESULTS"
	: >"$RESULTS/check"
	mapfile -t all < <(cd "$TOP/ci/check" && find . -type f -perm -u+x -printf '%f\n' | sort)
	[ $# -gt 0 ] || set -- "${all[@]}"
	for name; do
		run_check "$name" || failed=1
	done
	return $failed
}

main "$@"
