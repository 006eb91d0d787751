# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Sourced after lib.sh: start L1 under QEMU and judge what it left behind.
# An L1 run has a directory, DIR, that L1 sees as /dev/out and may write to:
#   env       what the job in L1 is told, written here (l1_env)
#   l1.log    L1's serial console, from power-on on
#   l1.dmesg  L1's whole kernel log, absent if L1 did not get to its end
#   ktap      what L1 reports, over a virtio port
#   *.log, *.console  one a test, one a guest; what they are is L1's business

ACCEL=${ACCEL:-tcg}
L1_KERNEL=${L1_KERNEL:-$KDIR/linux/obj/arch/x86/boot/bzImage}
L2_KERNEL=${GUEST_KERNEL:-$KDIR/linux/obj/arch/x86/boot/bzImage}
BASE_KERNEL=${BASE_KERNEL:-$MAINLINE/obj/arch/x86/boot/bzImage}
LOGS=$BUILD/logs
TRACKED="kvm.page_enc_status=1 kvm.sev_sim=1"

SPLATS=$TOP/ci/guest/splats		# what no healthy kernel says, one ERE a line

require_file()
{
	[ -r "$1" ] || die "$2 is missing: $1"
}

# declared cases/NAME|bench/NAME KEY: the value of its "# KEY: value" line
declared()
{
	sed -n "s/^# $2: //p" "$TOP/ci/$1.sh"
}

# Commas are doubled in QEMU's option values.
qemu_path()
{
	printf '%s' "${1//,/,,}"
}

# l1_env DIR NAME...: hand these variables to the job in L1.
l1_env()
{
	local dir=$1 name
	shift
	for name; do
		printf '%s=%q\n' "$name" "${!name}"
	done >>"$dir/env"
}

# build_c NAME SOURCE [OPTION...]: $BUILD/NAME, unless it is newer than SOURCE and the
# headers beside it
build_c()
{
	local program=$BUILD/$1 source=$TOP/$2
	shift 2
	[ ! -e "$program" ] ||
		[ -n "$(find "${source%/*}" \( -path "$source" -o -name '*.h' \) -newer "$program")" ] || return 0
	mkdir -p "$BUILD"
	gcc -O2 -Wall -Wextra "$@" -o "$program" "$source"
}

# add_program DIR NAME SOURCE [OPTION...]: built by build_c(), for L1
add_program()
{
	local dir=$1
	shift
	build_c "$@"
	cp "$BUILD/$1" "$dir/"
}

# add_guest_programs DIR NAME...: from ci/guest, into /bin of every guest of the case
add_guest_programs()
{
	local dir=$1 root=$1/programs name
	shift
	mkdir -p "$root/bin"
	for name; do
		add_program "$root/bin" "$name" "ci/guest/$name.c" -static
	done
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$dir/programs.cpio"
	rm -r "$root"
}

# l1_prepare DIR JOB: an empty DIR for a run of ci/l1/JOB.  Kernels are copied,
# because L1 cannot look below a directory that it covers, such as /tmp.
l1_prepare()
{
	local dir=$1 JOB=$2 TERM=${TERM:-dumb} ENCSTAT=$BUILD/encstat/encstat
	require_file "$L1_KERNEL" "the host kernel"
	require_file "$L2_KERNEL" "the guest kernel"
	rm -rf "$dir"
	mkdir -p "$dir"
	cp "$L2_KERNEL" "$dir/guest.bzImage"
	l1_env "$dir" BUILD JOB TERM ENCSTAT
	add_program "$dir" vmm.so ci/l1/vmm.c -shared -fPIC -pthread
	[ ! -x "$ENCSTAT" ] || cp "$ENCSTAT" "$dir/encstat"
	"$TOP/ci/guest/mkinitramfs.sh" "$L2_KERNEL" "$dir"
}

# Names of what no CPU has without XSAVE: what belongs to it, and instructions on
# registers that only XSAVE saves.  What is left of that makes kernels fault that
# look for a flag of theirs alone, and not for XSAVE.
NEEDS_XSAVE='xsave.*|xgetbv1|xfd|avx.*|fma4?|f16c|xop|lwp|vaes|vpclmulqdq|mpx|pku|amx-.*|apxf|sha512|sm[34]'

# hide_xsave: those of them that this QEMU knows, as properties of its -cpu
hide_xsave()
{
	qemu-system-x86_64 -cpu help | sed '1,/^Recognized CPUID flags/d' | tr -s ' ' '\n' |
		grep -xE "$NEEDS_XSAVE" | sort -u | sed 's/.*/,&=off/' | tr -d '\n'
}

l1_machine()
{
	local hidden
	case $ACCEL in
	tcg)
		hidden=$(hide_xsave) || die "cannot hide XSAVE: $(qemu-system-x86_64 --version | head -n 1) does not list it"
		echo "-machine q35,accel=tcg,sata=off,smbus=off,i8042=off -cpu EPYC-v2,svm=on,npt=on$hidden${L1_CPU:+,$L1_CPU}"
		;;
	kvm) echo "-machine q35,accel=kvm,sata=off,smbus=off,i8042=off -cpu host${L1_CPU:+,$L1_CPU}" ;;
	*) die "ACCEL=$ACCEL: must be tcg or kvm" ;;
	esac
}

# TCG's TSC is this machine's.  L1 must not calibrate it: see Documentation/tcg.rst
tsc_khz()
{
	build_c tsc-khz ci/l1/tsc-khz.c
	"$BUILD/tsc-khz"
}

# With L1_ICOUNT each instruction of L1 takes a nanosecond of its TSC, too.
l1_tsc_khz()
{
	[ -z "${L1_ICOUNT:-}" ] && tsc_khz || echo 1000000
}

# l1_append APPEND: the kernel's command line
l1_append()
{
	echo "root=root rootfstype=9p ro" \
		"rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose" \
		"init=\"$TOP/ci/l1/init\" console=ttyS0 loglevel=5 panic=-1 panic_on_warn=1 oops=panic" \
		"tsc=reliable no_timer_check tsc_early_khz=$(l1_tsc_khz) kvm.tsc_tolerance_ppm=500000" \
		"watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300 srcutree.convert_to_big=1 $1"
}

# l1_qemu DIR TIMEOUT APPEND [QEMU OPTION...]: run L1 until it powers off.
l1_qemu()
{
	local dir=$1 limit=$2 append=$3 machine out
	shift 3
	out=$(qemu_path "$dir")
	machine=$(l1_machine) || return
	read -ra machine <<<"$machine"
	# shellcheck disable=SC2086 # options
	timeout ${L1_TIMEOUT:-} -k 5 "$limit" qemu-system-x86_64 "${machine[@]}" \
		${L1_ICOUNT:+-icount shift=0} \
		-name "L1 ${dir##*/}" -smp "${L1_SMP:-3}" -m "${L1_MEM:-2G}" \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$L1_KERNEL" -append "$(l1_append "$append")" \
		-chardev file,id=log,path="$out/l1.log" -serial chardev:log \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev local,id=out,path="$out",security_model=none,multidevs=remap \
		-device virtio-9p-pci,fsdev=out,mount_tag=out \
		-device virtio-serial-pci -chardev file,id=ktap,path="$out/ktap" \
		-device virtserialport,chardev=ktap,name=ktap "$@" 2>"$dir/qemu.log"
}

# splats DIR: kernel complaints in the logs of L1 and its guests, one a line.
splats()
{
	local log
	for log in "$1"/l1.log "$1"/l1.dmesg "$1"/*.console "$1"/*.dmesg; do
		[ -e "$log" ] || continue
		{ grep -aEm 3 -f "$SPLATS" "$log" || :; } | sed "s|^|${log##*/}: |"
	done | tr -d '\r' | awk '!seen[$0]++'
}

# ktap_verdicts FILE: PASS, FAIL or SKIP lines, and one FAIL line if the report
# is not whole: no version, no plan, results out of order or too few.
ktap_verdicts()
{
	awk '
	/^KTAP version 1/ { version = 1; next }
	/^1\.\.[0-9]+$/ && !plan { plan = substr($0, 4) + 0; next }
	/^(not )?ok [0-9]+ / {
		bad = ($1 == "not")
		if ($(bad + 2) != ++n) broken = 1
		text = $0
		sub(/^(not )?ok [0-9]+ (- )?/, "", text)
		reason = ""
		if (match(text, / # SKIP */)) {
			reason = substr(text, RSTART + RLENGTH)
			text = substr(text, 1, RSTART - 1)
			print "SKIP(" reason ") " text
		} else
			print (bad ? "FAIL " : "PASS ") text
	}
	END {
		if (!version) print "FAIL report (nothing reported)"
		else if (!plan) print "FAIL report (no plan)"
		else if (n < plan || broken || n > plan)
			print "FAIL report (" n + 0 " results, " plan " planned)"
	}' "$1" | tr -d '\r'
}

# How L1 came to its end, if that was no good one.  $1: DIR, $2: QEMU's status
l1_end()
{
	case $2 in
	0) ;;
	124|137) echo "time-out, killed" ;;
	*) echo "QEMU exited with $2: $(tail -n 1 "$1/qemu.log")" ;;
	esac
	[ -e "$1/l1.dmesg" ] || echo "L1 did not get to its end"
}

# l1_verdicts DIR STATUS: all verdicts of a run, of which at least one is FAIL
# unless everything was right.
l1_verdicts()
{
	local dir=$1 end complaints
	touch "$dir/ktap"
	ktap_verdicts "$dir/ktap"
	end=$(l1_end "$dir" "$2" | paste -sd ';')
	[ -z "$end" ] || echo "FAIL end ($end)"
	complaints=$(splats "$dir")
	if [ -n "$complaints" ]; then
		echo "FAIL kernel logs ($(head -n 1 <<<"$complaints"))"
	else
		echo "PASS kernel logs"
	fi
}
