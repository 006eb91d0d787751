# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# READY stays while the guest idles and while its CPUs come and go.  In S3 it is
# withdrawn, as a VMM may forget there what the guest shares, and set again when all
# has been announced anew.  In between memory is converted.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# programs: kexec-jump
tests=(boot s2idle s3 s3_msr_lost aborted cpus_go kexec_jump map)

MONITOR=/tmp/monitor

boot()
{
	VM_SMP=3 VM_MEM=256M VM_APPEND=no_console_suspend VM_QMP=$MONITOR VM_VMM=exit vm_start main
	vm_qmp $MONITOR qmp_capabilities
	ready_is main 1 1 0
	vm_sh main 'cat /sys/power/state /sys/power/mem_sleep'
}

# The serial port of the agent wakes it
s2idle()
{
	vm_sh main 'dmesg -n 8; echo 1 >/sys/power/pm_debug_messages; echo enabled >/sys/class/tty/ttyS1/power/wakeup'
	vm_send main sleep 'echo freeze >/sys/power/state'
	until_true 30 grep -q 'PM: suspend-to-idle' "$OUT/main.console"
	ready_is main 1 1 0
	vm_send main wake true
	vm_answer main sleep
	equal "times asleep, failures" "$(sleeps)" "1 0"
	ready_is main 1 1 0
	vm_sh main 'dmesg -n 5; echo 0 >/sys/power/pm_debug_messages'
}

sleeps()
{
	# shellcheck disable=SC2016 # for the guest's shell
	vm_sh main 'cd /sys/power/suspend_stats && echo $(cat success fail)'
}

suspend_to_ram()
{
	vm_send main ram 'echo deep >/sys/power/mem_sleep && echo mem >/sys/power/state'
}

# The exerciser's threads are not frozen: conversions are cut off where they are.
# The VMM forgets before the first call that it gets.
s3()
{
	exercise_start main "threads=3 pattern=random size=1M chunk=12K seconds=12"
	suspend_to_ram
	timeout $((60 * PATIENCE)) grep -qm 1 '"SUSPEND"' <$MONITOR.out
	ready_is main 0 1 1
	vm_vmm main forget
	vm_qmp $MONITOR system_wakeup
	vm_answer main ram 60
	equal "times asleep, failures" "$(sleeps)" "2 0"
	ready_is main 1 2 1
	exercise_ends main
	oracle main
	equal "views forgotten" "$(vm_vmm_view main | grep -c forgotten)" 1
	oracle main vmm
}

# A VMM may do that while the guest sleeps.  This time it is awake again at once:
# the reset in S3 has moved the registers of the chipset's power management away,
# and SeaBIOS does not bring them back.  The kernel goes the same way.
s3_msr_lost()
{
	guest_wrmsr main 0x4b564d08 '\000\000\000\000\000\000\000\000'
	ready_is main 0 2 2
	suspend_to_ram
	vm_answer main ram 60
	ready_is main 1 3 2
}

# As far as suspending goes without sleeping, and back.  Only the last level gets to
# where READY is withdrawn.
aborted()
{
	vm_sh main 'test -e /sys/power/pm_test' || skip "no PM_DEBUG"
	# shellcheck disable=SC2016 # for the guest's shell
	vm_sh main 'echo 1 >/sys/module/suspend/parameters/pm_test_delay;
		for level in freezer devices platform processors core; do
			echo $level >/sys/power/pm_test && echo mem >/sys/power/state || exit;
		done;
		echo none >/sys/power/pm_test' 60
	ready_is main 1 4 3
}

cpus_go()
{
	exercise_start main "threads=3 pattern=random size=1M chunk=12K seconds=12"
	vm_sh main 'cd /sys/devices/system/cpu && for i in 1 2 3; do
			echo 0 >cpu1/online && echo 0 >cpu2/online &&
			echo 1 >cpu1/online && echo 1 >cpu2/online || exit;
		done' 60
	exercise_ends main
	equal "CPUs" "$(vm_sh main nproc)" 3
	ready_is main 1 4 3
}

# Another kernel that returned may have made another view.  The series' base resumes
# interrupt links of ACPI with interrupts off, and complains of itself.
kexec_jump()
{
	vm_vmm main forget
	vm_sh main 'kexec-jump' 60
	ready_is main 1 5 4
	equal "views forgotten" "$(vm_vmm_view main | grep -c forgotten)" 2
	oracle main vmm
	vm_sh main 'dmesg -c >/dev/null'
	complained_of main 'BUG: sleeping function called from .*/semaphore\.c|Call Trace:'
}

map()
{
	map_check main
	oracle main
}
