/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble: the verdict over some disks, and how it is shown. */
#ifndef MIRROR_CTL_ASSEMBLE_H
#define MIRROR_CTL_ASSEMBLE_H

#include "ctl/member.h"
#include "logic/seats.h"

struct dry_run {
  struct member *member[ASSEMBLE_MEMBERS_MAX];
  unsigned count;
  /* Those that are there, and which member each is. */
  struct assemble_member given[ASSEMBLE_MEMBERS_MAX];
  unsigned index[ASSEMBLE_MEMBERS_MAX];
  unsigned given_count;
  struct member *stopper; /* cannot be opened, and is not just missing: with
                             it no server starts; or NULL */
  struct assembly assembly;
  struct seats seats; /* if seats_are_given */
};

/* Only when something differs between members can it be brought together. */
static inline bool
needs_resync (const struct assembly *assembly)
{
  bool alone = assembly->layout.level == LEVEL_RAID1
               && __builtin_popcount (assembly->in_sync) < 2;

  return assembly->dirty && !alone;
}

void assemble_print_text (const struct dry_run *run, int status);
void assemble_print_json (const struct dry_run *run, int status);

#endif /* MIRROR_CTL_ASSEMBLE_H */
