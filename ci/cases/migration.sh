# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Live migration of guests that convert memory all the time, by the KVM selftest
# that models encryption.  What is broken on purpose must be noticed.
# timeout: 400
# append:
# selftests: yes
OWN=(page_enc_migration_test)
OTHERS=()

# migration_test OPTION...: its status is that of the program
migration_test()
{
	local program=$OUT/selftests/page_enc_migration_test rc=0
	[ -x "$program" ] || vm_fail "$program was not built" || return
	timeout $((250 * PATIENCE)) "$program" "$@" 2>&1 || rc=$?
	[ $rc -ne 4 ] || skip "its requirements are not met"
	return $rc
}

# breaks WHAT OPTION...: the guest must find pages that it can't read
breaks()
{
	local log rc=0
	log=$(migration_test -c 1 -n 20000 -b "$@") || rc=$?
	echo "$log"
	[ $rc -ne 77 ] || exit $rc
	[ $rc -ne 0 ] || vm_fail "broken ($*), and nobody noticed" || return
	grep -q 'pages read wrong' <<<"$log" || vm_fail "failed for another reason"
}

dirty_log() { migration_test -c 1; }
dirty_ring() { migration_test -c 1 -n 1000000 -r; }
chain() { migration_test -c 3 -n 300000; }
chain_ring() { migration_test -c 3 -n 90000 -r -s 2; }
ready_withdrawn() { migration_test -c 2 -n 100000 -w; }
ready_withdrawn_ring() { migration_test -c 1 -n 30000 -w -r; }
simulated_sev() { migration_test -c 1 -n 100000 -e -w; }
simulated_sev_ring() { migration_test -c 1 -n 30000 -e -r; }
broken_order() { breaks order; }
broken_order_ring() { breaks order -r; }
broken_resend() { breaks resend; }
broken_ready() { breaks ready; }
manual() { migration_test -c 2 -n 100000 -m -w; }
manual_simulated_sev() { migration_test -c 1 -n 30000 -m -e; }
broken_clear() { breaks clear; }

tests=(dirty_log dirty_ring chain chain_ring ready_withdrawn ready_withdrawn_ring
	simulated_sev simulated_sev_ring broken_order broken_order_ring broken_resend broken_ready
	manual manual_simulated_sev broken_clear)
