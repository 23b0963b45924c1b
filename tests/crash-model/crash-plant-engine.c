/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-plant-engine: bugs in the engine, for the tests of the tests.
 *
 * The linker puts these functions between the engine's files (--wrap, the
 * list is in Makefile.inc), so nothing of it is in the engine itself.
 * Without a plant they pass everything on.
 */
#include <stdlib.h>
#include <string.h>

#include "crash-plant.h"
#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "ground/util.h"
#include "members/members.h"

#define WRAP(type, name, ...)                                                 \
  type __real_##name (__VA_ARGS__);                                           \
  type __wrap_##name (__VA_ARGS__);                                           \
  type __wrap_##name (__VA_ARGS__)

/* Data before their bits. */
WRAP (int, metadata_store_bits, struct array *array)
{
  if (crash_plant != PLANT_NO_BITS)
    return __real_metadata_store_bits (array);
  array->md->bits_stored = true;
  return 0;
}

/* A reply before what it depends on is on record. */
WRAP (int, metadata_settle, struct array *array)
{
  return crash_plant == PLANT_NO_RECORD ? 0 : __real_metadata_settle (array);
}

/* Clean, bits cleared, a member in sync: without a flush. */
WRAP (int, flush_members, struct request *request, uint32_t places,
      struct pool *pool)
{
  const struct array *array = request->array;

  if (crash_plant == PLANT_NO_FLUSH
      && (request == array->md->requests.items
          || request == array->md->flushers.items))
    return 0;
  /* What resync has copied is not flushed before its window is done: the bit
   * may be cleared although the sweep's flush did not cover it.
   */
  if (crash_plant == PLANT_OLD_FLUSH && pool == &array->resync.pool)
    return 0;
  return __real_flush_members (request, places, pool);
}

/* A flush that failed is told as one that did not. */
WRAP (int, failure_settle, struct request *request, const char *what,
      uint32_t excused)
{
  if (crash_plant == PLANT_FLUSH_ERROR && strcmp (what, "a flush") == 0)
    request->failed = 0;
  return __real_failure_settle (request, what, excused);
}

/* Is it one of those that bring copies together and rebuild? */
static bool
is_resync (const struct array *array, const struct request *request)
{
  const struct requests *requests = &array->resync.requests;

  return array->md != NULL && request >= requests->items
         && request < requests->items + requests->total;
}

/* Resync reads what is being rebuilt. */
WRAP (void, request_issue, struct request *request, unsigned place,
      const struct child_spec *what)
{
  const struct array *array = request->array;
  const struct view *view = request_view (request);
  uint32_t rebuilt = view->targets & ~view->in_sync;

  if (crash_plant == PLANT_WRONG_COPY && what->op == CHILD_READ && rebuilt != 0
      && is_resync (array, request)
      && array->layout.level == LEVEL_RAID1)
    place = __builtin_ctz (rebuilt);
  __real_request_issue (request, place, what);
}

/* What is being rebuilt counts as rebuilt, and so does all before it. */
WRAP (int, resync_copy, struct request *request, uint64_t offset,
      uint64_t length, uint32_t to, bool compare)
{
  if (!compare && crash_plant_trusts (offset, length))
    return 0;
  if (crash_plant == PLANT_AHEAD && !compare
      && request->array->layout.level == LEVEL_RAID1) {
    struct member *member = request_member (request, __builtin_ctz (to));

    if (member != NULL)
      member->recovered = MAX (member->recovered, offset + length);
  }
  return __real_resync_copy (request, offset, length, to, compare);
}

/* Reads of what was not brought together yet. */
WRAP (void, resync_before_read, struct request *request, uint64_t offset,
      uint64_t length)
{
  if (crash_plant != PLANT_UNSYNCED_READ)
    __real_resync_before_read (request, offset, length);
}

/* Of several pages with new bits only the first is stored. */
WRAP (uint64_t, bitmap_take, struct bitmap *bitmap, uint8_t *staging,
      uint64_t *ret_first, uint64_t *ret_count)
{
  uint64_t sets
    = __real_bitmap_take (bitmap, staging, ret_first, ret_count);

  if (crash_plant == PLANT_ONE_PAGE)
    *ret_count = MIN (*ret_count, UINT64_C (1));
  return sets;
}

static uint64_t
page_at (const struct bitmap *bitmap, uint64_t offset)
{
  return (BITMAP_HEAD_SIZE + offset / bitmap->region_size / 8)
         / BITMAP_PAGE_SIZE;
}

/* A write waits for the page of its first region, and for no other. */
WRAP (bool, bitmap_begin, struct bitmap *bitmap, uint64_t offset,
      uint64_t length, uint64_t *ret_sequence)
{
  bool good = __real_bitmap_begin (bitmap, offset, length, ret_sequence);

  crash_plant_begun (offset, length);
  if (good && crash_plant == PLANT_OTHER_PAGE)
    *ret_sequence = bitmap->marked[page_at (bitmap, offset)];
  return good;
}

typedef bool keep_function (void *opaque, uint64_t offset, uint64_t length);

static keep_function *keep_region;

/* A region's bit goes when the first of its windows is done. */
static bool
keep_first_window (void *opaque, uint64_t offset, uint64_t length)
{
  const struct array *array = opaque;

  return keep_region (opaque, offset, MIN (length, array->md->todo.window));
}

static keep_function *
plant_keep (keep_function *keep)
{
  keep_region = keep;
  return crash_plant == PLANT_FIRST_WINDOW ? keep_first_window : keep;
}

WRAP (bool, bitmap_is_clearable, const struct bitmap *bitmap,
      keep_function *keep, void *opaque)
{
  return __real_bitmap_is_clearable (bitmap, plant_keep (keep), opaque);
}

/* Bits are cleared, and only the first of their pages is stored. */
WRAP (uint64_t, bitmap_clear_aged, struct bitmap *bitmap, keep_function *keep,
      void *opaque)
{
  uint64_t cleared
    = __real_bitmap_clear_aged (bitmap, plant_keep (keep), opaque);

  if (crash_plant == PLANT_PAGE_LEFT && cleared > 0)
    for (uint64_t i = 1; i <= page_at (bitmap, bitmap->size - 1); i++)
      bitmap->changed[i] = false;
  return cleared;
}

/* At the stop a region that was begun counts as done. */
WRAP (int, metadata_stop, struct array *array)
{
  struct metadata *md = array->md;
  uint64_t region = md->bitmap.region_size, at, length;

  if (crash_plant == PLANT_REST_DROPPED && md->has_bitmap
      && todo_next (&md->todo, 0, md->todo.window, &at, &length)
      && at % region != 0)
    todo_done (&md->todo, at, region - at % region);
  return __real_metadata_stop (array);
}

/* Resync does more than is marked. */
WRAP (void, todo_add, struct todo *todo, uint64_t offset, uint64_t length)
{
  __real_todo_add (todo, offset, length);
  if (crash_plant == PLANT_TOO_MUCH)
    __real_todo_add (todo, 0, length);
}

/* Another history is kept than the one asked for; or the others are rebuilt
 * with the bitmap of the one that is.
 */
WRAP (int, members_assemble, struct members *members,
      const struct members_wish *wish, const char *const *absent,
      char *ret_why_readonly, char *why)
{
  struct members_wish other = *wish;
  int r;

  if (crash_plant == PLANT_KEEP_OTHER && wish->keep > 0)
    other.keep = wish->keep % members->count + 1;
  r = __real_members_assemble (members, &other, absent, ret_why_readonly, why);
  for (unsigned i = 0; i < members->count; i++) {
    struct member_record *record = &members->record[i];

    if (crash_plant == PLANT_KEEP_MERGED && r == 0 && record->seat.rejoins
        && record->bits != NULL
        && members->assembly.part[i].part == PART_SPLIT) {
      record->seat.by_bitmap = true;
      free (record->bits);
      record->bits = NULL;
    }
  }
  return r;
}

/* Resync locks nothing. */
static bool
is_unlocked (const struct range_locks *locks, const struct range_ticket *ticket)
{
  const struct array *array = container_of (locks, struct array, ranges);

  return crash_plant == PLANT_NO_LOCK && is_resync (array, container_of (ticket, struct request, range));
}

/* A rebuild locks one block too little. */
static bool
is_short (const struct range_locks *locks, const struct range_ticket *ticket,
          uint64_t length)
{
  const struct array *array = container_of (locks, struct array, ranges);

  return crash_plant == PLANT_SHORT_LOCK && is_resync (array, container_of (ticket, struct request, range))
         && array->md->todo.left == 0 && length > array->leg_block;
}

WRAP (void, range_lock, struct range_locks *locks, struct range_ticket *ticket,
      uint64_t offset, uint64_t length)
{
  const struct array *array = container_of (locks, struct array, ranges);

  if (is_short (locks, ticket, length))
    length -= array->leg_block;
  if (!is_unlocked (locks, ticket))
    __real_range_lock (locks, ticket, offset, length);
}

WRAP (void, range_unlock, struct range_locks *locks,
      struct range_ticket *ticket)
{
  if (!is_unlocked (locks, ticket))
    __real_range_unlock (locks, ticket);
}
