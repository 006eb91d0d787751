# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A guest with 4 CPUs that reboots, halts or powers off withdraws READY, with one
# write to the MSR by one of them, while the others convert memory.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot reboot halt power_off)
CONVERT="threads=4 pattern=random size=256K chunk=12K seconds=600"

# -no-shutdown: QEMU stays when the guest has powered off
start()
{
	vm_msr_start
	VM_SMP=4 VM_MEM=256M VM_DISK=none VM_WAIT=120 VM_OPTS=-no-shutdown vm_start main
	equal "values written" "$(vm_msr_writes)" 1
}

# leave COMMAND
leave()
{
	exercise_start main "$CONVERT"
	vm_send main leave "sleep 0.5; $1"
}

boot()
{
	start
}

reboot()
{
	leave 'reboot -f'
	vm_wait main 120
	equal "values written" "$(vm_msr_writes)" "1 0 1"
	ready_is main 1 2 1
	oracle main
}

halt()
{
	leave 'halt -f'
	until_true 30 grep -q 'reboot: System halted' "$OUT/main.console"
	equal "values written" "$(vm_msr_writes)" "1 0 1 0"
	ready_is main 0 2 2
	vm_stop main
}

power_off()
{
	start
	leave 'poweroff -f'
	until_true 30 grep -q 'reboot: Power down' "$OUT/main.console"
	equal "values written" "$(vm_msr_writes)" "1 0"
	ready_is main 0 1 1
	map_check main
	vm_stop main
}
