# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# As boot_hypercalls, with OVMF: the calls that the kernel makes itself.  What
# firmware makes is seen with a kernel that makes none, and subtracted.
# what: the kernel's own MAP_GPA_RANGE until init runs; 512 MB, 1 vCPU, virtio-blk, OVMF
# against: the base kernel
# unit: calls
# goal: 0.10
# timeout: 900

# calls KERNEL [PARAMETER]
calls()
{
	VM_KERNEL=$1 VM_APPEND=${2:-} VM_SMP=1 VM_MEM=512M VM_FIRMWARE=ovmf VM_WAIT=250 vm_start bench || return
	sev_active bench || return
	vm_stat bench calls
	vm_stop bench
}

measure()
{
	local mainline ours firmware
	firmware=$(calls "$OUT/guest.bzImage" kvm_page_enc=off) || return
	mainline=$(calls "$OUT/base.bzImage") || return
	ours=$(calls "$OUT/guest.bzImage") || return
	echo "firmware $firmware, with mainline $mainline, with ours $ours" >&2
	echo "$((mainline - firmware)) $((ours - firmware))"
}
