# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Bytes that are copied between VMM and kernel to learn which pages of 1 TB have
# changed, if 100 in different places have, against a bitmap with a bit for each
# page.
# what: copied to harvest 100 changed pages of 1 TB
# against: a bitmap
# unit: bytes
# goal: 0.001
# timeout: 120

. "$TOP/ci/l1/perf.sh"

measure()
{
	local ours
	perf_tracker 1
	ours=$("$OUT/perf" harvest-bytes 1024 100) || return
	echo "$((1024 * 1024 * 1024 / 4 / 8)) $ours"
}
