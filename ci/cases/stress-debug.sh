# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# As stress, with a guest that has lockdep and KASAN.
# timeout: 420
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# guest: debug
# only: test-long
. "$TOP/ci/cases/stress.sh"
tests+=(it_is_a_debug_kernel)

it_is_a_debug_kernel()
{
	vm_sh stress 'test -e /proc/lockdep_stats && grep -q kasan_report /proc/kallsyms && dmesg | grep -i kasan'
}
