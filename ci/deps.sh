#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install the Debian packages of ci/packages that are missing.
# usage: ci/deps.sh [demo|test]
set -euo pipefail
. "$(dirname "$0")/lib.sh"

wanted()
{
	awk -v set="$1" -v kver="$KVER" '
		/^#/ || NF != 2 { next }
		$1 == set || $1 == "demo" { sub("@KVER@", kver, $2); print $2 }
	' "$TOP/ci/packages"
}

missing()
{
	# shellcheck disable=SC2016 # dpkg-query's own variables
	local format='${Package} ${db:Status-Status}\n'

	# dpkg-query fails when it knows nothing of a package: that is an answer
	{ wanted "$1" | xargs dpkg-query -W -f "$format" 2>/dev/null || :; } |
		awk '$2 == "installed" { print $1 }' | sort >"$tmp/installed"
	wanted "$1" | sort -u | comm -23 - "$tmp/installed"
}

# The lists are stale or absent if apt knows no candidate for a package.
lists_know()
{
	local p
	for p; do
		LC_ALL=C apt-cache policy "$p" | grep -q 'Candidate: [0-9]' || return 1
	done
}

install_packages()
{
	local apt
	apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)
	[ "$(id -u)" = 0 ] || apt=(sudo -n "${apt[@]}")
	if ! lists_know "${packages[@]}"; then
		say "apt-get update"
		"${apt[@]}" update >>"$log" 2>&1 || warn "apt-get update failed, see $log"
	fi
	say "installing: ${packages[*]}"
	run_logged "packages set up" "$log" '^Setting up' \
		"${apt[@]}" install -y --no-install-recommends "${packages[@]}" && return
	say "failed; once more after apt-get update"
	"${apt[@]}" update >>"$log" 2>&1 || :
	run_logged "packages set up" "$log" '^Setting up' \
		"${apt[@]}" install -y --no-install-recommends "${packages[@]}" && return
	tail -n 15 "$log" >&2
	die "apt-get failed, whole log: $log"
}

main()
{
	local set=${1:-test} packages
	case $set in demo|test) ;; *) usage_error "no package set '$set' (demo, test)" ;; esac
	command -v dpkg-query >/dev/null ||
		die "this is no Debian; install by hand: $(wanted "$set" | xargs)"
	mapfile -t packages < <(missing "$set")
	[ ${#packages[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
		warn "missing packages; run this as root, then again make:"
		echo "apt-get install --no-install-recommends ${packages[*]}" >&2
		exit 1
	fi
	mkdir -p "$BUILD"
	log=$BUILD/deps.log
	install_packages
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
main "$@"
