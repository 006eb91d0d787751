# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions of the host for a private page that the guest writes a byte to, the
# mean of 4096: one that KVM_POPULATE_PRIVATE_MEMORY has given its content, which
# counts, against one that is allocated when the guest writes, and has none.  To
# copy 4096 bytes takes at least 512 of them.
# what: a private page to be filled and written to
# against: to be written to only
# unit: instructions
# goal: 1.5
# timeout: 240
# icount: yes

. "$TOP/ci/l1/perf.sh"

measure()
{
	perf_pair "private-faults 4096" "private-faults 4096 populate"
}
