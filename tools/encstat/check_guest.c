// SPDX-License-Identifier: GPL-2.0
/* encstat check in a guest. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "msg.h"
#include "root.h"

#define GUEST_DIR	"/sys/kernel/debug/kvm_page_enc"
#define LOG_MAX		(16 << 20)
#define RECORD_MAX	8192
#define PREFIX		"kvm-guest: page encryption status: "
#define SEV_ACTIVE	"Memory Encryption Features active: AMD SEV"
#define EFI_VARIABLE	"/sys/firmware/efi/efivars/SevLiveMigrationEnabled-" \
			"0cf29b71-9e51-433a-a3b7-81f3ab16b875"

#define LEAF_HYPERVISOR	0x40000000
#define LEAF_SEV	0x8000001f
#define SEV_BIT		(1U << 1)

static const char hint_bits[] =
	"in the host, turn on kvm.page_enc_status and start QEMU with -cpu host,migratable=off";

static const char hint_since[] = "the state says whether that has been made good since";

/* Bits of the file "state". */
enum { ANNOUNCING = 1, COMPLETE = 2, READY = 4, STALE = 8, LEAVING = 16 };

struct guest {
	const char *root;
	bool kvm;
	bool has_features;
	uint32_t features;
	bool sev_bit;
	char *log;		/* NULL: it cannot be read */
	int log_errno;
};

/* Each read of /dev/kmsg gives one record; of a copy it gives anything. */
static char *read_log(int fd)
{
	char *log = malloc(LOG_MAX + 1);
	size_t len = 0;
	ssize_t n;

	while (log && len + RECORD_MAX < LOG_MAX) {
		n = read(fd, log + len, RECORD_MAX);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;	/* some were overwritten */
		if (n <= 0)
			break;
		len += n;
	}
	if (log)
		log[len] = '\0';
	return log;
}

static void get_log(struct guest *g)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/dev/kmsg", g->root);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		g->log_errno = errno;
		return;
	}
	g->log = read_log(fd);
	g->log_errno = errno;
	close(fd);
}

static void get_cpuid(struct guest *g)
{
	uint32_t r[4];

	g->kvm = cpuid_get(g->root, LEAF_HYPERVISOR, r) &&
		 !memcmp(&r[1], "KVMKVMKVM\0\0\0", 12);
	if (g->kvm && cpuid_get(g->root, LEAF_HYPERVISOR + 1, r)) {
		g->has_features = true;
		g->features = r[0];
	}
	g->sev_bit = cpuid_get(g->root, LEAF_SEV & 0x80000000, r) && r[0] >= LEAF_SEV &&
		     cpuid_get(g->root, LEAF_SEV, r) && r[0] & SEV_BIT;
}

static bool log_says(const struct guest *g, const char *what)
{
	return g->log && strstr(g->log, what);
}

static void check_bits(const struct guest *g)
{
	bool hypercall = g->features & KVM_FEATURE_BIT_HYPERCALL;
	bool msr = g->features & KVM_FEATURE_BIT_MSR;

	if (!g->has_features)
		check_found(CHECK_UNKNOWN, "cpuid", NULL, NULL, "KVM's CPUID leaf is not there");
	else if (hypercall && msr)
		check_found(CHECK_OK, "cpuid", NULL, NULL, "KVM feature bits 16 and 17 are set");
	else
		check_found(CHECK_WRONG, "cpuid", NULL, hint_bits,
			    "KVM feature bit%s not set: %s%s%s",
			    hypercall || msr ? " is" : "s are",
			    hypercall ? "" : "16 (hypercall)", hypercall || msr ? "" : ", ",
			    msr ? "" : "17 (READY)");
}

static void check_sev(const struct guest *g)
{
	if (log_says(g, SEV_ACTIVE) || root_exists(g->root, GUEST_DIR))
		check_found(CHECK_OK, "sev", NULL, NULL, "SEV is active");
	else if (!g->sev_bit)
		check_found(CHECK_WRONG, "sev", NULL,
			    "start the guest as an SEV guest; to try things out without such "
			    "hardware, turn on kvm.sev_sim in the host",
			    "CPUID offers no SEV");
	else
		check_found(CHECK_UNKNOWN, "sev", NULL, hint_root("look for it as root"),
			    "CPUID offers SEV; whether it is active is not known");
}

struct decision {
	const char *text;
	enum check_status status;
	const char *hint;
};

/* The first that the line begins with. */
static const struct decision decisions[] = {
	{ "announced, READY is up to EFI firmware", CHECK_UNKNOWN, NULL },
	{ "announced, READY", CHECK_OK, NULL },
	{ "announced, not READY: the host refused", CHECK_WRONG,
	  "see what was refused with encstat stat in the host; "
	  "then echo 1 > " GUEST_DIR "/announce" },
	{ "announced, not READY: no MSR_KVM_MIGRATION_CONTROL", CHECK_WRONG, hint_bits },
	{ "announced, not READY: MSR_KVM_MIGRATION_CONTROL is refused", CHECK_WRONG,
	  "CPUID has a bit that the host does not honour: run encstat check in the host" },
	{ "not READY: firmware does not say", CHECK_WRONG,
	  "use firmware that sets SevLiveMigrationEnabled; "
	  "if yours shares no memory, kvm_page_enc=on overrides" },
	{ "not READY: ", CHECK_WARNING, hint_since },
	{ "cannot announce all again", CHECK_WARNING, hint_since },
	{ "not announced: no SEV guest", CHECK_WRONG, "start the guest as an SEV guest" },
	{ "not announced: SEV-SNP guests", CHECK_WARNING,
	  "there is nothing to do: the VMM of such a guest converts its memory itself" },
	{ "not announced: kvm_page_enc=off", CHECK_WRONG,
	  "remove kvm_page_enc=off from the kernel command line" },
	{ "not announced: no KVM_HC_MAP_GPA_RANGE", CHECK_WRONG, hint_bits },
	{ "not announced: KVM_HC_MAP_GPA_RANGE is offered but not known", CHECK_WRONG,
	  "CPUID has a bit that the host does not honour: run encstat check in the host" },
	{ "not announced any more", CHECK_WRONG,
	  "the guest was migrated to a host that does not track: encstat check there" },
};

static const struct decision *find_decision(const char *line)
{
	size_t i;

	for (i = 0; i < sizeof(decisions) / sizeof(*decisions); i++)
		if (!strncmp(line, decisions[i].text, strlen(decisions[i].text)))
			return &decisions[i];
	return NULL;
}

/* What the last such line of the log says. */
static const char *last_decision(const struct guest *g)
{
	const char *last = NULL, *p = g->log;

	while (p && (p = strstr(p, PREFIX))) {
		p += strlen(PREFIX);
		last = p;
	}
	return last;
}

static void check_log(const struct guest *g)
{
	const char *line = last_decision(g);
	const struct decision *d = line ? find_decision(line) : NULL;

	if (!g->log)
		check_found(CHECK_UNKNOWN, "kernel-log", NULL, hint_root("run encstat as root"),
			    "/dev/kmsg: %s", strerror(g->log_errno));
	else if (!line && root_exists(g->root, GUEST_DIR))
		check_found(CHECK_UNKNOWN, "kernel-log", NULL, NULL,
			    "the decision is not in the log any more");
	else if (!line)
		check_found(CHECK_WRONG, "kernel-log", NULL,
			    "a guest kernel with the page encryption status series decides at boot "
			    "and logs it",
			    "the log has no decision");
	else
		check_found(d ? d->status : CHECK_UNKNOWN, "kernel-log", NULL, d ? d->hint : NULL,
			    "%.*s", (int)strcspn(line, "\n"), line);
}

static void check_bits_of_state(uint64_t state)
{
	if (state & LEAVING)
		check_found(CHECK_WARNING, "state", NULL, NULL, "the kernel is leaving");
	else if (state & STALE)
		check_found(CHECK_WRONG, "state", NULL,
			    "see what was refused with encstat stat in the host; then echo 1 > "
			    GUEST_DIR "/announce",
			    "announcing, but the host's view may be wrong: it refused something, "
			    "or memory could not be converted");
	else if (!(state & ANNOUNCING))
		check_found(CHECK_WRONG, "state", NULL, NULL, "the kernel does not announce");
	else if (!(state & READY))
		check_found(CHECK_WRONG, "state", NULL, "the kernel's log says why",
			    "announcing, but not READY");
	else
		check_found(CHECK_OK, "state", NULL, NULL, "announcing, complete, READY");
}

static void check_state(const struct guest *g)
{
	uint64_t state, refused;

	if (!root_exists(g->root, "/sys/kernel/debug/."))
		check_found(CHECK_UNKNOWN, "state", NULL, hint_root("run encstat as root"),
			    "debugfs cannot be read");
	else if (!root_exists(g->root, GUEST_DIR))
		check_found(CHECK_WRONG, "state", NULL,
			    "mount debugfs if it is not; else the kernel's log says why",
			    "there is no " GUEST_DIR);
	else if (!root_read_uint(g->root, GUEST_DIR "/state", &state))
		check_found(CHECK_UNKNOWN, "state", NULL, hint_root("run encstat as root"),
			    GUEST_DIR "/state cannot be read");
	else
		check_bits_of_state(state);
	if (root_read_uint(g->root, GUEST_DIR "/refused", &refused) && refused)
		check_found(CHECK_WARNING, "refused", NULL, NULL,
			    "the host has refused %llu calls since boot",
			    (unsigned long long)refused);
}

/* Four bytes of attributes, then the value. */
static bool variable_is_set(const char *root)
{
	char path[PATH_MAX], buf[5];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s" EFI_VARIABLE, root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n == sizeof(buf) && buf[4];
}

static void check_efi(const struct guest *g)
{
	static const char hint[] =
		"use firmware that sets it; if yours shares no memory, kvm_page_enc=on overrides";
	char *cmdline;

	if (!root_exists(g->root, "/sys/firmware/efi")) {
		check_found(CHECK_OK, "efi", NULL, NULL, "not booted by EFI firmware");
		return;
	}
	cmdline = root_read(g->root, "/proc/cmdline", RECORD_MAX);
	if (variable_is_set(g->root))
		check_found(CHECK_OK, "efi", NULL, NULL, "SevLiveMigrationEnabled is set");
	else if (cmdline && strstr(cmdline, "kvm_page_enc=on"))
		check_found(CHECK_OK, "efi", NULL, NULL, "kvm_page_enc=on overrides the firmware");
	else if (!root_exists(g->root, "/sys/firmware/efi/efivars/."))
		check_found(CHECK_UNKNOWN, "efi", NULL,
			    "mount -t efivarfs none /sys/firmware/efi/efivars",
			    "EFI variables cannot be read");
	else
		check_found(CHECK_WARNING, "efi", NULL, hint,
			    "the firmware does not set SevLiveMigrationEnabled");
	free(cmdline);
}

static bool is_guest(const struct guest *g)
{
	uint32_t bits = KVM_FEATURE_BIT_HYPERCALL | KVM_FEATURE_BIT_MSR;

	if (root_exists(g->root, GUEST_DIR))
		return true;
	if (!g->kvm)
		return false;
	/* a KVM guest may be a host itself, and then nothing is expected of it */
	return g->sev_bit || g->features & bits || last_decision(g) ||
	       !root_exists(g->root, "/sys/module/kvm");
}

bool check_guest(const struct settings *s)
{
	struct guest g = { .root = s->filter.root };
	bool guest;

	get_cpuid(&g);
	get_log(&g);
	guest = is_guest(&g);
	if (guest) {
		check_bits(&g);
		check_sev(&g);
		check_log(&g);
		check_state(&g);
		check_efi(&g);
	}
	free(g.log);
	return guest;
}
