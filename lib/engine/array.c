/* SPDX-License-Identifier: BSD-3-Clause */
/* array: prepare, start, stop and look at the mirror.
 *
 * array_create runs before the server forks: it reads from the members,
 * starts no thread and writes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/examine.h"
#include "ground/log.h"
#include "ground/util.h"

unsigned
array_pool_minimum (unsigned legs)
{
  return legs;
}

/* The given numbers, or the defaults of limits.h. */
static struct array_config
with_defaults (const struct array_config *given)
{
  struct array_config config = *given;

  if (config.pool == 0)
    config.pool
      = MAX ((unsigned)POOL_DEFAULT, array_pool_minimum (config.layout.slots));
  if (config.requests == 0)
    config.requests = REQUESTS_DEFAULT;
  if (config.bounces == 0)
    config.bounces = BOUNCES_DEFAULT;
  if (config.bounce_size == 0)
    config.bounce_size = BOUNCE_SIZE;
  return config;
}

uint64_t
array_memory (const struct array_config *given, bool bounced)
{
  struct array_config config = with_defaults (given);
  uint64_t bytes = sizeof (struct array) + ZERO_BUFFER_SIZE;

  bytes += ((uint64_t)config.pool
            + config.layout.slots * POOL_RETRIES_PER_LEG)
           * sizeof (struct child);
  bytes += 2 * (uint64_t)config.requests * sizeof (struct request);
  if (bounced)
    bytes += 2 * (uint64_t)config.bounces * config.bounce_size;
  return bytes;
}

static int
check_pool (const struct array_config *config, char *why)
{
  unsigned legs = config->layout.slots;
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
  failed |= pool_init (&array->pool, config->pool, slots, 1);
  failed |= pool_init (&array->retries, slots * POOL_RETRIES_PER_LEG, slots,
                       POOL_RETRIES_PER_LEG);
  failed |= requests_init (&array->readers, config->requests, array);
  failed |= requests_init (&array->modifiers, config->requests, array);
  failed |= bounce_init (&array->read_bounces, bounces, config->bounce_size);
  failed |= bounce_init (&array->write_bounces, bounces, config->bounce_size);
  return failed != 0 || array->zeroes == NULL ? -ENOMEM : 0;
}

static void
release (struct array *array)
{
  bounce_destroy (&array->write_bounces);
  bounce_destroy (&array->read_bounces);
  requests_destroy (&array->modifiers);
  requests_destroy (&array->readers);
  pool_destroy (&array->retries);
  pool_destroy (&array->pool);
  free (array->zeroes);
}

/* The part that needs no size. */
static struct array *
new_array (const struct layout *layout)
{
  struct array *array = calloc (1, sizeof *array);

  if (array == NULL)
    return NULL;
  array->layout = *layout;
  gate_init (&array->gate);
  range_locks_init (&array->ranges, &array->epoch);
  flush_rounds_init (&array->flushes);
  ground_mutex_init (&array->state_lock);
  ground_mutex_init (&array->stop_lock);
  return array;
}

static void
free_array (struct array *array)
{
  ground_mutex_destroy (&array->stop_lock);
  ground_mutex_destroy (&array->state_lock);
  flush_rounds_destroy (&array->flushes);
  range_locks_destroy (&array->ranges);
  gate_destroy (&array->gate);
  free (array);
}

/* Everybody is in sync: a plain array has no other memory of its past. */
static void
admit_members (struct array *array, struct leg **legs)
{
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (&array->layout, groups);

  health_init (&array->health, array->layout.slots, groups, count);
  array->in_sync = array->health.in_sync;
  for (unsigned slot = 0; slot < array->layout.slots; slot++) {
    struct member *member = &array->member[slot];

    member->leg = legs[slot];
    member->generation = atomic_load (&legs[slot]->generation);
  }
}

int
array_create (const struct array_config *given, struct leg **legs,
              struct array **ret, char *why)
{
  struct array_config config = with_defaults (given);
  struct array *array;
  int r;

  assert (layout_check (&config.layout) == NULL);
  r = check_pool (&config, why);
  if (r < 0)
    return r;
  array = new_array (&config.layout);
  if (array == NULL)
    goto err_memory;
  r = examine_members (array, legs, why);
  if (r < 0)
    goto err_free;
  r = allocate (array, &config);
  if (r < 0)
    goto err_release;
  admit_members (array, legs);
  *ret = array;
  return 0;

err_release:
  release (array);
  free_array (array);
err_memory:
  snprintf (why, MESSAGE_MAX, "not enough memory for the request pools; use a "
            "smaller pool=");
  return -ENOMEM;
err_free:
  free_array (array);
  return r;
}

int
array_start (struct array *array)
{
  for (unsigned slot = 0; slot < array->layout.slots; slot++) {
    struct leg *leg = array->member[slot].leg;
    int r = leg->ops->start (leg);

    if (r < 0) {
      log_error ("disk %s: cannot be started: %s", leg->name,
                 log_strerror (r));
      return r;
    }
    array->slots_of_rank[leg->rank] |= 1u << slot;
  }
  return 0;
}

void
array_get_limits (const struct array *array, struct array_limits *ret)
{
  *ret = array->limits;
}

/* The last flush, with the gate closed and nobody inside. */
static int
flush_at_stop (struct array *array)
{
  struct request *request;
  int r;

  if (array->limits.readonly)
    return 0;
  request = request_take (&array->modifiers);
  r = flush_members (request, array_in_sync (array));
  request_give (&array->modifiers, request);
  return r;
}

/* Legs that owe an answer get none of our time any more; what they had not
 * answered was not acknowledged, or goes on without them.
 */
static void
abort_busy_legs (struct array *array)
{
  log_error ("stopping: requests are still under way at the deadline; giving "
             "up the disks that have not answered");
  for (unsigned slot = 0; slot < array->layout.slots; slot++) {
    struct member *member = &array->member[slot];

    if (atomic_load (&member->outstanding) > 0)
      member->leg->ops->abort (member->leg);
  }
}

/* stop_lock held. */
static int
quiesce (struct array *array, uint64_t deadline_ns)
{
  int r;

  gate_close (&array->gate);
  r = gate_drain (&array->gate, deadline_ns);
  if (r < 0) {
    abort_busy_legs (array);
    r = gate_drain (&array->gate, ground_now () + STOP_GRACE_MS * GROUND_MS);
  }
  return r < 0 ? r : flush_at_stop (array);
}

int
array_quiesce (struct array *array, uint64_t deadline_ns)
{
  int r;

  /* Not the state mutex: this one waits for I/O, and only those wait for it
   * who want to stop, too.
   */
  ground_mutex_lock (&array->stop_lock);
  if (!array->stopped)
    array->stop_result = quiesce (array, deadline_ns);
  array->stopped = true;
  r = array->stop_result;
  ground_mutex_unlock (&array->stop_lock);
  return r;
}

void
array_close (struct array *array)
{
  struct leg *legs[LEGS_MAX];
  unsigned slots = array->layout.slots;

  /* After an abort the last answers may still be on their way. */
  gate_close (&array->gate);
  gate_drain (&array->gate, GROUND_NEVER);
  for (unsigned slot = 0; slot < slots; slot++)
    legs[slot] = array->member[slot].leg;
  for (unsigned slot = 0; slot < slots; slot++)
    legs[slot]->ops->close (legs[slot]);
  release (array);
  free_array (array);
}

void
array_get_status (struct array *array, struct array_status *ret)
{
  *ret = (struct array_status){
    .in_sync = array_in_sync (array),
    .slots = array->layout.slots,
    .pool_free
    = pool_free_count (&array->pool) + pool_free_count (&array->retries),
    .pool_total = array->pool.total + array->retries.total,
    .requests_free = requests_free_count (&array->readers)
                     + requests_free_count (&array->modifiers),
    .requests_total = array->readers.total + array->modifiers.total,
    .reads_pinned = atomic_load (&array->reads_pinned),
  };
  for (unsigned slot = 0; slot < ret->slots; slot++) {
    struct member *member = &array->member[slot];

    ret->reads[slot] = atomic_load (&member->reads);
    ret->writes[slot] = atomic_load (&member->writes);
    ret->errors[slot] = atomic_load (&member->errors);
  }
}
