#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the cases of ci/cases/ in L1.  Prints PASS, FAIL or SKIP(reason) for each
# test, and sums; logs are in $BUILD/logs/CASE.
# usage: ci/cases.sh [long | CASE...]	or CASE=... in the environment
#   long	those of make test-long, too
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$TOP/ci/qemu.sh"
CASE_JOBS=${CASE_JOBS:-2}
PATIENCE=${PATIENCE:-$((CASE_JOBS + 1))}

# kernel_for CASE host|guest KERNEL: that kernel, or what the case declares to want
kernel_for()
{
	case $(declared "cases/$1" "$2") in
	debug)
		"$TOP/ci/kernel.sh" -o obj-debug -c "$TOP/ci/config/debug.config" linux >&2
		echo "$LINUX/obj-debug/arch/x86/boot/bzImage"
		;;
	*) echo "$3" ;;
	esac
}

# What a case declares to need beside the guest kernel, into DIR
add_needs()
{
	local case=$1 dir=$2 names version
	if [ -n "$(declared "cases/$case" base)" ]; then
		require_file "$BASE_KERNEL" "the unpatched kernel"
		cp "$BASE_KERNEL" "$dir/base.bzImage"
	fi
	if [ -n "$(declared "cases/$case" perf)" ]; then
		add_program "$dir" perf ci/l1/perf.c
	fi
	if [ -n "$(declared "cases/$case" protect)" ]; then
		add_program "$dir" protect.so ci/l1/protect.c -shared -fPIC -pthread
	fi
	if [ -n "$(declared "cases/$case" programs)" ]; then
		read -ra names <<<"$(declared "cases/$case" programs)"
		add_guest_programs "$dir" "${names[@]}"
	fi
	for version in $(declared "cases/$case" stock); do
		"$TOP/ci/stock.sh" "$version" "$dir/stock-$version"
	done
	if [ -n "$(declared "cases/$case" selftests)" ]; then
		# shellcheck source=/dev/null
		mapfile -t names < <(. "$TOP/ci/cases/$case.sh" && printf '%s\n' "${OWN[@]%% *}" "${OTHERS[@]%% *}" | grep .)
		"$TOP/ci/selftests.sh" "$dir/selftests" "${names[@]}"
	fi
}

# QEMU 7.2's TCG aborts when a guest of L1 writes CR8, as OVMF does, while a
# virtual interrupt is pending (it takes no lock there).  Nothing here did that.
tcg_aborted()
{
	grep -q 'tcg_handle_interrupt: assertion failed' "$1/qemu.log" 2>/dev/null
}

# That is no verdict on what is tested: try again, at last skip
run_case()
{
	local attempt
	for attempt in 1 2 3; do
		run_case_once "$1"
		tcg_aborted "$LOGS/$1" || return 0
		say "$1: QEMU's TCG aborted, try $attempt of 3"
	done
	sed -i -E "s/^FAIL ($1: (report|end)) .*/SKIP(QEMU's TCG aborted) \1/" "$LOGS/$1/verdicts"
}

run_case_once()
{
	local CASE=$1 dir=$LOGS/$1 rc=0 limit append L1_MEM L1_CPU L1_KERNEL=$L1_KERNEL L2_KERNEL=$L2_KERNEL
	local start=$SECONDS took cpu
	limit=$(declared "cases/$CASE" timeout)
	append=$(declared "cases/$CASE" append)
	L1_MEM=$(declared "cases/$CASE" memory)
	L1_CPU=$(declared "cases/$CASE" cpu)
	[ -n "$limit" ] || die "case $CASE declares no time-out"
	if ! prepare_case 8>"$BUILD/.cases-lock"; then
		echo "FAIL $CASE: preparation" >"$dir/verdicts"
		return
	fi
	[ $((SECONDS - start)) -lt 10 ] || note_time cases "$CASE's preparation, waiting included" $((SECONDS - start))
	start=$SECONDS
	times >"$dir/times"
	l1_qemu "$dir" $((limit * PATIENCE)) "$append" || rc=$?
	times >>"$dir/times"
	took=$((SECONDS - start))
	cpu=$(children_cpu "$dir/times")
	note_time cases "$CASE" $took "$cpu"
	l1_verdicts "$dir" "$rc" | sed -E "s/^(PASS|FAIL|SKIP\([^)]*\)) /\1 $CASE: /" >"$dir/verdicts"
	say "$CASE: $(elapsed $took), $(elapsed "$cpu") of CPU time, logs in $dir"
}

# children_cpu FILE: the seconds between the two outputs of bash's "times" in it
children_cpu()
{
	awk -F '[ms ]+' '
		NR % 2 == 0 { cpu[NR / 2] = $1 * 60 + $2 + $3 * 60 + $4 }
		END { printf "%d\n", cpu[2] - cpu[1] }' "$1"
}

# One at a time: what cases need is built in trees that they share.
prepare_case()
{
	flock 8
	rm -rf "$dir"
	mkdir -p "$dir"
	L1_KERNEL=$(kernel_for "$CASE" host "$L1_KERNEL") || return
	L2_KERNEL=$(kernel_for "$CASE" guest "$L2_KERNEL") || return
	l1_prepare "$dir" case || return
	l1_env "$dir" CASE PATIENCE
	add_needs "$CASE" "$dir"
}

all_cases()
{
	find "$TOP/ci/cases" -name '*.sh' -printf '%f\n' | sed 's/\.sh$//' | sort
}

# default_cases [long]: those that are run unless some are named
default_cases()
{
	local case
	for case in $(all_cases); do
		case $(declared "cases/$case" only) in
		"") echo "$case" ;;
		test-long) [ "${1:-}" != long ] || echo "$case" ;;
		named) ;;
		*) die "case $case: 'only:' is test-long or named" ;;
		esac
	done
}

# Those that may take longest begin first.
longest_first()
{
	local case
	for case; do
		echo "$(declared "cases/$case" timeout) $case"
	done | sort -rn | cut -d ' ' -f 2
}

# explain CASE: the last that its failed tests said
explain()
{
	local test
	sed -n "s/^FAIL $1: //p" "$LOGS/$1/verdicts" | while read -r test _; do
		[ ! -e "$LOGS/$1/$test.log" ] || tail -n 12 "$LOGS/$1/$test.log" | sed "s/^/# $1: $test: /"
	done
}

run_cases()
{
	local case
	for case in $(longest_first "$@"); do
		while [ "$(jobs -rp | wc -l)" -ge "$CASE_JOBS" ]; do
			wait -n || :
		done
		{
			run_case "$case"
			flock "$results" tee -a "$results" <"$LOGS/$case/verdicts"
			explain "$case"
		} &
	done
	wait
	for case; do
		grep -q " $case: " "$results" || echo "FAIL $case: came to no verdict" | tee -a "$results"
	done
}

count()
{
	grep -c "^$1" "$results" || :
}

main()
{
	local cases=("$@") case results=$RESULTS/cases
	[ ${#cases[@]} -gt 0 ] || read -ra cases <<<"${CASE:-}"
	case ${cases[*]} in "" | long) mapfile -t cases < <(default_cases "${cases[*]}") ;; esac
	mkdir -p "$RESULTS" "$LOGS"
	: >"$results"
	for case in "${cases[@]}"; do
		[ -e "$TOP/ci/cases/$case.sh" ] || usage_error "no case '$case' ($(all_cases | paste -sd ' '))"
	done
	run_cases "${cases[@]}"
	echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
	[ "$(count FAIL)" = 0 ] && [ "$(count PASS)" != 0 ]
}

main "$@"
