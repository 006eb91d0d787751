# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What a guest makes of what it is offered: the table "Negotiation" of
# Documentation/guest.rst, row by row, on three kinds of host:
#   tracks  KVM with the series keeps the map and the MSR
#   exits   mainline KVM, whose VMM takes the exit and the MSR
#   enosys  mainline KVM, whose VMM offers what KVM does not have
# "Mainline" is the kernel with the tracker off, as mainline itself has no SEV
# guests on this machine; the hypercall and the MSR are mainline's then.
# timeout: 400
# append: kvm.page_enc_status=0 kvm.sev_sim=0
# GUEST  is simulated SEV or a plain one
# BITS   hc: feature bit 16 is offered, msr: 17, or both, or none
# MSR    writing it is accepted or refused (#GP)
# APPEND on the guest's command line
# CALLS  hypercalls that KVM sees: 0, 1 or many
# WRITES to the MSR: none, one that is accepted ("set"), or one that is refused
# ONLY   all: this row is left to the case negotiation-all, as for the guest nothing
#        in it differs from another one; KUnit has it, too
table="
# GUEST BITS HOST   MSR    APPEND           CALLS WRITES  VERDICT             ONLY
sev     none tracks accept -                0     none    no-hypercall
sev     none tracks refuse -                0     none    no-hypercall      all
sev     hc   tracks accept -                many  none    no-msr
sev     hc   tracks refuse -                many  none    no-msr            all
sev     msr  tracks accept -                0     none    no-hypercall      all
sev     msr  tracks refuse -                0     none    no-hypercall
sev     both tracks accept -                many  set     ready
sev     both tracks refuse -                many  refused msr-refused
sev     none exits  accept -                0     none    no-hypercall      all
sev     none exits  refuse -                0     none    no-hypercall
sev     hc   exits  accept -                many  none    no-msr            all
sev     hc   exits  refuse -                many  none    no-msr
sev     msr  exits  accept -                0     none    no-hypercall
sev     msr  exits  refuse -                0     none    no-hypercall      all
sev     both exits  accept -                many  set     ready
sev     both exits  refuse -                many  refused msr-refused
sev     none enosys accept -                0     none    no-hypercall      all
sev     none enosys refuse -                0     none    no-hypercall      all
sev     hc   enosys accept -                1     none    unknown
sev     hc   enosys refuse -                1     none    unknown           all
sev     msr  enosys accept -                0     none    no-hypercall      all
sev     msr  enosys refuse -                0     none    no-hypercall      all
sev     both enosys accept -                1     none    unknown
sev     both enosys refuse -                1     none    unknown
sev     both tracks accept kvm_page_enc=off 0     none    opted-out
sev     both exits  accept kvm_page_enc=off 0     none    opted-out         all
sev     both tracks accept kvm_page_enc=on  many  set     ready             all
sev     both exits  refuse kvm_page_enc=on  many  refused msr-refused
sev     msr  exits  accept kvm_page_enc=on  0     none    no-hypercall
sev     both enosys accept kvm_page_enc=on  1     none    unknown           all
plain   both tracks accept -                0     none    silent
plain   both exits  accept -                0     none    silent            all
plain   both enosys accept -                0     none    silent            all
plain   both exits  accept kvm_page_enc=on  0     none    no-sev
"
mapfile -t rows < <(grep '^[a-z]' <<<"$table" | if [ -n "${ALL_ROWS:-}" ]; then cat; else grep -v ' all$'; fi)

verdict_text()
{
	case $1 in
	ready) echo "announced, READY" ;;
	no-msr) echo "announced, not READY: no MSR_KVM_MIGRATION_CONTROL" ;;
	msr-refused) echo "announced, not READY: MSR_KVM_MIGRATION_CONTROL is refused" ;;
	unknown) echo "not announced: KVM_HC_MAP_GPA_RANGE is offered but not known" ;;
	no-hypercall) echo "not announced: no KVM_HC_MAP_GPA_RANGE" ;;
	opted-out) echo "not announced: kvm_page_enc=off" ;;
	no-sev) echo "not announced: no SEV guest" ;;
	silent) ;;
	esac
}

# The VMM's settings for columns BITS, HOST and MSR
vmm_settings()
{
	case $1 in
	none) printf 'features=0:30000' ;;
	hc) printf 'features=10000:20000' ;;
	msr) printf 'features=20000:10000' ;;
	both) printf 'features=30000:0' ;;
	esac
	[ "$2" != exits ] || printf ',exit'
	echo ",msr=$3"
}

is()
{
	[ "$1" = "$2" ] && echo 1 || echo 0
}

# launch_row NUMBER: KVM's parameters count when it makes the VM, so wait for that.
# Without ACPI and PCI the guest is up sooner.
launch_row()
{
	local guest bits host msr append name=row$1
	[ -n "${rows[$1]:-}" ] && [ ! -d "/run/vm/$name" ] || return 0
	read -r guest bits host msr append _ <<<"${rows[$1]}"
	is "$host" tracks >/sys/module/kvm/parameters/page_enc_status
	is "$guest" sev >/sys/module/kvm/parameters/sev_sim
	VM_VMM=$(vmm_settings "$bits" "$host" "$msr") VM_APPEND="acpi=off pci=off ${append#-}" \
		VM_OPTS="-bios qboot.rom" VM_SMP=1 VM_MEM=160M VM_DISK=none vm_launch "$name"
	until_true 30 vm_debugfs "$name"
}

count_class()
{
	case $1 in
	0 | 1) echo "$1" ;;
	*) echo many ;;
	esac
}

# Memory that is converted after boot is announced as well, or is not.
provoke()
{
	vm_sh "$1" "[ ! -e $EXERCISE ] || echo size=64K chunk=16K >$EXERCISE"
}

# no call after the one that got -KVM_ENOSYS, and none without permission
calls_right()
{
	local name=$1 host=$2 wanted=$3 calls
	provoke "$name"
	vm_trace_calls "$name" | tee "/tmp/$name.calls"
	calls=$(wc -l <"/tmp/$name.calls")
	equal "hypercalls ($calls)" "$(count_class "$calls")" "$wanted"
	[ "$host" != exits ] || equal "calls that the VMM saw" "$(vm_vmm_calls "$name" | wc -l)" "$calls"
	[ "$host" != tracks ] || equal "calls that were tracked" "$(vm_stat "$name" calls)" "$calls"
	[ "$wanted" != many ] || oracle "$name"
}

# What happened to the MSR as the host sees it: in the tracker, if KVM has it and
# the VMM does not get in between
msr_writes()
{
	local seen
	seen=$(vm_vmm_msr "$1")
	if [ "$2" = tracks ]; then
		seen+=$(vm_stat "$1" ready_set):$(vm_stat "$1" ready_cleared)
	fi
	case $seen in
	'' | 0:0) echo none ;;
	"0x1 accepted" | 1:0) echo set ;;
	"0x1 refused" | "0x1 refused"0:0) echo refused ;;
	*) echo "$seen" ;;
	esac
}

# A guest that has no SEV is READY without a word, if KVM knows the MSR.
ready_right()
{
	local wanted=0
	[ "$2" = tracks ] || return 0
	[ "$3" != set ] && [ "$4" = sev ] || wanted=1
	equal READY "$(vm_stat "$1" ready)" "$wanted"
}

verdict_right()
{
	local lines
	lines=$(vm_sh "$1" 'dmesg | grep "page encryption status: " | sed "s/.*status: //"')
	equal "what the log says" "$lines" "$(verdict_text "$2")"
	vm_sh "$1" '! dmesg | grep "unchecked MSR"'
}

judge_row()
{
	local name=row$1 guest bits host msr append calls writes verdict
	read -r guest bits host msr append calls writes verdict _ <<<"${rows[$1]}"
	vm_wait "$name" 90
	equal "SEV" "$(vm_sh "$name" 'dmesg | grep -c "Encryption Features active: AMD SEV"')" "$(is "$guest" sev)"
	calls_right "$name" "$host" "$calls"
	equal "writes to the MSR" "$(msr_writes "$name" "$host")" "$writes"
	ready_right "$name" "$host" "$writes" "$guest"
	verdict_right "$name" "$verdict"
	splats_of "$name"
}

# Two at a time: while one is judged the next boots.
run_row()
{
	running=row$1
	trap 'vm_stop $running' EXIT
	echo "${rows[$1]}"
	[ "$1" != 0 ] || vm_trace_start
	launch_row "$1"
	launch_row $(($1 + 1))
	judge_row "$1"
}

tests=()
for row in "${!rows[@]}"; do
	read -r guest bits host msr append _ <<<"${rows[row]}"
	[ "$append" = - ] && append='' || append=_${append#*=}
	name=${guest}_${bits}_${host}_$msr$append
	eval "$name() { run_row $row; }"
	tests+=("$name")
done
