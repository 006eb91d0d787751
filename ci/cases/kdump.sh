# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A guest crashes while one of its CPUs is in a hypercall, with the lock of a
# conversion held, and stays there until long after.  READY is withdrawn once,
# the crash kernel comes up all the same, and the host's view of what is to be
# dumped stays as it was.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot crash ready calls map vmcore late)
CRASH_APPEND="console=ttyS0 loglevel=5 panic=-1 rdinit=/init tsc=reliable no_timer_check nr_cpus=1 swiotlb=2048"

boot()
{
	vm_msr_start
	VM_SMP=3 VM_MEM=384M VM_KEXEC=1 VM_VMM=exit VM_APPEND="crashkernel=96M" vm_start main
	oracle main
	vm_map main >/tmp/before
	vm_sh main "kexec -p -s /kexec/bzImage --initrd=/kexec/initrd --command-line='$CRASH_APPEND' &&
		grep -x 1 /sys/kernel/kexec_crash_loaded"
	vm_sh main 'echo last words >/dev/kmsg; grep " _stext$" /proc/kallsyms | cut -d" " -f1' | tail -n 1 >/tmp/stext
	vm_sh main 'grep "Crash kernel" /proc/iomem' | sed -E 's/^ *([0-9a-f]+)-([0-9a-f]+) .*/0x\1 0x\2/' >/tmp/crash
	cat /tmp/stext /tmp/crash
}

# CPU 1 makes the rings of the disk private.  Once its call is held CPU 0 is told to
# crash.  The shell there, which reads the agent's port in its place, starts nothing
# more: what flushes a TLB or the like waits for CPU 1.
crash()
{
	vm_vmm main "hold 1"
	vm_vmm_calls main >/tmp/calls
	vm_send main crash 'mkfifo /tmp/go;
		taskset 2 sh -c "read line </tmp/go; echo virtio0 >/sys/bus/virtio/drivers/virtio_blk/unbind" &
		taskset 1 sh -c "exec 3</dev/ttyS1; echo >/tmp/go; read line <&3; echo c >/proc/sysrq-trigger"'
	until_true 60 is_held
	vm_send main now crash
	vm_wait main 60
	vm_sh main 'cat /proc/cmdline; test -e /proc/vmcore && nproc'
	# That panic is in order, nothing else is
	complained_of main 'Kernel panic - not syncing: sysrq triggered crash|Call Trace:'
}

# The VMM has been handed one more call
is_held()
{
	[ "$(vm_vmm_calls main | wc -l)" -gt "$(wc -l </tmp/calls)" ]
}

# By the kernel that starts, that crashes.  The one that starts then doesn't own most of
# memory, and can't tell whether the other had announced all of it.
ready()
{
	equal "values written" "$(vm_msr_writes)" "1 0"
	ready_is main 0 1 1
	vm_sh main 'dmesg | grep "announced, not READY: most RAM is the crashed kernel"'
}

# One that is held, then those of the crash kernel, for its memory only.  Linux
# leaves the first 1M to it, too.
calls()
{
	local held gpa npages attrs start last
	vm_vmm_calls main | tail -n "+$(($(wc -l </tmp/calls) + 1))" >/tmp/new
	cat /tmp/new
	read -r start last </tmp/crash
	{
		read -r held npages attrs _
		equal "what is held" "$attrs" 0x10
		while read -r gpa npages attrs _; do
			[ $((gpa + npages * 4096)) -gt $((0x100000)) ] || continue
			holds "start of $gpa" $((gpa)) -ge $((start))
			holds "its last byte" $((gpa + npages * 4096 - 1)) -le $((last))
		done
	} </tmp/new
	echo $((held)) >/tmp/held
}

# What was shared is shared, and the crash kernel's is what it says
map()
{
	vm_map main >/tmp/after
	equal "shared before, not any more" "$(grep shared /tmp/before | grep -vxFf /tmp/after)" ""
	map_check main
	oracle main
}

# /proc/vmcore begins with the headers in a page, a page of notes, the image of
# the kernel
vmcore()
{
	holds "size" "$(vm_sh main 'stat -c %s /proc/vmcore')" -gt $((256 << 20))
	equal "magic" "$(vm_sh main 'dd if=/proc/vmcore bs=4 count=1 2>/dev/null | od -An -c')" " 177   E   L   F"
	vm_sh main 'dd if=/proc/vmcore bs=4096 skip=1 count=1 2>/dev/null | tr "\0" "\n" | grep -a =' >/tmp/info
	equal "kernel" "$(sed -n 's/^OSRELEASE=//p' /tmp/info)" "$(vm_sh main 'uname -r')"
	equal "_stext" "$(sed -n 's/^SYMBOL(_stext)=//p' /tmp/info)" "$(cat /tmp/stext)"
	vm_sh main 'dd if=/proc/vmcore bs=64k count=256 2>/dev/null | grep -a "last words" | wc -l | grep -vx 0'
}

# The call is answered at last, and the CPU that made it sees that it is dead
late()
{
	local held
	held=$(cat /tmp/held)
	! page_is_private main "$held" || vm_fail "the call was answered before"
	vm_vmm main release
	until_true 30 page_is_private main "$held"
	sleep 2
	equal "values written" "$(vm_msr_writes)" "1 0"
	equal "calls" "$(vm_vmm_calls main | wc -l)" $(($(wc -l </tmp/calls) + $(wc -l </tmp/new)))
	oracle main
}

# page_is_private NAME GPA
page_is_private()
{
	local start end
	while read -r start end _; do
		case $start in 0x*) [ $((start)) -gt "$2" ] || [ $((end)) -le "$2" ] || return ;; esac
	done < <(vm_map "$1")
}
