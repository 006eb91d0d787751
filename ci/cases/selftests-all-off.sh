# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# As selftests-all, with the tracker off.
# timeout: 400
# selftests: yes
# only: test-long
TRACKER=off
. "$TOP/ci/cases/selftests-all.sh"
