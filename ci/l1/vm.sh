# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced in L1: guests.  A guest NAME has /run/vm/NAME (pid, pipes, disk), the
# log of its console in $OUT/NAME.console, and in $OUT/NAME.resets the registers
# with which its CPUs were reset: a triple fault leaves no other trace.
#
# vm_start NAME takes its settings from the environment:
#   VM_SMP=2 VM_MEM=512M VM_KERNEL=$OUT/guest.bzImage VM_APPEND=... VM_OPTS=...
#   VM_QUICK=...   more of the command line, for all guests of a case
#   VM_KEXEC=1     the guest gets what vm_kexec needs
#   VM_CPIO=FILE   its initramfs, with modules of its kernel if that has any
#   VM_INITRD=FILE one more archive for its initramfs
#   VM_DISK=FILE   behind virtio-blk, default a blank one; "none": no disk
#   VM_FIRMWARE=ovmf
#   VM_EFI_MIGRATION=1  its variable SevLiveMigrationEnabled is set
#   VM_ACCEL=kvm   with options of QEMU's accelerator
#   VM_QMP=FILE    FILE.in takes what vm_qmp says, FILE.out has QEMU's answers and events
#   VM_VMM=SETTINGS  a VMM that is not quite QEMU, see vmm.c
#   VM_PROTECT=FLAGS  a software-protected VM, see protect.c

# A CPU of a guest may have to wait for one of the machine's for as long as it takes
PATIENT_KERNEL="watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300"
VM_APPEND_DEFAULT="console=ttyS0 loglevel=5 panic=-1 panic_on_warn=1 rdinit=/init tsc=reliable no_timer_check $PATIENT_KERNEL"
# What all time-outs are multiplied with: none may be a measure of the machine
PATIENCE=${PATIENCE:-1}
VM_DEBUGFS=/sys/kernel/debug/kvm
VM_TRACE=/sys/kernel/tracing

vm_fail()
{
	echo "$*" >&2
	return 1
}

vm_pid()
{
	cat "/run/vm/$1/pid"
}

vm_alive()
{
	kill -0 "$(vm_pid "$1")" 2>/dev/null
}

vm_initrd()
{
	local parts=("${VM_CPIO:-$OUT/guest.cpio}")
	[ -z "${VM_KEXEC:-}" ] || parts+=("$OUT/kexec.cpio")
	[ ! -e "$OUT/programs.cpio" ] || parts+=("$OUT/programs.cpio")
	[ -z "${VM_INITRD:-}" ] || parts+=("$VM_INITRD")
	cat "${parts[@]}" >"$1/initrd"
	echo "$1/initrd"
}

# QEMU's options for the disk: bounce buffers, two queues
vm_disk()
{
	local disk=${VM_DISK:-$1/disk}
	[ "$disk" != none ] || return 0
	[ -e "$disk" ] || truncate -s 16M "$disk"
	echo "-drive if=none,id=disk,format=raw,file=$disk" \
		"-device virtio-blk-pci,drive=disk,disable-legacy=on,iommu_platform=on,num-queues=2,queue-size=256"
}

# 16 bits each, little endian
utf16()
{
	local i
	for ((i = 0; i < ${#1}; i++)); do
		printf '%s\0' "${1:i:1}"
	done
}

# The first variable of a store: struct AUTHENTICATED_VARIABLE_HEADER of edk2 (id,
# VAR_ADDED, non-volatile for boot and run time, no signature, sizes of name and
# data, AMD_SEV_MEM_ENCRYPT_GUID), name, data
efi_migration_variable()
{
	printf '\xaa\x55\x3f\0\7\0\0\0'
	head -c 28 /dev/zero
	printf '\x30\0\0\0\1\0\0\0'
	printf '\x71\x9b\xf2\x0c\x51\x9e\x3a\x43\xa3\xb7\x81\xf3\xab\x16\xb8\x75'
	utf16 SevLiveMigrationEnabled
	printf '\0\0\1'
}

# efi_vars FILE: firmware's variables.  The store that comes with OVMF is empty:
# header of the volume 72 bytes, header of the store 28, then erased flash.
efi_vars()
{
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$1"
	[ -n "${VM_EFI_MIGRATION:-}" ] || return 0
	[ "$(od -An -tx1 -j 100 -N 4 "$1")" = " ff ff ff ff" ] || vm_fail "OVMF's store has variables" || return
	efi_migration_variable | dd of="$1" bs=1 seek=100 conv=notrunc status=none
}

# OVMF's interrupt handlers write CR8.  QEMU's TCG aborts if an interrupt is
# pending then and KVM does not intercept the write.  It does if the interrupt
# controllers are QEMU's, which then has to leave out what depends on KVM's.  Use
# one CPU: with two it was not through with firmware after 150 s.
vm_firmware()
{
	case ${VM_FIRMWARE:-} in
	ovmf)
		efi_vars "$1/vars"
		echo "-drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd" \
			"-drive if=pflash,format=raw,file=$1/vars" \
			"-machine kernel-irqchip=off -cpu host,migratable=off,kvm-asyncpf-int=off"
		;;
	esac
}

# QEMU's options for the monitor of VM_QMP
vm_monitor()
{
	[ -n "${VM_QMP:-}" ] || return 0
	mkfifo "$VM_QMP.in" "$VM_QMP.out"
	echo "-chardev pipe,id=qmp,path=$VM_QMP -mon chardev=qmp,mode=control"
}

# vm_qmp FILE COMMAND [ARGUMENTS]: the latter are JSON; the first command is
# qmp_capabilities
vm_qmp()
{
	echo "{\"execute\": \"$2\"${3:+, \"arguments\": $3}}" >"$1.in"
}

# What makes QEMU the VMM that VM_VMM or VM_PROTECT asks for
vm_preload()
{
	if [ -n "${VM_VMM:-}" ]; then
		printf '%s\n' "LD_PRELOAD=$OUT/vmm.so" "VMM_SETTINGS=$VM_VMM" "VMM_DIR=$1"
	elif [ -n "${VM_PROTECT:-}" ]; then
		printf '%s\n' "LD_PRELOAD=$OUT/protect.so" "PROTECT_FLAGS=$VM_PROTECT" "PROTECT_DIR=$1"
	fi
}

# vm_launch NAME: start a guest without waiting for it
vm_launch()
{
	local name=$1 dir=/run/vm/$1 extra initrd preload
	rm -rf "$dir"
	mkdir -p "$dir"
	mkfifo "$dir/ctl.in" "$dir/ctl.out"
	initrd=$(vm_initrd "$dir")
	read -ra extra <<<"$(vm_firmware "$dir") $(vm_disk "$dir") $(vm_monitor) ${VM_OPTS:-}"
	mapfile -t preload < <(vm_preload "$dir")
	: >"$OUT/$name.console"
	env "${preload[@]}" qemu-system-x86_64 -name "$name" -d cpu_reset -D "$OUT/$name.resets" \
		-accel "${VM_ACCEL:-kvm}" -machine q35,sata=off,smbus=off,vmport=off,i8042=off \
		-cpu host,migratable=off -smp "${VM_SMP:-2}" -m "${VM_MEM:-512M}" \
		-nodefaults -no-user-config -display none \
		-kernel "${VM_KERNEL:-$OUT/guest.bzImage}" -initrd "$initrd" \
		-append "$VM_APPEND_DEFAULT ${VM_QUICK:-} ${VM_APPEND:-}" \
		-chardev "file,id=con,path=$OUT/$name.console,append=on" -serial chardev:con \
		-chardev "pipe,id=ctl,path=$dir/ctl" -serial chardev:ctl \
		"${extra[@]}" </dev/null >"$OUT/$name.qemu.log" 2>&1 3>&- &
	echo $! >"$dir/pid"
}

# vm_read NAME DEADLINE: a line of the control channel; fails when none comes
vm_read()
{
	local fd rc=1 part=''
	exec {fd}<>"/run/vm/$1/ctl.out"
	while [ "$SECONDS" -le "$2" ]; do
		if IFS= read -r -t 1 line <&"$fd"; then
			line=$part${line%$'\r'}
			rc=0
			break
		fi
		part+=$line # on a busy machine a line comes in pieces
		vm_alive "$1" || break
	done
	exec {fd}>&-
	return $rc
}

# vm_wait NAME [SECONDS]: until a kernel's agent says hello
vm_wait()
{
	local line deadline=$((SECONDS + ${2:-60} * PATIENCE))
	while vm_read "$1" "$deadline"; do
		case $line in *@hello*) return 0 ;; esac
	done
	vm_alive "$1" || vm_fail "guest $1: QEMU is gone: $(tail -n 1 "$OUT/$1.qemu.log")"
	vm_fail "guest $1 did not come up: $(tail -n 1 "$OUT/$1.console")"
}

vm_start()
{
	vm_launch "$1" && vm_wait "$1" "${VM_WAIT:-60}"
}

# vm_send NAME ID COMMAND: one request, not waited for
vm_send()
{
	vm_alive "$1" || vm_fail "guest $1 is gone"
	timeout $((10 * PATIENCE)) tee "/run/vm/$1/ctl.in" <<<"$2 ${3//$'\n'/ }" >/dev/null
}

# vm_answer NAME ID [SECONDS]: to a request that vm_send made; its output and
# its status, 125 if none came
vm_answer()
{
	local id=$2 line text='' deadline=$((SECONDS + ${3:-30} * PATIENCE))
	while vm_read "$1" "$deadline"; do
		case $line in
		"@$id "*)
			text=${text%$'\n'} # the agent's own
			printf '%s' "$text"
			return "${line#@"$id" }"
			;;
		@*) text='' ;; # of a request that was given up
		*) text+=$line$'\n' ;;
		esac
	done
	return 125
}

# vm_sh NAME COMMAND [SECONDS]: run a command in the guest, lines joined
vm_sh()
{
	local id=r$RANDOM rc=0
	vm_send "$1" "$id" "$2" || return 125
	vm_answer "$1" "$id" "${3:-30}" || rc=$?
	[ $rc -ne 125 ] || echo "guest $1: no answer to: $2" >&2
	return $rc
}

# vm_stop NAME: end it; its debugfs directory must go with it
vm_stop()
{
	local pid n=0
	pid=$(vm_pid "$1")
	kill "$pid" 2>/dev/null || :
	while kill -0 "$pid" 2>/dev/null || compgen -G "$VM_DEBUGFS/$pid-*" >/dev/null; do
		n=$((n + 1))
		[ $n -le $((100 * PATIENCE)) ] || vm_fail "guest $1: QEMU or its debugfs directory stays" || return
		[ $n -ne $((50 * PATIENCE)) ] || kill -9 "$pid" 2>/dev/null || :
		sleep 0.1
	done
	[ ! -e "/run/vm/$1/vmm.log" ] || cp "/run/vm/$1/vmm.log" "$OUT/$1.vmm.log"
	rm -rf "/run/vm/$1"
}

vm_stop_all()
{
	local dir
	for dir in /run/vm/*/pid; do
		[ ! -e "$dir" ] || vm_stop "$(basename "$(dirname "$dir")")"
	done
}

# The guest's directory in debugfs
vm_debugfs()
{
	local dir
	for dir in "$VM_DEBUGFS/$(vm_pid "$1")"-*; do
		[ -d "$dir" ] || vm_fail "guest $1 has no directory in $VM_DEBUGFS" || return
		echo "$dir"
	done
}

# vm_stat NAME STAT: without the prefix page_enc_
vm_stat()
{
	cat "$(vm_debugfs "$1")/page_enc_$2"
}

vm_map()
{
	cat "$(vm_debugfs "$1")/page_enc_map"
}

# vm_vmm NAME ORDER: tell the VMM of VM_VMM what to do from now on
vm_vmm()
{
	echo "$2" >>"/run/vm/$1/vmm.ctl"
}

# vm_vmm_calls NAME: hypercalls that VMM was handed: gpa npages attrs answer
vm_vmm_calls()
{
	sed -n 's/^call //p' "/run/vm/$1/vmm.log"
}

# vm_vmm_view NAME: what it makes of those that it answered with 0, in order: gpa
# npages private|shared, or "forgotten" after the order "forget"
vm_vmm_view()
{
	sed -n 's/^view //p' "/run/vm/$1/vmm.log"
}

# vm_vmm_msr NAME: what it saw written to MSR_KVM_MIGRATION_CONTROL: value
# accepted|refused
vm_vmm_msr()
{
	sed -n 's/^wrmsr //p' "/run/vm/$1/vmm.log"
}

# Let KVM record the KVM_HC_MAP_GPA_RANGE of all guests from now on, those too
# that get no further than -KVM_ENOSYS
vm_trace_start()
{
	echo 'nr == 12' >"$VM_TRACE/events/kvm/kvm_hypercall/filter"
	echo >"$VM_TRACE/trace"
	echo 1 >"$VM_TRACE/events/kvm/kvm_hypercall/enable"
}

# vm_trace_calls NAME: those of one guest, which must be running: gpa npages attrs
vm_trace_calls()
{
	local threads gpa npages attrs
	threads=$(ls "/proc/$(vm_pid "$1")/task") || return
	awk -v threads="$threads" '
		BEGIN { split(threads, list); for (i in list) vcpu[list[i]] }
		match($0, /-[0-9]+ +\[[0-9]+\]/) {
			thread = substr($0, RSTART + 1) + 0
			if (thread in vcpu && match($0, /kvm_hypercall: .*/)) {
				split(substr($0, RSTART), field)
				print field[5], field[7], field[9]
			}
		}' "$VM_TRACE/trace" |
		while read -r gpa npages attrs; do
			echo "$gpa $((npages)) $attrs"
		done
}

vm_trace_stop()
{
	echo 0 >"$VM_TRACE/events/kvm/kvm_hypercall/enable"
}

# Let KVM record what is written to MSR_KVM_MIGRATION_CONTROL from now on: its
# statistics count changes, and cannot tell one write of 0 from four
vm_msr_start()
{
	local dir=$VM_TRACE/instances/msr
	mkdir -p "$dir"
	echo 'write == 1 && ecx == 0x4b564d08' >"$dir/events/kvm/kvm_msr/filter"
	echo >"$dir/trace"
	echo 1 >"$dir/events/kvm/kvm_msr/enable"
}

# The values that all guests have written since, in one line
vm_msr_writes()
{
	sed -n 's/.*msr_write 4b564d08 = 0x//p' "$VM_TRACE/instances/msr/trace" | paste -sd ' '
}

# Take the guest's disk away from its driver, which frees its rings (they become
# private), and give it back.
vm_unbind()
{
	# shellcheck disable=SC2016 # for the guest's shell
	vm_sh "$1" 'cd /sys/bus/virtio/drivers/virtio_blk && for d in virtio[0-9]*; do echo $d >unbind; done'
}

vm_bind()
{
	# shellcheck disable=SC2016
	vm_sh "$1" 'cd /sys/bus/virtio/devices && for d in virtio[0-9]*; do
		[ -e $d/driver ] || echo $d >/sys/bus/virtio/drivers/virtio_blk/bind; done'
}

# vm_kexec NAME: into the guest's default kernel, with the same
# command line
vm_kexec()
{
	vm_sh "$1" 'kexec -s -l /kexec/bzImage --initrd=/kexec/initrd --reuse-cmdline ||
		kexec -l /kexec/bzImage --initrd=/kexec/initrd --reuse-cmdline' 60 || return
	vm_send "$1" kexec 'kexec -e'
	vm_wait "$1" 60
}
