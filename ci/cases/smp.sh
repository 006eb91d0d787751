# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Several guests on one host, with 1 and 4 CPUs, and an unpatched kernel as the
# guest; each has its own map.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# base: yes
tests=(boot_4 boot_1 percpu_page maps_differ encstat_tells_apart base_guest base_map cpu_off base_kexec)

boot_4()
{
	VM_SMP=4 VM_MEM=384M vm_start four
	sev_active four
	equal "CPUs" "$(vm_sh four nproc)" 4
	map_check four
	oracle four
	shared_plausible four
}

boot_1()
{
	VM_SMP=1 VM_MEM=256M VM_DISK=none VM_APPEND=percpu_alloc=page vm_start one
	sev_active one
	map_check one
	shared_plausible one
}

# Per-CPU data is in the vmalloc area, and what is announced anew is looked for in
# the direct map.
percpu_page()
{
	vm_sh one 'grep pcpu_get_vm_areas /proc/vmallocinfo || dmesg | grep "percpu:"'
	oracle one
	vm_sh one "echo 1 >/sys/kernel/debug/kvm_page_enc/announce"
	ready_is one 1 2 1
	oracle one
}

maps_differ()
{
	vm_map four >/tmp/four
	vm_map one >/tmp/one
	! cmp -s /tmp/four /tmp/one || vm_fail "two guests, one map"
	map_check four
}

encstat_tells_apart()
{
	[ -x "$OUT/encstat" ] || skip "encstat is not built"
	encstat_agrees four
	encstat_agrees one
	equal "VMs" "$("$OUT/encstat" -j | jq '[.. | objects | select(has("pid"))] | length')" 2
}

base_guest()
{
	vm_stop one
	VM_KERNEL=$OUT/base.bzImage VM_KEXEC=1 vm_start base
	sev_active base
	vm_sh base 'uname -r'
}

base_map()
{
	map_check base
	shared_plausible base
	equal READY "$(vm_stat base ready)" 1
}

# An unpatched kernel withdraws READY here and never sets it again
cpu_off()
{
	vm_sh four 'echo 0 >/sys/devices/system/cpu/cpu3/online && echo 1 >/sys/devices/system/cpu/cpu3/online'
	equal "CPUs" "$(vm_sh four nproc)" 4
	map_check four
	vm_sh four 'grep -q " kvm_page_enc" /proc/kallsyms' || return 0
	equal READY "$(vm_stat four ready)" 1
	equal "times withdrawn" "$(vm_stat four ready_cleared)" 0
}

# from the unpatched kernel into the patched one
base_kexec()
{
	vm_kexec base
	sev_active base
	map_check base
	shared_plausible base
	equal READY "$(vm_stat base ready)" 1
	equal "times withdrawn" "$(vm_stat base ready_cleared)" 1
}
