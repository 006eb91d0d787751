# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# An image of a guest finds the host with the view that another kernel has made,
# the one that loads it.  To see whether that is replaced, this one shares other
# pages: its bounce buffers are larger.  The case memory hibernates, too, but has no
# unpatched kernel to show what is wrong with that.
# timeout: 300
# append: kvm.page_enc_status=1 kvm.sev_sim=1
# base: yes
# only: test-long
tests=(boot hibernate resume in_place without_swap bad_image unpatched)
SWAP=/tmp/swap
export VM_MEM=256M VM_DISK=$SWAP VM_WAIT=90

# first_kernel: with a swap device, QEMU stays when it has powered off
first_kernel()
{
	rm -f $SWAP
	truncate -s 512M $SWAP
	VM_APPEND="swiotlb=8192 resume=/dev/vda" VM_OPTS=-no-shutdown vm_start main
	vm_sh main 'mkswap /dev/vda >/dev/null'
}

# to_disk: until the guest has written its image and powered off
to_disk()
{
	vm_sh main 'swapon /dev/vda && echo shutdown >/sys/power/disk && echo remembered >/tmp/kept'
	# shellcheck disable=SC2016 # for the guest's shell
	vm_send main image 'echo disk >/sys/power/state; echo status $? $(cat /tmp/kept)'
	until_true 60 grep -q 'reboot: Power down' "$OUT/main.console"
}

# other_kernel: QEMU anew, the kernel looks for an image
other_kernel()
{
	cp "$OUT/main.console" "$OUT/first.console"
	vm_stop main
	VM_APPEND="resume=/dev/vda" vm_launch main
}

# The agent goes on where it was
image_runs()
{
	equal "the answer" "$(vm_answer main image 90 | grep .)" "status 0 remembered"
	vm_sh main 'cat /proc/cmdline; dmesg | grep "hibernation exit"'
	vm_sh main 'grep -q swiotlb=8192 /proc/cmdline && nproc | grep -x 2'
}

boot()
{
	vm_msr_start
	first_kernel
	oracle main
	ready_is main 1 1 0
}

hibernate()
{
	to_disk
	ready_is main 0 1 1
	equal "values written" "$(vm_msr_writes)" "1 0"
}

# READY: of the kernel that loads, withdrawn by that, of the image's kernel
resume()
{
	other_kernel
	image_runs
	ready_is main 1 2 1
	equal "values written" "$(vm_msr_writes)" "1 0 1 0 1"
	map_check main
	oracle main
	exercise main "pattern=random threads=2 chunk=12K"
	oracle main
}

# Written and loaded by the same kernel, which goes on converting memory between
# the two: kernel threads are not frozen
in_place()
{
	exercise_start main "pattern=random threads=2 size=1M chunk=12K seconds=15"
	vm_sh main 'echo test_resume >/sys/power/disk && echo disk >/sys/power/state' 90
	vm_sh main 'dmesg | grep -c "hibernation exit" | grep -x 2'
	ready_is main 1 3 2
	exercise_ends main
	oracle main
}

# Fails when the image is there but has no place
without_swap()
{
	vm_sh main 'swapoff /dev/vda; echo shutdown >/sys/power/disk; ! echo disk >/sys/power/state' 90
	ready_is main 1 4 3
	oracle main
	vm_stop main
}

# The kernel that fails to load an image stays.  It reads the head of the image
# before it withdraws READY, so what is overwritten is in the middle.
bad_image()
{
	first_kernel
	to_disk
	dd if=/dev/urandom of=$SWAP bs=1M seek=3 count=4 conv=notrunc status=none
	other_kernel
	vm_wait main
	vm_sh main 'dmesg | grep -i "PM: hibernation:"'
	vm_sh main 'dmesg | grep "Failed to load image"'
	ready_is main 1 2 1
	oracle main
	vm_stop main
}

# What the guest series mends
unpatched()
{
	export VM_KERNEL=$OUT/base.bzImage
	first_kernel
	oracle main mixed
	to_disk
	other_kernel
	image_runs
	! oracle main mixed 2>/tmp/why || vm_fail "the host knows what the unpatched kernel shares" || return
	grep 'guest and host .* differ' /tmp/why
}
