/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata-store: one change of the metadata, on all targets.
 *
 * A member that cannot store its metadata is out, and that goes on record
 * with the others: metadata_write_supers goes round until all who are left
 * have stored the same.
 *
 * Locks held on entry: the turn.  May block on: the metadata's children, flush
 * rounds, the disks.
 */
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "engine/record/metadata.h"
#include "engine/record/superblocks.h"
#include "ground/log.h"
#include "ground/util.h"

/* A part of the bitmap's area, out of the staging memory; or evidence. */
struct area {
  uint64_t from, length;
  const uint8_t *evidence;
};

static void
send (struct request *request, unsigned place, const void *buffer,
      uint64_t length, uint64_t offset)
{
  const struct leg_caps *caps = &request_member (request, place)->leg->caps;
  struct child_spec what = { .op = CHILD_WRITE,
                             .flags = CHILD_APART
                                      | (caps->fua ? CHILD_FUA : 0) };

  for (uint64_t at = 0; at < length; at += what.length) {
    what.buffer = (char *)buffer + at;
    what.offset = offset + at;
    what.length = MIN (length - at, (uint64_t)caps->request_max);
    request_issue_raw (request, place, &what);
  }
}

/* The array's own: a member's superblock may be of before it. */
static uint64_t
bitmap_place (const struct metadata *md, const struct sb1 *sb)
{
  int64_t sector = (int64_t)sb->super_offset + md->truth.bitmap_offset;

  assert (sector >= 0);
  return (uint64_t)sector * SECTOR_SIZE;
}

/* @area, or, if that is NULL, @member's superblock. */
static void
send_area (struct request *request, unsigned place, const struct area *area)
{
  const struct metadata *md = request->array->md;
  const struct member *member = request_member (request, place);
  const struct member_super *super = &member->super;
  unsigned block = MAX (member->leg->caps.block_minimum, SECTOR_SIZE);
  uint64_t at = super->sb.super_offset * SECTOR_SIZE;

  if (area == NULL)
    send (request, place, super->block, sb1_written_bytes (&super->sb, block),
          at);
  else if (area->evidence != NULL)
    send (request, place, area->evidence, area->length, at + EVIDENCE_AT);
  else
    send (request, place, md->staging + area->from, area->length,
          bitmap_place (md, &super->sb) + area->from);
}

/* The same, to all of @places, and wait for them. */
static void
send_to (struct request *request, uint32_t places, const struct area *area)
{
  for (uint32_t left = places; left != 0; left &= left - 1)
    send_area (request, __builtin_ctz (left), area);
  request_finish (request);
}

/* It becomes an event with the first message, and until the fault is over no
 * other one.  That no server answers is told by who looks after connections.
 */
static void
note_refusal (struct metadata *md, unsigned slot, const char *name, int error,
              bool is_said)
{
  const struct log_event event
    = { "MetadataNotStored", EVENT_CRITICAL, slot, name };

  if (leg_error_is_gone (error))
    return;
  if (md->refused == 0)
    atomic_store (&md->refused_utc_us, ground_utc_us ());
  atomic_store (&md->refused_slot, slot);
  atomic_store (&md->refused, error);
  if (!is_said || md->refused_told)
    return;
  md->refused_told = true;
  log_event (&event, "until its metadata can be written, disks that fail are "
             "not recorded as failed, and writes that depend on it fail");
}

static void
end_refusal (struct metadata *md)
{
  const struct log_event event = { "MetadataStored", EVENT_INFO, -1, NULL };

  if (md->refused == 0)
    return;
  atomic_store (&md->refused, 0);
  if (md->refused_told)
    log_event (&event, "the array's metadata is written again");
  md->refused_told = false;
}

/* The metadata could not be stored on one of @places, which stay: said, with
 * pauses.  A flush may have brought a newer view, which one of them has left.
 */
static int
tell (struct request *request, uint32_t places, int error)
{
  struct metadata *md = request->array->md;
  const struct view *view = request_view (request);
  uint32_t left = places & view->targets;
  const struct member *member
    = request_member (request, __builtin_ctz (left ? left : view->in_sync));

  bool is_said;

  is_said = log_error_repeats (
    &md->told_store, ground_now (), error,
    "disk %.200s (slot %u): its metadata cannot be written: %s.  The disk stays, "
    "so writes of clients get this error until it can",
    member->name, view_slot (view, member), log_strerror (error));
  note_refusal (md, view_slot (view, member), member->name, error, is_said);
  return error;
}

/* Everybody has answered.  Who could not store what another one stored is out;
 * where no copy of some data could, none is worse than the others.  What was
 * stored is on stable storage when this returns 0.
 */
static int
settle_store (struct request *request, uint32_t excused)
{
  struct array *array = request->array;
  uint32_t stored = request->asked & ~request->failed, stays;
  int r;

  r = failure_settle (request, "writing its metadata", excused);
  r = flush_fua_settle (request, r);
  stays = request->failed & view_targets_now (array, request_view (request));
  if (r < 0)
    return tell (request, stays != 0 ? stays : request->failed | stored, r);
  stored &= view_targets_now (array, request_view (request));
  r = flush_where_no_fua (request, stored, &array->md->pool);
  if (r < 0)
    return tell (request, stored, r);
  end_refusal (array->md);
  return 0;
}

/* In a state file: on stable storage, or that file cannot be written, which is
 * said there.  It is no disk's fault, whatever else was stored, so nobody is out
 * for it, and it is tried again by quiet.
 */
static int
store_beside (struct request *request, uint32_t places,
              const struct area *area)
{
  struct array *array = request->array;
  int r;

  request_arm (request, &array->md->pool);
  send_to (request, places, area);
  r = failure_settle (request, "writing its metadata", request->failed);
  if (atomic_exchange (&array->md->unstored, r < 0) != (r < 0))
    worker_wake (&array->quiet.worker);
  return r;
}

/* Turn held. */
static int
store (struct request *request, uint32_t places, const struct area *area)
{
  struct pool *pool = &request->array->md->pool;
  uint32_t again;

  places &= view_targets_now (request->array, request_view (request));
  if (request->array->beside)
    return store_beside (request, places, area);
  flush_fua_begin (request);
  request_arm (request, pool);
  send_to (request, places, area);
  again = failure_again (request, failure_excused (request),
                         request_view (request)->with_fua);
  if (again != 0) {
    request_arm_repeat (request, pool, again);
    send_to (request, again, area);
  }
  return settle_store (request, failure_excused (request));
}

static int
store_superblocks (struct request *request, uint32_t places)
{
  const struct view *view;
  int r = store (request, places, NULL);

  view = request_view (request);
  for (uint32_t left = places & view_targets_now (request->array, view);
       r == 0 && left != 0; left &= left - 1)
    view->member[__builtin_ctz (left)]->super.stored
      = request->array->md->truth.events;
  return r;
}

/* The bitmap's own superblock, with the bits that share its block. */
static int
store_head (struct request *request, uint32_t places)
{
  struct array *array = request->array;
  struct metadata *md = array->md;
  uint64_t length = array->leg_block;

  if (!md->has_bitmap)
    return 0;
  ground_mutex_lock (&md->lock);
  memcpy (md->staging, md->bitmap.image, length);
  ground_mutex_unlock (&md->lock);
  return store (request, places, &(struct area){ .length = length });
}

/* Once: the superblocks of all targets with one new event count. */
static int
store_update (struct request *request, bool dirty,
              const struct checkpoint *checkpoint)
{
  struct array *array = request->array;
  const struct view *view = request_view (request);
  uint32_t targets = view->targets, rebuilt = targets & ~view->in_sync;
  const struct sb1 before = array->md->truth;
  int r;

  superblocks_next (array, view, dirty, checkpoint);
  /* The bitmap is never older than the superblock that vouches for it. */
  r = store_head (request, targets);
  /* Whoever is being rebuilt says so before anybody lists it: one that is
   * listed and has nothing to say against it would be believed, even if it
   * had a history of its own.
   */
  if (r == 0 && rebuilt != 0)
    r = store_superblocks (request, rebuilt);
  view = request_view (request);
  if (r < 0 || (rebuilt & ~view_targets_now (array, view)) != 0) {
    /* Nobody else knows of this update: there was none. */
    array->md->truth = before;
    return r;
  }
  return store_superblocks (request, targets & ~rebuilt);
}

/* Everybody has answered: of a spare, which is excused nothing. */
static void
settle_spares (struct request *request, const char *what)
{
  for (uint32_t left = request->failed; left != 0; left &= left - 1) {
    unsigned place = __builtin_ctz (left);

    failure_report (request->array, request_member (request, place),
                    request->generation[place], what, request->error[place]);
  }
}

/* @area, or their superblocks, to those who wait at @places, on stable storage.
 * Those who have it.
 */
static uint32_t
store_on_spares (struct request *request, uint32_t places,
                 const struct area *area)
{
  struct pool *pool = &request->array->md->pool;
  const struct child_spec flush = { .op = CHILD_FLUSH };

  request_arm (request, pool);
  send_to (request, places, area);
  settle_spares (request, "writing its metadata");
  places &= ~request->failed;
  request_arm (request, pool);
  for (uint32_t left = places; left != 0; left &= left - 1)
    if (!request_member (request, __builtin_ctz (left))->leg->caps.fua)
      request_issue_raw (request, __builtin_ctz (left), &flush);
  request_finish (request);
  settle_spares (request, "a flush");
  return places & ~request->failed;
}

void
metadata_store_spares (struct array *array)
{
  struct metadata *md = array->md;
  struct request *request = md->request;
  const struct view *view;
  uint32_t behind = 0;

  request_pin_newest (request);
  view = request_view (request);
  for (uint32_t left = view->spares; left != 0; left &= left - 1)
    if (view->member[__builtin_ctz (left)]->super.stored < md->truth.events)
      behind |= left & -left;
  if (behind == 0)
    return;
  superblocks_spares (array, view, behind);
  behind = store_on_spares (request, behind, NULL);
  for (; behind != 0; behind &= behind - 1)
    view->member[__builtin_ctz (behind)]->super.stored = md->truth.events;
}

void
metadata_store_spare_bitmap (struct array *array, const struct member *member)
{
  struct metadata *md = array->md;
  uint64_t first, count;

  if (!md->has_bitmap)
    return;
  ground_mutex_lock (&md->lock);
  bitmap_untake (&md->bitmap);
  bitmap_take (&md->bitmap, md->staging, &first, &count);
  /* The others have not got it. */
  bitmap_untake (&md->bitmap);
  ground_mutex_unlock (&md->lock);
  request_pin_newest (md->request);
  store_on_spares (md->request, 1u << member->place,
                   &(struct area){ .length = md->area_used });
}

/* A crash may have left some of the current ones one update behind: they get
 * the last one first, lest another crash leaves them two behind.
 */
static int
store_missed (struct request *request)
{
  struct array *array = request->array;
  const struct view *view = request_view (request);
  uint32_t behind = 0;
  int r;

  for (uint32_t left = view->targets; left != 0; left &= left - 1)
    if (view->member[__builtin_ctz (left)]->super.stored
        < array->md->truth.events)
      behind |= left & -left;
  if (behind == 0)
    return 0;
  superblocks_again (array, view, behind);
  r = store_head (request, behind);
  return r == 0 ? store_superblocks (request, behind) : r;
}

/* How many updates in a row, so that whoever is not in @view is two events
 * behind: some kernels believe a member that is one behind, whatever others
 * say.  One that was missing at the start may have more than we have found,
 * by an update that reached it alone before a crash.
 */
static unsigned
updates_wanted (const struct array *array, const struct view *view)
{
  const struct metadata *md = array->md;

  if (!metadata_is_active (md) && (layout_all_slots (&view->layout) & ~md->seen) != 0)
    return 3;
  return superblocks_roles_change (array, view) ? 2 : 1;
}

static uint32_t
empty_slots (const struct view *view)
{
  uint32_t empty = 0;

  for (unsigned slot = 0; slot < view->layout.slots; slot++)
    if (view->occupant[slot] < 0)
      empty |= 1u << slot;
  return empty;
}

/* Who is not in view @number is out, say all who are. */
static void
note_recorded (struct metadata *md, uint64_t number, uint32_t empty, bool dirty)
{
  ground_mutex_lock (&md->lock);
  atomic_store (&md->state, dirty ? METADATA_DIRTY : METADATA_CLEAN);
  atomic_store (&md->unflushed, dirty);
  atomic_store (&md->recorded_out, empty);
  atomic_store (&md->recorded, number);
  ground_mutex_unlock (&md->lock);
}

/* Until all of them are stored nobody knows what they say; but for dirty over
 * dirty.
 */
static void
begin_store (struct metadata *md, bool dirty)
{
  ground_mutex_lock (&md->lock);
  if (metadata_is_active (md)
      && !(dirty && metadata_state (md) == METADATA_DIRTY))
    atomic_store (&md->state, METADATA_MIXED);
  ground_mutex_unlock (&md->lock);
}

int
metadata_store_beside (struct array *array, uint32_t places,
                       const uint8_t *evidence)
{
  return store (array->md->request, places,
                &(struct area){ .length = EVIDENCE_SIZE,
                                .evidence = evidence });
}

int
metadata_write_supers (struct array *array, bool dirty,
                       const struct checkpoint *checkpoint)
{
  struct metadata *md = array->md;
  struct request *request = md->request;
  uint64_t number;
  uint32_t empty;
  int r;

  assert (md->bits_stored || !md->has_bitmap);
  begin_store (md, dirty);
  request_pin_newest (request);
  r = store_missed (request);
  if (r < 0)
    return r;

  do {
    unsigned updates;

    request_pin_newest (request);
    number = request_view (request)->number;
    empty = empty_slots (request_view (request));
    updates = updates_wanted (array, request_view (request));
    /* Whoever is gone may be what resync has copied from: the copies that
     * count alone from now on have to last.  One that stays although it
     * cannot be flushed is all there is.
     */
    if (updates > 1)
      flush_members (request, request_view (request)->targets, &md->pool);
    /* A flush may have brought a newer view. */
    for (r = 0; r == 0 && updates > 0 && atomic_load (&array->epoch) == number;
         updates--)
      r = store_update (request, dirty, checkpoint);
    if (r < 0)
      return r;
  } while (atomic_load (&array->epoch) != number);

  note_recorded (md, number, empty, dirty);
  return 0;
}

int
metadata_store_bits (struct array *array)
{
  struct metadata *md = array->md;
  uint64_t first, count, covers, from, end;
  int r = 0;

  if (!md->has_bitmap)
    return 0;
  ground_mutex_lock (&md->lock);
  covers = bitmap_take (&md->bitmap, md->staging, &first, &count);
  ground_mutex_unlock (&md->lock);
  if (count > 0) {
    /* The last page ends with the last block that has bits. */
    from = first * BITMAP_PAGE_SIZE;
    end = MIN (from + count * BITMAP_PAGE_SIZE, md->area_used);
    request_pin_newest (md->request);
    r = store (md->request, request_view (md->request)->targets,
               &(struct area){ .from = from, .length = end - from });
  }
  ground_mutex_lock (&md->lock);
  if (r < 0)
    bitmap_untake (&md->bitmap);
  else
    md->stored_sets = covers;
  ground_mutex_unlock (&md->lock);
  if (r == 0) {
    /* Before, a part of it could have been taken for all of it. */
    md->head.state
      &= ~(uint32_t)(BITMAP_STATE_STALE | BITMAP_STATE_WRITE_ERROR);
    md->bits_stored = true;
  }
  return r;
}

int
metadata_store_head (struct array *array)
{
  struct metadata *md = array->md;

  ground_mutex_lock (&md->lock);
  bitmap_encode (&md->head, md->bitmap.image);
  ground_mutex_unlock (&md->lock);
  request_pin_newest (md->request);
  return store_head (md->request, request_view (md->request)->targets);
}
