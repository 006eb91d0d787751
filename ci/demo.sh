#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot a tracked guest in L1 and show its page encryption status, then one that
# cheats.  Exits 0 only if what it showed was right.
# usage: ci/demo.sh
#   GUEST_KERNEL=FILE  another bzImage as the guest
#   GUEST_MODULES=DIR  its modules, if virtio_blk is not built in
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$TOP/ci/qemu.sh"

# The port that carries what the user is to see
user_port=(-chardev "file,id=user,path=/dev/stdout,append=on" -device "virtserialport,chardev=user,name=user")

# add_cheat DIR: the guest that cheats always has our kernel, for an option of its
add_cheat()
{
	mkdir "$1/cheat"
	cp "$L1_KERNEL" "$1/cheat/bzImage"
	GUEST_MODULES='' "$TOP/ci/guest/mkinitramfs.sh" "$L1_KERNEL" "$1/cheat"
}

main()
{
	local dir=$LOGS/demo rc=0 bad
	require_file "$BUILD/encstat/encstat" encstat
	l1_prepare "$dir" demo
	add_cheat "$dir"
	say "booting the host in QEMU ($ACCEL), and the guest in it"
	l1_qemu "$dir" "${DEMO_TIMEOUT:-240}" "$TRACKED" "${user_port[@]}" | cat || rc=${PIPESTATUS[0]}
	l1_verdicts "$dir" "$rc" >"$dir/verdicts"
	bad=$(grep '^FAIL' "$dir/verdicts" || :)
	echo
	if [ -n "$bad" ]; then
		printf '%s\n' "$bad"
		die "something was not right ($(elapsed $SECONDS)); logs are in $dir"
	fi
	say "all of it was right: $(grep -c '^PASS' "$dir/verdicts") checks, $(elapsed $SECONDS)"
}

main "$@"
