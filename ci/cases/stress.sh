# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Conversions from 4 threads on 2 CPUs for half a minute, while a CPU comes and goes:
# nothing is lost, nothing complains, READY stays.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot stress nothing_failed oracle_is_clean ready_stayed memory_came_back)
STRESS=${STRESS:-30}

boot()
{
	VM_MEM=768M vm_start stress
	oracle stress
	shared stress >/tmp/shared
}

# The shell's loop ends with the exerciser.
stress()
{
	vm_sh stress "cd /sys/devices/system/cpu/cpu1; n=0;
		echo pattern=random threads=4 size=1M chunk=12K seconds=$STRESS >/sys/kernel/debug/x86/mem_encrypt/exercise &
		while echo 0 >online && echo 1 >online && n=\$((n + 1)); do
			kill -0 \$! 2>/dev/null || break;
		done;
		wait \$! && echo CPU 1 went and came \$n times && test \$n -gt 0" $((STRESS + 60))
}

nothing_failed()
{
	equal "failed, corrupted" "$(exercised stress failed) $(exercised stress corrupted)" "0 0"
	holds conversions "$(exercised stress conversions)" -gt 0
	equal "refused calls" "$(vm_stat stress refused_inval) $(vm_stat stress refused_perm)" "0 0"
}

oracle_is_clean()
{
	oracle stress
	map_check stress
}

ready_stayed()
{
	equal READY "$(vm_stat stress ready)" 1
	equal "times withdrawn" "$(vm_stat stress ready_cleared)" 0
}

memory_came_back()
{
	equal "shared pages" "$(shared stress)" "$(cat /tmp/shared)"
}
