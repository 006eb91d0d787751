# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A guest boots as simulated SEV guest and KVM knows what it shares.
# timeout: 120
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot sev map_agrees)

boot()
{
	vm_start main
}

sev()
{
	sev_active main
}

map_agrees()
{
	map_check main
	shared_plausible main
}
