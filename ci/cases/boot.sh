# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A guest boots as simulated SEV guest and KVM knows what it shares; memory is
# converted, the disk works, the guest kexecs and reboots.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot sev feature_bits ready map_agrees oracle_agrees encstat_agrees_too conversion
	guest_reads guest_writes oracle_after_init kexec kexec_kept_map oracle_after_kexec
	reboot reboot_kept_map oracle_after_reboot)
DISK=/tmp/main.disk
VM_QUICK=

boot()
{
	dd if=/dev/urandom of="$DISK" bs=1M count=16 status=none
	VM_DISK=$DISK VM_KEXEC=1 vm_start main
}

sev()
{
	sev_active main
}

feature_bits()
{
	local eax
	read -r eax _ < <(guest_cpuid main 0x40000001)
	equal "bits 16 and 17" $((0x$eax >> 16 & 3)) 3
}

ready()
{
	equal READY "$(vm_stat main ready)" 1
	equal "the guest's view of it" "$(guest_msr main 0x4b564d08)" 0000000000000001
	equal "times set" "$(vm_stat main ready_set)" 1
	equal "times withdrawn" "$(vm_stat main ready_cleared)" 0
}

map_agrees()
{
	map_check main
	shared_plausible main
	equal "refused calls" "$(vm_stat main refused_inval) $(vm_stat main refused_perm)" "0 0"
	holds "calls" "$(vm_stat main calls)" -gt 0
	holds "the tracker's memory" "$(vm_stat main bytes)" -le 65536
}

# swiotlb, DMA pools, per-CPU data, .bss..decrypted, as the page tables have it
oracle_agrees()
{
	oracle main
}

oracle_after_init()
{
	oracle main
}

oracle_after_kexec()
{
	oracle main
}

oracle_after_reboot()
{
	oracle main
}

encstat_agrees_too()
{
	[ -x "$OUT/encstat" ] || skip "encstat is not built"
	encstat_agrees main
}

conversion()
{
	local before
	before=$(shared main)
	vm_unbind main
	holds "shared pages without the disk" "$(shared main)" -lt "$before"
	map_check main
	vm_bind main
	equal "shared pages with the disk" "$(shared main)" "$before"
	map_check main
}

# What the host has put on the disk, through the bounce buffers
guest_reads()
{
	equal "sha256 by the guest" \
		"$(vm_sh main 'dd if=/dev/vda bs=1M iflag=direct 2>/dev/null | sha256sum | cut -c1-64' 60)" \
		"$(sha256sum <"$DISK" | cut -c1-64)"
}

guest_writes()
{
	local sum
	sum=$(vm_sh main 'head -c 8388608 /dev/urandom >/tmp/f && sha256sum </tmp/f | cut -c1-64' 60)
	vm_sh main 'dd if=/tmp/f of=/dev/vda bs=512k seek=16 oflag=direct 2>/dev/null && rm /tmp/f && sync' 60
	equal "sha256 by the host" "$(tail -c 8388608 "$DISK" | sha256sum | cut -c1-64)" "$sum"
	map_check main
}

kexec()
{
	shared main >/tmp/shared
	vm_kexec main
	sev_active main
	equal "times withdrawn" "$(vm_stat main ready_cleared)" 1
	equal "times set" "$(vm_stat main ready_set)" 2
	equal READY "$(vm_stat main ready)" 1
}

# The same kernel shares as much as before, give or take what moved
kexec_kept_map()
{
	local before
	map_check main
	before=$(cat /tmp/shared)
	holds "shared pages" "$(shared main)" -le $((before + 64))
	holds "shared pages" "$(shared main)" -ge $((before - 64))
	guest_reads
}

reboot()
{
	vm_send main reboot 'reboot -f'
	vm_wait main 90
	sev_active main
	equal "times withdrawn" "$(vm_stat main ready_cleared)" 2
	equal READY "$(vm_stat main ready)" 1
}

reboot_kept_map()
{
	kexec_kept_map
}
