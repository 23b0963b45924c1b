/* SPDX-License-Identifier: BSD-3-Clause */
/* roster: which members an array has, and what an event makes of them.
 *
 * Pure.  A roster is a value: an event in, the next roster out, or a refusal
 * with its reason and the old roster as it was.
 *
 *   member        in a slot   written   read    what it is
 *   SPARE         -           -         -       a disk that waits
 *   RECOVERING    yes         yes       -       what it lacks is being copied
 *   REPLACING     shares it   yes       -       the same, while the member
 *                                               that it replaces serves on
 *   IN_SYNC       yes         yes       yes     holds everything
 *   FAULTY        had it      -         -       lacks something; remembered
 *                                               until it is removed
 *
 *                 SPARE      RECOVERING  REPLACING   IN_SYNC     FAULTY
 *   FAIL          FAULTY     FAULTY      FAULTY      FAULTY (a)  already
 *   REMOVE        gone       gone        gone        gone (a)    gone
 *   ACTIVATE      RECOVERING in use      in use      in use      faulty
 *   REPLACE       idle       unready     unready     + REPLACING faulty
 *   READD         idle       in use      in use      in use      RECOVERING (b)
 *   PROGRESS      idle       how far     how far     already     faulty
 *   RECOVERED     idle       IN_SYNC     IN_SYNC (c) already     faulty
 *   REATTACH      idle       in use      in use      a new id    faulty
 *   FLAG          flags      flags       flags       flags       flags
 *   ADD           a new member, RECOVERING, in a slot without one
 *   GROW          more slots, empty; or fewer, where the last ones are empty
 *
 *   (a) refused if some copy group would have no member in sync left.  If the
 *       slot has a replacement, that takes the slot over, RECOVERING
 *   (b) refused if another member has the slot
 *   (c) the member that it replaces becomes FAULTY in the same step
 *
 * A slot has at most one member that is RECOVERING or IN_SYNC, its occupant,
 * and at most one beside it that is REPLACING.
 */
#ifndef MIRROR_ROSTER_H
#define MIRROR_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"

/* Each slot may have an occupant and a replacement. */
#define ROSTER_MAX (2 * LEGS_MAX)

enum member_state {
  MEMBER_SPARE,
  MEMBER_RECOVERING,
  MEMBER_REPLACING,
  MEMBER_IN_SYNC,
  MEMBER_FAULTY,
  MEMBER_STATES,
};

enum {
  MEMBER_WRITE_MOSTLY = 1, /* read only if no other copy can be */
  MEMBER_FAILFAST = 2,
};

struct roster_member {
  uint32_t id; /* never 0, and never used again */
  enum member_state state;
  int slot;           /* -1: none; a faulty one's: where it was */
  uint32_t flags;
  uint64_t recovered; /* RECOVERING, REPLACING: bytes of its data, from the
                         beginning on, that are good */
  bool by_bitmap;     /* likewise: it lacks only what the bitmap has set */
};

struct roster {
  unsigned slots;
  unsigned groups; /* of layout_groups: sets of slots that hold some chunk */
  uint32_t group[LEGS_MAX];
  uint32_t next_id;
  unsigned members;
  struct roster_member member[ROSTER_MAX]; /* in order of their ids */
};

/* Which slots are what: derived, never stored. */
struct roster_sets {
  uint32_t in_sync;    /* their occupant is read and written */
  uint32_t recovering; /* their occupant is written only */
  uint32_t replacing;  /* besides the occupant a replacement is written */
  uint32_t lacking;    /* no occupant is in sync */
  unsigned survives;   /* so many of the members in sync may fail, whichever
                          they are, and everything has a copy still */
};

enum roster_event_kind {
  ROSTER_FAIL,
  ROSTER_REMOVE,
  ROSTER_ACTIVATE,  /* a spare steps in: @slot, or -1 for the first that is
                       free */
  ROSTER_REPLACE,   /* by the spare @spare, or by a new member if it is 0 */
  ROSTER_READD,     /* @recovered, @by_bitmap */
  ROSTER_PROGRESS,  /* @recovered */
  ROSTER_RECOVERED,
  ROSTER_REATTACH,  /* the same disk by another connection: all is as it was, but
                       it is the last one and has a new id */
  ROSTER_FLAG,      /* @flags: all of them, as they are to be */
  ROSTER_ADD,       /* a new member: @slot, or -1 for the first that is free */
  ROSTER_ADD_SPARE, /* a new member without a slot */
  ROSTER_GROW,      /* @slots with these @groups of @group */
  ROSTER_EVENTS,
};

struct roster_event {
  enum roster_event_kind kind;
  uint32_t id; /* of the member; not for ADD, ADD_SPARE and GROW */
  int slot;
  uint32_t spare;
  uint64_t recovered;
  bool by_bitmap;
  uint32_t flags;
  unsigned slots, groups;
  const uint32_t *group;
};

enum roster_refusal {
  ROSTER_OK,
  ROSTER_UNKNOWN,   /* no member has this id */
  ROSTER_ALREADY,   /* it is so already */
  ROSTER_LAST_COPY, /* something would have no copy left */
  ROSTER_IDLE,      /* a spare, of which this cannot be said */
  ROSTER_IN_USE,    /* it has a slot already */
  ROSTER_FAULTY,    /* only a readd helps it */
  ROSTER_UNREADY,   /* it lacks something, so replace it otherwise: fail it,
                       and add the other one */
  ROSTER_NO_SLOT,   /* that slot, or every slot, has a member; or there is no
                       such slot */
  ROSTER_FULL,      /* as many members as there can be */
};

/* @group, @groups as from layout_groups.  No members yet. */
void roster_init (struct roster *roster, unsigned slots,
                  const uint32_t *group, unsigned groups);

/* For the start: the members that the metadata names.  Returns its id. */
uint32_t roster_seat (struct roster *roster, int slot,
                      enum member_state state, uint64_t recovered,
                      bool by_bitmap);

/* Does every copy group keep a slot of @in_sync? */
bool roster_enough (const struct roster *roster, uint32_t in_sync);

/* So many of the members in @in_sync may fail, whichever they are, and each of
 * the @groups sets of @group keeps one.
 */
unsigned roster_survives (const uint32_t *group, unsigned groups,
                          uint32_t in_sync);

void roster_sets (const struct roster *roster, struct roster_sets *ret);

/* Of @failed, members that could not do what all were to do: those that cannot
 * be called worse than others, since no copy of @in_sync in one of their groups
 * could.  Sets of slots or of anything else, like the groups.
 */
uint32_t roster_excused (const uint32_t *group, unsigned groups,
                         uint32_t in_sync, uint32_t failed);

/* NULL: none has it. */
const struct roster_member *roster_find (const struct roster *roster,
                                         uint32_t id);
/* NULL: the slot is empty. */
const struct roster_member *roster_occupant (const struct roster *roster,
                                             unsigned slot);

/* What @event makes of @now.  Depends on its arguments only.  ROSTER_OK and
 * *@ret, in which a new member is the last one; or why not, and *@ret is
 * untouched.  @ret may be @now.
 */
enum roster_refusal roster_next (const struct roster *now,
                                 const struct roster_event *event,
                                 struct roster *ret);

#endif /* MIRROR_ROSTER_H */
