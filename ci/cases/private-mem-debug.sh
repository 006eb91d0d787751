# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Conversion of private memory on a host that has lockdep and KASAN.
# timeout: 600
# append: kvm.page_enc_status=1
# selftests: yes
# host: debug
# only: test-long
. "$TOP/ci/cases/private-mem.sh"
OTHERS=()
tests=(it_is_a_debug_kernel)
for program in "${OWN[@]}"; do
	selftest_add on 1 0 "$program"
done
