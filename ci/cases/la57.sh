# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# As narrow, on a host with page tables of five levels and 52 bits of physical
# addresses, as large servers have: bit 51 is the C-bit, and NPT has five levels, too.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# cpu: la57=on,phys-bits=52
# selftests: yes
# only: test-long
C_BIT=51
. "$TOP/ci/cases/narrow.sh"
