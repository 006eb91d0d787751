# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of guest and host to decrypt a single page and to encrypt it
# again, the mean of 500.
# unit: instructions
# goal: 1.0
# timeout: 600
# icount: yes

. "$TOP/ci/l1/convert.sh"

# instructions KERNEL
instructions()
{
	convert_prepare "$1" || return
	vm_exercise bench "size=4K loops=20 touch=0" 300 || return
	vm_exercise bench "size=4K loops=500 touch=0" 300 || return
	echo $(($(convert_ns) / 500))
	vm_stop bench
}

measure()
{
	local mainline ours
	mainline=$(instructions "$OUT/base.bzImage") || return
	ours=$(instructions "$OUT/guest.bzImage") || return
	echo "$mainline $ours"
}
