# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Random hypercalls, ioctls and memslot changes, compared with a model.
# timeout: 300
# append:
# selftests: yes
OWN=(page_enc_fuzz_test)
OTHERS=()

# fuzz OPTION...
fuzz()
{
	local program=$OUT/selftests/page_enc_fuzz_test rc=0
	[ -x "$program" ] || vm_fail "$program was not built" || return
	timeout $((250 * PATIENCE)) "$program" "$@" || rc=$?
	[ $rc -ne 4 ] || skip "its requirements are not met"
	return $rc
}

model() { fuzz -k 0 -m 0; }
another_seed() { fuzz -k 0 -m 0 -n 200000 -s 2; }
killed() { fuzz -k 20 -m 0 -n 0; }
moved() { fuzz -k 0 -n 0; }

tests=(model another_seed killed moved)
