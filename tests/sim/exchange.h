/* SPDX-License-Identifier: BSD-3-Clause */
/* exchange: what the parts of test-exchange share: one world at a time. */
#ifndef MIRROR_EXCHANGE_H
#define MIRROR_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/array.h"
#include "logic/layout.h"
#include "member-disk.h"
#include "sim-random.h"

#define CLIENTS 3u
#define SLOTS_MAX 4u
#define CLIENTS_BYTES (52u * 1024) /* what they write lies in so many */

/* Remote disks of one kind only, for who looks for something there. */
enum only { ONLY_ANY, ONLY_PLAIN, ONLY_MD, ONLY_LAST };

struct exchange {
  enum only only;
  uint64_t seed;
  struct random_stream chance; /* of the administrator */
  struct layout layout;
  uint64_t first_size; /* of the array: behind it copies differ at first */
  bool plain, remote;
  uint32_t group[LEGS_MAX]; /* slots that hold the same, each set of them */
  unsigned groups;
  struct array *array;
  bool stop_clients, flush_seldom;
  bool may_lose_last;  /* the last copy of something may be cut off, too */
  bool last_was_cut;   /* and was, so what was not flushed may be lost */
  bool errors_allowed; /* and clients may get errors now */
  bool is_stuck;       /* no flush succeeds any more, so nobody joins, and what
                          differs stays so until the next start */
};
extern struct exchange exchange;

/* How often each was reached, in all worlds. */
enum mark {
  MARK_FAIL, MARK_REMOVE, MARK_ADD, MARK_READD, MARK_MOSTLY, MARK_OTHERS,
  MARK_REPLACE, MARK_GROW_SIZE, MARK_GROW_LEGS, MARK_BITMAP, MARK_SPARE, MARK_STEPS_IN,
  MARK_BROKE, MARK_LAST_COPY, MARK_REPLACED, MARK_BY_BITMAP, MARK_WAITED,
  MARK_OLD, MARK_PLAIN, MARK_PLAIN_REPLACED, MARK_UNFINISHED, MARK_NEAR,
  MARK_FAR, MARK_OFFSET, MARK_SETS, MARK_BAD, MARK_BAD_BACK,
  MARK_CUT, MARK_BY_MAP, MARK_LATE, MARK_NEWER, MARK_ITSELF, MARK_STAYS_OUT,
  MARK_SWAPPED, /* stays out, so many kinds */
  MARK_TAKEN = MARK_SWAPPED + SWAPS, MARK_REQUESTS_LEAST, MARK_POOL_LEAST,
  MARK_LAST_CUT, MARK_REATTACHED, MARK_LOST_DATA, MARK_CLIENT_ERROR,
  MARK_FLUSH_LOST, MARK_SOURCE_LOST,
  MARK_RARE,
  MARK_SPLIT = MARK_RARE, /* not in so few worlds */
  MARK_TAKEN_TWIN,
  MARKS,
};
extern unsigned reached[MARKS];

/* A sink of log events. */
struct log_event;
void marks_count_event (const struct log_event *event, const char *message);

/* Print them.  False: one that must be among them was never reached. */
bool marks_tell (void);

/* "plain" and so on, or NULL; ends the program if there is no such kind. */
enum only world_kind (const char *name);

/* Another array, and what its disks say. */
void world_choose (void);

/* Are these slots, a mask, enough to have a copy of everything? */
bool world_is_enough (uint32_t slots);

/* Without member @but, is there of everything one that stays and is good? */
bool world_another_is_good (const struct array_snapshot *now, uint32_t but);

/* Is somebody replacing the one in @slot? */
bool world_has_heir (const struct array_snapshot *now, int slot);

/* What was once a member of it? */
bool world_was_member (const struct disk *disk);

/* No disk of one that is in sync is broken. */
bool world_is_good (const struct array_snapshot *now);

/* Of an array that was stopped: the members that are in sync hold the same, and
 * in a plain array those that are not say so.  @ret: the disk of each slot that
 * is good and in sync, or NULL.
 */
void world_compare (const struct array_snapshot *now,
                    struct disk *ret[LEGS_MAX]);

/* A client, @argument its number: writes, and reads what it wrote last, until
 * exchange.stop_clients.
 */
void clients_reset (void);
void client (void *argument);

/* Everything that clients were told is stored is there. */
void clients_check (void);

/* The administrator of a new array: the ids of its members are new. */
void orders_reset (void);

/* One order, or a disk breaks, at random. */
void orders_give_one (void);

/* A snapshot, and what may never be in one. */
void orders_look (struct array_snapshot *ret);

/* Is something being rebuilt? */
bool orders_are_busy (const struct array_snapshot *now);

/* How many replacements have ended well? */
unsigned orders_count_replaced (const struct array_snapshot *now);

/* Print which steps the roster took.  False: one that must be among them was
 * never reached.
 */
bool roster_marks_tell (void);

struct disk *disk_of (const struct array_member *member);

#endif /* MIRROR_EXCHANGE_H */
