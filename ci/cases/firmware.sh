# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Firmware opens and closes memory slots (SMRAM, PAM, flash) while the guest
# boots: the map stays consistent with them.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(seabios_boots seabios_slots seabios_map ovmf_boots ovmf_slots ovmf_map)

seabios_boots()
{
	VM_MEM=256M VM_OPTS="-global mch.extended-tseg-mbytes=8" vm_start seabios
	sev_active seabios
}

# Slots ascend, do not overlap, and their sums are right
slots_check()
{
	local file=/tmp/slots.$1
	cat "$(vm_debugfs "$1")/page_enc_slots" >"$file"
	cat "$file"
	awk '
		FNR == 1 && $0 != "version 1" { print "version"; bad = 1 }
		/^0x/ {
			n++; pages += $3
			if (NF != 5 || $1 >= $2 || $1 < last) { print "order: " $0; bad = 1 }
			last = $2
		}
		$1 == "end" { ended = ($2 == n && $3 == pages) }
		END { exit bad || !ended || !n }
	' "$file" || vm_fail "page_enc_slots is not as it should be"
}

seabios_slots()
{
	slots_check seabios
}

seabios_map()
{
	map_check seabios
	shared_plausible seabios
}

ovmf_boots()
{
	[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF"
	vm_stop seabios
	VM_FIRMWARE=ovmf VM_WAIT=150 vm_start ovmf
	sev_active ovmf
	vm_sh ovmf 'dmesg | grep "EFI v"'
}

ovmf_slots()
{
	slots_check ovmf
}

ovmf_map()
{
	map_check ovmf
	shared_plausible ovmf
	holds "announced without memory behind it" "$(vm_stat ovmf unbacked)" -ge 0
}
