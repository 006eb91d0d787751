#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Pack the guest's initramfs: busybox, kexec, the agent, modules if any.
# usage: ci/guest/mkinitramfs.sh FILE
#   GUEST_MODULES=DIR  kernel modules (DIR/lib/modules/VERSION or that itself)
#                      for guest kernels that have virtio_blk as modules
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath "$1")
MODULES="virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk"
APPLETS="sh mount umount cat dd od grep sed awk sha256sum sleep reboot poweroff dmesg stty ls mkdir
	echo sync cut tr head tail wc printf test expr date insmod seq basename dirname readlink uname
	mkswap swapon blockdev rm cp mv ln touch kill ps free hexdump sort uniq xargs env true false"

add_program()
{
	local file lib
	file=$(command -v "$1" || PATH=/usr/sbin:/sbin command -v "$1")
	cp -L "$file" "$root/bin/"
	ldd "$file" 2>/dev/null | grep -o '/[^ )]*' | while read -r lib; do
		mkdir -p "$root$(dirname "$lib")"
		cp -Ln "$lib" "$root$lib"
	done
}

add_modules()
{
	local m file n=10
	for m in $MODULES; do
		file=$(find "$GUEST_MODULES" -name "$m.ko*" -print -quit)
		[ -n "$file" ] || continue
		n=$((n + 1))
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -dc "$file" ;;
		*.gz) gzip -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$root/modules/$n-$m.ko"
	done
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,modules,lib,lib64}
cp "$(command -v busybox)" "$root/bin/busybox"
! ldd "$root/bin/busybox" >/dev/null 2>&1 || { echo "busybox is not static: busybox-static is needed" >&2; exit 1; }
for applet in $APPLETS; do
	ln -s busybox "$root/bin/$applet"
done
add_program kexec
[ -z "${GUEST_MODULES:-}" ] || add_modules
install -m 755 "$here/init" "$here/agent" "$root/"
install -m 644 "$here/splats" "$root/etc/splats"
(cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --reproducible --quiet) >"$out.new"
mv "$out.new" "$out"
