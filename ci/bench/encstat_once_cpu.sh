# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# CPU time of runs of encstat with a guest running, against as many of the kernel's
# kvm_stat -1, which sleeps but is Python.  One run is too short for the clock, and
# the first, which reads the program from the disk, does not count.
# what: of CPU time, four runs of encstat
# against: kvm_stat -1
# unit: ms
# goal: 0.1
# timeout: 240

RUNS=4

# repeat COMMAND...
repeat()
{
	local left=$RUNS
	while [ $((left--)) -gt 0 ]; do
		"$@" >/dev/null || return
	done
}

# cpu_ms COMMAND...: user and system time of all runs
cpu_ms()
{
	local TIMEFORMAT='%U %S' times
	times=$( { time repeat "$@"; } 2>&1 | tail -n 1) || return
	awk '{ printf "%d\n", ($1 + $2) * 1000 }' <<<"$times"
}

measure()
{
	local mainline ours
	[ -e "$OUT/kvm_stat" ] || vm_fail "no kvm_stat" || return
	VM_KERNEL=$OUT/guest.bzImage VM_WAIT=120 VM_MEM=256M vm_start bench || return
	python3 "$OUT/kvm_stat" -1 >/dev/null && "$OUT/encstat" >&2 || return
	mainline=$(cpu_ms python3 "$OUT/kvm_stat" -1) || return
	ours=$(cpu_ms "$OUT/encstat") || return
	vm_stop bench
	echo "$mainline $ours"
}
