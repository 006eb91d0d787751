# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# All rows of the table in negotiation.sh.
# only: test-long
# timeout: 600
# append: kvm.page_enc_status=0 kvm.sev_sim=0
ALL_ROWS=yes
. "$TOP/ci/cases/negotiation.sh"
