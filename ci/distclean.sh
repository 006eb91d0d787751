#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Remove .build, unless it holds work that exists nowhere else.
# usage: ci/distclean.sh	FORCE=1 removes it all the same
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/series.sh"

in_the_way()
{
	# shellcheck disable=SC2034 # read_stamp sets them all
	local gitdir stamp_hash stamp_head stamp_base stamp_patches
	[ -e "$LINUX/.git" ] || return 0
	read_stamp
	kgit diff --quiet HEAD || echo "edits"
	[ "$(kgit rev-parse HEAD)" = "${stamp_head:-$(kgit rev-parse refs/heads/base)}" ] ||
		echo "commits that were not exported"
	kgit worktree list --porcelain | sed -n 's/^worktree //p' |
		grep -vxF -e "$LINUX" -e "$BASE" -e "$MAINLINE" -e "$KDIR/each" || :
}

main()
{
	local found
	found=$(in_the_way | paste -sd ,)
	[ -z "$found" ] || [ -n "${FORCE:-}" ] ||
		die "$LINUX has $found (FORCE=1 removes it all the same)"
	rm -rf "$BUILD"
}

main "$@"
