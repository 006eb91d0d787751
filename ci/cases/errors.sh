# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A host that refuses what a guest announces, forgets how to listen, or is slow:
# callers get an error, READY is withdrawn, and the guest lives on.  It is warned, so
# the guests must not panic of that.  The VMM takes any attribute for private.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot sharing_refused told_by_trace leaked_stay_out others_go_on hiding_refused
	announced_anew not_ready_meanwhile errnos busy_host slow_host refused_at_boot
	unknown_from_now_on)
VMM=features=30000:0,exit
DEBUGFS=/sys/kernel/debug/kvm_page_enc
TRACING=/sys/kernel/debug/tracing

export VM_SMP=2 VM_MEM=192M VM_DISK=none VM_VMM=$VMM VM_APPEND=$REFUSED_APPEND

boot()
{
	vm_start one
	has_exerciser one
	vm_sh one "echo 1 >$TRACING/events/kvm_page_enc/kvm_page_enc_announce/enable"
	ready_is one 1 1 0
	oracle one
	oracle one vmm
	equal attributes "$(vm_vmm_calls one | cut -d ' ' -f 3 | sort -u | paste -sd ' ')" "0x0 0x10"
}

# results NAME: of the exerciser, but for the times
results()
{
	vm_sh "$1" "grep -v ^ns_ $EXERCISE" | paste -sd ' '
}

# The pages of the last call that got -22, sorted as comm(1) wants it
refused_pages()
{
	local gpa npages
	read -r gpa npages _ < <(vm_vmm_calls "$1" | grep ' -22$' | tail -n 1)
	seq $((gpa >> 12)) $(((gpa >> 12) + npages - 1)) | sort
}

# only_refused_differ NAME: nothing but the pages of the last refused call differs,
# and these are shared for the host only
only_refused_differ()
{
	oracle "$1" && vm_fail "guest and host agree" && return 1
	refused_pages "$1" >/tmp/wanted
	comm -13 "/tmp/$1.guest" "/tmp/$1.host" >/tmp/differ
	cmp /tmp/wanted /tmp/differ
	echo "$(wc -l </tmp/differ) pages differ, those that were refused"
}

# Four chunks are decrypted, then encrypted.  The third call is refused, and its
# chunk stays private: shared is announced before it is.
sharing_refused()
{
	vm_vmm one "answer 3 22"
	exercise one "size=64K chunk=16K"
	equal results "$(results one)" \
		"conversions 7 pages 24 failed 1 errno -22 leaked_pages 4 corrupted 0"
	equal "refused, as the guest counts" "$(vm_sh one "cat $DEBUGFS/refused")" 1
	oracle one
	oracle one vmm
	ready_is one 0 1 1
	vm_sh one 'dmesg | grep "not READY: 4 pages not announced as shared: -22"'
	vm_sh one 'dmesg | grep "CPA VMM failure to convert memory .* to shared: -22"'
}

told_by_trace()
{
	local gpa
	read -r gpa _ < <(vm_vmm_calls one | grep ' -22$')
	vm_sh one "grep kvm_page_enc_announce: $TRACING/trace" >/tmp/trace
	cat /tmp/trace
	equal "traced refusals" "$(grep -c -- '-22$' /tmp/trace)" 1
	grep -- '-22$' /tmp/trace | grep "0x0*${gpa#0x} "
}

# The pages that were refused last, as the host finds them in QEMU's memory
refused_content()
{
	local pid base gpa npages
	pid=$(vm_pid "$1")
	base=$(while IFS=' -' read -r start end _; do
		[ $((0x$end - 0x$start)) != $((192 << 20)) ] || echo $((0x$start))
	done <"/proc/$pid/maps")
	read -r gpa npages _ < <(vm_vmm_calls "$1" | grep ' -22$' | tail -n 1)
	dd if="/proc/$pid/mem" bs=4096 skip=$(((base + gpa) / 4096)) count="$npages" status=none | sha256sum
}

# Nobody writes to the leaked pages while what is free is written to, but for a
# small rest.
leaked_stay_out()
{
	local before
	before=$(refused_content one)
	# shellcheck disable=SC2016 # for the guest's shell
	vm_sh one 'mount -o remount,size=90% /tmp;
		n=$(awk "/^MemFree/ { print int(\$2 / 1024) - 16 }" /proc/meminfo); echo "$n MiB";
		tr "\0" U </dev/zero | dd of=/tmp/fill bs=1M count=$n iflag=fullblock 2>/dev/null;
		[ $(wc -c </tmp/fill) = $((n << 20)) ] && rm /tmp/fill' 90
	equal "content of the leaked pages" "$(refused_content one)" "$before"
}

# READY stays withdrawn: nothing has told the host what it lacks.
others_go_on()
{
	exercise one "threads=2 size=256K chunk=16K pattern=random loops=4"
	equal "failed, corrupted" "$(exercised one failed) $(exercised one corrupted)" "0 0"
	ready_is one 0 1 1
}

# The seventh call makes the third chunk private again: the host goes on taking
# for shared what it was told before.
hiding_refused()
{
	vm_vmm one "answer 7 22"
	exercise one "size=64K chunk=16K"
	equal results "$(results one)" \
		"conversions 8 pages 28 failed 1 errno -22 leaked_pages 4 corrupted 0"
	only_refused_differ one
	ready_is one 0 1 1
	vm_sh one 'dmesg | grep "not READY: 4 pages not announced as private: -22"'
}

# Refusals are made good.
announced_anew()
{
	vm_sh one "echo 1 >$DEBUGFS/announce"
	ready_is one 1 2 1
	oracle one
	oracle one vmm
}

# The host may stop the guest between any two calls.
not_ready_meanwhile()
{
	local calls
	calls=$(vm_vmm_calls one | wc -l)
	vm_vmm one "delay 3 6000"
	vm_send one anew "echo 1 >$DEBUGFS/announce"
	until_true 30 calls_are_made one $((calls + 3))
	ready_is one 0 2 2
	vm_answer one anew
	ready_is one 1 3 2
	oracle one
}

# calls_are_made NAME N: so many, at least
calls_are_made()
{
	[ "$(vm_vmm_calls "$1" | wc -l)" -ge "$2" ]
}

# What callers get for what the host answers.  No answer makes a call good.
errnos()
{
	local pair
	for pair in 1:-1 7:-7 14:-14 12:-12 95:-5 4095:-5 100000:-5 -1:-5; do
		vm_vmm one "answer 1 ${pair%:*}"
		exercise one "size=4K"
		equal "failed, errno after -${pair%:*}" "$(exercised one failed) $(exercised one errno)" "1 ${pair#*:}"
	done
}

# -EAGAIN is what a caller gets if the host doesn't stop to answer so.
busy_host()
{
	local before
	vm_vmm one "answer 1 11"
	exercise one "size=4K"
	equal "failed" "$(exercised one failed)" 0
	before=$(vm_vmm_calls one | wc -l)
	vm_vmm one "answer_all 11"
	exercise one "size=4K"
	vm_vmm one "answer_all 0"
	equal "failed, errno" "$(exercised one failed) $(exercised one errno)" "1 -11"
	# and 16 that would take it back
	equal "calls" $(($(vm_vmm_calls one | wc -l) - before)) 32
}

slow_host()
{
	vm_vmm one "delay 2 3000"
	exercise one "size=64K"
	equal "failed" "$(exercised one failed)" 0
	holds "nanoseconds of the longest conversion" "$(exercised one ns_max)" -ge 3000000000
}

refused_at_boot()
{
	vm_launch two
	vm_vmm two "answer 1 22"
	vm_wait two 90
	ready_is two 0 0 0
	equal "what the log says" "$(vm_sh two 'dmesg | grep "page encryption status: " | sed "s/.*status: //"')" \
		"announced, not READY: the host refused some of it"
	exercise two "size=64K chunk=16K"
	equal failed "$(exercised two failed)" 0
	ready_is two 0 0 0
	vm_sh two "echo 1 >$DEBUGFS/announce"
	ready_is two 1 1 0
	oracle two
	guest_splats
	vm_stop two
}

# For instance after a migration to an older host
unknown_from_now_on()
{
	local before
	vm_start three
	before=$(vm_vmm_calls three | wc -l)
	vm_vmm three "answer_all 1000"
	exercise three "threads=4 size=64K chunk=16K loops=3"
	equal "failed, corrupted" "$(exercised three failed) $(exercised three corrupted)" "0 0"
	vm_vmm three "answer_all 0"
	exercise three "size=64K"
	# as many as were under way on other CPUs
	holds "calls since then" "$(($(vm_vmm_calls three | wc -l) - before))" -le 2
	ready_is three 0 1 1
	equal "lines about it" "$(vm_sh three 'dmesg | grep -c "not announced any more: the host does not know"')" 1
	equal state "$(vm_sh three "cat $DEBUGFS/state")" 0
}
