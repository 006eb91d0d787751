# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# CPU time of encstat top while nothing changes, a second, with a VM of a million
# shared ranges in a terminal of 300 columns, against a whole CPU.  Such a map is read
# again after a thousand times what that takes, which is not in it, and would be
# another 0.001.  A copy of debugfs, read here, as for encstat_map_1m_extents_s.
# l1: none
# what: of CPU time in a second, encstat top while nothing changes; a million
#   shared ranges
# against: one CPU
# unit: us
# goal: 0.005

measure()
{
	local ours
	ours=$("$TOP/tools/encstat/tests/idle" "$OUT/encstat") || :
	echo "$ours" >&2
	awk '$1 == "encstat_top_idle_us_per_s" { print 1000000, $2; found = 1 }
		END { exit !found }' <<<"$ours" || die "encstat top did not start, or tmux is missing"
}
