# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Debian's own cloud kernels as guests: they know nothing of the guest series, and
# what mainline tells the host since 2021 is what the tracker has.
# timeout: 300
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# stock: 6.1 6.12
tests=(nothing_needs_xsave)
VERSIONS="6.1 6.12"

# cpuid LEAF SUBLEAF: eax ebx ecx edx of L1
cpuid()
{
	dd if=/dev/cpu/1/cpuid bs=16 count=1 iflag=skip_bytes skip=$(($1 | $2 << 32)) status=none | od -An -tx4
}

# no_bits WHAT HEX MASK
no_bits()
{
	equal "$1 & $3" $((0x$2 & $3)) 0
}

# What the CPU says, not what Linux makes of it: there a flag goes with XSAVE
nothing_needs_xsave()
{
	local eax ebx ecx edx
	! dmesg | grep 'Hypervisor detected: KVM' || skip "ACCEL=kvm: XSAVE works"
	read -r _ _ ecx _ < <(cpuid 1 0)
	no_bits "1.ecx: FMA, XSAVE, OSXSAVE, AVX, F16C" "$ecx" 0x3c001000
	read -r _ ebx ecx edx < <(cpuid 7 0)
	no_bits "7.ebx: AVX2, MPX, AVX512" "$ebx" 0xdc234020
	no_bits "7.ecx: PKU, VAES, VPCLMULQDQ, AVX512" "$ecx" 0x5e4a
	no_bits "7.edx: AVX512, AMX" "$edx" 0x03c0010c
	read -r eax _ < <(cpuid 7 1)
	no_bits "7.1.eax: AVX-VNNI, AVX512-BF16" "$eax" 0x30
	read -r _ _ ecx _ < <(cpuid 0x80000001 0)
	no_bits "80000001.ecx: XOP, LWP, FMA4" "$ecx" 0x18800
	read -r eax _ < <(cpuid 13 1)
	no_bits "d.1.eax" "$eax" 0xffffffff
}

# guest VERSION: its name
guest()
{
	echo "debian-$1"
}

# launch VERSION
launch()
{
	dd if=/dev/urandom of="/tmp/$1.disk" bs=1M count=16 status=none
	VM_KERNEL=$OUT/stock-$1/bzImage VM_CPIO=$OUT/stock-$1/guest.cpio VM_MEM=384M \
		VM_DISK=/tmp/$1.disk vm_launch "$(guest "$1")"
}

# All at once: the first test boots them
launch_all()
{
	local version
	vm_trace_start
	for version in $VERSIONS; do
		[ -e "$OUT/stock-$version/missing" ] || launch "$version"
	done
	touch /tmp/launched
}

boots()
{
	local name
	name=$(guest "$1")
	[ -e /tmp/launched ] || launch_all
	there "$1"
	vm_wait "$name" 150
	vm_sh "$name" 'uname -r' | tee /tmp/release
	grep "^${1//./\\.}\..*-cloud-amd64" /tmp/release
	sev_active "$name"
	ready_is "$name" 1 1 0
}

# there VERSION: or the test is skipped
there()
{
	[ ! -e "$OUT/stock-$1/missing" ] || skip "$(cat "$OUT/stock-$1/missing")"
}

# What it announced, call by call, and nothing else; its bounce buffers are in that
is_tracked()
{
	local name
	there "$1"
	name=$(guest "$1")
	map_check "$name"
	shared_plausible "$name"
	vm_trace_calls "$name" | as_view | pages_of_view | sort >/tmp/announced
	vm_map "$name" | grep 'shared$' | pages_of_runs | sort >/tmp/tracked
	holds "announced pages" "$(wc -l </tmp/announced)" -gt 0
	equal "pages that differ" "$(comm -3 /tmp/announced /tmp/tracked | head -n 4 | xargs)" ""
	bounce_buffers "$name" | sort >/tmp/bounce
	holds "pages of bounce buffers" "$(wc -l </tmp/bounce)" -gt 1000
	equal "those that are not shared" "$(comm -23 /tmp/bounce /tmp/tracked | head -n 4 | xargs)" ""
}

# as_view: lines "GPA NPAGES ATTRS" of mainline's, whose only attribute is "private"
as_view()
{
	local gpa npages attrs
	while read -r gpa npages attrs; do
		if [ $((attrs & 16)) = 0 ]; then
			echo "$gpa $npages shared"
		else
			echo "$gpa $npages private"
		fi
	done
}

# Their page numbers, as the log has them: the second address is no longer theirs
bounce_buffers()
{
	local first last
	read -r first last < <(vm_sh "$1" 'dmesg | grep "software IO TLB: mapped"' |
		sed -n 's/.*\[mem \(0x[0-9a-f]*\)-\(0x[0-9a-f]*\)\].*/\1 \2/p')
	seq $((first >> 12)) $(((last - 1) >> 12))
}

converts()
{
	local name before
	there "$1"
	name=$(guest "$1")
	before=$(shared "$name")
	vm_unbind "$name"
	holds "shared pages without the disk" "$(shared "$name")" -lt "$before"
	vm_bind "$name"
	is_tracked "$1"
	equal "sha256 of the disk" \
		"$(vm_sh "$name" 'dd if=/dev/vda bs=1M iflag=direct 2>/dev/null | sha256sum | cut -c1-64' 60)" \
		"$(sha256sum <"/tmp/$1.disk" | cut -c1-64)"
}

shown_by_encstat()
{
	there "$1"
	[ -x "$OUT/encstat" ] || skip "encstat is not built"
	encstat_agrees "$(guest "$1")"
}

for version in $VERSIONS; do
	for check in boots is_tracked converts shown_by_encstat; do
		eval "${check}_${version/./_}() { $check $version; }"
		tests+=("${check}_${version/./_}")
	done
done
