// SPDX-License-Identifier: GPL-2.0
/*
 * The process of a VM. KVM names a VM after the thread that created it, by its
 * number in the first PID namespace. Within another namespace, and when a
 * number is used again, /proc has somebody else under it; the VM itself among
 * the open files tells.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "process.h"
#include "root.h"
#include "text.h"

#define ARGS_MAX	(1 << 20)
#define STATUS_MAX	(1 << 14)
#define LINK_VM		"anon_inode:kvm-vm"
#define FIRST_NAMESPACE	"pid:[4026531836]"	/* PROC_PID_INIT_INO */

static bool link_is(const char *path, const char *text)
{
	char link[64];
	ssize_t n = readlink(path, link, sizeof(link));

	return n == (ssize_t)strlen(text) && !memcmp(link, text, n);
}

static bool has_vm(const char *files)
{
	char path[PATH_MAX + 260];
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir(files);

	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", files, e->d_name);
		found = link_is(path, LINK_VM);
	}
	closedir(dir);
	return found;
}

/* A copied tree has no open files; there is nothing to doubt then. */
static bool is_creator(const char *root, int thread, int fd)
{
	char files[PATH_MAX], path[PATH_MAX + 16];
	struct stat st;

	snprintf(files, sizeof(files), "%s/proc/%d/fd", root, thread);
	if (lstat(files, &st))
		return errno == ENOENT;
	if (access(files, R_OK | X_OK)) {
		/* who may not look at the files has to believe the number */
		snprintf(path, sizeof(path), "%s/proc/self/ns/pid", root);
		return link_is(path, FIRST_NAMESPACE);
	}
	if (fd < 0)
		return has_vm(files);
	snprintf(path, sizeof(path), "%s/%d", files, fd);
	return link_is(path, LINK_VM);
}

/* The process that the thread belongs to; itself, if nothing says otherwise. */
static int process_of_thread(const char *root, int thread)
{
	char path[64], *status, *line;
	uint64_t pid = thread;

	snprintf(path, sizeof(path), "/proc/%d/status", thread);
	status = root_read(root, path, STATUS_MAX);
	line = status ? strstr(status, "\nTgid:\t") : NULL;
	if (line) {
		const char *p = line + strlen("\nTgid:\t"), *end = p + strlen(p);

		if (!text_parse_uint(&p, end, &pid) || !pid || pid > INT_MAX)
			pid = thread;
	}
	free(status);
	return pid;
}

bool process_of_vm(const char *root, int thread, int fd, struct process *p)
{
	char path[PATH_MAX];

	*p = (struct process){ 0 };
	if (!is_creator(root, thread, fd))
		return false;
	snprintf(path, sizeof(path), "%s/proc/%d/cmdline", root, thread);
	p->args = read_whole(AT_FDCWD, path, ARGS_MAX, &p->len);
	if (!p->args)
		return false;
	p->pid = process_of_thread(root, thread);
	return true;
}
