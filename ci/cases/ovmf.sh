# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# As seabios, with OVMF, which shares memory itself.  Firmware opens and closes
# memory slots (SMRAM, PAM, flash) while the guest boots: the map stays consistent
# with them, and what Linux shares is announced.
# timeout: 300
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boots slots map oracle_agrees)

boots()
{
	[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF"
	VM_SMP=1 VM_FIRMWARE=ovmf VM_WAIT=250 vm_start ovmf
	sev_active ovmf
	vm_sh ovmf 'dmesg | grep "EFI v"'
}

slots()
{
	slots_check ovmf
}

map()
{
	map_check ovmf
	shared_plausible ovmf
	holds "announced without memory behind it" "$(vm_stat ovmf unbacked)" -ge 0
}

oracle_agrees()
{
	oracle ovmf
}
