#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Configure and build a kernel tree in TREE/OBJ, incrementally.
# usage: ci/kernel.sh [-o OBJ] [-c FRAGMENT]... TREE [TARGET...]
#   TREE      base, mainline or linux below $KDIR, or a path
#   OBJ       build directory inside TREE, default obj.  Inside, because ccache
#             then sees the same relative paths in every tree
#   FRAGMENT  merged after ci/config/kernel.config and what TREE knows of
#             ci/config/series.config
#   TARGET    of the kernel's Makefile, default bzImage; "config" only configures
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kmake()
{
	make -C "$tree" O="$obj" CC="${cc[*]}" ${hostcc:+HOSTCC="$hostcc"} \
		LOCALVERSION="$localversion" RUSTC=false "$@"
}

# What the configuration is made from: fragments and every Kconfig file
config_hash()
{
	{
		cat "${fragments[@]}"
		echo "${cc[*]}"
		cd "$tree"
		git ls-files -z -- 'Kconfig*' '*/Kconfig*' | xargs -0r cat
	} | sha256sum
}

# Symbols whose value is not what the last fragment to name them asked for
not_taken()
{
	sed -n 's/^\(CONFIG_[A-Za-z0-9_]*=.*\)/\1/p; s/^# \(CONFIG_[A-Za-z0-9_]*\) is not set/\1=n/p' \
		"${fragments[@]}" |
	awk -F= '
		NR == FNR { if ($1 ~ /^CONFIG/) have[$1] = substr($0, length($1) + 2); next }
		{ want[$1] = substr($0, length($1) + 2) }
		END {
			for (s in want) {
				h = (s in have) ? have[s] : "n"
				if (h != want[s]) print s "=" want[s] " (is " h ")"
			}
		}' "$tree/$obj/.config" -
}

configure()
{
	local dir=$tree/$obj hash missed
	hash=$(config_hash)
	[ "$hash" != "$(cat "$dir/.config-hash" 2>/dev/null)" ] || return 0
	say "configuring $name/$obj"
	mkdir -p "$dir"
	{
		kmake -s tinyconfig
		(cd "$tree" && scripts/kconfig/merge_config.sh -O "$obj" -m "$obj/.config" "${fragments[@]}")
		kmake -s olddefconfig
	} >"$dir/config.log" 2>&1 </dev/null || { tail -n 20 "$dir/config.log" >&2; die "cannot configure $dir"; }
	missed=$(not_taken | sort)
	[ -z "$missed" ] || die "symbols that did not take in $name: $(echo "$missed" | paste -sd ,)"
	echo "$hash" >"$dir/.config-hash"
}

targets()
{
	[ $# -lt 4 ] && echo "$*" || echo "$# targets"
}

build()
{
	local log=$tree/$obj/build.log start=$SECONDS
	if ! run_logged "objects built in $name/$obj" "$log" '^  (CC|AS|LD|AR|HOSTCC) ' \
			kmake -j"$JOBS" "$@"; then
		grep -nE -m 20 'error:|undefined reference|No rule|\*\*\*' "$log" >&2 || tail -n 20 "$log" >&2
		die "build of $name failed, whole log: $log"
	fi
	say "$name/$obj: $(targets "$@") ready ($(elapsed $((SECONDS - start))))"
}

set_tree()
{
	case $1 in
	base) tree=$BASE ;;
	mainline) tree=$MAINLINE ;;
	linux) tree=$LINUX ;;
	*) tree=$1 ;;
	esac
	[ -e "$tree/Kconfig" ] || die "no kernel tree $tree"
	tree=$(cd "$tree" && pwd)
	name=$(basename "$tree")
	localversion=-$name
}

# series.config, as far as TREE knows its symbols
series_fragment()
{
	local symbols
	symbols=$(sed -n 's/^CONFIG_\([A-Z0-9_]*\)=.*/-e ^config.\1$/p' "$TOP/ci/config/series.config")
	# shellcheck disable=SC2086 # a list of options
	symbols=$(git -C "$tree" grep -h $symbols -- '*Kconfig' | sort -u) || return 0
	mkdir -p "$tree/$obj"
	while read -r _ symbols; do
		grep "^CONFIG_$symbols=" "$TOP/ci/config/series.config"
	done <<<"$symbols" >"$tree/$obj/series.config"
	fragments+=("$tree/$obj/series.config")
}

set_compiler()
{
	cc=("${KCC:-gcc}")
	hostcc=
	build_environment
	command -v ccache >/dev/null || return 0
	cc=(ccache "${cc[@]}")
	hostcc="ccache gcc"
}

main()
{
	local obj=obj extra=() fragments=("$TOP/ci/config/kernel.config") tree name localversion cc hostcc opt
	while getopts o:c: opt; do
		case $opt in
		o) obj=$OPTARG ;;
		c) [ -r "$OPTARG" ] || usage_error "no config fragment $OPTARG"; extra+=("$(realpath "$OPTARG")") ;;
		*) usage_error "usage: ci/kernel.sh [-o OBJ] [-c FRAGMENT]... TREE [TARGET...]" ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -gt 0 ] || usage_error "usage: ci/kernel.sh [-o OBJ] [-c FRAGMENT]... TREE [TARGET...]"
	set_tree "$1"
	shift
	series_fragment
	fragments+=("${extra[@]}")
	set_compiler
	configure
	[ "${1:-}" = config ] || build "${@:-bzImage}"
}

main "$@"
