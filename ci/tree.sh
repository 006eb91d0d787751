#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the work tree: base, the guest series (up to branch guest-end), the host
# series (branch series), one commit a patch.  Files that do not change keep
# their time stamps, so builds stay incremental.
# usage: ci/tree.sh	FORCE=1 gives up work that was not exported
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/series.sh"

# Work in the tree that "make refresh" has not brought home yet, in a few words
unexported()
{
	local head base
	head=$(kgit rev-parse HEAD)
	base=$(kgit rev-parse refs/heads/base)
	if [ -d "$gitdir/rebase-merge" ] || [ -d "$gitdir/rebase-apply" ]; then
		echo "a rebase under way"
	elif ! kgit diff --quiet HEAD; then
		echo "edits in $(kgit diff --name-only HEAD | head -n 3 | xargs)"
	elif [ "$head" != "${stamp_head:-$base}" ] && [ "$head" != "$base" ]; then
		echo "commits up to $(kgit log -1 --format='%h "%s"' HEAD)"
	fi
}

# The old HEAD and edits stay reachable below refs/saved
save_work()
{
	local ref saved
	ref=refs/saved/$(date +%Y%m%d-%H%M%S)
	saved=$(kgit -c user.name=saved -c user.email=saved@localhost stash create || :)
	kgit update-ref "$ref" "${saved:-HEAD}"
	say "gave up $1; saved as $ref in $LINUX"
}

move_to_chain()
{
	kgit update-ref refs/heads/guest-end "$chain_guest"
	if [ -n "$work" ]; then
		save_work "$work"
		rm -rf "$gitdir/rebase-merge" "$gitdir/rebase-apply"
		kgit reset -q --hard
	fi
	kgit checkout -q -B series "$chain_head"
	kgit config rebase.updateRefs true
}

main()
{
	local gitdir work
	read_stamp
	lock
	kgit update-index -q --refresh >/dev/null || :
	work=$(unexported)
	if [ -z "$work" ] && [ "$(inputs_hash)" = "$stamp_hash" ] &&
	   [ "$(kgit rev-parse HEAD)" = "$stamp_head" ]; then
		return
	fi
	[ -z "$work" ] || [ -n "${FORCE:-}" ] ||
		die "$LINUX holds $work: make refresh brings it home, FORCE=1 gives it up"
	check_series_file
	check_orphans
	build_chain
	move_to_chain
	mark_exported "$chain_head"
	say "$(series_list | wc -l) patches, $(kgit log -1 --format='%h %s' HEAD)"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
main "$@"
