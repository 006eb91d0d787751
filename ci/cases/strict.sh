# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Strict mode of simulated SEV: from READY on the guest uses each page the way it
# said, while CPUs come and go, memory is converted, and the disk is busy.  Who
# says nothing, or something else than it does, is found out.  Firmware is in efi.sh.
# timeout: 400
# append: kvm.page_enc_status=1 kvm.sev_sim=1 kvm.sev_sim_strict=1
# base: yes
export VM_WAIT=150
tests=(boot boot_is_honest honest_with_hotplug honest_with_io oracle_agrees
	refused_boots refused_is_honest unpatched_boots unpatched_is_caught liar_boots
	liar_is_caught trace_tells)

# violations NAME: so far
violations()
{
	vm_stat "$1" violations
}

# trace_violations 0|1
trace_violations()
{
	[ "$1" = 0 ] || echo >"$VM_TRACE/trace"
	echo "$1" >"$VM_TRACE/events/kvm/kvm_page_enc_violation/enable"
}

# Show where, if there are any
no_violations()
{
	equal READY "$(vm_stat "$1" ready)" 1
	grep -m 8 kvm_page_enc_violation: "$VM_TRACE/trace" || :
	equal "violations of $1" "$(violations "$1")" 0
}

# forgive NAME: those until now
forgive()
{
	echo 0 >"$(vm_debugfs "$1")/page_enc_violations"
	echo >"$VM_TRACE/trace"
}

boot()
{
	trace_violations 1
	VM_SMP=4 VM_MEM=768M vm_start honest
	sev_active honest
	equal CPUs "$(vm_sh honest nproc)" 4
	equal READY "$(vm_stat honest ready)" 1
}

# Until a guest is READY it has promised nothing.  It is when firmware has run, Linux has
# read its tables through the alias without C-bit, and what it converts in place, each
# CPU's data, was announced.
boot_is_honest()
{
	no_violations honest
}

# Conversions from 4 threads, while CPU 1 goes and comes
honest_with_hotplug()
{
	has_exerciser honest
	exercise_start honest "pattern=random threads=4 size=1M chunk=12K touch=1 seconds=15"
	vm_sh honest 'cd /sys/devices/system/cpu/cpu1 &&
		for i in 1 2 3 4; do echo 0 >online && echo 1 >online || exit; done' 100
	exercise_ends honest
	no_violations honest
}

# Through bounce buffers, which are taken from the pool and given back
honest_with_io()
{
	vm_sh honest 'dd if=/dev/urandom of=/dev/vda bs=64k count=32 2>/dev/null && sync &&
		dd if=/dev/vda bs=4k count=512 2>/dev/null | sha256sum' 100
	vm_unbind honest
	vm_bind honest
	vm_sh honest 'dd if=/dev/vda bs=4k count=512 2>/dev/null | sha256sum' 100
	no_violations honest
}

oracle_agrees()
{
	oracle honest
	vm_stop honest
}

# refuse_boots NAME: a guest whose VMM will refuse to convert memory
refuse_boots()
{
	VM_VMM=exit VM_SMP=1 VM_MEM=256M VM_DISK=none VM_APPEND=$REFUSED_APPEND vm_start "$1"
	sev_active "$1"
	forgive "$1"
	no_violations "$1"
}

# refuse NAME: the guest writes to what it converts
refuse()
{
	has_exerciser "$1"
	vm_vmm "$1" "answer 1 22"
	vm_sh "$1" "echo size=64K touch=1 >$EXERCISE; :" 60
	vm_vmm_calls "$1" | grep -vm 1 ' 0$'
}

# What it announced is no longer complete, and it says so: nothing is judged
refused_boots()
{
	refuse_boots refused
}

refused_is_honest()
{
	refuse refused
	equal READY "$(vm_stat refused ready)" 0
	equal violations "$(violations refused)" 0
	vm_stop refused
}

# The unpatched kernel doesn't look at what the VMM answers
unpatched_boots()
{
	VM_KERNEL=$OUT/base.bzImage refuse_boots unpatched
}

unpatched_is_caught()
{
	refuse unpatched
	holds violations "$(violations unpatched)" -ge 1
	grep -m 1 'kvm_page_enc_violation: .* status private' "$VM_TRACE/trace"
	vm_stop unpatched
}

# It announces nothing, and doesn't claim to
liar_boots()
{
	VM_SMP=1 VM_MEM=256M VM_APPEND=kvm_page_enc=off vm_start liar
	sev_active liar
	equal READY "$(vm_stat liar ready)" 0
	equal "violations before it says anything" "$(violations liar)" 0
}

# Now it claims to have announced all
liar_is_caught()
{
	local before
	trace_violations 1
	guest_wrmsr liar 0x4b564d08 '\1\0\0\0\0\0\0\0'
	equal READY "$(vm_stat liar ready)" 1
	vm_sh liar 'dd if=/dev/vda bs=4k count=64 2>/dev/null | sha256sum'
	before=$(violations liar)
	holds violations "$before" -gt 10
	vm_sh liar 'dd if=/dev/vda bs=4k count=64 iflag=direct 2>/dev/null | sha256sum'
	holds "violations: later ones are seen, too" "$(violations liar)" -gt "$before"
}

# Through the alias without the C-bit, of pages that are private
trace_tells()
{
	local want
	trace_violations 0
	grep -c kvm_page_enc_violation: "$VM_TRACE/trace"
	want="vm_pid $(vm_pid liar) vcpu 0 gpa 0x[0-9a-f]{4,8} rip 0x[0-9a-f]+ status private error_code 0x"
	grep kvm_page_enc_violation: "$VM_TRACE/trace" | grep -Evm 1 "$want" && vm_fail "not like $want"
	grep -Em 1 "$want" "$VM_TRACE/trace"
	vm_stop liar
}
