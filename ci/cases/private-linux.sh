# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Linux in a software-protected VM of stock QEMU: all of its memory is private, code
# and page tables included, from the first instruction of firmware on, and KVM
# converts some of it while it runs.
# timeout: 200
# append: kvm.page_enc_status=1
# protect: yes
tests=(boots works held_once host_sees_nothing converts kvm_must_read)

# NOTIFY 1, ENFORCE 2, PUNCH 4, EMULATE 8
FLAGS=e
MIB=128
# Linux leaves it alone, and it can be accessed with /dev/mem.
HOLE=0x3000000
HOLE_SIZE=0x400000

# Nothing is shared with KVM: without its signature in CPUID nobody asks for kvmclock.
# Nothing is shared with QEMU: firmware reads what it loads from ports.
private_vm()
{
	local khz
	khz=$(grep -o 'tsc_early_khz=[0-9]*' /proc/cmdline)
	VM_SMP=1 VM_MEM=${MIB}M VM_DISK=none VM_APPEND="$khz memmap=4M\$48M" \
		VM_OPTS="-machine smm=off -cpu host,migratable=off,kvm=off -global fw_cfg_io.dma_enabled=off" \
		vm_launch "$1"
}

private_mem()
{
	awk -v name="$1" '$1 == name { print $2 }' "$(vm_debugfs linux)/private_mem"
}

# order TEXT: have the VMM do it, and print what it says
order()
{
	local log=/run/vm/linux/protect.log before i
	before=$(wc -l <"$log")
	echo "$1" >>/run/vm/linux/protect.ctl
	for i in $(seq 100); do
		[ "$(wc -l <"$log")" -gt "$before" ] && tail -n 1 "$log" && return
		sleep 0.1
	done
	vm_fail "no answer to: $1"
}

# The first 8 bytes of HOLE as the guest sees them
guest_word()
{
	vm_sh linux "dd if=/dev/mem bs=8 skip=$((HOLE / 8)) count=1 2>/dev/null | od -An -tx8 | tr -d ' '"
}

guest_write()
{
	vm_sh linux "printf '$1' | dd of=/dev/mem bs=8 seek=$((HOLE / 8)) conv=notrunc 2>/dev/null"
}

boots()
{
	VM_PROTECT=$FLAGS private_vm linux
	vm_wait linux 90
}

held_once()
{
	holds "private bytes" "$(private_mem private_bytes)" -gt $((MIB << 19))
	equal "bytes held twice" "$(private_mem double_backed_bytes)" 0
}

works()
{
	vm_sh linux 'dd if=/dev/urandom of=/tmp/a bs=1M count=16 2>/dev/null && cp /tmp/a /tmp/b &&
		[ "$(sha256sum </tmp/a)" = "$(sha256sum </tmp/b)" ]' 60
	vm_sh linux 'for i in $(seq 50); do sh -c "exit 0" || exit; done' 60
}

# KiB of QEMU's mapping of guest memory that have anything in them
mapped_kib()
{
	awk -v size=$((MIB << 10)) '$1 == "Size:" { hit = $2 == size }
		hit && $1 == "Rss:" { print $2; found = 1 } END { exit !found }' "/proc/$(vm_pid linux)/smaps"
}

host_sees_nothing()
{
	equal "KiB in QEMU's mapping" "$(mapped_kib)" 0
}

converts()
{
	guest_write secretAB
	equal "what the VMM reads" "$(order "read $HOLE")" "read $HOLE 0x0"
	order "shared $HOLE $HOLE_SIZE" >/dev/null
	equal "what is lost" "$(guest_word)" 0000000000000000
	order "write $HOLE 1122334455667788" >/dev/null
	equal "what the guest reads" "$(guest_word)" 1122334455667788
	guest_write sharedAB
	equal "what the VMM reads" "$(order "read $HOLE")" "read $HOLE 0x4241646572616873"
	order "private $HOLE $HOLE_SIZE" >/dev/null
	equal "what the guest reads" "$(guest_word)" 0000000000000000
	equal "bytes held twice" "$(private_mem double_backed_bytes)" 0
	vm_stop linux
}

# Without EMULATE it goes astray in firmware.
kvm_must_read()
{
	VM_PROTECT=6 private_vm blind
	! vm_wait blind 40 || vm_fail "it came up"
	vm_stop blind
}
