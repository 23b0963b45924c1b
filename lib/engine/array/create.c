/* SPDX-License-Identifier: BSD-3-Clause */
/* array-create: a mirror of what its members say, with all its memory.
 *
 * Runs before the server forks: it reads from the members, starts no thread
 * and writes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/examine-tell.h"
#include "engine/array/examine.h"
#include "engine/array/leg-members.h"
#include "engine/array/memory.h"
#include "engine/array/seat.h"
#include "ground/log.h"
#include "ground/util.h"
#include "members/proof.h"

static int
check_pool (const struct array_config *config, unsigned legs, char *why)
{
  unsigned minimum = array_pool_minimum (legs);

  if (config->pool >= minimum && config->pool <= POOL_MAX)
    return 0;
  if (config->pool < minimum)
    snprintf (why, MESSAGE_MAX, "pool=%u is too small: %u disks need at least "
              "%u (one child request for each disk)", config->pool, legs,
              minimum);
  else
    snprintf (why, MESSAGE_MAX, "pool=%u is too large: at most %u",
              config->pool, POOL_MAX);
  return -EINVAL;
}

/* A local disk that failed does not come back as one that only missed
 * something; so without a remote one nothing is written down.
 */
static int
allocate_missed (struct array *array, const struct array_config *config)
{
  bool has_remote = false;

  array->missed.least = config->missed_window;
  for (unsigned i = 0; i < array->count; i++)
    has_remote |= array->members[i]->leg->rank == LEG_REMOTE;
  if (array->md != NULL || !has_remote || array->limits.readonly)
    return 0;
  if (array_allocate_missed (array) < 0)
    return -ENOMEM;
  missed_keep (&array->missed);
  return 0;
}

/* All memory that requests ever use. */
static int
allocate (struct array *array, const struct array_config *config)
{
  unsigned slots = array->layout.slots;
  unsigned bounces = array->bounced ? config->bounces : 0;
  int failed = 0;

  array->bounce_size = config->bounce_size;
  array->zeroes = aligned_alloc (BOUNCE_ALIGNMENT, ZERO_BUFFER_SIZE);
  if (array->zeroes != NULL)
    memset (array->zeroes, 0, ZERO_BUFFER_SIZE);
  /* All of them, so that release finds every lock initialised. */
  failed |= pool_init (&array->pool, memory_pool_total (config->pool, slots),
                       LEGS_MAX, 1);
  failed |= pool_init (&array->retries, LEGS_MAX * POOL_RETRIES_PER_LEG,
                       LEGS_MAX, POOL_RETRIES_PER_LEG);
  failed |= requests_init (&array->readers, config->requests, array);
  failed |= requests_init (&array->modifiers, config->requests, array);
  failed |= requests_init (&array->failers, ARRAY_FAILERS, array);
  failed |= requests_init (&array->joiners, ARRAY_JOINERS, array);
  failed |= second_init (&array->second, array,
                         array->bounced ? config->bounce_size : 0);
  failed |= bounce_init (&array->read_bounces, bounces, config->bounce_size);
  failed |= bounce_init (&array->write_bounces, bounces, config->bounce_size);
  failed |= resync_init (&array->resync, array, config->sync_span,
                         config->sync_spans);
  if (array->md != NULL) {
    quiet_init (&array->quiet);
    array->before_read = resync_before_read;
  }
  failed |= allocate_missed (array, config);
  failed |= views_init (array);
  return failed != 0 || array->zeroes == NULL ? -ENOMEM : 0;
}

static void
release (struct array *array)
{
  views_destroy (array);
  if (array->md != NULL) {
    metadata_destroy (array);
    quiet_destroy (&array->quiet);
  }
  resync_destroy (&array->resync);
  bounce_destroy (&array->write_bounces);
  bounce_destroy (&array->read_bounces);
  second_destroy (&array->second);
  requests_destroy (&array->joiners);
  requests_destroy (&array->failers);
  requests_destroy (&array->modifiers);
  requests_destroy (&array->readers);
  pool_destroy (&array->retries);
  pool_destroy (&array->pool);
  free (array->zeroes);
}

/* The part that needs no size, and no memory but its own. */
static struct array *
bare_array_new (const struct array_config *config, const struct layout *layout)
{
  struct array *array = calloc (1, sizeof *array);

  if (array == NULL)
    return NULL;
  array->layout = *layout;
  array->opener = config->opener;
  array->opener.canceled = &array->rejoin.stopping;
  array->spare_delay_ns = config->spare_delay_s * GROUND_S;
  lost_init (&array->lost, config->reconnect_ms * GROUND_MS,
             config->reconnect_s * GROUND_S);
  worker_init (&array->rejoin);
  await_init (&array->await, config->no_leg_timeout_s * GROUND_S);
  range_locks_init (&array->ranges, &array->epoch);
  flush_rounds_init (&array->flushes);
  stables_init (&array->stables);
  missed_init (&array->missed);
  ground_mutex_init (&array->state_lock);
  ground_mutex_init (&array->stop_lock);
  ground_mutex_init (&array->change_lock);
  slowest_init (&array->slowest);
  hung_init (&array->hung);
  return array;
}

static void
bare_array_free (struct array *array)
{
  for (unsigned i = 0; i < array->count; i++)
    member_free (array->members[i]);
  await_destroy (&array->await);
  worker_destroy (&array->rejoin);
  lost_destroy (&array->lost);
  ground_mutex_destroy (&array->change_lock);
  ground_mutex_destroy (&array->stop_lock);
  hung_destroy (&array->hung);
  slowest_destroy (&array->slowest);
  ground_mutex_destroy (&array->state_lock);
  missed_destroy (&array->missed);
  stables_destroy (&array->stables);
  flush_rounds_destroy (&array->flushes);
  range_locks_destroy (&array->ranges);
  free (array);
}

/* When the metadata is cleaned up. */
static void
set_quiet (struct array *array, const struct array_config *config)
{
  uint64_t sweep_ms = config->sweep_ms;

  if (sweep_ms == 0)
    sweep_ms = UINT64_C (1000) * MAX (array->md->head.daemon_sleep, 1u);
  array->quiet.quiet_ns = config->quiet_ms * GROUND_MS;
  array->quiet.sweep_ns = sweep_ms * GROUND_MS;
  array->quiet.budget_s = config->resync_budget_s;
  quiet_note_speed (array, config->sync_max != 0
                             ? MIN (config->sync_max, SYNC_SPEED_ASSUMED)
                             : SYNC_SPEED_ASSUMED);
}

/* How fast, how often. */
static void
set_pace (struct array *array, const struct array_config *config)
{
  job_set_rates (&array->resync.job, config->sync_min, config->sync_max);
  if (config->sync_fixed)
    job_fix_spans (&array->resync.job);
  array->resync.retry_ns = config->retry_ms * GROUND_MS;
  array->quarantine_ns = config->quarantine_ms * GROUND_MS;
}

/* With the legs in their slots and the limits known: memory. */
static int
furnish (struct array *array, const struct array_config *config,
         struct members *members, bool is_md)
{
  int failed = 0;

  if (array->why_readonly[0] != '\0') {
    array->limits.why_readonly = array->why_readonly;
    array->limits.readonly = true;
  }
  if (is_md) {
    failed |= seat_metadata (array, members);
    failed |= metadata_create (array, members);
  }
  seat_roster (array, members);
  /* In any case: release counts on it. */
  failed |= allocate (array, config);
  if (failed != 0)
    return -ENOMEM;
  set_pace (array, config);
  if (is_md)
    set_quiet (array, config);
  return 0;
}

/* Those that no slot has. */
static void
close_unused (const struct array *array, const struct members *members)
{
  for (unsigned i = 0; i < members->count; i++) {
    struct leg *leg = leg_of_record (&members->record[i]);

    if (leg != NULL && !array_uses_leg (array, leg))
      leg->ops->close (leg);
  }
}

/* Disks that were given and are not there are sought. */
static void
note_absent (struct array *array, const struct array_config *config,
             struct leg **legs, const char *const *absent)
{
  for (unsigned i = 0; config->names != NULL && i < config->legs; i++)
    if (legs[i] == NULL)
      lost_note_absent (&array->lost, config->names[i], absent[i]);
}

/* An array of what was read from its members. */
static int
make (const struct array_config *config, struct members *members, bool is_md,
      const char *const *absent, const char *why_readonly,
      struct array **ret, char *why)
{
  const struct layout *layout
    = is_md ? &members->assembly.layout : &config->layout;
  struct array_config complete = memory_defaults (config, layout->slots);
  struct array *array;
  int r;

  r = check_pool (&complete, layout->slots, why);
  if (r < 0)
    return r;
  array = bare_array_new (&complete, layout);
  if (array == NULL) {
    snprintf (why, MESSAGE_MAX, "not enough memory");
    return -ENOMEM;
  }
  snprintf (array->why_readonly, MESSAGE_MAX, "%s", why_readonly);
  r = is_md ? seat_md (array, members) : seat_plain (array, members);
  if (r < 0) {
    snprintf (why, MESSAGE_MAX, "not enough memory");
    goto err_free;
  }
  if (is_md)
    examine_md (array, members);
  else
    r = examine_plain (array, why);
  if (r < 0)
    goto err_free;
  r = furnish (array, &complete, members, is_md);
  if (r < 0)
    goto err_release;
  if (is_md) {
    members_tell (members, absent);
    log_debug ("the array has %llu bytes of memory, %llu of them for what "
               "depends on its size",
               (unsigned long long)array_memory_used (array),
               (unsigned long long)array->md->memory_size);
  }
  examine_tell (array);
  close_unused (array, members);
  *ret = array;
  return 0;

err_release:
  snprintf (why, MESSAGE_MAX, "not enough memory for the array and its request "
            "pools; a smaller pool= needs less");
  release (array);
err_free:
  bare_array_free (array);
  return r;
}

static int
refuse_plain (struct leg **legs, char *why)
{
  unsigned i = 0;

  while (legs[i] == NULL)
    i++;
  snprintf (why, MESSAGE_MAX, "disk %.200s: has no md superblock, and "
            "metadata=md asks for the members of an md array; give those, or "
            "leave metadata= out", legs[i]->name);
  return -EINVAL;
}

/* A plain array has no way to tell which disk is good: it needs all. */
static int
check_plain (const struct array_config *config, struct leg **legs,
             const char *const *absent, char *why)
{
  if (config->metadata == ARRAY_METADATA_MD)
    return refuse_plain (legs, why);
  for (unsigned i = 0; i < config->legs; i++)
    if (legs[i] == NULL) {
      snprintf (why, MESSAGE_MAX, "%.800s", absent[i]);
      return -ENODEV;
    }
  assert (config->layout.slots == config->legs
          && layout_check (&config->layout) == NULL);
  return 0;
}

static struct members_wish
wish_of (const struct array_config *config)
{
  return (struct members_wish){ .layout = config->layout,
                                .level_given = config->level_given,
                                .layout_given = config->layout_given,
                                .chunk_given = config->chunk_given,
                                .no_degraded = config->no_degraded,
                                .keep = config->keep };
}

int
array_create (const struct array_config *config, struct leg **legs,
              const char *const *absent, struct array **ret, char *why)
{
  struct members_wish wish = wish_of (config);
  struct member_disk disks[LEGS_MAX];
  char why_readonly[MESSAGE_MAX];
  struct members *members;
  bool is_md;
  int r;

  r = examine_twins (legs, config->legs, why);
  if (r < 0)
    return r;
  leg_members_disks (legs, config->legs, disks);
  r = config->metadata == ARRAY_METADATA_NONE
        ? members_ignore (disks, config->legs, &members, why)
        : members_read (disks, config->legs, &members, why);
  if (r < 0)
    return r;
  r = proof_check_all (members, why);
  if (r == 0)
    r = members_assemble (members, &wish, absent, why_readonly, why);
  is_md = members->assembly.result != ASSEMBLE_PLAIN;
  if (r == 0 && !is_md)
    r = check_plain (config, legs, absent, why);
  if (r == 0)
    r = make (config, members, is_md, absent, why_readonly, ret, why);
  if (r == 0)
    note_absent (*ret, config, legs, absent);
  members_free (members);
  return r;
}

bool
array_uses_leg (const struct array *array, const struct leg *leg)
{
  return view_member_of (array, leg) != NULL;
}

struct leg *
array_leg_in_sync (const struct array *array, unsigned slot)
{
  for (unsigned i = 0; i < array->count; i++) {
    const struct member *member = array->members[i];

    if (member->place == slot
        && atomic_load (&member->standing) == STANDING_READ)
      return member->leg;
  }
  return NULL;
}

bool
array_is_marked (struct array *array, uint64_t offset, uint64_t *length)
{
  return metadata_is_marked (array, offset, length);
}

void
array_free (struct array *array)
{
  release (array);
  bare_array_free (array);
}
