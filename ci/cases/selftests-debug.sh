# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# The series' own KVM selftests on a host that has lockdep and KASAN.
# timeout: 300
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# selftests: yes
# host: debug
. "$TOP/ci/cases/selftests.sh"
OTHERS=()
tests=(it_is_a_debug_kernel)
for program in "${OWN[@]}"; do
	tests+=("${program}_on")
done

it_is_a_debug_kernel()
{
	test -e /proc/lockdep_stats
	grep -q kasan_report /proc/kallsyms
}
