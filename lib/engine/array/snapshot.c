/* SPDX-License-Identifier: BSD-3-Clause */
/* snapshot: what the array is doing, for people and programs that look.
 *
 * Locks: state_lock, metadata->lock and job->lock, which are leaves and never
 * held across I/O.  So it answers at once, whatever hangs.
 */
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/record/metadata.h"
#include "ground/util.h"

void
array_get_identity (struct array *array, struct array_identity *ret)
{
  struct metadata *md = array->md;

  *ret = (struct array_identity){ .md = array->md != NULL };
  if (md == NULL)
    return;
  ret->minor_version = md->truth.version - SB1_VERSION_1_0;
  memcpy (ret->uuid, md->truth.set_uuid, sizeof ret->uuid);
  ground_mutex_lock (&array->state_lock);
  memcpy (ret->name, md->truth.name, sizeof ret->name - 1);
  ground_mutex_unlock (&array->state_lock);
  ground_mutex_lock (&md->lock);
  ret->has_bitmap = md->has_bitmap;
  ground_mutex_unlock (&md->lock);
}

static void
look_at_metadata (struct array *array, struct array_status *ret)
{
  struct metadata *md = array->md;

  ret->md = true;
  ret->recorded_out = atomic_load (&md->recorded_out);
  ret->refused = atomic_load (&md->refused);
  ret->refused_slot = atomic_load (&md->refused_slot);
  ret->refused_utc_us = atomic_load (&md->refused_utc_us);
  ret->sync_left = atomic_load (&md->todo_left);
  ret->resyncing = ret->sync_left > 0;
  ground_mutex_lock (&md->lock);
  ret->dirty = metadata_state (md) == METADATA_DIRTY;
  ground_mutex_unlock (&md->lock);
}

/* state_lock held. */
static void
count_member (const struct array *array, const struct roster_member *entry,
              struct array_status *ret)
{
  const struct member *member = view_find_member (array, entry->id);
  uint32_t bit;

  if (entry->slot < 0)
    return;
  bit = 1u << entry->slot;
  if (entry->state == MEMBER_IN_SYNC)
    ret->in_sync |= bit;
  if (entry->state == MEMBER_RECOVERING) {
    ret->recovering |= bit;
    ret->rebuild_left += array->layout.member_size - member->recovered;
  }
  if (entry->state != MEMBER_FAULTY && atomic_load (&member->flush_absent))
    ret->flush_absent |= bit;
  ret->reads[entry->slot] = atomic_load (&member->reads);
  ret->writes[entry->slot] = atomic_load (&member->writes);
  ret->errors[entry->slot] = atomic_load (&member->errors);
}

void
array_get_status (struct array *array, struct array_status *ret)
{
  *ret = (struct array_status){
    .pool_free
    = pool_free_count (&array->pool) + pool_free_count (&array->retries),
    .pool_total = array->pool.total + array->retries.total,
    .requests_free = requests_free_count (&array->readers)
                     + requests_free_count (&array->modifiers),
    .requests_total = array->readers.total + array->modifiers.total,
    .reads_pinned = atomic_load (&array->reads_pinned),
    .stopping = requests_are_closed (&array->modifiers),
  };
  ground_mutex_lock (&array->state_lock);
  ret->slots = array->layout.slots;
  for (unsigned i = 0; i < array->roster.members; i++)
    count_member (array, &array->roster.member[i], ret);
  ground_mutex_unlock (&array->state_lock);
  if (array->md != NULL)
    look_at_metadata (array, ret);
}

static void
describe_lost (struct array *array, const struct lost_disk *disk,
               struct array_connection *ret)
{
  static const char *const words[] = {
    [LOST_SEEKING] = "lost",
    [LOST_REFUSED] = "refused",
  };
  uint64_t now = ground_now ();

  *ret = (struct array_connection){
    .state = words[disk->state],
    .since_utc_us = disk->since_utc_us,
    .attempts = disk->attempts,
    .next_ns = disk->next_ns > now ? disk->next_ns - now : 0,
    .waits = !atomic_load (&array->writers_came),
  };
  snprintf (ret->error, sizeof ret->error, "%s", disk->error);
}

/* state_lock held. */
static void
describe_connection (struct array *array, const struct member *member,
                     enum member_state state, struct array_connection *ret)
{
  struct lost_disk disk;

  /* The last copy may be lost and in sync. */
  if (lost_find (&array->lost, member->id, 0, &disk))
    describe_lost (array, &disk, ret);
  else if (state == MEMBER_FAULTY
           || (member->told_last_copy && member_is_lost (member)))
    ret->state = "closed";
  else {
    ret->state = member->leg->rank == LEG_REMOTE ? "connected" : "local";
    ret->since_utc_us = member->since_utc_us;
  }
}

/* state_lock held. */
static void
describe ( struct array *array, const struct roster_member *entry,
          struct array_member *ret)
{
  const struct member *member = view_find_member (array, entry->id);

  *ret = (struct array_member){ .id = entry->id,
                                .slot = entry->slot,
                                .state = entry->state,
                                .flags = entry->flags,
                                .recovered = member->recovered,
                                .by_bitmap = member->by_bitmap };
  snprintf (ret->name, sizeof ret->name, "%s", member->name);
  ret->reads = atomic_load (&member->reads);
  ret->writes = atomic_load (&member->writes);
  ret->errors = atomic_load (&member->errors);
  ret->in_flight = atomic_load (&member->outstanding);
  if (member->hung.since_ns != 0) {
    ret->hung.count = member->hung.count;
    ret->hung.op = latency_op_name (member->hung.op);
    ret->hung.for_ns = ground_now () - member->hung.since_ns;
  }
  describe_connection (array, member, entry->state, &ret->connection);
}

/* Of a plain array: the map of what a disk may have missed. */
static bool
has_bitmap (struct array *array)
{
  bool has;

  if (array->md == NULL)
    return atomic_load (&array->missed.is_kept);
  ground_mutex_lock (&array->md->lock);
  has = array->md->has_bitmap;
  ground_mutex_unlock (&array->md->lock);
  return has;
}

/* What would be copied to a member that failed is what would be now. */
static void
look_at_copy (struct array *array, struct array_member *member,
              uint64_t member_size)
{
  bool failed = member->state == MEMBER_FAULTY;

  if (member->state == MEMBER_IN_SYNC || member->state == MEMBER_SPARE)
    return;
  if (failed)
    member->by_bitmap = has_bitmap (array);
  if (member->by_bitmap)
    member->to_copy = array->md != NULL ? metadata_marked (array)
                                        : missed_bytes (&array->missed);
  else
    member->to_copy = failed ? member_size : member_size - member->recovered;
}

static void
look_at_absent (struct array *array, struct array_snapshot *ret)
{
  struct lost_disk disk;

  for (ret->absent = 0;
       ret->absent < LEGS_MAX
       && lost_find (&array->lost, 0, ret->absent, &disk);
       ret->absent++) {
    struct array_absent *absent = &ret->absents[ret->absent];

    snprintf (absent->name, sizeof absent->name, "%.*s",
              (int)sizeof absent->name - 1, disk.name);
    describe_lost (array, &disk, &absent->connection);
  }
}

static void
look_at_job (struct array *array, struct array_progress *ret)
{
  struct job_progress job;

  job_get_progress (&array->resync.job, &job);
  *ret = (struct array_progress){ .done = job.done,
                                  .total = job.total,
                                  .rate = job.rate,
                                  .left_ns = job.left_ns,
                                  .paused = job.paused,
                                  .rate_min = job.minimum,
                                  .rate_max = job.maximum };
}

void
array_get_snapshot (struct array *array, struct array_snapshot *ret)
{
  struct roster_sets sets;

  array_get_status (array, &ret->status);
  ground_mutex_lock (&array->state_lock);
  ret->member_size = array->layout.member_size;
  roster_sets (&array->roster, &sets);
  ret->survives = sets.survives;
  ret->lacking = sets.lacking;
  ret->recovering = sets.recovering;
  ret->spare_delay_s = (unsigned)(array->spare_delay_ns / GROUND_S);
  ret->members = array->roster.members;
  for (unsigned i = 0; i < ret->members; i++)
    describe (array, &array->roster.member[i], &ret->member[i]);
  ground_mutex_unlock (&array->state_lock);
  for (unsigned i = 0; i < ret->members; i++)
    look_at_copy (array, &ret->member[i], ret->member_size);
  look_at_absent (array, ret);
  look_at_job (array, &ret->progress);
}

bool
array_get_latency (struct array *array, uint32_t id, struct array_latency *ret)
{
  const struct member *member;

  *ret = (struct array_latency){ .sum_ns = { 0 } };
  ground_mutex_lock (&array->state_lock);
  member = view_find_member (array, id);
  for (unsigned op = 0; member != NULL && op < ARRAY_LATENCY_OPS; op++) {
    ret->sum_ns[op] = atomic_load (&member->latency.sum_ns[op]);
    for (unsigned i = 0; i < ARRAY_LATENCY_BUCKETS; i++)
      ret->bucket[op][i] = atomic_load (&member->latency.bucket[op][i]);
  }
  ground_mutex_unlock (&array->state_lock);
  return member != NULL;
}
