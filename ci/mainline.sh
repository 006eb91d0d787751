#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Check out, as the git worktree $MAINLINE, what is tested as "the unpatched
# kernel": base, and the patches up to the exerciser of memory encryption.  These
# fix what drivers do with failures, add files of debugfs, and change nothing that is
# tested; without the files nobody could make an unpatched kernel convert memory, or
# see what it has done.
# usage: ci/mainline.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/series.sh"

last_tool()
{
	kgit log --format=%H --diff-filter=A refs/heads/base..refs/heads/guest-end -- \
		arch/x86/mm/mem_encrypt_exercise.c
}

main()
{
	local commit
	commit=$(last_tool)
	[ -n "$commit" ] || die "no patch adds the exerciser"
	if ! git -C "$MAINLINE" rev-parse -q --verify HEAD >/dev/null 2>&1; then
		say "checking out the unpatched tree"
		rm -rf "$MAINLINE"
		kgit worktree prune
		kgit worktree add -q --detach "$MAINLINE" "$commit"
	elif [ "$(git -C "$MAINLINE" rev-parse HEAD)" != "$commit" ] ||
	     ! git -C "$MAINLINE" diff --quiet HEAD; then
		git -C "$MAINLINE" checkout -q --detach --force "$commit"
	fi
}

main "$@"
