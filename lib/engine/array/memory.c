/* SPDX-License-Identifier: BSD-3-Clause */
/* memory: how much an array has, from the numbers that it is given. */
#include "engine/array-internal.h"
#include "engine/array/memory.h"
#include "ground/util.h"

unsigned
array_pool_minimum (unsigned legs)
{
  return legs;
}

struct array_config
memory_defaults (const struct array_config *given, unsigned slots)
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
  if (config.reconnect_ms == 0)
    config.reconnect_ms = RECONNECT_FIRST_MS;
  if (config.quarantine_ms == 0)
    config.quarantine_ms = QUARANTINE_MS;
  if (config.missed_window == 0)
    config.missed_window = MISSED_WINDOW;
  if (config.requests == 0)
    config.requests = REQUESTS_DEFAULT;
  if (config.bounces == 0)
    config.bounces = BOUNCES_DEFAULT;
  if (config.bounce_size == 0)
    config.bounce_size = BOUNCE_SIZE;
  return config;
}

uint64_t
memory_pool_total (unsigned pool, unsigned slots)
{
  return (uint64_t)pool + LEGS_MAX - slots;
}

/* Besides those of clients, and of resync. */
#define OWN_REQUESTS (ARRAY_FAILERS + ARRAY_JOINERS + SECOND_REQUESTS)

/* What both kinds have. */
static uint64_t
plain_memory (const struct array_config *config, bool bounced)
{
  uint64_t bytes = sizeof (struct array) + ZERO_BUFFER_SIZE;

  bytes += (memory_pool_total (config->pool, config->layout.slots)
            + LEGS_MAX * (uint64_t)POOL_RETRIES_PER_LEG)
           * sizeof (struct child);
  bytes += (2 * (uint64_t)config->requests + OWN_REQUESTS)
           * sizeof (struct request);
  bytes += resync_memory (config->layout.slots, config->sync_span,
                          config->sync_spans);
  bytes += views_size (2 * config->requests + OWN_REQUESTS
                       + config->sync_spans);
  bytes += config->layout.slots * (uint64_t)sizeof (struct member);
  if (bounced)
    bytes += (2 * (uint64_t)config->bounces + SECOND_REQUESTS)
             * (config->bounce_size + sizeof (void *));
  return bytes;
}

/* Of the metadata's descriptors. */
static uint64_t
views_of_md (void)
{
  return views_size (2) - views_size (0);
}

uint64_t
array_memory (const struct array_config *given, bool bounced, bool is_md)
{
  struct array_config config = memory_defaults (given, given->layout.slots);
  uint64_t bytes = plain_memory (&config, bounced);

  if (is_md)
    bytes += metadata_memory (config.layout.slots) + views_of_md ();
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
  uint64_t slots = array->layout.slots;

  bytes += missed_memory (&array->missed);
  /* There may be less of them, and more. */
  bytes += array->count * sizeof (struct member);
  bytes -= slots * sizeof (struct member);
  if (array->md != NULL) {
    bytes += array->md->memory_size + array->count * (uint64_t)SB1_BLOCK_SIZE;
    bytes -= slots * SB1_BLOCK_SIZE;
  }
  if (array->witness != NULL)
    bytes += sizeof (struct witness);
  for (unsigned i = 0; i < array->count; i++)
    if (array->members[i]->bad != NULL)
      bytes += sizeof (struct badblocks);
  return bytes;
}
