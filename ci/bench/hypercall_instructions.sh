# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of the host for one MAP_GPA_RANGE of a page, the mean of 2000 to
# shared and 2000 to private: KVM's tracker against an exit to a VMM that does
# nothing but answer 0, the only way to handle the hypercall in mainline.  What a
# hypercall costs that does nothing is part of both, and in the log.
# what: announce one page
# against: an exit to a VMM that does nothing
# unit: instructions
# goal: 0.3
# timeout: 300
# icount: yes

. "$TOP/ci/l1/perf.sh"

measure()
{
	local mainline ours
	perf_tracker 0
	echo "of both: $("$OUT/perf" calls 99 2000 -1000)" >&2
	mainline=$("$OUT/perf" convert 2000 exit) || return
	perf_tracker 1
	ours=$("$OUT/perf" convert 2000) || return
	echo "$mainline $ours"
}
