# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A host with 39 bits of physical addresses, as some laptops have.  The C-bit is lower
# than the bits that the CPU finds the first page table by, so KVM's roots are one level
# further down.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# cpu: phys-bits=39
# selftests: yes
. "$TOP/ci/l1/selftest.sh"
C_BIT=${C_BIT:-38}
OWN=(sev_sim_test sev_sim_strict_test)
OTHERS=(smm_test)
tests=(folded split)

# boots NAME: a guest, to the page as the host has it
boots()
{
	VM_SMP=2 VM_MEM=256M vm_start "$1"
	sev_active "$1"
	grep "^c_bit $C_BIT\$" "$(vm_debugfs "$1")/page_enc_map"
	vm_unbind "$1"
	vm_bind "$1"
	oracle "$1"
}

folded()
{
	boots folded
	vm_stop folded
}

split()
{
	echo 1 >/sys/module/kvm/parameters/sev_sim_strict
	boots split
	equal violations "$(vm_stat split violations)" 0
	vm_stop split
	echo 0 >/sys/module/kvm/parameters/sev_sim_strict
}

for program in "${OWN[@]}" "${OTHERS[@]}"; do
	selftest_add simulated 1 1 "$program"
done
