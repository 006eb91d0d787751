# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# CPU time of encstat map -j of a VM with a million shared ranges, within 64 MiB of
# memory, against the second that it may take.  A copy of debugfs, read here: in L1
# it would be the emulation that is measured.
# l1: none
# what: of CPU time, encstat map -j of a million shared ranges
# against: a limit of a second
# unit: ms
# goal: 1

measure()
{
	local ours
	ours=$("$TOP/tools/encstat/tests/bench" "$OUT/encstat") || :
	echo "$ours" >&2
	awk '$1 == "encstat_map_1m_extents_s" { printf "1000 %d\n", $2 * 1000; found = 1 }
		END { exit !found }' <<<"$ours" || die "encstat map failed, or takes more than 64 MiB"
}
