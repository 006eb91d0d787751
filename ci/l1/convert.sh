# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced in L1 by the benchmark rows that convert memory.

# convert_start KERNEL [PARAMETER]: a guest in which 64 MB in one piece are to be had
convert_start()
{
	VM_KERNEL=$1 VM_APPEND=${2:-} VM_SMP=1 VM_MEM=1G VM_DISK=none VM_WAIT=200 vm_start bench || return
	sev_active bench
}

# Nanoseconds that the last exercise took, splitting of leaves not included
convert_ns()
{
	equal failed "$(exercised bench failed)" 0 >&2 || return
	exercised bench ns_total
}
