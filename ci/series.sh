# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# Sourced by tree.sh, refresh.sh and the checks: patches <-> commits, without
# touching a work tree.  Wants lib.sh before it and $tmp, a scratch directory.
#
# A file that a patch creates is "owned": its text lives as C below guest/,
# host/ or kunit/, at its path in the kernel, and replaces what the patch says.

# Answers must not depend on the user's git configuration.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

kgit()
{
	git -C "$LINUX" "$@"
}

# guest/0001-x.patch ... host/0012-y.patch, in order
series_list()
{
	sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$PATCHES/series"
}

# folder_of SERIES PATH: where the text of an owned file lives
folder_of()
{
	case $2 in
	tools/testing/selftests/*) echo "$1" ;;
	*_test.c | *kunit*) echo kunit ;;
	*) echo "$1" ;;
	esac
}

# For every patch, every file it touches: "PATCH create|modify|delete PATH"
series_files()
{
	local patch
	while read -r patch; do
		awk -v patch="$patch" '
			/^diff --git / { what = "modify"; header = 1 }
			/^@@ / { header = 0 }
			header && /^new file mode/ { what = "create" }
			header && /^deleted file mode/ { what = "delete" }
			header && /^--- a\// { old = substr($0, 7) }
			header && /^\+\+\+ / {
				print patch, what, what == "delete" ? old : substr($0, 7)
			}' "$PATCHES/$patch"
	done < <(series_list)
}

# Every owned file: "FOLDER PATH PATCH", PATCH being the last that touches it
owned_files()
{
	local patch what path
	local -A folder=() last=()

	while read -r patch what path; do
		[ "$what" != create ] || folder[$path]=$(folder_of "${patch%%/*}" "$path")
		[ -z "${folder[$path]:-}" ] || last[$path]=$patch
	done < <(series_files)
	for path in "${!folder[@]}"; do
		echo "${folder[$path]} $path ${last[$path]}"
	done | sort
}

# What lies below guest/, host/ and kunit/: "FOLDER PATH"
text_files()
{
	(cd "$TOP" && find guest host kunit -type f 2>/dev/null || :) |
		sed -n '/^kunit\/\.kunitconfig$/d; /~$/d; s,/, ,p' | sort
}

# One number for all that the work tree is made from
inputs_hash()
{
	{
		kgit rev-parse refs/heads/base
		patches_hash
		(cd "$TOP" && text_files | tr ' ' / | xargs -r sha256sum)
		sha256sum <"$TOP/ci/series.sh"
	} | sha256sum | cut -d ' ' -f 1
}

info_field()
{
	sed -n "s/^$1: //p" "$tmp/info"
}

# overlay PATCH: put the owned files whose last patch this is into the index
overlay()
{
	local folder path patch mode blob
	while read -r folder path patch; do
		[ "$patch" = "$1" ] && [ -e "$TOP/$folder/$path" ] || continue
		mode=$(kgit ls-files -s -- "$path" | cut -d ' ' -f 1)
		[ -n "$mode" ] || continue
		blob=$(kgit hash-object -w -- "$TOP/$folder/$path")
		kgit update-index --cacheinfo "$mode,$blob,$path"
	done <"$tmp/owned"
}

# commit_patch PARENT PATCH: prints the commit.  The committer is fixed, so
# that the same inputs give the same commits.
commit_patch()
{
	local tree
	kgit mailinfo "$tmp/msg" "$tmp/diff" <"$PATCHES/$2" >"$tmp/info" ||
		die "patches/$KVER/$2 is not a mail"
	kgit apply --cached --whitespace=nowarn "$tmp/diff" >&2 ||
		die "patches/$KVER/$2 does not apply"
	overlay "$2"
	tree=$(kgit write-tree)
	{ info_field Subject; echo; cat "$tmp/msg"; } | git stripspace |
		GIT_AUTHOR_NAME=$(info_field Author) \
		GIT_AUTHOR_EMAIL=$(info_field Email) \
		GIT_AUTHOR_DATE=$(info_field Date) \
		GIT_COMMITTER_NAME=series \
		GIT_COMMITTER_EMAIL=series@localhost \
		GIT_COMMITTER_DATE=$(info_field Date) \
		kgit commit-tree -p "$1" "$tree"
}

# build_chain: commit the whole series on top of base in a private index;
# leaves the ends in $chain_guest and $chain_head
build_chain()
{
	local patch
	export GIT_INDEX_FILE=$tmp/index
	owned_files >"$tmp/owned"
	kgit read-tree refs/heads/base
	chain_head=$(kgit rev-parse refs/heads/base)
	chain_guest=$chain_head
	while read -r patch; do
		[ -r "$PATCHES/$patch" ] || die "patches/$KVER/series names $patch, which is not there"
		chain_head=$(commit_patch "$chain_head" "$patch")
		case $patch in
		guest/*) chain_guest=$chain_head ;;
		host/*) ;;
		*) die "patches/$KVER/series: $patch is neither in guest/ nor in host/" ;;
		esac
	done < <(series_list)
	unset GIT_INDEX_FILE
}

check_series_file()
{
	local unlisted
	unlisted=$(cd "$PATCHES" && { find guest host -name '*.patch' 2>/dev/null || :; } | sort |
		comm -23 - <(series_list | sort))
	[ -z "$unlisted" ] || die "patches/$KVER/series does not name $(echo "$unlisted" | xargs)"
}

# Texts that no patch creates are errors: nothing would ever build them.
check_orphans()
{
	local orphans
	orphans=$(owned_files | cut -d ' ' -f 1,2 | comm -13 - <(text_files) | tr ' ' /)
	[ -z "$orphans" ] || die "no patch creates $(echo "$orphans" | xargs)"
}

# export_chain GUEST HEAD DIR: the commits as DIR/{series,guest/*,host/*}
export_chain()
{
	mkdir -p "$3/guest" "$3/host"
	export_range refs/heads/base "$1" "$3/guest"
	export_range "$1" "$2" "$3/host"
	{
		sed '/^#/!d' "$PATCHES/series"
		(cd "$3" && find guest host -name '*.patch' | sort)
	} >"$3/series"
}

export_range()
{
	kgit -c core.quotePath=true format-patch -q --zero-commit --no-signature \
		-N --full-index --no-renames --diff-algorithm=myers \
		--no-base -o "$3" "$1..$2"
}

patches_hash()
{
	{ series_list; (cd "$PATCHES" && series_list | xargs -r sha256sum); } |
		sha256sum | cut -d ' ' -f 1
}

# read_stamp: what the tree and the repository last agreed on, as $stamp_*
read_stamp()
{
	gitdir=$(kgit rev-parse --absolute-git-dir 2>/dev/null) || die "no $LINUX: run make source"
	stamp_hash='' stamp_head='' stamp_base='' stamp_patches=''
	! [ -r "$gitdir/series-stamp" ] ||
		read -r stamp_hash stamp_head stamp_base stamp_patches <"$gitdir/series-stamp"
}

# mark_exported HEAD: the tree at HEAD and the repository agree.  The text of
# every owned file is noted, to tell later which side moved.
mark_exported()
{
	local folder path
	while read -r folder path _; do
		echo "$(kgit rev-parse "$1:$path") $folder $path"
	done < <(owned_files) >"$gitdir/series-owned"
	echo "$(inputs_hash) $1 $(kgit rev-parse refs/heads/base) $(patches_hash)" >"$gitdir/series-stamp"
}
