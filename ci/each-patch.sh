#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the kernel after every single patch, in a work tree of its own, with
# everything on that the patches so far know.  Slow at first, then ccache helps.
# usage: ci/each-patch.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/series.sh"

main()
{
	local each=$KDIR/each commit failed=0 nr=0 count
	[ -e "$each/.git" ] || kgit worktree add -q --detach "$each" refs/heads/base
	count=$(kgit rev-list --count refs/heads/base..HEAD)
	for commit in $(kgit rev-list --reverse refs/heads/base..HEAD); do
		nr=$((nr + 1))
		git -C "$each" checkout -q --detach "$commit"
		if "$TOP/ci/kernel.sh" "$each"; then
			echo "PASS each-patch/$nr of $count: $(kgit log -1 --format=%s "$commit")"
		else
			echo "FAIL each-patch/$nr of $count: $(kgit log -1 --format=%s "$commit")"
			failed=1
		fi
	done
	return $failed
}

main "$@"
