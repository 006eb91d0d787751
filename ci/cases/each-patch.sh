# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Not part of "all": ci/each-patch.sh runs it with every kernel of the series, as
# the guest or as the host.  Either need not know anything of what is asked for.
# timeout: 120
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# only: named
tests=(boots works oracle_agrees)

boots()
{
	VM_MEM=256M vm_start each
	vm_sh each 'uname -r'
}

works()
{
	local sum
	sum=$(vm_sh each 'cat /bin/busybox >/tmp/f && sync && sha256sum </tmp/f')
	equal "sha256 of busybox" "$(vm_sh each 'sha256sum </bin/busybox')" "$sum"
	vm_sh each 'dd if=/dev/vda of=/dev/null bs=1M count=16 2>&1'
}

oracle_agrees()
{
	sev_active each || skip "this host does not simulate SEV"
	[ -e "$(vm_debugfs each)/page_enc_map" ] || skip "this host has no map"
	oracle each mixed
}
