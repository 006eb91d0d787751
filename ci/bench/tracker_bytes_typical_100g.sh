# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Memory for the status of a VM with 100 GB that shares 60 ranges of 1 to 64 pages,
# evenly spread, so that no two are in the same node of the tracker.  Mainline
# tracks nothing; the bitmap of the series that was proposed for it in 2020, a bit
# for each page up to the highest one, is calculated.
# The goal is for the bytes.
# what: to track 100 GB, 60 shared ranges
# against: a bitmap
# unit: bytes
# goal: 65536
# goal_of: ours
# timeout: 120

. "$TOP/ci/l1/perf.sh"

measure()
{
	local ours
	perf_tracker 1
	ours=$("$OUT/perf" ranges 100 60) || return
	echo "$((100 * 1024 * 1024 / 4 / 8)) $ours"
}
