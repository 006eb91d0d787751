# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# As hypercall_instructions, without what a hypercall costs that does nothing: most of
# both numbers there, and the same for whoever handles one.
# what: announce one page, without the cost of any hypercall
# against: an exit to a VMM that does nothing
# unit: instructions
# goal: 0.55
# timeout: 300
# icount: yes

. "$TOP/ci/l1/perf.sh"

measure()
{
	local nothing mainline ours
	perf_tracker 0
	nothing=$("$OUT/perf" calls 99 2000 -1000) || return
	echo "of both: $nothing" >&2
	mainline=$("$OUT/perf" convert 2000 exit) || return
	perf_tracker 1
	ours=$("$OUT/perf" convert 2000) || return
	echo "$((mainline - nothing)) $((ours - nothing))"
}
