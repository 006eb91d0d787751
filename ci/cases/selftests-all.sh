# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# The tree's own KVM selftests, all that pass with the unpatched kernel in L1 and
# take less than a minute there: with the tracker they must go on passing, and
# without it, too (selftests-all-off).  Documentation/cases.rst has those that are
# left out; those about guest_memfd are in private-mem.sh.
# timeout: 400
# selftests: yes
. "$TOP/ci/l1/selftest.sh"
OWN=()
OTHERS=(coalesced_io_test cpuid_test
	exit_on_emulation_failure_test fix_hypercall_test get_msr_index_features
	guest_print_test hwcr_msr_test hyperv_cpuid
	hyperv_extended_hypercalls hyperv_features hyperv_svm_test
	kvm_binary_stats_test kvm_clock_test kvm_create_max_vcpus kvm_pv_test
	max_vcpuid_cap_test platform_info_test
	recalc_apic_map_test set_boot_cpu_id set_sregs_test
	smm_test state_test steal_time svm_int_ctl_test svm_nested_shutdown_test
	svm_vmcall_test sync_regs_test system_counter_offset_test
	triple_fault_event_test userspace_io_test
	userspace_msr_exit_test xapic_state_test)
# These take a minute and more unless they are told to do less.
SMALL=("demand_paging_test -b 16M -v 1"
	"dirty_log_perf_test -b 16M -i 2 -v 1" "kvm_page_table_test -b 16M -v 1"
	"memslot_modification_stress_test -i 20 -b 16M")
OTHERS+=("${SMALL[@]}")
tests=()

for program in "${OTHERS[@]}"; do
	case ${TRACKER:-on} in
	on) selftest_add on 1 0 "$program" ;;
	off) selftest_add off 0 0 "$program" ;;
	esac
done
