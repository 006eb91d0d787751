# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced in L1 by the cases that run KVM's selftests.

# selftest TRACKER SIMULATION PROGRAM [ARGUMENT...]
selftest()
{
	local name=$3 program rc=0
	program=$(find "$OUT/selftests" -name "$name" -type f -print -quit)
	[ -n "$program" ] || vm_fail "$name was not built" || return
	echo "$1" >/sys/module/kvm/parameters/page_enc_status
	echo "$2" >/sys/module/kvm/parameters/sev_sim
	shift 3
	timeout $((120 * PATIENCE)) "$program" "$@" || rc=$?
	[ $rc -ne 4 ] || skip "$name: its requirements are not met"
	return $rc
}

# A test of its own, of cases that want a debug kernel
it_is_a_debug_kernel()
{
	test -e /proc/lockdep_stats
	grep -q kasan_report /proc/kallsyms
}

# selftest_add SUFFIX TRACKER SIMULATION "PROGRAM [ARGUMENT...]": the test PROGRAM_SUFFIX
selftest_add()
{
	local name=${4%% *}_$1
	eval "$name() { selftest $2 $3 $4; }"
	tests+=("$name")
}
