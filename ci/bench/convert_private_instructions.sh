# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of the host to convert private memory, the sum of the means of 200
# single pages and of 32 times 2 MiB, to private and to shared: by KVM in the
# hypercall, which frees what becomes shared, against an exit to a VMM that sets
# the attributes and punches a hole, in an L1 with the unpatched kernel.  Nothing is
# in that memory, so what it takes to map or free it is in neither.
# what: convert private memory, a page and 2 MiB, to private and back
# against: an exit to a VMM
# unit: instructions
# goal: 0.5
# timeout: 300
# icount: yes
# l1: both

. "$TOP/ci/l1/perf.sh"

# The unpatched kernel has no tracker, and no conversion either.
measure()
{
	local how=exit
	if [ -e /sys/module/kvm/parameters/page_enc_status ]; then
		how=kernel
		echo "exit, with this kernel: $(perf_sum "convert-private 200 1 exit" "convert-private 32 512 exit")" >&2
	fi
	perf_sum "convert-private 200 1 $how" "convert-private 32 512 $how"
}
