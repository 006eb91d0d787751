# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Memory that the firmware's map (e820) lacks, and memory that isn't shared through
# the direct map: a DIMM is plugged in and put to use, per-CPU data is in the vmalloc
# area.  The host's view has both, at boot and after a conversion, when all is
# announced anew, after hibernation, and none of it after a kexec.
# timeout: 300
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot plug put_to_use exercised_there announced_anew hibernate resume kexec)
MONITOR=/tmp/monitor
SWAP=/tmp/swap
DIMM=$((4 << 30))	# where it appears, the first page of ZONE_NORMAL
APPEND="percpu_alloc=page memhp_default_state=online memory_hotplug.memmap_on_memory=1"
export VM_MEM=192M,slots=1,maxmem=1G VM_DISK=$SWAP VM_WAIT=90 VM_KEXEC=1

# In the DIMM, page numbers of what the host takes for shared
shared_in_dimm()
{
	host_shared_pages "$1" | awk -v first=$((DIMM >> 12)) '$1 >= first'
}

# Per-CPU data is decrypted in both of its mappings, or the oracle finds it mixed.
# -no-shutdown: QEMU stays when the guest has powered off
boot()
{
	truncate -s 512M $SWAP
	VM_APPEND=$APPEND VM_OPTS=-no-shutdown VM_QMP=$MONITOR vm_start main
	vm_qmp $MONITOR qmp_capabilities
	vm_sh main 'cat /proc/cmdline; grep -E "pcpu_get_vm_areas|pcpu_page_first_chunk" /proc/vmallocinfo | head -n 2; :'
	ready_is main 1 1 0
	oracle main
}

plug()
{
	vm_qmp $MONITOR object-add '{"qom-type": "memory-backend-ram", "id": "ram", "size": 134217728}'
	vm_trace_start
	vm_qmp $MONITOR device_add '{"driver": "pc-dimm", "id": "dimm", "memdev": "ram"}'
	until_true 30 vm_sh main "grep -i '^100000000-107ffffff : System RAM' /proc/iomem"
	until_true 30 vm_sh main 'grep -x online /sys/devices/system/memory/memory32/state'
	vm_trace_stop
	equal "its struct pages are in it" "$(vm_sh main 'cat /sys/module/memory_hotplug/parameters/memmap_on_memory')" Y
	equal "pages announced" "$(vm_trace_calls main | sort -u | awk '{ print $2, $3 }' | paste -sd ' ')" \
		"512 0x10 32256 0x10"
	equal "shared pages in it" "$(shared_in_dimm main)" ""
	oracle main
}

# A disk's rings are allocated there, as the kernel likes high memory best.
put_to_use()
{
	vm_unbind main
	vm_bind main
	holds "shared pages in it" "$(shared_in_dimm main | wc -l)" -gt 0
	oracle main
}

exercised_there()
{
	has_exerciser main
	vm_trace_start
	exercise main "pattern=random threads=2 chunk=12K"
	vm_trace_stop
	equal "failed, corrupted" "$(exercised main failed) $(exercised main corrupted)" "0 0"
	vm_trace_calls main | grep -m 1 '^0x10[0-7]......[^0-9a-f]'
	oracle main
}

announced_anew()
{
	vm_sh main 'echo 1 >/sys/kernel/debug/kvm_page_enc/announce' 60
	holds "shared pages in it" "$(shared_in_dimm main | wc -l)" -gt 0
	equal READY "$(vm_stat main ready)" 1
	oracle main
}

hibernate()
{
	vm_sh main 'mkswap /dev/vda >/dev/null && swapon /dev/vda && echo shutdown >/sys/power/disk'
	# shellcheck disable=SC2016 # for the guest's shell
	vm_send main image 'echo disk >/sys/power/state; echo status $?'
	until_true 90 grep -q 'reboot: Power down' "$OUT/main.console"
	cp "$OUT/main.console" "$OUT/first.console"
	vm_stop main
}

# The kernel that loads the image shares pages of the DIMM, too, others than that of
# the image does.
resume()
{
	VM_APPEND="$APPEND resume=/dev/vda" \
		VM_OPTS="-object memory-backend-ram,id=ram,size=128M -device pc-dimm,id=dimm,memdev=ram" vm_launch main
	equal "the answer" "$(vm_answer main image 120 | grep .)" "status 0"
	vm_sh main 'dmesg | grep "hibernation exit"'
	holds "shared pages in it" "$(shared_in_dimm main | wc -l)" -gt 0
	equal READY "$(vm_stat main ready)" 1
	oracle main
}

# Into a kernel that announces nothing.  kexec's old system call: with it the program
# tells the next kernel of all RAM.  The other one keeps to the firmware's map, and may
# still put the kernel into the DIMM, which then isn't added.
kexec()
{
	vm_sh main "swapoff /dev/vda; kexec -c -l --no-checks /kexec/bzImage --initrd=/kexec/initrd \
		--command-line='$VM_APPEND_DEFAULT $VM_QUICK $APPEND kvm_page_enc=off'" 60
	vm_send main kexec 'kexec -e'
	vm_wait main 90
	vm_sh main "grep -i '^100000000-107ffffff : System RAM' /proc/iomem"
	equal "shared RAM" "$(shared_ram main)" ""
	equal READY "$(vm_stat main ready)" 0
}
