# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Nothing is judged that others don't judge: this records a guest for the pictures of
# Documentation/pictures/, see ci/pictures.sh.  It boots, its disk's rings become private
# and shared again, it kexecs, and converts memory at random until the recording ends.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# only: named
tests=(recording_begins boot disk kexec conversions recording_ends)
ENCSTAT=$OUT/encstat
RECORDING=$OUT/guest.jsonl

recording_begins()
{
	[ -x "$ENCSTAT" ] || skip "encstat is not built"
	"$ENCSTAT" record "$RECORDING" >"$OUT/record.err" 2>&1 &
	echo $! >/tmp/recorder
}

boot()
{
	VM_KEXEC=1 vm_start web
	sev_active web
	sleep 4
}

disk()
{
	vm_unbind web
	sleep 4
	vm_bind web
	sleep 4
}

kexec()
{
	vm_kexec web
	equal READY "$(vm_stat web ready)" 1
	sleep 4
}

conversions()
{
	has_exerciser web
	exercise_start web "size=64M chunk=2M pattern=random seconds=60"
	sleep 12
}

recorder_is_gone()
{
	! kill -0 "$(cat /tmp/recorder)" 2>/dev/null
}

recording_ends()
{
	kill -INT "$(cat /tmp/recorder)"
	until_true 60 recorder_is_gone
	[ ! -s "$OUT/record.err" ] || vm_fail "$(cat "$OUT/record.err")"
	"$ENCSTAT" replay "$RECORDING" | tail -n 5
	vm_stop web
}
