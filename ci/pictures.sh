#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The pictures of Documentation/pictures/.  Those of a guest are drawn by encstat from
# guest.jsonl there; the others are written by hand.
# usage: ci/pictures.sh write|check|record
#   write   draw those of the guest again
#   check   fails if one is not what would be drawn, or is no XML; 77: cannot be told
#   record  record a guest anew, in L1, with the case "record"
set -euo pipefail
. "$(dirname "$0")/lib.sh"
pictures=$TOP/Documentation/pictures
encstat=$BUILD/encstat/encstat
recording=$pictures/guest.jsonl
drawn=(map timeline history)

cannot()
{
	echo "$*"
	exit 77
}

# draw DIR
draw()
{
	local name file
	for name in "${drawn[@]}"; do
		file=$1/guest-$name.svg
		"$encstat" report --svg "$name" -F "$recording" "$file"
		sed -i '1a<!-- SPDX-License-Identifier: GPL-2.0 -->\n<!-- Drawn by "make pictures" from guest.jsonl -->' "$file"
	done
}

build_encstat()
{
	command -v gcc >/dev/null || cannot "gcc is missing"
	pkg-config --exists jansson || cannot "libjansson-dev is missing: encstat cannot read recordings"
	make -s -C "$TOP/tools/encstat" O="$BUILD/encstat"
}

check()
{
	local file name failed=0
	build_encstat
	draw "$tmp"
	for name in "${drawn[@]}"; do
		file=guest-$name.svg
		cmp "$tmp/$file" "$pictures/$file" ||
			{ echo "Documentation/pictures/$file is not what is drawn now: make pictures"; failed=1; }
	done
	if command -v xmllint >/dev/null; then
		xmllint --noout "$pictures"/*.svg || failed=1
	elif [ $failed = 0 ]; then
		cannot "xmllint is missing"
	fi
	return $failed
}

record()
{
	"$TOP/ci/cases.sh" record
	cp "$BUILD/logs/record/guest.jsonl" "$recording"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset ENCSTAT_ROOT
case ${1:-} in
write) build_encstat && draw "$pictures" ;;
check) check ;;
record) record ;;
*) usage_error "usage: ci/pictures.sh write|check|record" ;;
esac
