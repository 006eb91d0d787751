#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Numbers in documents come from here, so that none is typed.
# Documentation/bench.json is the record of "make bench"; a document asks for rows
# of it with a comment, and what follows, up to the comment that ends it, is ours:
#
#	.. bench: ROW...
#	.. bench end
#
# A row's text is what its script in ci/bench/ declares as "what" and "against".
# usage: ci/numbers.sh [record|check]
#   record  take over what $BUILD/bench.json has measured, then write the tables
#   check   write nothing, say what would be written
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECORD=$TOP/Documentation/bench.json
WIDTH=45	# of the text beside the numbers

# known KEY NAME: the "# KEY: value" line of a row's script, continued by "#   more"
known()
{
	awk -v key="# $1: " '
		index($0, key) == 1 { printf "%s", substr($0, length(key) + 1); more = 1; next }
		more && /^#   / { printf " %s", substr($0, 5); next }
		{ more = 0 }' "$TOP/ci/bench/$2.sh"
}

all_rows()
{
	find "$TOP/ci/bench" -name '*.sh' -printf '%f\n' | sed 's/\.sh$//' | sort
}

# field ROW KEY: from the record
field()
{
	jq -r --arg name "$1" --arg key "$2" '.[] | select(.name == $name) | .[$key] // "-"' "$RECORD"
}

rule()
{
	printf '===========  ===========  =======  %s\n' "$(printf "%${WIDTH}s" | tr ' ' =)"
}

# ratio ROW: to three digits after the point, or as many as show two that count
ratio()
{
	field "$1" ratio | awk '{
		if ($1 == "-") print "-"
		else if ($1 == 0) print 0
		else if ($1 < 0.01) printf "%.2g\n", $1
		else printf "%.3f\n", $1 }'
}

print_row()
{
	local name=$1 against first=1 line
	against=$(known against "$name")
	while IFS= read -r line; do
		line=${line%"${line##*[! ]}"}
		if [ -n "$first" ]; then
			printf '%11s  %11s  %7s  %s\n' "$(field "$name" mainline)" "$(field "$name" ours)" "$(ratio "$name")" "$line"
		else
			printf '%33s  %s\n' "" "$line"
		fi
		first=
	done < <(echo "$(field "$name" unit): $(known what "$name")${against:+; baseline: $against}" | fold -s -w "$WIDTH")
}

# print_table ROW...: a simple table of reStructuredText
print_table()
{
	local name
	rule
	printf '%11s  %11s  %7s  %s\n' baseline series ratio 'what is measured'
	rule
	for name; do
		print_row "$name"
	done
	rule
}

# fill FILE: FILE with its tables as they are to be
fill()
{
	local line names
	while IFS= read -r line; do
		printf '%s\n' "$line"
		[[ $line == '.. bench: '* ]] || continue
		read -ra names <<<"${line#.. bench: }"
		printf '\n%s\n\n' "$(print_table "${names[@]}")"
		while IFS= read -r line && [ "$line" != '.. bench end' ]; do :; done
		[ "$line" = '.. bench end' ] || die "$1: a table of ${names[*]} does not end"
		printf '%s\n' "$line"
	done <"$1"
}

documents()
{
	cd "$TOP"
	grep -lr '^\.\. bench: ' Documentation --include='*.rst' | sort
}

# Every row is recorded and says what it is; nothing else is recorded or asked for
check_rows()
{
	local name document bad=0
	while read -r name; do
		[ -n "$(known what "$name")" ] || { warn "ci/bench/$name.sh does not say what it is"; bad=1; }
		[ -n "$(field "$name" ours)" ] || { warn "$name is not in Documentation/bench.json"; bad=1; }
	done < <(all_rows)
	while read -r name; do
		[ -e "$TOP/ci/bench/$name.sh" ] || { warn "$name is recorded, and no row"; bad=1; }
	done < <(jq -r '.[].name' "$RECORD")
	for document in $(documents); do
		while read -r name; do
			[ -n "$(field "$name" ours)" ] || { warn "$document: no number for $name"; bad=1; }
		done < <(sed -n 's/^\.\. bench: //p' "$TOP/$document" | tr ' ' '\n')
	done
	return $bad
}

# A measured row replaces the recorded one
record()
{
	[ -r "$BUILD/bench.json" ] || die "nothing was measured: make bench"
	jq -s --sort-keys '[(.[0] + .[1]) | group_by(.name)[] | last]' "$RECORD" "$BUILD/bench.json" |
		write_if_changed "$RECORD"
}

main()
{
	local document
	[ "${1:-}" != record ] || record
	check_rows
	for document in $(documents); do
		if [ "${1:-}" = check ]; then
			fill "$TOP/$document" | diff -u "$TOP/$document" -
		else
			fill "$TOP/$document" | write_if_changed "$TOP/$document"
		fi
	done
}

[ -e "$RECORD" ] || echo '[]' >"$RECORD"
case ${1:-} in
"" | record | check) main "$@" ;;
*) usage_error "usage: ci/numbers.sh [record|check]" ;;
esac
