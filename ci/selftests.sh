#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build KVM selftests of the work tree.
# usage: ci/selftests.sh DIR NAME...	programs to DIR, build output stays
set -euo pipefail
. "$(dirname "$0")/lib.sh"

TREE=${SELFTESTS_TREE:-$LINUX}
OUTPUT=$KDIR/selftests

main()
{
	local dir=$1 name source targets=() log=$KDIR/selftests.log
	shift
	for name; do
		source=$(cd "$TREE/tools/testing/selftests/kvm" && find . -name "$name.c" -print -quit)
		[ -n "$source" ] || { warn "$TREE has no selftest $name"; continue; }
		source=${source#./}
		targets+=("$OUTPUT/${source%.c}")
	done
	mkdir -p "$OUTPUT/x86_64" "$dir"
	run_logged "selftests: headers" "$log" '^  (HDRINST|INSTALL)' make -C "$TREE" O=obj headers ||
		die "cannot make headers, see $log"
	run_logged "selftests: programs" "$log" '^gcc' \
		make -C "$TREE/tools/testing/selftests/kvm" -j"$JOBS" ARCH=x86_64 OUTPUT="$OUTPUT" \
		KHDR_INCLUDES="-isystem $TREE/obj/usr/include" "${targets[@]}" ||
		{ tail -n 20 "$log" >&2; die "cannot build the selftests, see $log"; }
	cp "${targets[@]}" "$dir/"
}

[ $# -ge 2 ] || usage_error "usage: ci/selftests.sh DIR NAME..."
main "$@"
