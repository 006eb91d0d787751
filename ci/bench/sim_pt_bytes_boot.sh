# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Memory that KVM's page tables take when a guest's init runs; the guests are those of
# sim_faults_boot.
# what: of page tables when init runs, a simulated SEV guest's
# against: a plain guest's
# unit: bytes
# goal: 1.05
# timeout: 240

# page_tables: of all VMs
page_tables()
{
	awk '$1 == "SecPageTables:" { print $2 * 1024 }' /proc/meminfo
}

# taken 0|1: with kvm.sev_sim
taken()
{
	local before
	echo "$1" >/sys/module/kvm/parameters/sev_sim
	before=$(page_tables)
	VM_APPEND=swiotlb=force VM_MEM=512M vm_start bench || return
	echo $(($(page_tables) - before))
	vm_stop bench
}

measure()
{
	local plain simulated
	plain=$(taken 0) || return
	simulated=$(taken 1) || return
	echo "$plain $simulated"
}
