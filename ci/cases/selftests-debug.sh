# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# The series' own KVM selftests on a host that has lockdep and KASAN.  Most of those
# about private memory are in private-mem-debug.
# timeout: 400
# only: test-long
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# selftests: yes
# host: debug
. "$TOP/ci/cases/selftests.sh"
OTHERS=("page_enc_migration_test -c 1 -n 20000" "page_enc_fuzz_test -n 20000")
tests=(it_is_a_debug_kernel)
for program in "${OWN[@]}"; do
	selftest_add on 1 1 "$program"
done
OWN+=(private_mem_convert_test)
selftest_add on 1 0 private_mem_convert_test
for program in "${OTHERS[@]}"; do
	selftest_add by_capability 0 0 "$program"
done
