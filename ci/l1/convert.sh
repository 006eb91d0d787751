# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced in L1 by the benchmark rows that convert memory.

# convert_prepare KERNEL [PARAMETER]: a guest, whose memory that is going to be
# converted is mapped by 4K leaves already: the same block is allocated again.
convert_prepare()
{
	VM_KERNEL=$1 VM_APPEND=${2:-} VM_SMP=1 VM_MEM=384M VM_DISK=none VM_WAIT=200 vm_start bench || return
	sev_active bench || return
	vm_exercise bench "size=64M leaf=4k touch=0" 300
}

# Nanoseconds that the last exercise took
convert_ns()
{
	vm_exercised bench >/tmp/result || return
	equal failed "$(result failed)" 0 >&2 || return
	result ns_total
}
