#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build KVM selftests of the work tree.
# usage: ci/selftests.sh DIR NAME...	programs to DIR, build output stays
set -euo pipefail
. "$(dirname "$0")/lib.sh"

TREE=${SELFTESTS_TREE:-$LINUX}
OUTPUT=$KDIR/selftests

# source_of NAME: for x86 or for all architectures, without .c
source_of()
{
	local source
	for source in "$1" "x86_64/$1"; do
		[ ! -e "$TREE/tools/testing/selftests/kvm/$source.c" ] || { echo "$source"; return; }
	done
	return 1
}

main()
{
	local dir=$1 name source targets=() log=$KDIR/selftests.log cc=gcc
	shift
	! command -v ccache >/dev/null || cc="ccache gcc"
	for name; do
		source=$(source_of "$name") || { warn "$TREE has no selftest $name"; continue; }
		targets+=("$OUTPUT/$source")
	done
	mkdir -p "$OUTPUT/x86_64" "$dir"
	run_logged "selftests: headers" "$log" '^  (HDRINST|INSTALL)' make -C "$TREE" O=obj headers ||
		die "cannot make headers, see $log"
	run_logged "selftests: programs" "$log" '^(ccache )?gcc ' \
		make -C "$TREE/tools/testing/selftests/kvm" -j"$JOBS" ARCH=x86_64 OUTPUT="$OUTPUT" CC="$cc" \
		KHDR_INCLUDES="-isystem $TREE/obj/usr/include" "${targets[@]}" ||
		{ tail -n 20 "$log" >&2; die "cannot build the selftests, see $log"; }
	cp "${targets[@]}" "$dir/"
}

[ $# -ge 2 ] || usage_error "usage: ci/selftests.sh DIR NAME..."
main "$@"
