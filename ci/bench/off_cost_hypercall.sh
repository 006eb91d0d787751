# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of the host for a hypercall when nothing is tracked: the sum of one
# that is unknown, KICK_CPU, and MAP_GPA_RANGE, which is refused; means of 5000.
# In an L1 with the unpatched kernel, and in one with ours.
# what: three hypercalls, none handled, with all of this compiled in and off
# against: the base kernel
# unit: instructions
# goal: 1.01
# timeout: 300
# icount: yes
# l1: both

. "$TOP/ci/l1/perf.sh"

measure()
{
	perf_sum "calls 99 5000 -1000" "calls 5 5000 0" "calls 12 5000 -1000"
}
