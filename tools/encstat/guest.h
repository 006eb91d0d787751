/* SPDX-License-Identifier: GPL-2.0 */
/* A guest's own view of its memory: list and map where no VM runs. */
#ifndef ENCSTAT_GUEST_H
#define ENCSTAT_GUEST_H

#include "encstat.h"

#define GUEST_DEBUGFS	"/sys/kernel/debug/kvm_page_enc"

/* A guest that announces, and no host of others. */
bool guest_is_here(const char *root);

void guest_list(const struct settings *s);
void guest_map(const struct settings *s);

#endif
