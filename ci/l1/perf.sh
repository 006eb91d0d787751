# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced in L1 by the benchmark rows that use perf, see perf.c.

# perf_tracker 0|1: for VMs from now on, none of which is a simulated SEV guest
perf_tracker()
{
	echo "$1" >/sys/module/kvm/parameters/page_enc_status
	echo 0 >/sys/module/kvm/parameters/sev_sim
}

# perf_pair MAINLINE OURS: what perf prints for either command
perf_pair()
{
	local mainline ours
	mainline=$(perf_sum "$1") || return
	ours=$(perf_sum "$2") || return
	echo "$mainline $ours"
}

# perf_sum COMMAND...: the sum of what perf prints for each
perf_sum()
{
	local command sum=0 one
	for command; do
		# shellcheck disable=SC2086 # a command and its arguments
		one=$("$OUT/perf" $command) || return
		echo "$command: $one" >&2
		sum=$((sum + one))
	done
	echo "$sum"
}
