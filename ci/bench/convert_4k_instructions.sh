# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of guest and host to decrypt a single page and to encrypt it
# again, the mean of 2000.
# what: guest and host; one 4K page, shared and back
# against: the base kernel
# unit: instructions
# goal: 1.0
# timeout: 600
# icount: yes

. "$TOP/ci/l1/convert.sh"

# instructions KERNEL
instructions()
{
	convert_start "$1" || return
	exercise bench "size=4K loops=20 touch=0" 300 >&2 || return
	exercise bench "size=4K loops=2000 touch=0" 300 >&2 || return
	echo $(($(convert_ns) / 2000))
	vm_stop bench
}

measure()
{
	local mainline ours
	mainline=$(instructions "$OUT/base.bzImage") || return
	ours=$(instructions "$OUT/guest.bzImage") || return
	echo "$mainline $ours"
}
