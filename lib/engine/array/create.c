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
#include "ground/log.h"
#include "ground/util.h"

unsigned
array_pool_minimum (unsigned legs)
{
  return legs;
}

/* The given numbers, or the defaults of limits.h. */
static struct array_config
with_defaults (const struct array_config *given, unsigned slots)
{
  struct array_config config = *given;

  if (config.pool == 0)
    config.pool = MAX ((unsigned)POOL_DEFAULT, array_pool_minimum (slots));
  if (config.sync_min == 0)
    config.sync_min = SYNC_MIN_DEFAULT;
  if (config.sync_max == 0)
    config.sync_max = MAX ((uint64_t)SYNC_MAX_DEFAULT, config.sync_min);
  if (config.sync_span == 0)
    config.sync_span = SYNC_SPAN;
  if (config.sync_spans == 0)
    config.sync_spans = SYNC_SPANS;
  if (config.quiet_ms == 0)
    config.quiet_ms = QUIET_MS;
  if (config.retry_ms == 0)
    config.retry_ms = SYNC_RETRY_MS;
  if (config.requests == 0)
    config.requests = REQUESTS_DEFAULT;
  if (config.bounces == 0)
    config.bounces = BOUNCES_DEFAULT;
  if (config.bounce_size == 0)
    config.bounce_size = BOUNCE_SIZE;
  return config;
}

/* Each place that may be taken later, by a disk that is added, has a child of
 * its own besides.
 */
static uint64_t
pool_total (unsigned pool, unsigned slots)
{
  return (uint64_t)pool + LEGS_MAX - slots;
}

/* What both kinds have. */
static uint64_t
plain_memory (const struct array_config *config, bool bounced)
{
  uint64_t bytes = sizeof (struct array) + ZERO_BUFFER_SIZE;

  bytes += (pool_total (config->pool, config->layout.slots)
            + LEGS_MAX * (uint64_t)POOL_RETRIES_PER_LEG)
           * sizeof (struct child);
  bytes += 2 * (uint64_t)config->requests * sizeof (struct request);
  bytes += views_size (2 * config->requests);
  bytes += config->layout.slots * (uint64_t)sizeof (struct member);
  if (bounced)
    bytes += 2 * (uint64_t)config->bounces
             * (config->bounce_size + sizeof (void *));
  return bytes;
}

/* For the metadata's descriptor and those of resync. */
static uint64_t
views_of_md (unsigned spans)
{
  return views_size (1 + spans) - views_size (0);
}

uint64_t
array_memory (const struct array_config *given, bool bounced, bool is_md)
{
  struct array_config config = with_defaults (given, given->layout.slots);
  uint64_t bytes = plain_memory (&config, bounced);

  if (is_md)
    bytes += metadata_memory (config.layout.slots)
             + resync_memory (config.layout.slots, config.sync_span,
                              config.sync_spans)
             + views_of_md (config.sync_spans);
  return bytes;
}

uint64_t
array_memory_used (const struct array *array)
{
  struct array_config config = {
    .layout = array->layout,
    .pool = array->pool.total + array->layout.slots - LEGS_MAX,
    .requests = array->readers.total,
    .bounces = array->read_bounces.total,
    .bounce_size = array->bounce_size,
    .sync_span = array->resync.span,
    .sync_spans = array->resync.requests.total,
  };
  uint64_t bytes = array_memory (&config, array->bounced, array->md != NULL);

  bytes -= (array->layout.slots - array->count)
           * (uint64_t)sizeof (struct member);
  if (array->md != NULL)
    bytes += array->md->memory_size
             - (array->layout.slots - array->count)
                 * (uint64_t)SB1_BLOCK_SIZE;
  for (unsigned i = 0; i < array->count; i++)
    if (array->members[i]->bad != NULL)
      bytes += sizeof (struct badblocks);
  return bytes;
}

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
  failed |= pool_init (&array->pool, pool_total (config->pool, slots),
                       LEGS_MAX, 1);
  failed |= pool_init (&array->retries, LEGS_MAX * POOL_RETRIES_PER_LEG,
                       LEGS_MAX, POOL_RETRIES_PER_LEG);
  failed |= requests_init (&array->readers, config->requests, array);
  failed |= requests_init (&array->modifiers, config->requests, array);
  failed |= bounce_init (&array->read_bounces, bounces, config->bounce_size);
  failed |= bounce_init (&array->write_bounces, bounces, config->bounce_size);
  if (array->md != NULL) {
    quiet_init (&array->quiet);
    array->before_read = resync_before_read;
    failed |= resync_init (&array->resync, array, config->sync_span,
                           config->sync_spans);
  }
  failed |= views_init (array);
  return failed != 0 || array->zeroes == NULL ? -ENOMEM : 0;
}

static void
release (struct array *array)
{
  views_destroy (array);
  if (array->md != NULL) {
    metadata_destroy (array);
    resync_destroy (&array->resync);
    quiet_destroy (&array->quiet);
  }
  bounce_destroy (&array->write_bounces);
  bounce_destroy (&array->read_bounces);
  requests_destroy (&array->modifiers);
  requests_destroy (&array->readers);
  pool_destroy (&array->retries);
  pool_destroy (&array->pool);
  free (array->zeroes);
}

/* The part that needs no size, and no memory but its own. */
static struct array *
bare_array_new (const struct layout *layout)
{
  struct array *array = calloc (1, sizeof *array);

  if (array == NULL)
    return NULL;
  array->layout = *layout;
  array->all = UINT32_MAX >> (32 - layout->slots);
  range_locks_init (&array->ranges, &array->epoch);
  flush_rounds_init (&array->flushes);
  stables_init (&array->stables);
  ground_mutex_init (&array->state_lock);
  ground_mutex_init (&array->stop_lock);
  ground_mutex_init (&array->change_lock);
  return array;
}

static void
bare_array_free (struct array *array)
{
  for (unsigned i = 0; i < array->count; i++)
    member_free (array->members[i]);
  ground_mutex_destroy (&array->change_lock);
  ground_mutex_destroy (&array->stop_lock);
  ground_mutex_destroy (&array->state_lock);
  stables_destroy (&array->stables);
  flush_rounds_destroy (&array->flushes);
  range_locks_destroy (&array->ranges);
  free (array);
}

/* @leg becomes a member, in @slot. */
static int
seat (struct array *array, struct leg *leg, unsigned slot,
      enum standing standing)
{
  struct member *member = member_new (leg);

  if (member == NULL)
    return -ENOMEM;
  member->place = slot;
  atomic_store (&member->standing, standing);
  array->members[array->count++] = member;
  return 0;
}

/* Everybody is in sync: a plain array has no other memory of its past. */
static int
seat_plain (struct array *array, const struct members *members)
{
  for (unsigned slot = 0; slot < array->layout.slots; slot++)
    if (seat (array, leg_of_record (&members->record[slot]), slot,
              STANDING_READ)
        < 0)
      return -ENOMEM;
  return 0;
}

/* What the member says of itself. */
static int
take_metadata (const struct array *array, struct member *member,
               struct member_record *record, uint64_t recovered)
{
  int r = leg_members_take (member, record);

  member->by_bitmap = record->seat.by_bitmap;
  /* One that rejoins is behind nobody, and holds nothing. */
  if (r < 0 || record->seat.rejoins)
    return r;
  member->super.stored = member->super.sb.events;
  member->super.sb.recovery_offset = record->sb.recovery_offset;
  member->recovered
    = round_down (MIN (recovered, array->layout.member_size / SECTOR_SIZE)
                    * SECTOR_SIZE, array->leg_block);
  return 0;
}

static int
seat_md (struct array *array, struct members *members)
{
  const struct assembly *assembly = &members->assembly;
  uint32_t seated = 0;

  for (unsigned i = 0; i < members->count; i++) {
    struct member_record *record = &members->record[i];
    unsigned slot = record->seat.slot;
    bool in_sync;

    if (slot == ASSEMBLE_NO_SLOT || (seated & 1u << slot))
      continue;
    /* One that is to be rebuilt is nothing to who only reads. */
    in_sync = assembly->in_sync & 1u << slot;
    if (array->why_readonly[0] != '\0' && !in_sync)
      continue;
    if (seat (array, leg_of_record (record), slot,
              in_sync ? STANDING_READ : STANDING_WRITTEN)
        < 0)
      return -ENOMEM;
    seated |= 1u << slot;
  }
  return 0;
}

/* With the limits known. */
static int
take_all_metadata (struct array *array, struct members *members)
{
  for (unsigned i = 0; i < members->count; i++) {
    struct member_record *record = &members->record[i];
    const struct leg *leg = leg_of_record (record);
    struct member *member
      = leg != NULL ? view_member_of (array, leg) : NULL;

    if (member == NULL)
      continue;
    if (record->bad != NULL)
      array->has_bad_blocks = true;
    if (take_metadata (array, member, record,
                       members->assembly.part[i].recovery_offset)
        < 0)
      return -ENOMEM;
  }
  return 0;
}

/* With the size known: which slots hold something together depends on it. */
static void
open_roster (struct array *array)
{
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (&array->layout, groups);

  roster_init (&array->roster, array->layout.slots, groups, count);
  for (unsigned i = 0; i < array->count; i++) {
    struct member *member = array->members[i];
    enum member_state state = atomic_load (&member->standing) == STANDING_READ
                                ? MEMBER_IN_SYNC
                                : MEMBER_RECOVERING;

    member->id = roster_seat (&array->roster, member->place, state, 0, false);
    if (member->super.sb.devflags & SB1_WRITE_MOSTLY) {
      const struct roster_event event = { .kind = ROSTER_FLAG,
                                          .id = member->id,
                                          .flags = MEMBER_WRITE_MOSTLY };

      roster_next (&array->roster, &event, &array->roster);
    }
  }
}

/* How fast, how often. */
static void
set_pace (struct array *array, const struct array_config *config)
{
  uint64_t sweep_ms = config->sweep_ms;

  if (sweep_ms == 0)
    sweep_ms = UINT64_C (1000) * MAX (array->md->head.daemon_sleep, 1u);
  array->quiet.quiet_ns = config->quiet_ms * GROUND_MS;
  array->quiet.sweep_ns = sweep_ms * GROUND_MS;
  job_set_rates (&array->resync.job, config->sync_min, config->sync_max);
  if (config->sync_fixed)
    job_fix_spans (&array->resync.job);
  array->resync.retry_ns = config->retry_ms * GROUND_MS;
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
    failed |= take_all_metadata (array, members);
    failed |= metadata_create (array, members);
  }
  open_roster (array);
  /* In any case: release counts on it. */
  failed |= allocate (array, config);
  if (failed != 0)
    return -ENOMEM;
  if (is_md)
    set_pace (array, config);
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

/* An array of what was read from its members. */
static int
make (const struct array_config *config, struct members *members, bool is_md,
      const char *const *absent, const char *why_readonly,
      struct array **ret, char *why)
{
  const struct layout *layout
    = is_md ? &members->assembly.layout : &config->layout;
  struct array_config complete = with_defaults (config, layout->slots);
  struct array *array;
  int r;

  r = check_pool (&complete, layout->slots, why);
  if (r < 0)
    return r;
  array = bare_array_new (layout);
  if (array == NULL) {
    snprintf (why, MESSAGE_MAX, "not enough memory");
    return -ENOMEM;
  }
  array->opener = config->opener;
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
  r = members_assemble (members, &wish, absent, why_readonly, why);
  is_md = members->assembly.result != ASSEMBLE_PLAIN;
  if (r == 0 && !is_md)
    r = check_plain (config, legs, absent, why);
  if (r == 0)
    r = make (config, members, is_md, absent, why_readonly, ret, why);
  members_free (members);
  return r;
}

bool
array_uses_leg (const struct array *array, const struct leg *leg)
{
  return view_member_of (array, leg) != NULL;
}

void
array_free (struct array *array)
{
  release (array);
  bare_array_free (array);
}
