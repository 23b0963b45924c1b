/* SPDX-License-Identifier: BSD-3-Clause */
/* memory-order: orders to an array in memory, and the disks that it is given. */
#ifndef MIRROR_MEMORY_ORDER_H
#define MIRROR_MEMORY_ORDER_H

#include "memory-array.h"

#define AT (64 * 1024u)

static char data[4096];

static inline void
memory_array_prepare (bool has_bitmap)
{
  memory_array_plan (has_bitmap);
  memory_array_make ();
  memset (data, 'd', sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
}

/* A disk that the array can be given, with some other name. */
static inline void
memory_order_offer (unsigned number)
{
  static char name[OTHERS][16];

  memory.other[number] = memory_leg_new (number + MEMBERS);
  snprintf (name[number], sizeof name[number], "memory:%u", number);
  memory.other[number]->leg.name = name[number];
}

static inline struct array_answer
order_whole (const struct array_order *order)
{
  struct array_answer answer;
  int r = array_change (memory.array, order, &answer);

  ck_assert_msg ((r == 0) == (answer.reason == NULL), "%d %s", r,
                 answer.text);
  ck_assert_str_ne (answer.text, "");
  return answer;
}

static inline struct array_answer
order (enum array_verb verb, uint32_t member, const char *disk, bool discard)
{
  return order_whole (&(struct array_order){
    .verb = verb, .member = member, .disk = disk, .discard = discard });
}

static inline void
accepted (struct array_answer answer)
{
  ck_assert_msg (answer.reason == NULL, "%s: %s", answer.reason, answer.text);
}

static inline void
refused (struct array_answer answer, const char *reason)
{
  ck_assert_msg (answer.reason != NULL, "done: %s", answer.text);
  ck_assert_str_eq (answer.reason, reason);
}

/* Until all that is there is in sync. */
static inline void
memory_order_wait_in_sync (void)
{
  struct array_snapshot snapshot;
  bool busy;

  do {
    sched_yield ();
    array_get_snapshot (memory.array, &snapshot);
    busy = snapshot.recovering != 0;
    for (unsigned i = 0; i < snapshot.members; i++)
      busy |= snapshot.member[i].state == MEMBER_REPLACING;
  } while (busy);
}

/* MEMBER_STATES: there is no such member. */
static inline enum member_state
state_of (uint32_t id)
{
  struct array_snapshot snapshot;

  array_get_snapshot (memory.array, &snapshot);
  for (unsigned i = 0; i < snapshot.members; i++)
    if (snapshot.member[i].id == id)
      return snapshot.member[i].state;
  return MEMBER_STATES;
}

/* As on the first one. */
static inline void
same_data (const struct memory_leg *leg)
{
  uint64_t at = memory.sb[0].data_offset * SECTOR_SIZE;

  ck_assert_mem_eq (leg->data + at, memory.leg[0]->data + at,
                    memory.sb[0].size * SECTOR_SIZE);
}

#endif /* MIRROR_MEMORY_ORDER_H */
