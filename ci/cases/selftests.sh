# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# The series' own KVM selftests: hypercalls with bad arguments, from CPL 3 and
# 32-bit code, the MSR, the two views of memory, reading of memory attributes.  And
# the tree's test of SMM, where a guest has other memory slots and page tables.
# timeout: 180
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# selftests: yes
. "$TOP/ci/l1/selftest.sh"
OWN=(page_enc_status_test page_enc_status_uapi_test page_enc_interrupt_test
	sev_sim_test sev_sim_strict_test memory_attributes_test)
OTHERS=(smm_test)
tests=()

# One test a program and state of tracker and simulation: NAME_on, NAME_off
for program in "${OWN[@]}"; do
	selftest_add on 1 1 "$program"
	selftest_add off 0 0 "$program"
done
selftest_add simulated 1 1 smm_test

# What tools know from Linux 6.17 on
tracepoint()
{
	local dir=/sys/kernel/tracing
	echo 1 >$dir/events/kvm/kvm_vm_set_mem_attributes/enable
	selftest 0 0 memory_attributes_test -t merged
	echo 0 >$dir/events/kvm/kvm_vm_set_mem_attributes/enable
	grep kvm_vm_set $dir/trace
	grep -qF 'kvm_vm_set_mem_attributes: 0x00000000000014 -- 0x0000000000001e [0x8]' $dir/trace
	grep -qF 'kvm_vm_set_mem_attributes: 0x0000000000000f -- 0x00000000000010 [0x0]' $dir/trace
}
tests+=(tracepoint)

# A VMM that knows nothing of the simulation gets EINVAL; the log says why.
refusals_are_explained()
{
	selftest 0 1 sev_sim_test -t bad_slots
	dmesg | grep 'refused: .* at 0x8000000000 reach the C-bit of sev_sim, bit 39'
}
tests+=(refusals_are_explained)
