# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Eight kexecs in a row (kexec-all: twenty), while memory is converted until the last moment: into
# the kernel with the series, into the unpatched one, and into one that tells the
# host nothing, which must find that no page is shared.
# timeout: 400
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# base: yes
tests=(boot not_loaded)
CONVERT="threads=3 pattern=random size=512K chunk=12K seconds=600"

# Each is a kexec: the kernel, and whether it announces.  The unpatched kernel leaves
# shared what it shared, so "off" does not follow on it.
KERNELS=(bzImage base bzImage off base bzImage off bzImage)
[ -z "${TWENTY:-}" ] || KERNELS+=(base bzImage bzImage base bzImage off bzImage bzImage
	base bzImage bzImage bzImage)

boot()
{
	mkdir -p /tmp/extra/kexec
	cp "$OUT/base.bzImage" /tmp/extra/kexec/base
	(cd /tmp/extra && find . | cpio -o -H newc --quiet) >/tmp/extra.cpio
	VM_SMP=2 VM_MEM=256M VM_DISK=none VM_KEXEC=1 VM_INITRD=/tmp/extra.cpio vm_start main
	ready_is main 1 1 0
	oracle main
	echo bzImage >/tmp/kernel
}

# load KERNEL: the guest packs what it has found in its initramfs for the next
load()
{
	local append="$VM_APPEND_DEFAULT $VM_QUICK" kernel=$1
	[ "$1" != off ] || { kernel=bzImage; append+=" kvm_page_enc=off"; }
	vm_sh main "cd / && find . -xdev ! -path ./kexec/initrd | cpio -o -H newc >/tmp/initrd &&
		kexec -c -l --no-checks /kexec/$kernel --initrd=/tmp/initrd --command-line='$append' && rm /tmp/initrd" 60
}

# READY is not touched by a kexec that does not come about: the reboot notifiers
# have not run
not_loaded()
{
	load bzImage
	vm_sh main 'kexec -u; ! kexec -e'
	ready_is main 1 1 0
	exercise main "pattern=random"
	oracle main
}

# Once it converts memory, as the host sees it if it says so
leave()
{
	vm_msr_start
	vm_send main convert "{ echo $CONVERT >/sys/kernel/debug/x86/mem_encrypt/exercise; } 2>/dev/null &"
	[ "$1" = off ] || until_true 60 calls_made $(($2 + 50))
	vm_send main kexec "kexec -e"
	vm_wait main 90
}

# calls_made N: so many at least
calls_made()
{
	[ "$(vm_stat main calls)" -gt "$1" ]
}

# into KERNEL
into()
{
	local from cleared set calls
	from=$(cat /tmp/kernel)
	cleared=$(vm_stat main ready_cleared)
	set=$(vm_stat main ready_set)
	load "$1"
	calls=$(vm_stat main calls)
	leave "$from" "$calls"
	[ "$from" = off ] || cleared=$((cleared + 1))
	case $1 in
	off)
		equal "shared RAM" "$(shared_ram main)" ""
		ready_is main 0 "$set" "$cleared"
		;;
	base)
		oracle main mixed
		ready_is main 1 $((set + 1)) "$cleared"
		;;
	*)
		oracle main
		ready_is main 1 $((set + 1)) "$cleared"
		;;
	esac
	values_written "$from" "$1"
	echo "$1" >/tmp/kernel
}

# values_written FROM INTO: by a kernel with the series just one 0
values_written()
{
	local written
	case $1 in off) ;; bzImage) written=0 ;; base) written="0 0" ;; esac
	case $2 in off) ;; *) written="${written:+$written }1" ;; esac
	equal "values written" "$(vm_msr_writes)" "${written:-}"
}

# One test each
for i in "${!KERNELS[@]}"; do
	eval "kexec_$((i + 1))_${KERNELS[i]}() { into ${KERNELS[i]}; }"
	tests+=("kexec_$((i + 1))_${KERNELS[i]}")
done
tests+=(map)

map()
{
	map_check main
}
