/* SPDX-License-Identifier: BSD-3-Clause */
/* members: the disks that a server was given, and the array they make, in
 * words.
 */
#ifndef MIRROR_MEMBERS_MEMBERS_H
#define MIRROR_MEMBERS_MEMBERS_H

#include <stdbool.h>

#include "logic/assemble.h"
#include "logic/slots.h"
#include "members/read.h"

/* All disks. */
struct members {
  unsigned count;
  struct member_record record[LEGS_MAX];
  struct assembly assembly;
  struct slot slot[LEGS_MAX]; /* if slots_are_known; numbered like record */
  uint32_t block; /* bytes: the largest that a disk with a seat wants, or that is
                     on record */
};

/* What the user asks of an md array. */
struct members_wish {
  struct layout layout; /* as far as it was given: */
  bool level_given, layout_given, chunk_given;
  bool no_degraded;     /* every slot needs a member that is in sync */
  unsigned keep;        /* after a split brain the history of disk keep - 1 is
                           kept; 0: then it is refused */
};

/* Read the metadata of all @disks.  0 and *@ret (members_free follows), or
 * -ENOMEM and @why.  Blocks on reads.
 */
int members_read (const struct member_disk *disks, unsigned count,
                  struct members **ret, char *why);
/* The same, but nothing is read: none of them has any. */
int members_ignore (const struct member_disk *disks, unsigned count,
                    struct members **ret, char *why);

void members_free (struct members *members);

/* Decide what they make.  0, or -errno and @why: they cannot be started.  For
 * an md array each record has its seat afterwards; *@ret_why_readonly
 * (MESSAGE_MAX bytes) is not empty if it may only be read.  @absent[i] says
 * which disk is not there and why ("disk NAME: REASON").
 */
int members_assemble (struct members *members, const struct members_wish *wish,
                      const char *const *absent, char *ret_why_readonly,
                      char *why);

/* After that: say what is unusual about it, and which disks are missing. */
void members_tell (const struct members *members, const char *const *absent);

#endif /* MIRROR_MEMBERS_MEMBERS_H */
