# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# As sim_pt_bytes_boot, with the two views of the guest's memory split, as strict mode has
# them.  The guest announces nothing, and is never READY: strict mode maps pages of 4 KiB
# from then on, which is not what is measured here.
# what: of page tables when init runs, a simulated SEV guest's with split views
# against: a plain guest's
# unit: bytes
# goal: 2
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
	echo "$1" >/sys/module/kvm/parameters/sev_sim_strict
	before=$(page_tables)
	VM_APPEND="swiotlb=force kvm_page_enc=off" VM_MEM=512M vm_start bench || return
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
