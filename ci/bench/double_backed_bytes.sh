# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Memory that 64 MB take in guest_memfd when the guest has used them as private,
# and uses them as shared: what KVM converts and frees, against what nobody frees.
# The goal is for the bytes.
# what: in guest_memfd for 64 MiB that are shared again
# against: nobody punches
# unit: bytes
# goal: 0
# goal_of: ours
# timeout: 240

. "$TOP/ci/l1/perf.sh"

measure()
{
	perf_pair "double-backed 64" "double-backed 64 punch"
}
