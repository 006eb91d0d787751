#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A stock Debian cloud kernel as a guest, as the machine's apt knows it: fetched
# into $BUILD/stock and unpacked there, never installed.
# usage: ci/stock.sh VERSION DIR	as in 6.12; DIR gets bzImage and guest.cpio, or
#				a file "missing" that says why there are none
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# newest VERSION: the package
newest()
{
	apt-cache search --names-only "^linux-image-${1//./\\.}\\.[0-9a-z.+-]*-cloud-amd64\$" |
		cut -d ' ' -f 1 | sort -V | tail -n 1 | grep .
}

# fetch VERSION: unpack it as $BUILD/stock/VERSION, once
fetch()
{
	local to=$BUILD/stock/$1 package tmp
	[ ! -e "$to/boot" ] || return 0
	package=$(newest "$1") || { echo "apt knows no cloud kernel $1"; return 1; }
	tmp=$to.new
	rm -rf "$tmp"
	mkdir -p "$tmp/deb"
	say "fetching $package" >&2
	(cd "$tmp/deb" && timeout 300 apt-get -q -o Acquire::http::Timeout=30 download "$package") \
		>"$to.log" 2>&1 || { echo "$package cannot be fetched"; return 1; }
	dpkg-deb -x "$tmp"/deb/*.deb "$tmp" || { echo "$package cannot be unpacked"; return 1; }
	rm -rf "$tmp/deb" "$to"
	mv "$tmp" "$to"
}

main()
{
	local version=$1 dir=$2 reason
	mkdir -p "$dir" "$BUILD/stock"
	reason=$(fetch "$version") || { echo "$reason" >"$dir/missing"; warn "$reason"; return 0; }
	cp "$BUILD/stock/$version"/boot/vmlinuz-* "$dir/bzImage"
	env -u GUEST_MODULES "$TOP/ci/guest/mkinitramfs.sh" \
		"$BUILD/stock/$version"/boot/vmlinuz-* "$dir"
}

[ $# = 2 ] || usage_error "usage: ci/stock.sh VERSION DIR"
main "$@"
