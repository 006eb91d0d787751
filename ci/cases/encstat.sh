# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# encstat sees what happens: the guest's list and the host's map are the same to
# diff, check finds nothing wrong, trace sees conversions and leaves nothing behind.
# timeout: 240
# append: kvm.page_enc_status=1 kvm.sev_sim=1
tests=(boot diff_agrees diff_differs check_ok check_wrong trace_sees trace_filters
	trace_killed metrics_agree list_rates kvm_stat_shows)
ENCSTAT=$OUT/encstat
TRACING=/sys/kernel/tracing

boot()
{
	[ -x "$ENCSTAT" ] || skip "encstat is not built"
	dd if=/dev/urandom of=/tmp/main.disk bs=1M count=16 status=none
	VM_DISK=/tmp/main.disk vm_start main
}

diff_agrees()
{
	guest_has main /sys/kernel/debug/x86/mem_encrypt/decrypted
	vm_sh main "cat /proc/iomem" >/tmp/iomem
	vm_sh main "cat /sys/kernel/debug/x86/mem_encrypt/decrypted" |
		"$ENCSTAT" diff --ram /tmp/iomem "$(vm_pid main)" -
}

diff_differs()
{
	local rc=0
	cp "$(vm_debugfs main)/page_enc_map" /tmp/before.map
	vm_unbind main
	"$ENCSTAT" diff /tmp/before.map live -p "$(vm_pid main)" || rc=$?
	vm_bind main
	equal "exit code of diff" $rc 3
}

# Stock kvm_stat lists what there is; its numbers are relative to when it began
kvm_stat_shows()
{
	local program
	program=$(find "$BUILD" -path '*/linux/tools/kvm/kvm_stat/kvm_stat' -print -quit)
	[ -n "$program" ] || skip "no kernel tree with kvm_stat"
	python3 "$program" -1 -d -f 'page_enc_.*' | tee /tmp/kvm_stat
	grep -q '^page_enc_shared_pages ' /tmp/kvm_stat
}

check_ok()
{
	"$ENCSTAT" check
}

check_wrong()
{
	local rc=0
	echo N >/sys/module/kvm/parameters/page_enc_status
	"$ENCSTAT" check -j >/tmp/check.json || rc=$?
	echo Y >/sys/module/kvm/parameters/page_enc_status
	equal "exit code of check" $rc 0
	equal "what it says of the parameter" \
		"$(jq -r '.checks[] | select(.check == "page_enc_status").status' /tmp/check.json)" warning
}

has_events()
{
	[ -e $TRACING ] || skip "no tracefs"
	mountpoint -q $TRACING || mount -t tracefs none $TRACING
	[ -e $TRACING/events/kvm/kvm_page_enc_set ] || skip "this kernel has no tracepoints kvm_page_enc_*"
}

no_instance()
{
	[ -z "$(find $TRACING/instances -maxdepth 1 -name "encstat*")" ] || vm_fail "a trace instance is left"
}

# traced OPTIONS...: what a trace of a conversion says
traced()
{
	local pid
	"$ENCSTAT" trace -j "$@" >/tmp/trace.json &
	pid=$!
	until_true 20 test -e $TRACING/instances/encstat-$pid/events/kvm/kvm_page_enc_set
	sleep 1
	vm_unbind main
	vm_bind main
	sleep 1
	kill -INT $pid
	wait $pid || vm_fail "trace: status $?" || return
	no_instance
}

trace_sees()
{
	has_events
	traced
	jq -c '.events[]' /tmp/trace.json | head -n 20
	equal "pid of the events" "$(jq '[.events[].pid] | unique[]' /tmp/trace.json)" "$(vm_pid main)"
	holds "events" "$(jq '.events | length' /tmp/trace.json)" -ge 2
	equal "statuses" "$(jq -r '[.events[].status] | unique | join(" ")' /tmp/trace.json)" \
		"private shared"
	equal "they are ascending" "$(jq '[.events[].time_ns] | . == sort' /tmp/trace.json)" true
}

trace_filters()
{
	has_events
	traced --shared -p "$(vm_pid main)"
	equal "statuses" "$(jq -r '[.events[].status] | unique | join(" ")' /tmp/trace.json)" shared
	traced -p 1
	equal "events of another VM" "$(jq '.events | length' /tmp/trace.json)" 0
}

# What one that is killed leaves is removed by the next; a closed pipe is no kill
trace_killed()
{
	local pid
	has_events
	"$ENCSTAT" trace >/dev/null &
	pid=$!
	until_true 20 test -e $TRACING/instances/encstat-$pid
	sleep 1
	kill -KILL $pid
	wait $pid || :
	[ -e $TRACING/instances/encstat-$pid ] || vm_fail "a killed trace left no instance"
	traced | cat
	no_instance
}

metrics_agree()
{
	equal "shared bytes by metrics" \
		"$("$ENCSTAT" metrics | sed -n 's/^encstat_shared_bytes{.*} //p')" \
		$(($(shared main) * 4096))
}

list_rates()
{
	"$ENCSTAT" list -i 3 -o vm,conversions -j >/tmp/list.json &
	sleep 1
	vm_unbind main
	vm_bind main
	wait $!
	holds "conversions a second" "$(jq '.vms[0].conversions_per_s | floor' /tmp/list.json)" -ge 1
}
