# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Instructions to learn which pages of 1 TB have changed, if 100 in different places
# have, against those for copying a bitmap with a bit for each page from the
# kernel, without looking at it.
# what: to harvest 100 changed pages of 1 TB
# against: a bitmap
# unit: instructions
# goal: 0.1
# timeout: 240
# icount: yes

. "$TOP/ci/l1/perf.sh"

measure()
{
	perf_tracker 1
	perf_pair "copy 32" "harvest 1024 100"
}
