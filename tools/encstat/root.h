/* SPDX-License-Identifier: GPL-2.0 */
/* Files below the root that --root gives, or "" for this machine. */
#ifndef ENCSTAT_ROOT_H
#define ENCSTAT_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool root_exists(const char *root, const char *path);

/* The content, terminated and without the last newline; NULL with errno. */
char *root_read(const char *root, const char *path, size_t max);

/* One decimal number. */
bool root_read_uint(const char *root, const char *path, uint64_t *v);

/* A copied tree has no devices; a text stands for what they would answer. */
bool root_is_copy(const char *root);

/* What the kernel's lockdown is called: "integrity", "confidentiality"; or NULL. */
char *root_lockdown(const char *root);

#endif
