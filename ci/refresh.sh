#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bring the work tree home: commits base..guest-end..HEAD become patches/ and
# its series file, files they create become C below guest/, host/ and kunit/.
# Edits of those C files made here are amended into their patch on the way.
# usage: ci/refresh.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/series.sh"

check_order()
{
	local base=refs/heads/base
	kgit merge-base --is-ancestor $base HEAD ||
		die "HEAD is not above base: git -C $LINUX rebase --onto base ${stamp_base:-OLD-BASE}"
	kgit merge-base --is-ancestor $base refs/heads/guest-end &&
		kgit merge-base --is-ancestor refs/heads/guest-end HEAD ||
		die "branch guest-end is not between base and HEAD: put it on the last guest commit"
	[ -z "$(kgit rev-list --merges $base..HEAD)" ] || die "the series has a merge commit"
	! kgit log --format=%s $base..HEAD | grep -q '^\(fixup\|squash\|amend\)! ' ||
		die "fold the fixups first: git -C $LINUX rebase -i --autosquash base"
}

check_work_tree()
{
	! [ -d "$gitdir/rebase-merge" ] && ! [ -d "$gitdir/rebase-apply" ] ||
		die "a rebase is under way in $LINUX"
	kgit diff --quiet HEAD ||
		die "commit or amend first: $(kgit diff --name-only HEAD | head -n 5 | xargs)"
	check_order
	[ "$(patches_hash)" = "${stamp_patches:-$(patches_hash)}" ] || [ -n "${FORCE:-}" ] ||
		die "patches/$KVER was edited and $LINUX has new commits (FORCE=1 takes the commits)"
}

# Debian's .gitignore hides every new file from git status
warn_untracked()
{
	local files
	files=$(kgit ls-files -o --exclude='/obj*' --exclude=/.kunit -- '*.[chS]' '*.rst' |
		head -n 5 | xargs)
	[ -z "$files" ] || warn "not tracked, so not exported (git add -f): $files"
}

# The blob that FOLDER/PATH had when tree and repository last agreed
stamped_blob()
{
	[ ! -r "$gitdir/series-owned" ] ||
		awk -v f="$1" -v p="$2" '$2 == f && $3 == p { print $1 }' "$gitdir/series-owned"
}

our_blob()
{
	[ ! -e "$TOP/$1/$2" ] || git hash-object -- "$TOP/$1/$2"
}

# plan_text FOLDER PATH: take the work tree's text unless only ours was edited
plan_text()
{
	local theirs ours old
	theirs=$(kgit rev-parse "HEAD:$2")
	ours=$(our_blob "$1" "$2")
	old=$(stamped_blob "$1" "$2")
	if [ "$ours" = "$theirs" ]; then
		return
	elif [ -z "$ours" ] || [ "$ours" = "$old" ]; then
		take+=("$1 $2")
	elif [ "$theirs" = "$old" ]; then
		say "$1/$2: edited here, goes into its patch"
	else
		die "$1/$2: edited here and in $LINUX; make them equal first"
	fi
}

# Below our folders, but no commit creates it now: goes if nobody edited it
plan_drop()
{
	[ "$(our_blob "$1" "$2")" = "$(stamped_blob "$1" "$2")" ] ||
		die "no commit creates $1/$2: commit it in $LINUX (git add -f) or delete it"
	drop+=("$TOP/$1/$2")
}

plan_texts()
{
	local folder path
	PATCHES=$tmp/out owned_files | cut -d ' ' -f 1,2 >"$tmp/owned-now"
	while read -r folder path; do
		plan_text "$folder" "$path"
	done <"$tmp/owned-now"
	while read -r folder path; do
		plan_drop "$folder" "$path"
	done < <(text_files | comm -13 "$tmp/owned-now" -)
}

put_texts()
{
	local item
	for item in "${take[@]}"; do
		kgit cat-file blob "HEAD:${item#* }" | write_if_changed "$TOP/${item% *}/${item#* }"
	done
	for item in "${drop[@]}"; do
		rm "$item"
		say "deleted ${item#"$TOP/"}: no commit creates it"
	done
}

put_patches()
{
	local file
	for file in "$tmp"/out/{guest,host}/*.patch "$tmp/out/series"; do
		[ ! -e "$file" ] || write_if_changed "$PATCHES/${file#"$tmp/out/"}" <"$file"
	done
	for file in "$PATCHES"/{guest,host}/*.patch; do
		[ ! -e "$file" ] || [ -e "$tmp/out/${file#"$PATCHES/"}" ] || rm "$file"
	done
	{ sed '/^#/!d' "$PATCHES/BASE"; kgit log -1 --format=%s refs/heads/base; } |
		write_if_changed "$PATCHES/BASE"
}

# Commits and texts are written; rebuild the commits from them, which amends
# texts edited here, and write the patches that result.
settle()
{
	build_chain
	kgit update-ref refs/heads/guest-end "$chain_guest"
	kgit checkout -q -B series "$chain_head"
	rm -rf "$tmp/out"
	export_chain "$chain_guest" "$chain_head" "$tmp/out"
	put_patches
	mark_exported "$chain_head"
}

main()
{
	local gitdir take=() drop=()
	lock
	read_stamp
	kgit update-index -q --refresh >/dev/null || :
	if [ "$(kgit rev-parse HEAD)" = "$stamp_head" ] && kgit diff --quiet HEAD; then
		"$TOP/ci/tree.sh"
		read_stamp
	else
		check_work_tree
	fi
	warn_untracked
	export_chain "$(kgit rev-parse refs/heads/guest-end)" "$(kgit rev-parse HEAD)" "$tmp/out"
	plan_texts
	put_patches
	put_texts
	settle
	say "$(series_list | wc -l) patches, $(text_files | wc -l) files as C"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
main "$@"
