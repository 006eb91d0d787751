#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measure against the unpatched kernel, in the same run.  A row is a script of
# ci/bench/, run in L1; it prints "MAINLINE OURS".  Writes $BUILD/bench.json and
# prints it as a table.  Fails if a row could not be measured, not if it misses
# its goal: that is for the reader of the numbers.
# usage: ci/bench.sh [ROW...]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$TOP/ci/qemu.sh"

# row NAME: one object of JSON
row()
{
	local ROW=$1 dir=$LOGS/bench-$1 rc=0 bad L1_ICOUNT L1_SMP
	L1_ICOUNT=$(declared "bench/$ROW" icount)
	L1_SMP=${L1_ICOUNT:+1}
	l1_prepare "$dir" bench
	require_file "$BASE_KERNEL" "the unpatched kernel"
	cp "$BASE_KERNEL" "$dir/base.bzImage"
	cp "${SELFTESTS_TREE:-$LINUX}/tools/kvm/kvm_stat/kvm_stat" "$dir/" || die "no kvm_stat"
	l1_env "$dir" ROW
	l1_qemu "$dir" "$(declared "bench/$ROW" timeout)" "$TRACKED" || rc=$?
	bad=$(l1_verdicts "$dir" "$rc" | grep ^FAIL) &&
		die "row $ROW could not be measured: $bad; logs are in $dir"
	jq -n --arg name "$ROW" --arg unit "$(declared "bench/$ROW" unit)" \
		--argjson goal "$(declared "bench/$ROW" goal)" \
		--argjson mainline "$(cut -d' ' -f1 "$dir/result")" \
		--argjson ours "$(cut -d' ' -f2 "$dir/result")" \
		'{$name, $unit, $mainline, $ours, ratio: (if $mainline == 0 then null else $ours / $mainline * 100000 | round / 100000 end), $goal}'
}

table()
{
	jq -r '(["name", "unit", "mainline", "ours", "ratio", "goal"],
		(.[] | [.name, .unit, .mainline, .ours, .ratio, .goal])) | @tsv' "$1" |
		awk -F '\t' '{ printf "%-35s %-12s %10s %10s %8s %6s\n", $1, $2, $3, $4, $5, $6 }'
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
