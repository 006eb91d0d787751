# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# MAP_GPA_RANGE calls to decrypt 64 MB that are mapped by 4K leaves, in one
# conversion, and to encrypt them again.
# unit: calls
# goal: 0.001
# timeout: 180

. "$TOP/ci/l1/convert.sh"

# calls KERNEL
calls()
{
	local before
	convert_prepare "$1" || return
	before=$(vm_stat bench calls)
	vm_exercise bench "size=64M touch=0" 120 || return
	echo $(($(vm_stat bench calls) - before))
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
