# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of KVM_GET_DIRTY_LOG after a guest has written to 64 MiB, each page of
# which is write-protected again, in a simulated SEV guest and in a plain one.
# what: KVM_GET_DIRTY_LOG of 64 MiB, a simulated SEV guest's
# against: a plain guest's
# unit: instructions
# goal: 1.05
# timeout: 300
# icount: yes

. "$TOP/ci/l1/perf.sh"

# dirty_pass 0|1: with kvm.sev_sim
dirty_pass()
{
	perf_tracker 0
	echo "$1" >/sys/module/kvm/parameters/sev_sim
	perf_sum "dirty-log 64"
}

measure()
{
	local plain simulated
	plain=$(dirty_pass 0) || return
	simulated=$(dirty_pass 1) || return
	echo "$plain $simulated"
}
