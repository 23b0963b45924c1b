/* SPDX-License-Identifier: BSD-3-Clause */
/* resize: an md array gets more room, or another bitmap, while it serves.
 *
 * Both lay the metadata anew (record/metadata-lay), with every range locked, so
 * that nothing is being written, and all disks in sync.  What is new of the data
 * differs, as far as anybody knows: resync brings it together.
 */
#include <errno.h>
#include <stdio.h>

#include "engine/array-internal.h"
#include "engine/life/order.h"
#include "engine/life/resize.h"
#include "ground/log.h"
#include "ground/util.h"
#include "logic/room.h"

/* How large each target and each spare is now, and where its superblock goes. */
struct sizes {
  struct sb1 sb[LEGS_MAX]; /* of each, as it is to be */
  unsigned place[LEGS_MAX];
  unsigned count;
};

/* ----------------------------------------------------------------- may it? */

static int
check_kind (const struct array *array, const struct array_order *order,
            struct array_answer *answer)
{
  if (array->md == NULL)
    return change_refuse (answer, -EOPNOTSUPP, "no-metadata",
                          "the array has no metadata, where its size and a "
                          "bitmap would be on record");
  if (order->verb == ARRAY_GROW_SIZE && array->beside)
    return change_refuse (answer, -EOPNOTSUPP, "state-file",
                          "the size of an array with a state file stays; stop "
                          "it, make all its disks larger and the same, and "
                          "start it with a new state file");
  if (order->verb == ARRAY_GROW_SIZE && array->layout.far > 1
      && !array->layout.offset)
    return change_refuse (answer, -EOPNOTSUPP, "far-layout",
                          "where the copies of a far layout lie depends on its "
                          "size; make another array and copy it");
  return 0;
}

/* Turn held. */
static int
check_state (struct array *array, const struct array_order *order,
             struct array_answer *answer)
{
  const struct view *view = request_view (array->md->request);

  if (atomic_load (&array->md->todo_left) > 0 || view->targets != view->in_sync)
    return change_refuse (answer, -EBUSY, "sync-running",
                          "a resync or rebuild is not finished; wait for it "
                          "(nbdmirror wait; one that is left from before begins "
                          "when a client connects)");
  if (order->verb == ARRAY_GROW_SIZE && !view->is_complete)
    return change_refuse (answer, -EBUSY, "degraded",
                          "a slot has no disk that is in sync; add one first, "
                          "or make do with fewer slots");
  return 0;
}

/* ------------------------------------------------------------- what will be */

static int
measure_member (const struct array *array, struct member *member,
                struct sb1 *ret, struct array_answer *answer)
{
  struct leg *leg = member->leg;
  int64_t size = leg->ops->size_now != NULL ? leg->ops->size_now (leg)
                                            : (int64_t)leg->caps.exact_size;
  uint64_t whole, super;

  *ret = member->super.sb;
  if (size < 0)
    return change_refuse (answer, (int)size, "unusable",
                          "disk %.200s does not tell its size: %s",
                          member->name, log_strerror ((int)size));
  if (!sb1_offset (ret->version, size, &super))
    return change_refuse (answer, -EINVAL, "too-small",
                          "disk %.200s is too small", member->name);
  if (super / SECTOR_SIZE != ret->super_offset && member->bad != NULL)
    return change_refuse (answer, -EOPNOTSUPP, "bad-blocks",
                          "disk %.200s has bad blocks on record behind its "
                          "data, which would have to move; replace it",
                          member->name);
  whole = round_down ((uint64_t)size, array->leg_block);
  ret->super_offset = super / SECTOR_SIZE;
  ret->data_size = room_behind_offset (ret, ret->super_offset, whole);
  return 0;
}

/* Turn held. */
static int
measure (struct array *array, struct sizes *ret, struct array_answer *answer)
{
  const struct view *view = request_view (array->md->request);
  int r = 0;

  ret->count = 0;
  for (uint32_t left = view->targets | view->spares; r == 0 && left != 0;
       left &= left - 1) {
    unsigned place = __builtin_ctz (left);

    ret->place[ret->count] = place;
    r = measure_member (array, view->member[place], &ret->sb[ret->count],
                        answer);
    ret->count++;
  }
  return r;
}

static int
refuse_room (const struct array_order *order, enum room_verdict verdict,
             struct array_answer *answer)
{
  if (verdict == ROOM_BITMAP)
    return change_refuse (answer, -ENOSPC, "no-room",
                          "there is no room for such a bitmap beside the data; "
                          "choose a larger chunk, or none");
  return change_refuse (answer, -ENOSPC, "too-small",
                        "some disk, or a spare, has no room for %llu bytes of "
                        "data; make all disks larger first (a remote one has "
                        "to be failed and taken back to be seen larger)",
                        (unsigned long long)order->size);
}

static int
check_size (const struct array *array, const struct room *room,
            struct array_answer *answer)
{
  if (room->layout.array_size > array->layout.array_size)
    return 0;
  if (room->layout.array_size == array->layout.array_size)
    return change_refuse (answer, -EINVAL, "already",
                          "the array has that size already: as much as its "
                          "smallest disk has room for, or what was asked for");
  return change_refuse (answer, -EINVAL, "smaller",
                        "the array would be smaller, %llu instead of %llu "
                        "bytes, and what is at its end lost",
                        (unsigned long long)room->layout.array_size,
                        (unsigned long long)array->layout.array_size);
}

static int
check_chunk (const struct metadata *md, const struct room *room,
             struct array_answer *answer)
{
  uint64_t now = md->has_bitmap ? md->bitmap.region_size : 0;

  return room->chunk != now
           ? 0
           : change_refuse (answer, -EINVAL, "already",
                            "the array has such a bitmap, or none, already");
}

/* Where everything is to lie. */
static int
find_room (const struct array *array, const struct array_order *order,
           const struct sizes *sizes, struct room *ret,
           struct array_answer *answer)
{
  const struct metadata *md = array->md;
  const struct sb1 *sb[LEGS_MAX];
  struct room_wish wish = { .sb = sb, .count = sizes->count,
                            .block = array->leg_block };
  enum room_verdict verdict;

  for (unsigned i = 0; i < sizes->count; i++)
    sb[i] = &sizes->sb[i];
  if (order->verb == ARRAY_BITMAP) {
    wish.size = md->truth.size;
    wish.chunk = order->chunk;
    wish.exact_chunk = true;
  } else {
    wish.size = order->size / SECTOR_SIZE;
    wish.chunk = md->has_bitmap ? md->bitmap.region_size : 0;
  }
  verdict = room_find (&wish, ret);
  if (verdict != ROOM_GOOD)
    return refuse_room (order, verdict, answer);
  return order->verb == ARRAY_GROW_SIZE ? check_size (array, ret, answer)
                                        : check_chunk (md, ret, answer);
}

static void
plan (const struct sizes *sizes, const struct room *room,
      struct metadata_plan *ret)
{
  *ret = (struct metadata_plan){ .layout = room->layout,
                                 .chunk = room->chunk,
                                 .bitmap_offset = room->bitmap_offset };
  for (unsigned i = 0; i < sizes->count; i++) {
    const struct sb1 *sb = &sizes->sb[i];
    int32_t first = MIN (room->chunk != 0 ? room->bitmap_offset : 0,
                         sb->bblog_size != 0 ? sb->bblog_offset : 0);

    ret->member[sizes->place[i]].super_offset = sb->super_offset;
    ret->member[sizes->place[i]].data_size
      = sb->version == SB1_VERSION_1_0
          ? MAX (sb->data_size + MIN (first, 0), room->size)
          : sb->data_size;
  }
}

/* ---------------------------------------------------------------- carry out */

static void
tell (const struct array *array, const struct array_order *order,
      const struct room *room, struct array_answer *answer)
{
  bool large = room->chunk >= 1024 * 1024;
  char bitmap[80] = "no bitmap";

  if (room->chunk != 0)
    snprintf (bitmap, sizeof bitmap, "a bitmap, a bit for each %u %s",
              room->chunk / (large ? 1024 * 1024 : 1024),
              large ? "MiB" : "KiB");
  if (order->verb == ARRAY_BITMAP)
    snprintf (answer->text, sizeof answer->text, "the array has %s%s", bitmap,
              room->chunk == 0 ? "; after a crash all of it is brought together"
                               : "");
  else
    snprintf (answer->text, sizeof answer->text,
              "the array has %llu bytes instead of %llu, and %s; what is new is "
              "made equal on all disks by a resync.  Clients that are connected "
              "go on with the old size; who connects from now on sees the new "
              "one", (unsigned long long)room->layout.array_size,
              (unsigned long long)array->layout.array_size, bitmap);
}

static int
lay (struct array *array, const struct sizes *sizes, const struct room *room,
     struct array_answer *answer)
{
  struct metadata_plan to;
  int r;

  plan (sizes, room, &to);
  r = metadata_lay (array, &to);
  if (r < 0)
    return change_refuse (answer, r, "not-recorded",
                          "the metadata cannot be laid anew: %s; no data is "
                          "lost, but the array may have no bitmap now: see "
                          "nbdmirror detail", log_strerror (r));
  ground_mutex_lock (&array->state_lock);
  array->limits.size = room->layout.array_size;
  ground_mutex_unlock (&array->state_lock);
  log_notice ("by order: %.900s", answer->text);
  worker_wake (&array->resync.worker);
  worker_wake (&array->quiet.worker);
  return 0;
}

/* Turn held. */
static int
resize (struct array *array, const struct array_order *order,
        struct array_answer *answer)
{
  struct sizes sizes;
  struct room room;
  int r;

  request_pin_newest (array->md->request);
  r = check_state (array, order, answer);
  if (r == 0)
    r = measure (array, &sizes, answer);
  if (r == 0)
    r = find_room (array, order, &sizes, &room, answer);
  if (r < 0)
    return r;
  tell (array, order, &room, answer);
  return order->dry_run ? 0 : lay (array, &sizes, &room, answer);
}

int
resize_array (struct array *array, const struct array_order *order,
              struct array_answer *answer)
{
  struct request *request;
  int r = check_kind (array, order, answer);

  if (r < 0)
    return r;
  r = change_enter (array, order->dry_run, &request, answer);
  if (r < 0)
    return r;
  range_lock (&array->ranges, &request->range, 0, array->layout.array_size);
  metadata_begin_turn (array);
  r = resize (array, order, answer);
  metadata_end_turn (array);
  range_unlock (&array->ranges, &request->range);
  request_end (&array->modifiers, request);
  return r;
}
