/* SPDX-License-Identifier: BSD-3-Clause */
/* bench-mirror: a raid1 of two members in memory, for bench-engine.
 *
 * The members answer at once and count nothing, so that no thread waits for
 * another one because of them.
 */
#ifndef MIRROR_BENCH_MIRROR_H
#define MIRROR_BENCH_MIRROR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "logic/create-plan.h"

#define BLOCK 4096
#define WORDS (BLOCK / sizeof (uint64_t))
#define BLOCKS 4096                        /* what the requests go to */
#define SPREAD (BLOCKS * BLOCK)
#define MEMBER_BYTES (SPREAD + (1u << 20)) /* room for metadata */
#define MEMBERS 2

#define die(...)                                                              \
  do {                                                                        \
    fprintf (stderr, "bench-engine: " __VA_ARGS__);                           \
    fputc ('\n', stderr);                                                     \
    exit (1);                                                                 \
  } while (0)

/* Set while nothing but blocks of data may be asked for. */
static _Atomic bool only_data;

struct member {
  struct leg leg;
  char *data;
};

static inline void
member_issue (struct leg *leg, struct child *child)
{
  struct member *member = container_of (leg, struct member, leg);
  char *at = member->data + child->offset;

  if (child->op == CHILD_READ)
    memcpy (child->buffer, at, child->length);
  else if (child->op == CHILD_WRITE)
    memcpy (at, child->buffer, child->length);
  if (only_data && (child->op > CHILD_WRITE || child->offset >= SPREAD))
    die ("%s array: a member was asked for more than data", leg->name);
  child->done (child, 0);
}

static inline int
member_start (struct leg *leg)
{
  (void)leg;
  return 0;
}

static inline int
member_read_now (struct leg *leg, void *buffer, uint64_t length,
                 uint64_t offset)
{
  memcpy (buffer, container_of (leg, struct member, leg)->data + offset,
          length);
  return 0;
}

static inline void
member_give_up (struct leg *leg) /* nothing is ever in flight */
{
  (void)leg;
}

/* Each with data of its own, so that they are alike only once everything was
 * written through the array.
 */
static inline void
member_init (struct member *member, const char *name, unsigned slot)
{
  static const struct leg_ops ops = {
    .start = member_start,
    .issue = member_issue,
    .read_now = member_read_now,
    .abort = member_give_up,
    .close = member_give_up,
  };

  member->data = calloc (1, MEMBER_BYTES);
  if (member->data == NULL)
    die ("no memory");
  memset (member->data, slot + 1, SPREAD);
  member->leg.ops = &ops;
  member->leg.rank = LEG_INLINE;
  member->leg.name = name;
  member->leg.caps = (struct leg_caps){
    .size = MEMBER_BYTES, .exact_size = MEMBER_BYTES, .block_minimum = 1,
    .block_preferred = BLOCK, .request_max = 1u << 20, .zero_max = 1u << 20,
    .memory_alignment = 1, .flush = true, .fua = true,
  };
  snprintf (member->leg.identity, sizeof member->leg.identity, "%s:%u", name,
            slot);
}

struct mirror {
  const char *name;
  struct member member[MEMBERS];
  struct array *array;
};

static const struct layout raid1
  = { .level = LEVEL_RAID1, .slots = MEMBERS, .near = 1, .far = 1 };

/* Superblocks at the ends, so the data begins at 0; a small bitmap. */
static inline void
write_metadata (struct mirror *mirror)
{
  static const uint8_t uuid[16] = "bench-engine";
  struct create_wish wish = {
    .layout = raid1, .version = SB1_VERSION_1_0, .bitmap = true,
    .bitmap_chunk = 65536, .assume_clean = true,
    .member_bytes = { MEMBER_BYTES, MEMBER_BYTES },
  };
  struct create_plan plan;
  struct bitmap_super bitmap;
  char why[MESSAGE_MAX];

  if (!create_plan (&wish, &plan, why))
    die ("%s", why);
  create_bitmap (&plan, uuid, &bitmap);
  for (unsigned i = 0; i < MEMBERS; i++) {
    uint8_t device_uuid[16] = { (uint8_t)(i + 1) };
    uint8_t *data = (uint8_t *)mirror->member[i].data;
    struct sb1 sb;

    create_superblock (&wish, &plan, i, uuid, device_uuid, 1, &sb);
    assert (sb.data_offset == 0 && sb.super_offset * SECTOR_SIZE >= SPREAD
            && bitmap_offset_bytes (&sb) >= SPREAD);
    sb1_encode (&sb, data + sb.super_offset * SECTOR_SIZE);
    bitmap_encode (&bitmap, data + bitmap_offset_bytes (&sb));
  }
}

static inline void
mirror_make (struct mirror *mirror, bool is_md)
{
  struct array_config config = {
    .legs = MEMBERS, .layout = raid1,
    .quiet_ms = 3600 * 1000, .sweep_ms = 3600 * 1000, /* all stays hot */
  };
  struct leg *legs[MEMBERS];
  static uint64_t buffer[WORDS];
  char why[MESSAGE_MAX];

  for (unsigned i = 0; i < MEMBERS; i++) {
    member_init (&mirror->member[i], mirror->name, i);
    legs[i] = &mirror->member[i].leg;
  }
  if (is_md)
    write_metadata (mirror);
  if (array_create (&config, legs, (const char *[MEMBERS]){ NULL },
                    &mirror->array, why) != 0)
    die ("%s", why);
  if (array_start (mirror->array) != 0
      || array_allow_writes (mirror->array) != 0)
    die ("%s array: cannot start", mirror->name);
  for (uint64_t block = 0; block < BLOCKS; block++) {
    buffer[0] = block;
    if (array_write (mirror->array, buffer, BLOCK, block * BLOCK, 0) != 0)
      die ("%s array: cannot be filled", mirror->name);
  }
}

static inline void
mirror_finish (struct mirror *mirror)
{
  if (array_quiesce (mirror->array, GROUND_NEVER) != 0)
    die ("%s array: cannot be stopped", mirror->name);
  if (memcmp (mirror->member[0].data, mirror->member[1].data, SPREAD) != 0)
    die ("%s array: the members differ", mirror->name);
  array_close (mirror->array);
}

#endif /* MIRROR_BENCH_MIRROR_H */
