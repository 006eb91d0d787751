# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# encstat sees what happens: the guest's list and the host's map are the same to
# diff, check finds nothing wrong, trace sees conversions and leaves nothing behind;
# two guests at once, one of which dies while top shows it; a VM that shares every
# other page of 8 GiB, a million ranges.
# timeout: 400
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# perf: yes
tests=(boot diff_agrees diff_differs check_ok check_wrong trace_sees trace_filters
	trace_killed metrics_agree list_rates kvm_stat_shows
	list_two report_live trace_violation check_violation top_two top_one_dies
	million_boots million_list million_map million_top million_record million_report
	locked_down)
ENCSTAT=$OUT/encstat
GIB=8
MILLION=$((GIB << 17))		# ranges: every other page of it
LATER=$((MILLION - 512))	# ... and when 4 MiB of them have become private
TRACING=/sys/kernel/tracing
STRICT=/sys/module/kvm/parameters/sev_sim_strict

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

# trace_on PID: it has switched on all of its events
trace_on()
{
	local event
	for event in set refused ready violation; do
		grep -q 1 "$TRACING/instances/encstat-$1/events/kvm/kvm_page_enc_$event/enable" || return
	done
}

# traced OPTIONS...: what a trace of a conversion says
traced()
{
	local pid
	"$ENCSTAT" trace -j "$@" >/tmp/trace.json &
	pid=$!
	until_true 20 trace_on $pid
	vm_unbind main
	vm_bind main
	kill -INT $pid
	wait $pid || vm_fail "trace: status $?" || return
	no_instance
}

trace_sees()
{
	has_events
	traced
	jq -c 'select(.event)' /tmp/trace.json | head -n 20
	equal "pid of the events" "$(jq -s '[.[] | select(.event) | .pid] | unique[]' /tmp/trace.json)" "$(vm_pid main)"
	holds "events" "$(jq -s 'map(select(.event)) | length' /tmp/trace.json)" -ge 2
	equal "statuses" "$(jq -s -r '[.[] | select(.event) | .status] | unique | join(" ")' /tmp/trace.json)" \
		"private shared"
	equal "they are ascending" "$(jq -s '[.[] | select(.event) | .time_ns] | . == sort' /tmp/trace.json)" true
}

trace_filters()
{
	has_events
	traced --shared -p "$(vm_pid main)"
	equal "statuses" "$(jq -s -r '[.[] | select(.event) | .status] | unique | join(" ")' /tmp/trace.json)" shared
	traced -p 1
	equal "events of another VM" "$(jq -s 'map(select(.event)) | length' /tmp/trace.json)" 0
}

# What one that is killed leaves is removed by the next; a closed pipe is no kill
trace_killed()
{
	local pid
	has_events
	"$ENCSTAT" trace >/dev/null &
	pid=$!
	until_true 20 trace_on $pid
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
	convert_while $!
	wait $!
	equal "conversions were seen" "$(jq '.vms[0].conversions_per_s > 0' /tmp/list.json)" true
}

# convert_while PID: lasts
convert_while()
{
	while kill -0 "$1" 2>/dev/null; do
		vm_unbind main
		vm_bind main
	done
}

# The other one announces nothing
list_two()
{
	echo 1 >$STRICT
	VM_SMP=1 VM_MEM=192M VM_APPEND=kvm_page_enc=off vm_start other
	echo 0 >$STRICT
	"$ENCSTAT" -o name,pid,shared -b --sort name | tee /tmp/list.two
	equal "list of two" "$(tail -n +2 /tmp/list.two | tr -s ' ' | sed 's/ *$//')" \
		"main $(vm_pid main) $(($(shared main) * 4096))
other $(vm_pid other) $(($(shared other) * 4096))"
	encstat_agrees other
	equal "names by -g" "$("$ENCSTAT" -j -g other | jq -r '.vms[].name')" other
}

report_live()
{
	"$ENCSTAT" report -n 3 /tmp/report.html &
	convert_while $!
	wait $!
	grep -c '<svg' /tmp/report.html
	grep -q '>other<' /tmp/report.html
	python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' /tmp/report.html
}

# other_reads_until_end PID
other_reads_until_end()
{
	vm_sh other 'dd if=/dev/vda bs=4k count=64 iflag=direct 2>/dev/null | sha256sum'
	! kill -0 "$1"
}

# It says that it has announced all, and accesses what it did not announce as shared
trace_violation()
{
	has_events
	guest_wrmsr other 0x4b564d08 '\1\0\0\0\0\0\0\0'
	"$ENCSTAT" trace -j -n 5 -p "$(vm_pid other)" >/tmp/trace.json &
	until_true 60 other_reads_until_end $!
	wait $!
	jq -c 'select(.event)' /tmp/trace.json
	equal "events, statuses" "$(jq -s -r '[.[] | select(.event) | .event, .status] | unique | join(" ")' \
		/tmp/trace.json)" "private violation"
	equal "pid" "$(jq -s '[.[] | select(.event) | .pid] | unique[]' /tmp/trace.json)" "$(vm_pid other)"
}

check_violation()
{
	local rc=0 before
	"$ENCSTAT" check -p "$(vm_pid other)" >/tmp/check || rc=$?
	cat /tmp/check
	equal "exit code of check" $rc 3
	grep -q "^wrong .*violations .*accesses against the announced status" /tmp/check
	before=$(vm_stat other violations)
	holds "violations by list" "$("$ENCSTAT" -j -g other | jq '.vms[].violations')" -ge "$before"
}

# A terminal of 100x30, "rc N" at its end
tmux_l1()
{
	tmux -S /tmp/tmux -f /dev/null "$@"
}

top_start()
{
	tmux_l1 kill-server 2>/dev/null || :
	tmux_l1 new-session -d -s t -x 100 -y 30 \
		"TERM=screen-256color $ENCSTAT top; echo rc \$?; sleep 600"
}

# top_shows PATTERN...: each is on the screen, at last
on_screen()
{
	local pattern
	tmux_l1 capture-pane -p -t t >/tmp/screen
	for pattern; do
		grep -qE -- "$pattern" /tmp/screen || return
	done
}

top_shows()
{
	until_true 30 on_screen "$@" || { cat /tmp/screen; return 1; }
}

top_ends()
{
	tmux_l1 send-keys -t t q
	top_shows '^rc 0'
	tmux_l1 kill-server
}

# row NAME: what top shows of a VM that does nothing: as list does
row()
{
	"$ENCSTAT" -g "$1" -o pid,name,memory,private,shared | tail -n +2 | sed -E 's/ +$//; s/  +/ +/g; s/^ */ +/'
}

top_two()
{
	top_start
	top_shows "^>$(row main) " "^ $(row other) "
	tmux_l1 send-keys -t t Down
	top_shows "^ $(row main) " "^>$(row other) " '^ +0  [.#+]+$'
	cat /tmp/screen
}

# The one that is selected: another takes its place, and top goes on
top_one_dies()
{
	local pid
	pid=$(vm_pid other)
	kill -KILL "$pid"
	top_shows "^>$(row main) " 'encstat +1 VM '
	cat /tmp/screen
	grep "$pid" /tmp/screen && vm_fail "the dead VM is still there"
	top_ends
	vm_stop other
}

million_boots()
{
	mkfifo /tmp/hold
	"$OUT/perf" hold $GIB </tmp/hold >/tmp/held &
	echo $! >/tmp/held.pid
	sleep 600 >/tmp/hold &
	until_true 60 grep holding /tmp/held
}

# within_64m COMMAND...: of memory; tells the CPU time
within_64m()
{
	(ulimit -v 65536 && time "$ENCSTAT" "$@")
}

of_million()
{
	within_64m "$@" -p "$(cat /tmp/held.pid)"
}

million_list()
{
	of_million -o ranges,shared,memory -b >/tmp/list.million
	equal "ranges, shared, memory" "$(tail -n 1 /tmp/list.million | xargs)" \
		"$MILLION $((MILLION * 4096)) $((MILLION * 8192))"
}

million_map()
{
	equal "lines of JSON" "$(of_million map --shared -j | grep -c '"shared"')" $MILLION
}

# Then 512 of them become private; the map takes its time, of which top tells
million_top()
{
	top_start
	top_shows "^ +$(cat /tmp/held.pid) .* $MILLION "
	tmux_l1 send-keys -t t End Tab + + + + + + + + + + + +
	top_shows 'cell 4 KiB' '#[.]#[.]#[.]'
	echo >/tmp/hold
	top_shows 'ZOOM  [.]{3}$'
	holds "KiB of top at most" "$(awk '/VmHWM/ { print $2 }' "/proc/$(pidof encstat)/status")" -le 98304
	cat /tmp/screen
	top_ends
}

million_record()
{
	of_million record -n 1 /tmp/million.jsonl
	wc -c /tmp/million.jsonl
	# those of the VMs, of its memory, which is one range, and of what it shares
	equal "brackets in the recording" "$(tr -cd '[' </tmp/million.jsonl | wc -c)" $((1 + 2 + 1 + LATER))
}

million_report()
{
	of_million report -n 2 -i 1 /tmp/million.html
	wc -c /tmp/million.html
	grep -q "$LATER" /tmp/million.html
}

# Last, as there is no way back.  What can be reset can't be read any more, the rest can.
locked_down()
{
	local rc=0
	mount -t securityfs securityfs /sys/kernel/security
	echo integrity >/sys/kernel/security/lockdown
	"$ENCSTAT" list -b -o vm,shared,conversions >/tmp/list.locked 2>/tmp/said || rc=$?
	cat /tmp/list.locked /tmp/said
	grep -i 'lockdown (integrity)' /tmp/said
	! grep -i 'root' /tmp/said
	equal "what is shared, and how much was converted" "$(tail -n 1 /tmp/list.locked | awk '{ print $2, $3 }')" \
		"$((LATER * 4096)) -"
	equal "exit status" $rc 0
	"$ENCSTAT" map --shared -p "$(cat /tmp/held.pid)" >/tmp/map.locked
	"$ENCSTAT" check >/tmp/check.locked || :
	cat /tmp/check.locked
	grep -i 'lockdown (integrity)' /tmp/check.locked
	kill "$(cat /tmp/held.pid)"
}
