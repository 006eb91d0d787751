# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What is wrong with the unpatched kernel as a guest.  A check of each defect is
# made twice: the kernel with the series must not have it, and the unpatched one
# must, or the check proves nothing.
#
# Defect 9 is in efi.sh.  Defect 10, hibernation, is not here.
# timeout: 400
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# base: yes
tests=(boot bit_17_alone bit_16_alone partial_page calls_after_enosys cpu_offline
	calls_per_leaf part_of_leaf refusal_dropped pfn_0)

# How a check says that the defect is there.  Any other failure is just one.
defect()
{
	echo "defect: $*"
	exit 42
}

# both CHECK GUEST: on ours-GUEST and base-GUEST.  Not as conditions, in which
# errexit would be off.
both()
{
	local rc
	set +e
	(
		set -e
		"$1" "ours-$2"
	)
	rc=$?
	set -e
	[ $rc = 0 ] || exit $rc
	set +e
	(
		set -e
		"$1" "base-$2"
	)
	rc=$?
	set -e
	[ $rc != 77 ] || exit 77
	[ $rc = 42 ] || vm_fail "on the unpatched kernel $1 ends with $rc: it proves nothing"
}

# start NAME SETTINGS: with both kernels
start()
{
	VM_VMM=$2 vm_launch "ours-$1"
	VM_VMM=$2 VM_KERNEL=$OUT/base.bzImage vm_launch "base-$1"
	vm_wait "ours-$1" 90
	vm_wait "base-$1" 90
	sev_active "ours-$1"
	sev_active "base-$1"
}

# For all checks that need no guests of their own
boot()
{
	vm_trace_start
	VM_MEM=192M VM_DISK=none VM_APPEND=$REFUSED_APPEND start main "features=30000:0,exit"
}

calls_of()
{
	vm_trace_calls "$1" | wc -l
}

# calls_after NAME N: those after the first N
calls_after()
{
	vm_trace_calls "$1" | tail -n +$(($2 + 1))
}

# other_pair CHECK SETTINGS: with two guests for this check only
other_pair()
{
	export VM_MEM=160M VM_DISK=none VM_SMP=1 VM_APPEND="acpi=off pci=off" VM_OPTS="-bios qboot.rom"
	start pair "$2"
	both "$1" pair
	guest_splats
	vm_stop ours-pair
	vm_stop base-pair
}

# 2: bit 16 gates the hypercall, bit 17 the MSR
bit_17_alone()
{
	other_pair no_calls_with_bit_17 "features=20000:10000"
}

no_calls_with_bit_17()
{
	[ "$(calls_of "$1")" = 0 ] || defect "calls without bit 16"
}

bit_16_alone()
{
	other_pair calls_with_bit_16 "features=10000:20000"
}

calls_with_bit_16()
{
	[ "$(calls_of "$1")" != 0 ] || defect "no calls though bit 16 is offered"
}

# 6: RAM ends within page 0x9f
partial_page()
{
	both whole_pages_of_ram main
}

whole_pages_of_ram()
{
	local gpa npages first last
	vm_sh "$1" 'grep "0009fbff : System RAM" /proc/iomem'
	while read -r gpa npages _; do
		first=$((gpa >> 12)) last=$(((gpa >> 12) + npages - 1))
		[ $((gpa & 4095)) = 0 ] || defect "address $gpa"
		[ $first -gt 159 ] || [ $last -lt 159 ] || defect "page 0x9f is announced: $gpa $npages"
	done < <(vm_trace_calls "$1")
}

# 8
calls_after_enosys()
{
	echo 0 >/sys/module/kvm/parameters/page_enc_status
	other_pair one_call_with_enosys "features=30000:0,msr=accept"
	echo 1 >/sys/module/kvm/parameters/page_enc_status
}

one_call_with_enosys()
{
	local calls
	calls=$(calls_of "$1")
	holds calls "$calls" -ge 1
	[ "$calls" = 1 ] || defect "$calls calls to a host that knows none"
}

# 7
cpu_offline()
{
	both ready_without_a_cpu main
}

ready_without_a_cpu()
{
	equal READY "$(vm_stat "$1" ready)" 1
	vm_sh "$1" 'cd /sys/devices/system/cpu/cpu1 && echo 0 >online && echo 1 >online'
	equal CPUs "$(vm_sh "$1" nproc)" 2
	[ "$(vm_stat "$1" ready)" = 1 ] || defect "READY is withdrawn"
}

# 4
calls_per_leaf()
{
	both few_calls main
}

few_calls()
{
	local before n
	has_exerciser "$1"
	before=$(calls_of "$1")
	exercise "$1" "size=512K leaf=4k"
	n=$(calls_after "$1" "$before" | wc -l)
	holds "calls for two conversions of 128 pages" "$n" -ge 2
	[ "$n" -le 6 ] || defect "$n calls for two conversions"
}

# 5: one page of 2M that are mapped as one
part_of_leaf()
{
	both one_page_of_leaf main
}

one_page_of_leaf()
{
	local before pages
	has_exerciser "$1"
	before=$(calls_of "$1")
	exercise "$1" "size=2M align=2M pattern=again"
	pages=$(calls_after "$1" "$before" | awk '$3 !~ /1.$/ { n += $2 } END { print n }')
	holds "pages announced as shared" "$pages" -ge 513
	[ "$pages" = 513 ] || defect "$pages pages for one of 512 pages and one of 1"
}

# 1
refusal_dropped()
{
	both refusal_arrives main
}

refusal_arrives()
{
	has_exerciser "$1"
	vm_vmm "$1" "answer 1 22"
	exercise "$1" "size=64K"
	equal "refused calls" "$(vm_vmm_calls "$1" | grep -c ' -22$')" 1
	[ "$(exercised "$1" failed)" != 0 ] || defect "the conversion did not fail"
	equal errno "$(exercised "$1" errno)" -22
}

# 3: the last, as a guest hangs in it, of which its console must not complain
pfn_0()
{
	both page_0_is_converted main
	vm_stop base-main
}

page_0_is_converted()
{
	local rc=0 PATIENCE=$PATIENCE
	case $1 in base-*) PATIENCE=1 ;; esac # it hangs, however long one waits
	has_exerciser "$1"
	vm_sh "$1" 'echo 0 >/proc/sys/kernel/watchdog;
		echo 1 >/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress'
	exercise "$1" pattern=pfn0 15 || rc=$?
	[ $rc != 125 ] || defect "the conversion does not come to an end"
	equal failed "$rc:$(exercised "$1" failed)" 0:0
}
