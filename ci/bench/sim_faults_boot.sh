# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Nested page faults until a guest's init runs: 512 MB, 2 CPUs, virtio-blk, direct kernel
# boot.  As a simulated SEV guest, and as a plain one that uses bounce buffers, too.
# what: page faults until init runs, a simulated SEV guest's
# against: a plain guest's
# unit: faults
# goal: 1.05
# timeout: 240

# faults 0|1: with kvm.sev_sim
faults()
{
	echo "$1" >/sys/module/kvm/parameters/sev_sim
	VM_APPEND=swiotlb=force VM_MEM=512M vm_start bench || return
	cat "$(vm_debugfs bench)/pf_taken"
	vm_stop bench
}

measure()
{
	local plain simulated
	plain=$(faults 0) || return
	simulated=$(faults 1) || return
	echo "$plain $simulated"
}
