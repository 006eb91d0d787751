#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A prompt in L1 with a guest running in the background and encstat on the PATH.
# It ends with exit or Ctrl-D; Ctrl-A X ends QEMU at once, Ctrl-A H lists more.
# usage: ci/shell.sh		GUEST_KERNEL, GUEST_MODULES: as for ci/demo.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$TOP/ci/qemu.sh"

main()
{
	local dir=$LOGS/shell rc=0 settings ROWS COLUMNS
	[ -t 0 ] && [ -t 1 ] || die "standard input and output must be a terminal"
	require_file "$BUILD/encstat/encstat" encstat
	settings=$(stty -g)
	# shellcheck disable=SC2064 # now, not then
	trap "stty $settings" EXIT
	trap 'exit 129' HUP TERM
	# shellcheck disable=SC2034 # by l1_env
	read -r ROWS COLUMNS < <(stty size)
	l1_prepare "$dir" shell
	l1_env "$dir" ROWS COLUMNS
	say "booting the host in QEMU ($ACCEL); Ctrl-A X ends it at once"
	# not timeout's own process group: the terminal is QEMU's
	L1_TIMEOUT="--foreground" l1_qemu "$dir" 0 "$TRACKED" \
		-chardev stdio,mux=on,signal=off,id=user -mon chardev=user,mode=readline \
		-device virtconsole,chardev=user || rc=$?
	stty "$settings"
	[ $rc = 0 ] && [ -e "$dir/l1.dmesg" ] || die "the host did not end by itself, logs are in $dir"
}

main "$@"
