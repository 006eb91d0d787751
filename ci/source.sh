#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack Debian's kernel source as one commit (branch "base") of the repository
# in $LINUX, and check it out as the git worktree $BASE.  A new version of the
# package becomes a new base commit.  Every step leaves either the old state or
# the new one, so a kill in between costs only time.
# usage: ci/source.sh [base]	with "base": check out $BASE as well
set -euo pipefail
. "$(dirname "$0")/lib.sh"

unpack()
{
	local dir=$1
	rm -rf "$dir"
	mkdir -p "$dir"
	tar -xJf "$tarball" --no-same-owner --strip-components=1 \
		--checkpoint=10000 --checkpoint-action=echo=files -C "$dir"
}

# Debian's .gitignore ignores everything, hence -f.  Identity and date are
# fixed: the same package gives the same commit everywhere.
commit_all()
{
	local tree
	git -c core.looseCompression=1 -c gc.auto=0 add -f -A .
	tree=$(git write-tree)
	env GIT_{AUTHOR,COMMITTER}_NAME="Debian linux-source" \
		GIT_{AUTHOR,COMMITTER}_EMAIL=linux-source@localhost \
		GIT_{AUTHOR,COMMITTER}_DATE="@$(stat -c %Y Makefile) +0000" \
		git commit-tree -m "$subject" "$tree"
}

new_repository()
{
	local commit
	git init -q -b series .
	# 85000 loose objects are what this repository is; do not repack them
	git config gc.auto 0
	git config rebase.updateRefs true
	commit=$(commit_all)
	git update-ref refs/heads/base "$commit"
	git update-ref refs/heads/guest-end "$commit"
	git update-ref refs/heads/series "$commit"
}

new_base()
{
	local new=$KDIR/unpack start=$SECONDS commit
	say "unpacking $subject"
	run_logged "blocks of 100 MB" "$KDIR/unpack.log" files unpack "$new" ||
		die "cannot unpack $tarball: $(tail -n 1 "$KDIR/unpack.log")"
	say "committing it ($(elapsed $((SECONDS - start))))"
	if [ ! -e "$LINUX/.git" ]; then
		(cd "$new" && new_repository)
		rm -rf "$LINUX"
		mv "$new" "$LINUX"
	else
		commit=$(cd "$new" && export GIT_DIR=$LINUX/.git GIT_WORK_TREE=$new \
			GIT_INDEX_FILE=$KDIR/unpack.index && commit_all)
		[ "$(git -C "$LINUX" symbolic-ref -q HEAD)" != refs/heads/base ] ||
			git -C "$LINUX" checkout -q --detach
		git -C "$LINUX" update-ref refs/heads/base "$commit"
		rm -rf "$new" "$KDIR/unpack.index"
	fi
	say "base is $subject ($(elapsed $((SECONDS - start))))"
}

# The file .base names the commit that $BASE was seen to hold completely.
base_tree()
{
	local commit start=$SECONDS
	commit=$(git -C "$LINUX" rev-parse refs/heads/base)
	[ ! -e "$BASE/.git" ] || [ "$(cat "$KDIR/.base" 2>/dev/null)" != "$commit" ] || return 0
	rm -f "$KDIR/.base"
	if [ -e "$BASE/.git" ] && git -C "$BASE" rev-parse -q --verify HEAD >/dev/null; then
		rm -f "$(git -C "$BASE" rev-parse --absolute-git-dir)/index.lock"
		git -C "$BASE" reset -q --hard "$commit"
	else
		say "checking out the base tree"
		rm -rf "$BASE"
		git -C "$LINUX" worktree prune
		git -C "$LINUX" worktree add -q --detach "$BASE" "$commit"
	fi
	echo "$commit" >"$KDIR/.base"
	say "base tree ready ($(elapsed $((SECONDS - start))))"
}

main()
{
	local package=linux-source-$KVER tarball version subject
	tarball=${SOURCE:-/usr/src/$package.tar.xz}
	[ -r "$tarball" ] || die "no $tarball: make deps installs it"
	version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) ||
		version=$(sha256sum "$tarball" | cut -c 1-16)
	subject="$package $version"
	lock
	if [ "$(git -C "$LINUX" log -1 --format=%s refs/heads/base -- 2>/dev/null)" != "$subject" ]; then
		new_base
		[ "$(sed '/^#/d' "$PATCHES/BASE")" = "$subject" ] ||
			say "note: the series was last refreshed on $(sed '/^#/d' "$PATCHES/BASE")"
	fi
	[ "${1:-}" != base ] || base_tree
}

main "$@"
