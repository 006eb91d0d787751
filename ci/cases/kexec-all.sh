# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# As kexec, twenty times: what a kexec leaves behind adds up.
# timeout: 400
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# base: yes
# only: test-long
TWENTY=yes
. "$TOP/ci/cases/kexec.sh"
