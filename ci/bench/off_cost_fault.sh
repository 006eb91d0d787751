# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of the host and guest for a page fault when nothing is tracked: the
# sum of the means of 4096 pages that were never mapped, and of the same pages
# after their memslot was deleted and created, which is part of it.  In an L1 with
# the unpatched kernel, and in one with ours.
# what: a page fault, with all of this compiled in and off
# against: the base kernel
# unit: instructions
# goal: 1.01
# timeout: 300
# icount: yes
# l1: both

. "$TOP/ci/l1/perf.sh"

measure()
{
	perf_sum "faults 4096" "refaults 4096"
}
