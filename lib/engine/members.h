/* SPDX-License-Identifier: BSD-3-Clause */
/* members: what the disks say about themselves, and the array they make. */
#ifndef MIRROR_MEMBERS_H
#define MIRROR_MEMBERS_H

#include <stdbool.h>

#include "logic/assemble.h"
#include "logic/badblocks.h"
#include "logic/seats.h"
#include "logic/slots.h"

struct array;
struct array_config;
struct leg;

/* What was read from one leg. */
struct member_record {
  struct leg *leg; /* NULL: could not be opened */
  enum sb1_verdict verdict;
  enum sb1_version version;
  struct sb1 sb;
  uint8_t block[SB1_BLOCK_SIZE]; /* sb in its own bytes */
  char why[MESSAGE_MAX]; /* of the verdict, to follow its name */
  bool unreadable;       /* some of its metadata: then it is DAMAGED */

  enum bitmap_verdict bitmap_verdict; /* BITMAP_NONE: not looked for */
  struct bitmap_super bitmap;
  uint8_t head[BITMAP_HEAD_SIZE];
  uint8_t *bits; /* ours; NULL unless good */
  char bitmap_why[MESSAGE_MAX];

  struct badblocks *bad; /* ours until an array has it; NULL: none */
  struct seat seat;
};

/* All legs. */
struct members {
  unsigned count;
  struct member_record record[LEGS_MAX];
  struct assembly assembly;
  struct slot slot[LEGS_MAX]; /* if slots_are_known; numbered like record */
};

/* Read the metadata of all @legs.  0 and *@ret (members_free follows), or
 * -ENOMEM and @why.  Blocks on reads.
 */
int members_read (struct leg **legs, unsigned count, struct members **ret,
                  char *why);
/* The same, but nothing is read: none of them has any. */
int members_ignore (struct leg **legs, unsigned count, struct members **ret,
                    char *why);

void members_free (struct members *members);

/* Decide what they make.  0, or -errno and @why: they cannot be started.  For
 * an md array each record has its seat afterwards; *@ret_why_readonly
 * (MESSAGE_MAX bytes) is not empty if it may only be read.
 */
int members_assemble (struct members *members,
                      const struct array_config *config,
                      const char *const *absent, char *ret_why_readonly,
                      char *why);

/* After that: say what is unusual about it, and which disks are missing. */
void members_tell (const struct members *members, const char *const *absent);

#endif /* MIRROR_MEMBERS_H */
