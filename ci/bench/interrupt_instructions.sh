# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What others wait for while a guest converts memory of a VM with 64 GiB whose dirty
# pages are logged, the mean of 100: until a vCPU that is kicked has left KVM_RUN, or
# a memslot has been created or deleted.  All of its memory with one hypercall against
# 4 MiB with each.  The row is the worse of the two, both are in the log.
# what: wait for a vCPU, or a memslot, while a guest converts 64 GiB
# against: while a guest converts 4 MiB
# unit: instructions
# goal: 1.5
# timeout: 600
# icount: yes

. "$TOP/ci/l1/perf.sh"

# interrupt kick|slot: "SMALL LARGE"
interrupt()
{
	perf_pair "interrupt 4 100 $1" "interrupt 65536 100 $1"
}

measure()
{
	local kick slot
	perf_tracker 1
	kick=$(interrupt kick) || return
	slot=$(interrupt slot) || return
	printf '%s\n' "$kick" "$slot" | awk '{ r = $2 / $1 } r > worst { worst = r; row = $0 } END { print row }'
}
