# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# With the tracker off a guest sees what the base kernel shows it: no feature
# bits, no MSR, no SEV.
# timeout: 180
# append: kvm.page_enc_status=0 kvm.sev_sim=0
tests=(boot no_feature_bits no_msr no_sev no_map)

boot()
{
	vm_start off
}

no_feature_bits()
{
	local eax
	read -r eax _ < <(guest_cpuid off 0x40000001)
	holds "KVM's features" $((0x$eax)) -ne 0
	equal "bits 16 and 17" $((0x$eax >> 16 & 3)) 0
}

no_msr()
{
	guest_msr off 0x10 # the TSC: reading MSRs works
	! guest_msr off 0x4b564d08 || vm_fail "MSR_KVM_MIGRATION_CONTROL is readable"
	! guest_wrmsr off 0x4b564d08 '\001\000\000\000\000\000\000\000' ||
		vm_fail "MSR_KVM_MIGRATION_CONTROL is writable"
}

no_sev()
{
	vm_sh off '! dmesg | grep "Memory Encryption Features active"'
}

no_map()
{
	local file=/tmp/map
	vm_map off >"$file"
	cat "$file"
	equal enabled "$(awk '$1 == "enabled" { print $2 }' "$file")" 0
	equal "shared pages" "$(shared off)" 0
	equal calls "$(vm_stat off calls)" 0
}
