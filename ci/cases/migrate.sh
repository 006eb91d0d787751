# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Stock QEMU migrates a running guest that writes to private memory, converts some
# to shared and back, and uses its disk through bounce buffers.  All memory is as
# the guest left it, with the dirty log and with the dirty ring: writes through
# either alias were seen.  QEMU knows nothing of page encryption status, so the
# destination starts without.
# timeout: 500
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# programs: memload
tests=(log_source log_moves log_memory_is_whole log_status_is_lost
	ring_source ring_moves ring_memory_is_whole)
MIGRATE_MIB=24	# that memload writes to, of 256

# machine NAME ACCEL [OPTION...]: start one with a monitor.  QEMU 7.2 aborts when the
# thread that reaps dirty rings, once a second, is there before the vCPUs have theirs.
machine()
{
	local attempt
	for attempt in 1 2 3; do
		launch_machine "$@"
		until_true 60 machine_settled "$1"
		vm_alive "$1" && return
		grep 'kvm_dirty_ring_reap_one: Assertion' "$OUT/$1.qemu.log"
	done
	vm_fail "QEMU aborts"
}

# All vCPUs are there, for a second; or it is gone
machine_settled()
{
	vm_alive "$1" || return 0
	[ -d "$(vm_debugfs "$1")/vcpu1" ] && sleep 1.2
}

launch_machine()
{
	local name=$1 accel=$2
	shift 2
	rm -f "/run/$name.mon".*
	mkfifo "/run/$name.mon.in" "/run/$name.mon.out"
	VM_ACCEL=$accel VM_SMP=2 VM_MEM=256M VM_DISK=/run/${name%?}.disk \
		VM_OPTS="-chardev pipe,id=mon,path=/run/$name.mon -mon chardev=mon $*" vm_launch "$name"
	cat "/run/$name.mon.out" >"$OUT/$name.monitor" &
}

# monitor NAME COMMAND
monitor()
{
	timeout $((10 * PATIENCE)) tee "/run/$1.mon.in" <<<"$2" >/dev/null
}

# migration NAME [LABEL]: its status, or what is labelled so, newest answer of the monitor
migration()
{
	monitor "$1" "info migrate"
	sleep 0.5
	tr -d '\r' <"$OUT/$1.monitor" | sed -n "s/^${2:-Migration status}: //p" | tail -n 1
}

# migration_rounds NAME N: so many rounds of it have harvested dirty pages, or it is
# over.  Only then may the guest be stopped: on a slow machine it dirties memory faster
# than that is sent, on a fast one a round or two would do.
migration_rounds()
{
	[ "$(migration "$1" "dirty sync count" | grep . || echo 0)" -ge "$2" ] || migration_ends "$1"
}

migration_ends()
{
	case $(migration "$1") in
	completed | failed* | cancel*) ;;
	*) return 1 ;;
	esac
}

# source_runs NAME ACCEL: a guest under load
source_runs()
{
	truncate -s 16M "/run/${1%?}.disk"
	machine "$1" "$2"
	vm_wait "$1" 150
	sev_active "$1"
	equal READY "$(vm_stat "$1" ready)" 1
	vm_sh "$1" "memload $MIGRATE_MIB /tmp/load >/dev/null 2>&1 &"
	vm_sh "$1" 'dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null;
		{ while :; do
			dd if=/tmp/data of=/dev/vda bs=64k conv=fsync;
			dd if=/dev/vda bs=64k count=32 iflag=direct | sha256sum >>/tmp/sums;
		done; } >/dev/null 2>&1 &'
	exercise_start "$1" "pattern=random threads=2 size=1M chunk=12K touch=1 seconds=60"
	until_true 60 load_goes_on "$1" 0
	until_true 60 vm_sh "$1" '[ -s /tmp/sums ]'
}

# move FROM TO ACCEL
move()
{
	local socket=/run/$1.socket
	machine "$2" "$3" "-incoming unix:$socket"
	until_true 30 test -S "$socket"
	monitor "$1" "migrate_set_parameter max-bandwidth 100M"
	monitor "$1" "migrate_set_parameter downtime-limit 1"
	monitor "$1" "migrate -d unix:$socket"
	until_true 120 migration_rounds "$1" 4
	monitor "$1" "migrate_set_parameter downtime-limit 600000"
	until_true 120 migration_ends "$1"
	tr -d '\r' <"$OUT/$1.monitor" | tail -n 24
	equal "status of the migration" "$(migration "$1")" completed
	vm_stop "$1"
	load "$2" >/tmp/load.moved || where_is "$2"
}

# where_is NAME: what its CPUs do, as it doesn't answer
where_is()
{
	local i
	for i in 1 2 3; do
		monitor "$1" "info registers -a"
		sleep 2
	done
	tr -d '\r' <"$OUT/$1.monitor" | grep -E '^(CPU#|RIP|CR2)'
	return 1
}

load()
{
	vm_sh "$1" 'cat /tmp/load' 60
}

# load_goes_on NAME ROUNDS: there have been more
load_goes_on()
{
	local rounds
	read -r _ rounds _ < <(load "$1")
	[ "${rounds:-0}" -gt "$2" ]
}

# One more round at least looked at all pages on this machine
memory_is_whole()
{
	local rounds
	read -r _ rounds _ </tmp/load.moved
	until_true 100 load_goes_on "$1" $((rounds + 2))
	equal "corrupted pages" "$(load "$1" | cut -d ' ' -f 4)" 0
	vm_sh "$1" 'rm /tmp/sums'
	until_true 60 vm_sh "$1" 'sed -n 2p /tmp/sums | grep .'
	equal "contents of the disk" "$(vm_sh "$1" 'sort -u /tmp/sums')" \
		"$(vm_sh "$1" 'sha256sum </tmp/data')"
	until_true 100 vm_sh "$1" '! ps | grep -q "[m]em_encrypt_ex"'
	equal "failed, corrupted" "$(exercised "$1" failed) $(exercised "$1" corrupted)" "0 0"
	holds conversions "$(exercised "$1" conversions)" -gt 50
}

log_source()
{
	source_runs log1 kvm
}

log_moves()
{
	move log1 log2 kvm
}

log_memory_is_whole()
{
	memory_is_whole log2
}

# Nobody told this KVM what the guest had announced, or that it was complete
log_status_is_lost()
{
	equal READY "$(vm_stat log2 ready)" 0
	equal "times set" "$(vm_stat log2 ready_set)" 0
	holds "shared pages" "$(shared log2)" -lt 4096
	vm_stop log2
}

ring_source()
{
	source_runs ring1 kvm,dirty-ring-size=4096
}

ring_moves()
{
	move ring1 ring2 kvm,dirty-ring-size=4096
}

ring_memory_is_whole()
{
	memory_is_whole ring2
	vm_stop ring2
}
