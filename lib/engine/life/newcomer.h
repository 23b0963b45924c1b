/* SPDX-License-Identifier: BSD-3-Clause */
/* newcomer: a disk that is to join an array that runs: opened, read, judged.
 *
 * Whoever has one owns its leg, until it is a member.
 */
#ifndef MIRROR_NEWCOMER_H
#define MIRROR_NEWCOMER_H

#include <stdbool.h>

#include "engine/life/comeback.h"
#include "engine/life/samples.h"
#include "members/fit.h"
#include "members/proof.h"
#include "members/read.h"

struct array;
struct array_answer;
struct array_order;
struct leg;
struct member;

struct newcomer {
  struct leg *leg;
  struct member_record record;
  bool is_blank; /* nothing but zeroes at both ends, where signatures are; or
                    the mark of one that was never finished: */
  bool is_unfinished;
  struct comeback comeback; /* of a plain array */
  struct proof proof;       /* of one with a state file, as is: */
  struct samples samples;   /* what it has in common with disks in sync */
  struct fit fit;
};

/* Open the disk that @text names, which may be the one that member @instead lost
 * (0: it is to be another one than all members), and read what it says about
 * itself.  0
 * (newcomer_drop follows), or -errno and *@answer.  Blocks on the opener and
 * on reads.
 */
int newcomer_open (struct array *array, const char *text, uint32_t instead,
                   struct newcomer *ret, struct array_answer *answer);

/* Is @leg no disk of a member, but of @instead?  0, or -errno and *@answer. */
int newcomer_check_other (struct array *array, const struct leg *leg,
                          uint32_t instead, struct array_answer *answer);

/* What was read of it counts for nothing: it is new. */
void newcomer_disregard (struct newcomer *newcomer);

/* May what it holds be overwritten?  0, or -errno and *@answer. */
int newcomer_check_contents (const struct newcomer *newcomer,
                             const struct array_order *order,
                             struct array_answer *answer);

/* Close what is still its own. */
void newcomer_drop (struct newcomer *newcomer);

/* May it join?  For who has the metadata's turn.  newcomer->fit. */
void newcomer_judge (struct array *array, struct newcomer *newcomer,
                     bool discard);

/* A member of it, with the superblock that it will have, or with none in a
 * plain array; its leg is started.
 * newcomer->leg is NULL afterwards.  For who has the turn.  0 and *@ret, or
 * -errno and *@answer.
 */
int newcomer_seat (struct array *array, struct newcomer *newcomer,
                   struct member **ret, struct array_answer *answer);

#endif /* MIRROR_NEWCOMER_H */
