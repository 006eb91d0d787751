# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of guest and host to decrypt 64 MB that are mapped by 4K leaves,
# in one conversion, and to encrypt them again.  L0 has one CPU and a clock that
# advances by a nanosecond an instruction.
# what: guest and host; 64 MB of 4K leaves, shared and back
# against: the base kernel
# unit: instructions
# goal: 0.2
# timeout: 600
# icount: yes

. "$TOP/ci/l1/convert.sh"

# instructions KERNEL [PARAMETER]
instructions()
{
	convert_start "$1" "${2:-}" || return
	exercise bench "size=64M leaf=4k touch=0" 300 >&2 || return
	convert_ns
	vm_stop bench
}

measure()
{
	local mainline ours off
	mainline=$(instructions "$OUT/base.bzImage") || return
	ours=$(instructions "$OUT/guest.bzImage") || return
	off=$(instructions "$OUT/guest.bzImage" kvm_page_enc=off) || return
	echo "of ours without announcements: $off" >&2
	echo "$mainline $ours"
}
