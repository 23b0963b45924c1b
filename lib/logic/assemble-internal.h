/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble-internal: what the files of assemble share. */
#ifndef MIRROR_ASSEMBLE_INTERNAL_H
#define MIRROR_ASSEMBLE_INTERNAL_H

#include "logic/assemble.h"

struct assemble_work {
  const struct assemble_member *members;
  unsigned count;
  struct assembly *ret;
};

/* The superblock of member @i, or NULL if it cannot be believed. */
static inline const struct sb1 *
assemble_good (const struct assemble_work *work, unsigned i)
{
  return work->members[i].verdict == SB1_GOOD ? work->members[i].sb : NULL;
}

static inline bool
assemble_has_slot (const struct sb1 *sb)
{
  return sb1_own_role (sb) < SB1_ROLE_SLOTS;
}

/* Settle the verdict. */
void assemble_refuse (struct assemble_work *work,
                      enum assemble_result result, unsigned culprit,
                      const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

/* False: the verdict is settled.  Are these the members of one array ... */
bool assemble_check_kinds (struct assemble_work *work);

/* ... and do those that claim to be of today agree about today? */
bool assemble_check_fresh (struct assemble_work *work,
                           const struct sb1 *authority);

/* After the fresh ones are judged and summed up: all others. */
void assemble_judge_others (struct assemble_work *work,
                            const struct sb1 *authority);

#endif /* MIRROR_ASSEMBLE_INTERNAL_H */
