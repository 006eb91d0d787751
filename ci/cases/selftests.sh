# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# KVM selftests of the tree, the series' own among them: hypercalls with bad
# arguments, from CPL 3 and 32-bit code, the MSR, slots and their aliases.
# timeout: 180
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# selftests: yes
# the series' own, then what must go on working, all with the tracker off
OWN=(page_enc_status_test sev_sim_test sev_sim_strict_test)
OTHERS=(guest_memfd_test private_mem_conversions_test private_mem_kvm_exits_test
	pre_fault_memory_test kvm_pv_test userspace_msr_exit_test svm_vmcall_test
	fix_hypercall_test kvm_binary_stats_test)
tests=()

# run_selftest TRACKER PROGRAM
run_selftest()
{
	local program rc=0
	program=$(find "$OUT/selftests" -name "$2" -type f -print -quit)
	[ -n "$program" ] || vm_fail "$2 was not built" || return
	echo "$1" >/sys/module/kvm/parameters/page_enc_status
	echo "$1" >/sys/module/kvm/parameters/sev_sim
	timeout 60 "$program" || rc=$?
	[ $rc -ne 4 ] || skip "$2: its requirements are not met"
	return $rc
}

# One test a program and state of the tracker: NAME_on, NAME_off
for program in "${OWN[@]}"; do
	eval "${program}_on() { run_selftest 1 $program; }"
	tests+=("${program}_on")
done
for program in "${OWN[@]}" "${OTHERS[@]}"; do
	eval "${program}_off() { run_selftest 0 $program; }"
	tests+=("${program}_off")
done
