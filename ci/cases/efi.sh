# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# OVMF shares memory itself, and opens and closes memory slots (SMRAM, PAM, flash)
# while the guest boots.  Under EFI READY is up to firmware, unless the command line
# overrides that.  Here is what else needs these slow boots: defect 9 of the
# unpatched kernel, whose READY cannot be overridden, and strict mode, which judges
# guests that are READY.
# timeout: 700
# append: kvm.page_enc_status=1 kvm.sev_sim=1 kvm.sev_sim_strict=1
# base: yes
tests=(silent_firmware slots map oracle_agrees kexec_hides_efi override firmware_says_so firmware_is_honest
	base_has_no_override)

# No firmware sets the variable today, so for "says" it is there before firmware runs.
efi_launch()
{
	export VM_FIRMWARE=ovmf VM_SMP=1 VM_MEM=256M VM_DISK=none
	case $1 in
	silent) VM_KEXEC=1 vm_launch silent ;;
	override) VM_APPEND=kvm_page_enc=on vm_launch override ;;
	says) VM_EFI_MIGRATION=1 vm_launch says ;;
	base) VM_APPEND=kvm_page_enc=on VM_KERNEL=$OUT/base.bzImage vm_launch base ;;
	esac
}

efi_boot()
{
	[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF"
	efi_launch "$1"
	vm_wait "$1" 300
	sev_active "$1"
	vm_sh "$1" 'dmesg | grep "EFI v"'
}

# log_lines NAME: what the guest says of page encryption status, joined with "; "
log_lines()
{
	vm_sh "$1" 'dmesg | grep "page encryption status: " | sed "s/.*status: //"' | paste -sd ';' | sed 's/;/; /g'
}

efi_ends()
{
	splats_of "$1"
	vm_stop "$1"
}

silent_firmware()
{
	efi_boot silent
	ready_is silent 0 0 0
	holds calls "$(vm_stat silent calls)" -gt 1
	equal "what the log says" "$(log_lines silent)" \
		"announced, READY is up to EFI firmware; not READY: firmware does not say that it announces its shared pages, kvm_page_enc=on overrides"
}

slots()
{
	slots_check silent
}

map()
{
	map_check silent
	shared_plausible silent
}

oracle_agrees()
{
	oracle silent
}

# A kernel without runtime services tells the next one nothing of EFI, and that must
# not take the guest for one without firmware that shares memory.
kexec_hides_efi()
{
	silent_kexec
	vm_sh silent 'dmesg | grep "EFI v"'
	ready_is silent 0 0 0
	silent_kexec
	vm_sh silent '! dmesg | grep "EFI v"'
	ready_is silent 0 0 0
	log_lines silent
	oracle silent
	efi_ends silent
}

# The next kernel finds there what this one has, kexec as well
silent_kexec()
{
	vm_sh silent "cd / && find . -xdev ! -path ./kexec/initrd | cpio -o -H newc >/tmp/initrd &&
		kexec -s -l /kexec/bzImage --initrd=/tmp/initrd \
			--command-line='$VM_APPEND_DEFAULT efi=noruntime' && rm /tmp/initrd" 60
	vm_send silent kexec 'kexec -e'
	vm_wait silent 120
}

override()
{
	efi_boot override
	ready_is override 1 1 0
	equal "what the log says" "$(log_lines override)" "announced, READY"
	efi_ends override
}

firmware_says_so()
{
	echo 1 >"$VM_TRACE/events/kvm/kvm_page_enc_violation/enable"
	efi_boot says
	ready_is says 1 1 0
	equal "what the log says" "$(log_lines says)" "announced, READY is up to EFI firmware; announced, READY"
}

firmware_is_honest()
{
	grep -m 8 kvm_page_enc_violation: "$VM_TRACE/trace" || :
	equal violations "$(vm_stat says violations)" 0
	efi_ends says
}

base_has_no_override()
{
	efi_boot base
	ready_is base 0 0 0
	efi_ends base
}
