# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# MAP_GPA_RANGE calls that KVM sees from power-on to init if the guest is told
# not to make them (kvm_page_enc=off; mainline knows no such thing), plus those
# on a host that does not offer the hypercall.
# what: MAP_GPA_RANGE until init runs, with kvm_page_enc=off
# against: the base kernel
# unit: calls
# goal: 0
# timeout: 240

# calls KERNEL TRACKER PARAMETER
calls()
{
	echo "$2" >/sys/module/kvm/parameters/page_enc_status
	vm_trace_start
	VM_KERNEL=$1 VM_APPEND=$3 VM_MEM=256M vm_start bench || return
	sev_active bench || return
	vm_trace_calls bench | wc -l
	vm_stop bench
}

# both KERNEL
both()
{
	local opted_out not_offered
	opted_out=$(calls "$1" 1 kvm_page_enc=off) || return
	not_offered=$(calls "$1" 0 "") || return
	echo "opted out: $opted_out, not offered: $not_offered" >&2
	echo $((opted_out + not_offered))
}

measure()
{
	local mainline ours
	mainline=$(both "$OUT/base.bzImage") || return
	ours=$(both "$OUT/guest.bzImage") || return
	echo "$mainline $ours"
}
