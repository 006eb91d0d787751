# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Firmware opens and closes memory slots (SMRAM, PAM, flash) while the guest
# boots: the map stays consistent with them.
# timeout: 120
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boots slots map)

boots()
{
	VM_MEM=256M VM_OPTS="-global mch.extended-tseg-mbytes=8" vm_start seabios
	sev_active seabios
}

slots()
{
	slots_check seabios
}

map()
{
	map_check seabios
	shared_plausible seabios
}
