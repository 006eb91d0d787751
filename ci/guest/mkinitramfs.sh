#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Pack the guest's initramfs: busybox, the agent, modules if any.
# usage: ci/guest/mkinitramfs.sh KERNEL DIR
#   DIR/guest.cpio  the initramfs
#   DIR/kexec.cpio  for guests that kexec, to follow guest.cpio: the program
#                   with its libraries, KERNEL and guest.cpio in /kexec
#   GUEST_MODULES=DIR  modules of KERNEL, default where KERNEL's distribution
#                      has them, if it is there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernel=$(realpath "$1")
out=$(realpath "$2")
# in order of loading; what is built in has no file
MODULES="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk cpuid msr"
APPLETS="sh mount umount cat dd od grep sed awk sha256sum sleep reboot poweroff dmesg stty ls mkdir
	sync cut tr head tail wc date insmod seq basename dirname readlink uname nproc
	mkfifo mkswap swapon rm cp mv ln touch kill ps free sort uniq xargs env
	cpio find halt swapoff taskset stat"

fail()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# add_program ROOT NAME: with its libraries
add_program()
{
	local root=$1 file lib
	file=$(PATH=$PATH:/usr/sbin:/sbin command -v "$2") || fail "no program $2"
	mkdir -p "$root/bin"
	cp -L "$file" "$root/bin/"
	# a static program has none, at which ldd and grep fail
	{ ldd "$file" 2>/dev/null | grep -o '/[^ )]*' || :; } | while read -r lib; do
		mkdir -p "$root$(dirname "$lib")"
		cp -L "$lib" "$root$lib"
	done
}

# The version that a bzImage says it has
kernel_version()
{
	local at
	at=$(od -An -tu2 -j 526 -N 2 "$kernel")
	dd if="$kernel" bs=1 skip=$((at + 512)) count=80 2>/dev/null | tr '\0' ' ' | cut -d' ' -f1
}

modules_dir()
{
	local version dir
	if [ -n "${GUEST_MODULES:-}" ]; then
		[ -d "$GUEST_MODULES" ] || fail "GUEST_MODULES=$GUEST_MODULES: no such directory"
		echo "$GUEST_MODULES"
		return
	fi
	version=$(kernel_version)
	for dir in "$(dirname "$kernel")/../lib/modules/$version" "/lib/modules/$version"; do
		[ -n "$version" ] && [ -d "$dir/kernel" ] || continue
		echo "$dir"
		return
	done
}

unpacked()
{
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -dc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

add_modules()
{
	local from m file n=10
	from=$(modules_dir)
	[ -n "$from" ] || return 0
	mkdir -p "$1/modules"
	for m in $MODULES; do
		file=$(find "$from/" -name "$m.ko*" -print -quit)
		[ -n "$file" ] || continue
		n=$((n + 1))
		unpacked "$file" >"$1/modules/$n-$m.ko"
	done
}

# pack ROOT FILE
pack()
{
	(cd "$1" && find . | sort | cpio -o -H newc -R 0:0 --reproducible --quiet) >"$2"
}

initramfs()
{
	local root=$tmp/guest applet
	mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp}
	add_program "$root" busybox
	[ ! -d "$root/lib64" ] || fail "busybox is not static: install busybox-static"
	for applet in $APPLETS; do
		ln -s busybox "$root/bin/$applet"
	done
	add_modules "$root"
	install -m 755 "$here/init" "$here/agent" "$root/"
	install -m 644 "$here/splats" "$root/etc/splats"
	install -m 755 "$here/complaints" "$root/etc/complaints"
	pack "$root" "$out/guest.cpio"
}

kexec_files()
{
	local root=$tmp/kexec
	add_program "$root" kexec
	mkdir "$root/kexec"
	cp "$kernel" "$root/kexec/bzImage"
	cp "$out/guest.cpio" "$root/kexec/initrd"
	pack "$root" "$out/kexec.cpio"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
initramfs
kexec_files
