/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble: the verdict over some disks, and how it is shown. */
#ifndef MIRROR_CTL_ASSEMBLE_H
#define MIRROR_CTL_ASSEMBLE_H

#include "ctl/member.h"
#include "members/judge.h"

/* One side of a split brain. */
struct history {
  unsigned leg;         /* a member to name it by: on-split-brain=leg:N */
  enum part by;         /* and what that one is in it */
  struct assembly made; /* by that choice */
};

/* As the server's metadata=. */
enum dry_run_metadata { METADATA_AUTO, METADATA_MD, METADATA_NONE };

struct dry_run {
  enum dry_run_metadata metadata;
  struct member *member[ASSEMBLE_MEMBERS_MAX];
  unsigned count;
  struct member *stopper; /* cannot be opened, and is not just missing: with
                             it no server starts; or NULL */
  struct members_verdict verdict;

  /* ASSEMBLE_SPLIT: the histories, in the order of the disks; which of them,
   * from 1 on, each of those given is of, or 0; and what naming it would make.
   */
  unsigned histories;
  struct history history[ASSEMBLE_MEMBERS_MAX];
  unsigned side[ASSEMBLE_MEMBERS_MAX];
  enum assemble_result choice[ASSEMBLE_MEMBERS_MAX];
};

/* Only when something differs between members can it be brought together. */
static inline bool
needs_resync (const struct assembly *assembly)
{
  bool alone = assembly->layout.level == LEVEL_RAID1
               && __builtin_popcount (assembly->in_sync) < 2;

  return assembly->dirty && !alone;
}

/* START, FAILED and SPLIT know the array. */
static inline bool
knows_array (const struct assembly *assembly)
{
  return assembly->layout.slots != 0;
}

static inline const struct member *
given_member (const struct dry_run *run, unsigned j)
{
  return run->member[run->verdict.number[j]];
}

static inline void
given_members (const struct dry_run *run, const struct member **ret)
{
  for (unsigned j = 0; j < run->verdict.count; j++)
    ret[j] = given_member (run, j);
}

static inline const char *
given_name (const struct dry_run *run, unsigned j)
{
  return given_member (run, j)->name;
}

/* @culprit counts those given. */
static inline const char *
culprit_name (const struct dry_run *run, unsigned culprit)
{
  return culprit < run->verdict.count ? given_name (run, culprit) : "array";
}

/* Has a disk whose data count bad blocks on record? */
static inline bool
has_bad_blocks (const struct dry_run *run, unsigned j)
{
  return assemble_part_is_fresh (run->verdict.assembly.part[j].part)
         && member_has_bad_blocks (run->member[run->verdict.number[j]]);
}

/* The disks are no members of an md array, or nobody asks whether they are, and
 * all are open: what would a server with the default level= do?
 */
void plain_judge (struct dry_run *run);

/* After judging: who is of which history. */
void histories_find (struct dry_run *run);

/* What one of those given is; in a split brain, in its own history. */
struct assemble_part histories_part (const struct dry_run *run, unsigned j);

void assemble_print_text (const struct dry_run *run, int status);
void assemble_print_json (const struct dry_run *run, int status);

#endif /* MIRROR_CTL_ASSEMBLE_H */
