# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# MAP_GPA_RANGE calls to decrypt 64 MB that are mapped by 4K leaves, in one
# conversion, and to encrypt them again.
# what: MAP_GPA_RANGE for 64 MB of 4K leaves, shared and back
# against: the base kernel
# unit: calls
# goal: 0.001
# timeout: 180

. "$TOP/ci/l1/convert.sh"

# loops N: calls of as many loops, and of splitting the leaves
loops()
{
	local before
	before=$(vm_stat bench calls)
	exercise bench "size=64M leaf=4k loops=$1 touch=0" 120 >&2 || return
	echo $(($(vm_stat bench calls) - before))
}

# calls KERNEL: of a single loop
calls()
{
	local one two
	convert_start "$1" || return
	one=$(loops 1) || return
	two=$(loops 2) || return
	echo $((two - one))
	vm_stop bench
}

measure()
{
	local mainline ours
	mainline=$(calls "$OUT/base.bzImage") || return
	holds "leaves of 4K" "$mainline" -ge 32768 >&2 || return
	ours=$(calls "$OUT/guest.bzImage") || return
	echo "$mainline $ours"
}
