#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measure against the unpatched kernel, in the same run.  A row is a script of
# ci/bench/, run in L1; it prints "MAINLINE OURS", or with "l1: both", run in an
# L1 with the unpatched kernel and one with ours, a number each time; with "l1:
# none", no kernel matters, and it is run here.  Writes $BUILD/bench.json and
# prints it as a table.  Fails if a row could not be measured, not if it misses
# its goal: that is for the reader of the numbers.
# usage: ci/bench.sh [ROW...]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$TOP/ci/qemu.sh"
PATIENCE=${PATIENCE:-2}

# run_row NAME DIR KERNEL APPEND: measure in an L1 with KERNEL; DIR/result
run_row()
{
	local ROW=$1 dir=$2 L1_KERNEL=$3 append=$4 rc=0 bad L1_ICOUNT L1_SMP
	L1_ICOUNT=$(declared "bench/$ROW" icount)
	L1_SMP=${L1_ICOUNT:+1}
	l1_prepare "$dir" bench
	require_file "$BASE_KERNEL" "the unpatched kernel"
	cp "$BASE_KERNEL" "$dir/base.bzImage"
	add_program "$dir" perf ci/l1/perf.c
	cp "${SELFTESTS_TREE:-$LINUX}/tools/kvm/kvm_stat/kvm_stat" "$dir/" || die "no kvm_stat"
	l1_env "$dir" ROW PATIENCE
	l1_qemu "$dir" $(($(declared "bench/$ROW" timeout) * PATIENCE)) "$append" || rc=$?
	bad=$(l1_verdicts "$dir" "$rc" | grep ^FAIL) &&
		die "row $ROW could not be measured: $bad; logs are in $dir"
	return 0
}

# run_here NAME: a row that needs neither L1 nor a kernel; its result
run_here()
{
	local OUT=$BUILD/encstat
	[ -x "$OUT/encstat" ] || die "row $1 needs $OUT/encstat: make encstat"
	(
		# shellcheck source=/dev/null
		. "$TOP/ci/bench/$1.sh"
		measure
	)
}

# results NAME: "MAINLINE OURS"
results()
{
	local dir=$LOGS/bench-$1
	case $(declared "bench/$1" l1) in
	none) run_here "$1" ;;
	both)
		run_row "$1" "$dir-base" "$BASE_KERNEL" "" >&2
		run_row "$1" "$dir" "$L1_KERNEL" "" >&2
		echo "$(cat "$dir-base/result") $(cat "$dir/result")"
		;;
	*)
		run_row "$1" "$dir" "$L1_KERNEL" "$TRACKED" >&2
		cat "$dir/result"
		;;
	esac
}

# row NAME: one object of JSON
row()
{
	local mainline ours both
	both=$(results "$1") || exit
	read -r mainline ours <<<"$both"
	jq -n --arg name "$1" --arg unit "$(declared "bench/$1" unit)" \
		--argjson goal "$(declared "bench/$1" goal)" --argjson mainline "$mainline" --argjson ours "$ours" \
		--arg goal_of "$(declared "bench/$1" goal_of | grep . || echo ratio)" \
		'{$name, $unit, $mainline, $ours, ratio: (if $mainline == 0 then null else $ours / $mainline * 100000 | round / 100000 end), $goal, $goal_of}'
}

table()
{
	jq -r '(["name", "unit", "mainline", "ours", "ratio", "goal", "of"],
		(.[] | [.name, .unit, .mainline, .ours, .ratio, .goal, .goal_of])) | @tsv' "$1" |
		awk -F '\t' '{ printf "%-35s %-12s %10s %10s %8s %8s %s\n", $1, $2, $3, $4, $5, $6, $7 }'
}

main()
{
	local rows=("$@") row out=$BUILD/bench.json
	if [ ${#rows[@]} = 0 ]; then
		mapfile -t rows < <(find "$TOP/ci/bench" -name '*.sh' -printf '%f\n' | sed 's/\.sh$//' | sort)
	fi
	: >"$out.new"
	for row in "${rows[@]}"; do
		[ -e "$TOP/ci/bench/$row.sh" ] || usage_error "no row '$row' in ci/bench"
		say "measuring $row"
		row "$row" >>"$out.new"
	done
	jq -s . "$out.new" >"$out"
	rm "$out.new"
	table "$out"
}

main "$@"
