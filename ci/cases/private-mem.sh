# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Private memory: conversion by KVM, initial content, prefaulting while memslots
# go, and that the tests of the tree itself still pass.  Of set_memory_region_test,
# which takes minutes here, one loop is enough.
# timeout: 600
# append: kvm.page_enc_status=1
# selftests: yes
. "$TOP/ci/l1/selftest.sh"
OWN=(private_mem_convert_test private_mem_populate_test private_mem_storm_test
	pre_fault_memslot_test)
OTHERS=("private_mem_conversions_test -n 2 -m 2" private_mem_kvm_exits_test
	guest_memfd_test pre_fault_memory_test "set_memory_region_test 1")
tests=()

# One test a program and state of the tracker: NAME_on, NAME_off
for program in "${OWN[@]}" "${OTHERS[@]}"; do
	selftest_add on 1 0 "$program"
	selftest_add off 0 0 "$program"
done
