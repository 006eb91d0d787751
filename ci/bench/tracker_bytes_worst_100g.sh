# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Memory for the status of a VM with 100 GB that shares every other page.  A chunk
# of 4 MB needs as much for one shared page as for every other one, so one page of
# each chunk is shared in 100 GB; that it is the same is seen with 1 GB.
# Mainline has what memory attributes need for every other page of 1 GB, slabs
# before and after, times 100.  The goal is for the bytes.
# what: to track 100 GB, every other page shared
# against: memory attributes
# unit: bytes
# goal: 3700000
# goal_of: ours
# timeout: 240

. "$TOP/ci/l1/perf.sh"

measure()
{
	local mainline ours one every
	perf_tracker 1
	one=$("$OUT/perf" chunks 1) || return
	every=$("$OUT/perf" alternate 1) || return
	equal "bytes for one page a chunk" "$one" "$every" >&2 || return
	mainline=$("$OUT/perf" attributes 1) || return
	ours=$("$OUT/perf" chunks 100) || return
	echo "$((mainline * 100)) $ours"
}
