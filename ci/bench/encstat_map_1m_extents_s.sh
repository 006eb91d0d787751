# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# CPU time of encstat map -j of a VM with a million shared ranges, within 64 MiB of
# memory, against the second that it may take.  Not in L1's guest: a fixture.
# unit: ms
# goal: 1
# timeout: 240

measure()
{
	local ours
	ours=$("$TOP/tools/encstat/tests/bench" "$OUT/encstat") || :
	echo "$ours" >&2
	echo "1000 $(awk '$1 == "encstat_map_1m_extents_s" { printf "%d", $2 * 1000 }' <<<"$ours")"
}
