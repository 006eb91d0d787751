#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the kernel after every single patch, in a work tree of its own, with
# everything on that the patches so far know, and boot it: those of the guest
# series as the guest, those of the host series as the host of the whole series.
# Slow at first, then ccache helps.
# usage: ci/each-patch.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/series.sh"
WHOLE=$LINUX/obj/arch/x86/boot/bzImage

# boots COMMIT KERNEL
boots()
{
	local guest=$WHOLE host=$WHOLE
	if kgit merge-base --is-ancestor "$1" refs/heads/guest-end; then
		guest=$2
	else
		host=$2
	fi
	TIMES='' RESULTS=$KDIR/each-results L1_KERNEL=$host GUEST_KERNEL=$guest "$TOP/ci/cases.sh" each-patch
}

main()
{
	local each=$KDIR/each commit failed=0 nr=0 count verdict start results=$RESULTS/each-patch
	mkdir -p "$RESULTS"
	: >"$results"
	[ -e "$each/.git" ] || kgit worktree add -q --detach "$each" refs/heads/base
	count=$(kgit rev-list --count refs/heads/base..HEAD)
	for commit in $(kgit rev-list --reverse refs/heads/base..HEAD); do
		nr=$((nr + 1)) start=$SECONDS
		verdict=FAIL
		git -C "$each" checkout -q --detach "$commit"
		if "$TOP/ci/kernel.sh" "$each" && boots "$commit" "$each/obj/arch/x86/boot/bzImage"; then
			verdict=PASS
		else
			failed=1
		fi
		echo "$verdict each-patch/$nr of $count: $(kgit log -1 --format=%s "$commit")" | tee -a "$results"
		note_time each-patch "$nr of $count" $((SECONDS - start))
	done
	return $failed
}

main "$@"
