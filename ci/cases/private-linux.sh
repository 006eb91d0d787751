# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2016
#
# Linux in a software-protected VM of stock QEMU: all of its memory is private, code
# and page tables included, from the first instruction of firmware on.  KVM converts
# some of it while it runs: of a guest that knows nothing, for the VMM; of one that
# believes to have SEV, when it asks for it, and what it shares is all that QEMU's
# virtio-blk gets to see.
# timeout: 400
# append: kvm.page_enc_status=1
# protect: yes
tests=(boots works held_once host_sees_nothing converts kvm_must_read
	sev_boots sev_disk sev_map sev_held_once sev_sees_shared_only sev_announces_in_use
	sev_stress)

# NOTIFY 1, ENFORCE 2, PUNCH 4, EMULATE 8
FLAGS=e
FLAGS_NOTIFY=f
MIB=128
# Linux leaves it alone, and it can be accessed with /dev/mem.
HOLE=0x3000000
HOLE_SIZE=0x400000

# private_vm NAME FLAGS CPU: firmware shares nothing with QEMU, it reads what it loads
# from ports, and nothing with KVM, as it doesn't find kvmclock.
private_vm()
{
	local khz
	khz=$(grep -o 'tsc_early_khz=[0-9]*' /proc/cmdline)
	VM_PROTECT=$2 VM_MEM=${MIB}M VM_APPEND="$khz memmap=4M\$48M" \
		VM_OPTS="-machine smm=off -cpu host,migratable=off,$3 -global fw_cfg_io.dma_enabled=off" \
		vm_launch "$1"
}

# private_mem NAME FIELD
private_mem()
{
	awk -v field="$2" '$1 == field { print $2 }' "$(vm_debugfs "$1")/private_mem"
}

# order TEXT: have the VMM do it, and print what it says
order()
{
	local log=/run/vm/linux/protect.log before i
	before=$(wc -l <"$log")
	echo "$1" >>/run/vm/linux/protect.ctl
	for i in $(seq $((100 * PATIENCE))); do
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
	VM_SMP=1 VM_DISK=none private_vm linux $FLAGS kvm=off
	vm_wait linux 90
}

# is_held_once NAME BYTES: all of its memory is, and more than that is private
is_held_once()
{
	holds "private bytes" "$(private_mem "$1" private_bytes)" -gt "$2"
	equal "bytes of guest_memfd for shared pages" "$(private_mem "$1" stale_private_bytes)" 0
}

held_once()
{
	is_held_once linux $((MIB << 19))
}

works()
{
	vm_sh linux 'dd if=/dev/urandom of=/tmp/a bs=1M count=16 2>/dev/null && cp /tmp/a /tmp/b &&
		[ "$(sha256sum </tmp/a)" = "$(sha256sum </tmp/b)" ]' 60
	vm_sh linux 'for i in $(seq 50); do sh -c "exit 0" || exit; done' 60
}

# mapped_kib NAME: what of QEMU's mapping of guest memory has anything in it
mapped_kib()
{
	awk -v size=$((MIB << 10)) '$1 == "Size:" { hit = $2 == size }
		hit && $1 == "Rss:" { print $2; found = 1 } END { exit !found }' "/proc/$(vm_pid "$1")/smaps"
}

host_sees_nothing()
{
	equal "KiB in QEMU's mapping" "$(mapped_kib linux)" 0
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
	equal "bytes of guest_memfd for shared pages" "$(private_mem linux stale_private_bytes)" 0
	vm_stop linux
}

# Without EMULATE it goes astray in firmware.
kvm_must_read()
{
	VM_SMP=1 VM_DISK=none private_vm blind 6 kvm=off
	! PATIENCE=1 vm_wait blind 30 || vm_fail "it came up"
	vm_stop blind
}

# Without kvmclock because of firmware; the rest of what KVM writes is shared.
sev_boots()
{
	echo 1 >/sys/module/kvm/parameters/sev_sim
	private_vm sev $FLAGS_NOTIFY -kvmclock
	vm_wait sev 120
	sev_active sev
}

sev_disk()
{
	vm_sh sev 'dd if=/dev/urandom of=/tmp/a bs=1M count=8 2>/dev/null &&
		dd if=/tmp/a of=/dev/vda bs=64k conv=fsync 2>/dev/null && echo 3 >/proc/sys/vm/drop_caches &&
		[ "$(dd if=/dev/vda bs=64k count=128 2>/dev/null | sha256sum)" = "$(sha256sum </tmp/a)" ]' 60
	cmp <(vm_sh sev 'sha256sum </tmp/a') <(head -c 8M "/run/vm/sev/disk" | sha256sum)
}

sev_map()
{
	map_check sev
	shared_plausible sev
	oracle sev
}

sev_held_once()
{
	is_held_once sev $((MIB << 18))
}

sev_sees_shared_only()
{
	holds "KiB in QEMU's mapping" "$(mapped_kib sev)" -gt 0
	holds "KiB in QEMU's mapping" "$(mapped_kib sev)" -le $(($(vm_stat sev shared_pages) * 4))
}

# Everything is announced again, at a time when the disk's rings and buffers are in use.
# QEMU frees its copy of whatever is private for a moment.
sev_announces_in_use()
{
	local announce=/sys/kernel/debug/kvm_page_enc/announce
	vm_sh sev "(until [ -e /tmp/stop ]; do dd if=/tmp/a of=/dev/vda bs=64k conv=fsync 2>/dev/null || exit; done) & i=0;
		while [ \$((i += 1)) -le 20 ]; do echo 1 >$announce || exit; done;
		touch /tmp/stop; wait \$! && echo 3 >/proc/sys/vm/drop_caches" 90
	sev_disk
	map_check sev
	oracle sev
}

# Conversions while two CPUs work
sev_stress()
{
	exercise sev "pattern=random threads=2 size=1M chunk=12K seconds=5"
	equal "failed, corrupted" "$(exercised sev failed) $(exercised sev corrupted)" "0 0"
	holds conversions "$(exercised sev conversions)" -gt 100
	oracle sev
	equal "bytes of guest_memfd for shared pages" "$(private_mem sev stale_private_bytes)" 0
	vm_stop sev
}
