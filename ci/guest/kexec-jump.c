// SPDX-License-Identifier: GPL-2.0
/*
 * kexec with preserved context: jump into a "kernel" that returns at once.
 * Exits with 0 when this one runs again.
 *
 * usage: kexec-jump
 */
#include <err.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_SIZE	4096
/* Where that kernel is to be: RAM on every machine, and no place for this one */
#define DEST		0x100000

static const unsigned char code[] = { 0xc3 };	/* ret */

int main(void)
{
	struct kexec_segment segment = {
		.buf = code,
		.bufsz = sizeof(code),
		.mem = (void *)DEST,
		.memsz = PAGE_SIZE,
	};

	if (syscall(SYS_kexec_load, DEST, 1, &segment,
		    KEXEC_ARCH_X86_64 | KEXEC_PRESERVE_CONTEXT))
		err(1, "kexec_load");
	if (syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		    LINUX_REBOOT_CMD_KEXEC, NULL))
		err(1, "reboot");

	return 0;
}
