# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# MAP_GPA_RANGE calls that KVM accepts from a guest's power-on to its init:
# 512 MB, 2 CPUs, virtio-blk behind bounce buffers, direct kernel boot.
# what: MAP_GPA_RANGE until init runs; 512 MB, 2 vCPUs, virtio-blk, direct boot
# against: the base kernel
# unit: calls
# goal: 0.10
# timeout: 180

# calls KERNEL: counted by the host, when the guest's init is up
calls()
{
	VM_KERNEL=$1 VM_MEM=512M vm_start bench || return
	sev_active bench || return
	map_check bench >&2 || return
	vm_stat bench calls
	guest_splats || return
	vm_stop bench
}

measure()
{
	local mainline ours
	mainline=$(calls "$OUT/base.bzImage") || return
	ours=$(calls "$OUT/guest.bzImage") || return
	echo "$mainline $ours"
}
