#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the work tree with kunit/.kunitconfig and run the suites under QEMU.
# usage: ci/kunit.sh [FILTER]	as in "page_enc*" or "suite.case"
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# /dev/kvm is not to be trusted (see Documentation), so TCG; 900 s for the run
kunit()
{
	local action=$1
	shift
	timeout -k 10 1500 /usr/bin/python3 tools/testing/kunit/kunit.py "$action" \
		--arch=x86_64 --kunitconfig="$TOP/kunit/.kunitconfig" --build_dir=.kunit \
		--make_options "CC=${cc[*]}" --make_options LOCALVERSION=-kunit \
		--make_options RUSTC=false "$@"
}

# The same command as kunit.py's own, but its progress can be seen
build()
{
	local log=$BUILD/kunit-build.log
	kunit config >"$log" 2>&1 || { tail -n 15 "$log" >&2; return 1; }
	run_logged "objects built for KUnit" "$log" '^  (CC|AS|LD|AR|HOSTCC) ' \
		make ARCH=x86_64 O=.kunit -j"$JOBS" "CC=${cc[*]}" LOCALVERSION=-kunit RUSTC=false ||
		{ grep -nE -m 20 'error:|undefined|\*\*\*' "$log" >&2; return 1; }
	say "kernel ready ($(elapsed $((SECONDS - start))))"
}

# kunit.py's JSON as one line a test
verdicts()
{
	jq -r '
		def tests($path):
			(.test_cases[]? | "\(.status) \($path)\(.name)"),
			(.sub_groups[]? | tests($path + .name + "/"));
		tests("kunit/")' "$1" |
	sed -E 's/^(PASS|SKIP) /\1 /; t; s/^[A-Z]+ /FAIL /'
}

main()
{
	local json=$BUILD/kunit.json log=$BUILD/kunit.log start=$SECONDS cc=(gcc) rc=0
	build_environment
	! command -v ccache >/dev/null || cc=(ccache gcc)
	mkdir -p "$RESULTS"
	: >"$RESULTS/kunit"
	rm -f "$json"
	[ -r "$TOP/kunit/.kunitconfig" ] || die "no kunit/.kunitconfig"
	cd "$LINUX"
	if build; then
		kunit run --jobs="$JOBS" --timeout=900 --qemu_args "-accel tcg" \
			--json="$json" "$@" >"$log" 2>&1 </dev/null || rc=$?
	fi
	[ ! -s "$json" ] || verdicts "$json" | tee "$RESULTS/kunit"
	if ! grep -q '^\(PASS\|FAIL\)' "$RESULTS/kunit"; then
		tail -n 30 "$log" >&2 || :
		echo "FAIL kunit: no test ran" | tee -a "$RESULTS/kunit"
	elif [ $rc != 0 ] && ! grep -q ^FAIL "$RESULTS/kunit"; then
		echo "FAIL kunit: kunit.py ended with $rc" | tee -a "$RESULTS/kunit"
	fi
	say "$(grep -c . "$RESULTS/kunit") tests, log in $log ($(elapsed $((SECONDS - start))))"
	! grep -q ^FAIL "$RESULTS/kunit" || { grep -A 12 -E 'EXPECTATION|ASSERTION|\[FAILED\]|\[ERROR\]' "$log" | head -n 60; return 1; }
}

main "$@"
