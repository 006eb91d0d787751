# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced in L1: what tests find out and compare.  All of it fails by status.

skip()
{
	echo "$*"
	exit 77
}

# equal WHAT GOT WANTED
equal()
{
	[ "$2" = "$3" ] || vm_fail "$1 is '$2', not '$3'" || return
	echo "$1 is $2"
}

# holds WHAT A OPERATOR B, with an operator of test(1)
holds()
{
	test "$2" "$3" "$4" || vm_fail "$1: not $2 $3 $4" || return
	echo "$1: $2 $3 $4"
}

# until_true SECONDS COMMAND...
until_true()
{
	local deadline=$((SECONDS + $1 * PATIENCE))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || vm_fail "still not true: $*" || return
		sleep 0.2
	done
}

# map_check NAME: the map is well-formed and agrees with the gauges.  Prints
# "EXTENTS PAGES OUTSIDE".
map_check()
{
	local dir sums pages
	dir=$(vm_debugfs "$1") || return
	cat "$dir/page_enc_slots" >/tmp/slots.$$
	cat "$dir/page_enc_map" >/tmp/map.$$
	sums=$(awk -f "$TOP/ci/l1/map.awk" /tmp/slots.$$ /tmp/map.$$) || vm_fail "$sums" || return
	read -r _ pages _ <<<"$sums"
	equal page_enc_shared_pages "$(cat "$dir/page_enc_shared_pages")" "$pages" >&2 || return
	echo "$sums"
}

# Slots ascend, do not overlap, and their sums are right
slots_check()
{
	local file=/tmp/slots.$1
	cat "$(vm_debugfs "$1")/page_enc_slots" >"$file"
	cat "$file"
	awk '
		FNR == 1 && $0 != "version 1" { print "version"; bad = 1 }
		/^0x/ {
			n++; pages += $3
			if (NF != 5 || $1 >= $2 || $1 < last) { print "order: " $0; bad = 1 }
			last = $2
		}
		$1 == "end" { ended = ($2 == n && $3 == pages) }
		END { exit bad || !ended || !n }
	' "$file" || vm_fail "page_enc_slots is not as it should be"
}

# Pages shared by the guest now
shared()
{
	vm_stat "$1" shared_pages
}

# ready_is NAME READY SET CLEARED: the gauge, and how often it changed
ready_is()
{
	equal "$1: READY, times set, times withdrawn" \
		"$(vm_stat "$1" ready) $(vm_stat "$1" ready_set) $(vm_stat "$1" ready_cleared)" \
		"$2 $3 $4"
}

# bounds of what a healthy guest shares: swiotlb is 64 MiB at most in 512 MiB
# shared_plausible NAME
shared_plausible()
{
	local pages
	pages=$(shared "$1")
	holds "$1: shared pages" "$pages" -ge 16
	holds "$1: shared pages" "$pages" -le 20000
}

# encstat_agrees NAME: encstat's JSON says what the files of debugfs say
encstat_agrees()
{
	local dir json got ranges
	dir=$(vm_debugfs "$1")
	json=$("$OUT/encstat" -j -p "$(vm_pid "$1")") || vm_fail "encstat: status $?" || return
	got=$(jq -r '[.. | objects | select(has("pid"))][0] |
		"\(.name) \(.shared_bytes) \(.shared_ranges) \(if .ready then 1 else 0 end) \(.tracker_bytes)"' <<<"$json")
	ranges=$(awk '$1 == "end" { print $2 }' "$dir/page_enc_map")
	equal "name, shared bytes, ranges, READY, tracker's bytes by encstat" "$got" \
		"$1 $(($(shared "$1") * 4096)) $ranges $(vm_stat "$1" ready) $(vm_stat "$1" bytes)"
}

# guest_has NAME FILE: skip the test if not, unless the guest does not answer
guest_has()
{
	local rc=0
	vm_sh "$1" "[ -e $2 ]" || rc=$?
	[ $rc != 1 ] || skip "the guest has no $2"
	return $rc
}

# CONFIG_X86_MEM_ENCRYPT_EXERCISE
EXERCISE=/sys/kernel/debug/x86/mem_encrypt/exercise

has_exerciser()
{
	guest_has "$1" "$EXERCISE"
}

# exercise NAME OPTIONS [SECONDS]: convert memory of the guest
exercise()
{
	vm_sh "$1" "echo $2 >$EXERCISE" "${3:-60}"
}

# exercise_start NAME OPTIONS: only begin it
exercise_start()
{
	vm_sh "$1" "[ -e $EXERCISE ] || exit; { echo $2 >$EXERCISE; } >/dev/null 2>&1 &"
}

# exercise_ends NAME: what exercise_start has begun does, and nothing failed
exercise_ends()
{
	until_true 60 vm_sh "$1" '! ps | grep -q "[m]em_encrypt_ex"' || return
	equal "failed, corrupted" "$(exercised "$1" failed) $(exercised "$1" corrupted)" "0 0" || return
	holds conversions "$(exercised "$1" conversions)" -gt 0
}

# exercised NAME KEY: a result of the last exercise
exercised()
{
	vm_sh "$1" "sed -n 's/^$2 //p' $EXERCISE"
}

sev_active()
{
	vm_sh "$1" 'dmesg | grep -q "Memory Encryption Features active: AMD SEV"'
}

# guest_msr NAME MSR: the value, 16 hex digits; fails if it faults
guest_msr()
{
	vm_sh "$1" "dd if=/dev/cpu/0/msr bs=8 count=1 iflag=skip_bytes skip=$(($2)) 2>/dev/null | od -An -tx8 | tr -d ' ' | grep ."
}

# guest_wrmsr NAME MSR BYTES (printf notation, least significant first)
guest_wrmsr()
{
	vm_sh "$1" "printf '$3' | dd of=/dev/cpu/0/msr bs=8 count=1 oflag=seek_bytes seek=$(($2)) conv=notrunc 2>/dev/null"
}

# guest_cpuid NAME LEAF: eax ebx ecx edx in hex
guest_cpuid()
{
	vm_sh "$1" "dd if=/dev/cpu/0/cpuid bs=16 count=1 iflag=skip_bytes skip=$(($2)) 2>/dev/null | od -An -tx4"
}

# pages_of_runs: page numbers of lines "START END ...", END exclusive
pages_of_runs()
{
	local start end
	while read -r start end _; do
		case $start in 0x*) seq $((start >> 12)) $(((end >> 12) - 1)) ;; esac
	done
}

# pages_of_view: those that are shared after the lines of vm_vmm_view
pages_of_view()
{
	local gpa npages status
	while read -r gpa npages status; do
		[ "$gpa" = forgotten ] && echo forgotten || echo $((gpa >> 12)) "$npages" "$status"
	done | awk '
		$1 == "forgotten" { delete shared; next }
		{
			for (i = $1; i < $1 + $2; i++)
				if ($3 == "private") delete shared[i]; else shared[i]
		}
		END { for (i in shared) print i }'
}

# host_shared_pages NAME [vmm]: page numbers of what the host takes for shared: by
# its tracker, if that is on and the VMM isn't asked for, else by the calls that its
# VMM saw.
host_shared_pages()
{
	if [ "${2:-}" != vmm ] && vm_map "$1" | grep -q '^enabled 1'; then
		vm_map "$1" | grep 'shared$' | pages_of_runs
	else
		vm_vmm_view "$1" | pages_of_view
	fi
}

# guest_ram NAME: first and last page of each range that is RAM as a whole
guest_ram()
{
	local range
	vm_sh "$1" 'grep "System RAM" /proc/iomem | cut -d" " -f1' | while read -r range; do
		echo $(((0x${range%-*} + 4095) >> 12)) $((((0x${range#*-} + 1) >> 12) - 1))
	done
}

# shared_ram NAME [vmm]: page numbers of RAM that the host takes for shared
shared_ram()
{
	guest_ram "$1" >"/tmp/$1.ram"
	host_shared_pages "$1" "${2:-}" | awk '
		FNR == NR { first[++n] = $1; last[n] = $2; next }
		{ for (i = 1; i <= n; i++) if ($1 >= first[i] && $1 <= last[i]) print $1 }
	' "/tmp/$1.ram" -
}

# oracle NAME [mixed|vmm]: the pages of RAM that any page table of the guest's kernel
# maps decrypted are those that the host takes for shared, no more and no less.
# No page is mapped both ways, unless "mixed" excuses that.  With "vmm" it is the VMM
# of VM_VMM that is asked, even if KVM knows.
oracle()
{
	local file=/sys/kernel/debug/x86/mem_encrypt/decrypted differ
	guest_has "$1" "$file" || return
	vm_sh "$1" "cat $file" >"/tmp/$1.decrypted" || return
	tail -n 1 "/tmp/$1.decrypted" | grep -q '^end ' || vm_fail "$file is cut off" || return
	if [ "${2:-}" != mixed ] && grep mixed "/tmp/$1.decrypted" >&2; then
		vm_fail "mapped decrypted and encrypted" || return
	fi
	shared_ram "$1" "${2:-}" | sort >"/tmp/$1.host"
	pages_of_runs <"/tmp/$1.decrypted" | sort >"/tmp/$1.guest"
	[ -s "/tmp/$1.guest" ] || vm_fail "the guest shares nothing" || return
	differ=$(comm -3 "/tmp/$1.guest" "/tmp/$1.host" | head -n 4 | paste -sd ' ')
	[ -z "$differ" ] || vm_fail "guest and host (indented) differ in pages $differ" || return
	echo "guest and host agree on $(wc -l <"/tmp/$1.host") shared pages"
}

# For the command line of guests whose host will refuse to convert memory: the kernel
# warns of that, which is what users with panic_on_warn rely on.
# shellcheck disable=SC2034 # for cases
REFUSED_APPEND="loglevel=4 panic_on_warn=0"

# What the kernel of a guest complains about goes to NAME.dmesg, which is judged
# by L0.  That warning is in order where it does not end the guest.  Fails if the
# guest does not answer.
splats_of()
{
	vm_sh "$1" '/etc/complaints; :' >>"$OUT/$1.dmesg" ||
		vm_fail "guest $1 does not answer: $(tail -n 1 "$OUT/$1.console")"
}

# complained_of NAME ERE: nothing on its console but that, which is not judged again
complained_of()
{
	local other
	other=$(grep -Ef "$TOP/ci/guest/splats" "$OUT/$1.console" | grep -vE "$2" || :)
	cat "$OUT/$1.console" >>"$OUT/$1.excused"
	: >"$OUT/$1.console"
	equal "other complaints" "$other" ""
}

guest_splats()
{
	local dir
	for dir in /run/vm/*/; do
		[ ! -d "$dir" ] || splats_of "$(basename "$dir")" || return
	done
}
