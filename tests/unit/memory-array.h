/* SPDX-License-Identifier: BSD-3-Clause */
/* memory-array: a clean md raid1 of two members in memory, to be bent. */
#ifndef MIRROR_MEMORY_ARRAY_H
#define MIRROR_MEMORY_ARRAY_H

#include <sched.h>

#include "engine/array.h"
#include "ground/log.h"
#include "md-samples.h"
#include "memory-leg.h"

#define MEMBERS 2
#define OTHERS 8

struct memory_array {
  struct create_wish wish;
  struct create_plan plan;
  struct sb1 sb[MEMBERS];
  struct bitmap_super bitmap;
  struct memory_leg *leg[MEMBERS];
  struct memory_leg *other[OTHERS]; /* for memory_array_open */
  unsigned others_given; /* so many of them at the start, too */
  unsigned spare_delay_s;
  struct array *array;
  char messages[8192];
};

static struct memory_array memory;

static inline void
memory_array_remember (enum log_level level, const char *message)
{
  size_t used = strlen (memory.messages);

  (void)level;
  snprintf (memory.messages + used, sizeof memory.messages - used, "%s\n",
            message);
}

/* What its members say: events 20.  @sectors of each are used; 0: all. */
static inline void
memory_array_plan_sized (enum sb1_version version, bool has_bitmap,
                         uint64_t sectors)
{
  static const uint8_t uuid[16] = "members";
  struct create_wish *wish = &memory.wish;
  char why[MESSAGE_MAX];

  memset (&memory, 0, sizeof memory);
  *wish = (struct create_wish){
    .layout = { .level = LEVEL_RAID1, .slots = MEMBERS, .near = 1, .far = 1 },
    .version = version, .bitmap = has_bitmap, .bitmap_chunk = 65536,
    .assume_clean = true, .size = sectors,
    .member_bytes = { memory_leg_bytes, memory_leg_bytes } };
  ck_assert_msg (create_plan (wish, &memory.plan, why), "%s", why);
  for (unsigned i = 0; i < MEMBERS; i++) {
    uint8_t device[16] = { (uint8_t)(i + 1) };

    create_superblock (wish, &memory.plan, i, uuid, device, 1, &memory.sb[i]);
    memory.sb[i].events = 20;
    memory.leg[i] = memory_leg_new (i);
  }
  if (has_bitmap) {
    create_bitmap (&memory.plan, uuid, &memory.bitmap);
    memory.bitmap.events = 20;
  }
}

/* Superblocks at their ends. */
static inline void
memory_array_plan (bool has_bitmap)
{
  memory_array_plan_sized (SB1_VERSION_1_0, has_bitmap, 0);
}

/* "memory:N" is the leg that the test has put into memory.other[N]. */
static inline int
memory_array_open (const struct array_opener *opener, const char *text,
                   struct leg **ret, bool *ret_missing, char *why)
{
  unsigned number;

  (void)opener;
  *ret_missing = true;
  if (sscanf (text, "memory:%u", &number) != 1 || number >= OTHERS
      || memory.other[number] == NULL) {
    snprintf (why, MESSAGE_MAX, "there is no such disk");
    return -ENOENT;
  }
  *ret = &memory.other[number]->leg;
  return 0;
}

static inline void
memory_array_write_supers (void)
{
  for (unsigned i = 0; i < MEMBERS; i++) {
    char *data = memory.leg[i]->data;
    uint64_t at = memory.sb[i].super_offset * SECTOR_SIZE;

    sb1_encode (&memory.sb[i], (uint8_t *)data + at);
    if (memory.wish.bitmap)
      bitmap_encode (&memory.bitmap,
                     (uint8_t *)data + bitmap_offset_bytes (&memory.sb[i]));
  }
}

/* Of what its members hold. */
static inline void
memory_array_start (uint32_t missing)
{
  struct array_config config = { .legs = MEMBERS + memory.others_given,
                                 .spare_delay_s = memory.spare_delay_s,
                                 .retry_ms = 1,
                                 .opener = { .open = memory_array_open } };
  const char *absent[MEMBERS + OTHERS] = { "missing", "missing" };
  struct leg *legs[MEMBERS + OTHERS];
  char why[MESSAGE_MAX];

  log_set_sink (memory_array_remember);
  for (unsigned i = 0; i < MEMBERS; i++)
    legs[i] = missing & 1u << i ? NULL : &memory.leg[i]->leg;
  for (unsigned i = 0; i < memory.others_given; i++)
    legs[MEMBERS + i] = &memory.other[i]->leg;
  ck_assert_msg (array_create (&config, legs, absent, &memory.array, why) == 0,
                 "%s", why);
  ck_assert_int_eq (array_start (memory.array), 0);
}

/* The array of what was planned, and bent since; it is started.  Those of
 * @missing are not there.
 */
static inline void
memory_array_make_without (uint32_t missing)
{
  memory_array_write_supers ();
  memory_array_start (missing);
}

static inline void
memory_array_make (void)
{
  memory_array_make_without (0);
}

/* A plain array of so many empty legs as @layout has slots, at most OTHERS;
 * started.
 */
static inline void
memory_array_make_plain (const struct layout *layout)
{
  struct array_config config = { .legs = layout->slots,
                                 .layout = *layout,
                                 .retry_ms = 1,
                                 .opener = { .open = memory_array_open } };
  struct leg *legs[OTHERS];
  char why[MESSAGE_MAX];

  memset (&memory, 0, sizeof memory);
  log_set_sink (memory_array_remember);
  for (unsigned i = 0; i < layout->slots; i++) {
    struct memory_leg *leg = memory_leg_new (i);

    if (i < MEMBERS)
      memory.leg[i] = leg;
    legs[i] = &leg->leg;
  }
  ck_assert_msg (array_create (&config, legs, NULL, &memory.array, why) == 0,
                 "%s", why);
  ck_assert_int_eq (array_start (memory.array), 0);
}

/* What the superblock on @leg says now. */
static inline struct sb1
memory_array_super_on (const struct memory_leg *leg)
{
  const char *at = leg->data + memory.sb[0].super_offset * SECTOR_SIZE;
  struct sb1 sb;

  ck_assert (sb1_decode (memory.wish.version, (const uint8_t *)at, &sb));
  return sb;
}

/* And that of member @i. */
static inline struct sb1
memory_array_super (unsigned i)
{
  return memory_array_super_on (memory.leg[i]);
}

/* And its bitmap's. */
static inline struct bitmap_super
memory_array_bitmap (unsigned i)
{
  const char *data = memory.leg[i]->data;
  struct bitmap_super bitmap;

  bitmap_decode ((const uint8_t *)data + bitmap_offset_bytes (&memory.sb[i]),
                 &bitmap);
  return bitmap;
}

/* For loops: whoever is to change the status gets the processor first. */
static inline void
memory_array_look (struct array_status *status)
{
  sched_yield ();
  array_get_status (memory.array, status);
}

static inline int
memory_array_unmake (void)
{
  int r = array_quiesce (memory.array, ground_now () + GROUND_S);

  array_close (memory.array);
  return r;
}

#endif /* MIRROR_MEMORY_ARRAY_H */
