/* SPDX-License-Identifier: BSD-3-Clause */
/* client: a fiber that sends requests to the array and writes the history.
 *
 * Its buffer is poisoned the moment the reply is there: whoever still reads
 * or writes it is found by the stamps, or by the sanitizer.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ground/util.h"
#include "ground-sim.h"
#include "sim-check.h"
#include "sim-leg.h"
#include "sim-marks.h"
#include "sim-stamp.h"
#include "workload-internal.h"
#include "workload.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define LOCK_MEMORY(p, n) __asan_poison_memory_region (p, n)
#define UNLOCK_MEMORY(p, n) __asan_unpoison_memory_region (p, n)
#else
#define LOCK_MEMORY(p, n) ((void)(p))
#define UNLOCK_MEMORY(p, n) ((void)(p))
#endif

#define NO_OP UINT_MAX
#define MEMORY_SIZE (HISTORY_SECTORS_MAX * STAMP_SECTOR)
#define GUARD 64u

static _Alignas (4096) char memory[SIM_CLIENTS_MAX][MEMORY_SIZE + 3 * GUARD];

/* One request, as the client asks for it. */
struct ask {
  enum client_op kind;
  uint32_t flags;
  uint64_t first, count; /* sectors */
  char *buffer;          /* read, write */
};

static uint64_t
bytes (const struct ask *ask)
{
  return ask->count * STAMP_SECTOR;
}

/* --- what to ask --- */

static void
choose_range (struct client *client, struct ask *ask)
{
  const struct sim_config *config = run.config;
  uint64_t unit = config->alignment, units = config->sectors / unit;
  uint64_t first = random_below (&client->chance, units), count;

  if (random_chance (&client->chance, config->hot))
    first = (config->hot_first
             + random_below (&client->chance, config->hot_sectors))
            / unit;
  count = random_between (&client->chance, 1,
                          random_one_in (&client->chance, 4) ? 16 : 4);
  if (random_chance (&client->chance, config->large))
    count = random_between (&client->chance, 1, units);
  ask->first = first * unit;
  ask->count = MIN (count, units - first) * unit;
}

static enum client_op
choose_kind (struct client *client)
{
  const struct sim_config *config = run.config;
  unsigned sum = 0, n;
  enum client_op op = 0;

  for (unsigned i = 0; i < CLIENT_OPS; i++)
    sum += config->weight[i];
  n = random_below (&client->chance, sum);
  while (n >= config->weight[op])
    n -= config->weight[op++];
  return op;
}

static void
choose_ask (struct client *client, struct ask *ask)
{
  struct random_stream *chance = &client->chance;
  unsigned skew = run.config->misaligned_memory ? 8 : 0;

  *ask = (struct ask){ .kind = choose_kind (client) };
  choose_range (client, ask);
  ask->buffer = memory[client->number] + GUARD + skew;
  if (random_chance (chance, run.config->fua))
    ask->flags |= ARRAY_FUA;
  if (ask->kind == CLIENT_ZERO) {
    if (random_one_in (chance, 2))
      ask->flags |= ARRAY_MAY_TRIM;
    if (random_one_in (chance, 3))
      ask->flags |= ARRAY_FAST_ZERO;
  }
  if (ask->kind == CLIENT_FLUSH)
    ask->first = ask->count = 0;
}

/* --- memory --- */

static void
prepare_memory (const struct client *client, const struct ask *ask)
{
  UNLOCK_MEMORY (memory[client->number], sizeof memory[0]);
  memset (ask->buffer - GUARD / 2, 0xc5, GUARD / 2);
  memset (ask->buffer + bytes (ask), 0xc5, GUARD);
  if (ask->kind == CLIENT_READ)
    memset (ask->buffer, 0xee, bytes (ask));
  for (uint64_t i = 0; i < ask->count && ask->kind == CLIENT_WRITE; i++)
    stamp_write (ask->buffer + i * STAMP_SECTOR, ask->first + i,
                 history_value (client->op));
}

static void
check_memory (const struct client *client, const struct ask *ask)
{
  const char *after = ask->buffer + bytes (ask);

  for (unsigned i = 0; i < GUARD; i++)
    if ((i < GUARD / 2 && ask->buffer[-(int)i - 1] != (char)0xc5)
        || after[i] != (char)0xc5)
      sim_fail ("memory beside the buffer was written to");
  for (uint64_t i = 0; i < ask->count && ask->kind == CLIENT_WRITE; i++) {
    uint64_t value;

    if (!stamp_read (ask->buffer + i * STAMP_SECTOR, ask->first + i, &value)
        || value != history_value (client->op))
      sim_fail ("the buffer of a write was changed");
  }
}

static void
poison_memory (const struct client *client, const struct ask *ask)
{
  if (ask->count > 0 && sim_leg_uses_buffer (ask->buffer, bytes (ask)))
    sim_fail ("the buffer is in use after the reply");
  memset (ask->buffer, 0xdb, bytes (ask));
  LOCK_MEMORY (memory[client->number], sizeof memory[0]);
}

/* --- extents --- */

struct extents_seen {
  struct client *client;
  uint64_t next, end; /* bytes */
  unsigned count;
  unsigned stop_after;
};

static int
see_extent (void *opaque, uint64_t offset, uint64_t length, uint32_t flags)
{
  struct extents_seen *seen = opaque;

  if (offset != seen->next || length == 0 || length > seen->end - offset)
    sim_fail ("extent %llu+%llu, expected at %llu, before %llu",
              (unsigned long long)offset, (unsigned long long)length,
              (unsigned long long)seen->next, (unsigned long long)seen->end);
  if (!is_aligned (length, run.config->alignment * STAMP_SECTOR))
    sim_fail ("extent %llu+%llu is no whole block", (unsigned long long)offset,
              (unsigned long long)length);
  if (flags & ~(uint32_t)(EXTENT_HOLE | EXTENT_ZERO))
    sim_fail ("extent with flags %#x", flags);
  seen->next = offset + length;
  if (flags & EXTENT_ZERO) {
    SOMETIMES (ZERO_EXTENT);
    for (uint64_t at = offset / STAMP_SECTOR;
         at < (offset + length) / STAMP_SECTOR; at++)
      history_saw (seen->client->op, at, VALUE_ZERO);
  }
  return ++seen->count == seen->stop_after ? 1 : 0;
}

static int
ask_extents (struct client *client, const struct ask *ask)
{
  struct extents_seen seen = {
    .client = client,
    .next = ask->first * STAMP_SECTOR,
    .end = (ask->first + ask->count) * STAMP_SECTOR,
    .stop_after = random_one_in (&client->chance, 4) ? 1 : 0,
  };
  int r = array_extents (run.array, bytes (ask), seen.next, see_extent, &seen);

  if (seen.stop_after == 1 && r == 1)
    r = 0;
  if (r == 0 && seen.count == 0)
    sim_fail ("no extent at all");
  return r;
}

/* --- asking --- */

static int
call (struct client *client, const struct ask *ask)
{
  struct array *array = run.array;
  uint64_t offset = ask->first * STAMP_SECTOR, length = bytes (ask);

  switch (ask->kind) {
  case CLIENT_READ:
    return array_read (array, ask->buffer, length, offset);
  case CLIENT_WRITE:
    return array_write (array, ask->buffer, length, offset, ask->flags);
  case CLIENT_ZERO:
    return array_zero (array, length, offset, ask->flags);
  case CLIENT_TRIM:
    return array_trim (array, length, offset, ask->flags);
  case CLIENT_FLUSH:
    return array_flush (array);
  case CLIENT_CACHE:
    return array_cache (array, length, offset);
  case CLIENT_EXTENTS:
    return ask_extents (client, ask);
  default:
    assert (0);
  }
}

static void
enter_history (struct client *client, const struct ask *ask)
{
  static const enum history_kind kinds[] = {
    [CLIENT_READ] = HISTORY_READ,    [CLIENT_WRITE] = HISTORY_WRITE,
    [CLIENT_ZERO] = HISTORY_ZERO,    [CLIENT_TRIM] = HISTORY_TRIM,
    [CLIENT_EXTENTS] = HISTORY_LOOK,
  };

  client->op = NO_OP;
  if (ask->kind == CLIENT_FLUSH)
    history_covered (client->covered);
  else if (ask->kind != CLIENT_CACHE)
    client->op = history_start (kinds[ask->kind], ask->first, ask->count);
  if (ask->kind != CLIENT_READ && ask->kind != CLIENT_CACHE
      && ask->kind != CLIENT_EXTENTS)
    check_may_modify = true;
  for (unsigned i = 0; i < run.config->clients && client->op != NO_OP; i++) {
    unsigned other = run.client[i].op;

    if (i == client->number || other == NO_OP
        || !history_concurrent (client->op, other))
      continue;
    if (ask->kind == CLIENT_WRITE)
      SOMETIMES (OVERLAP);
    if (ask->kind == CLIENT_READ)
      SOMETIMES (READ_DURING_WRITE);
  }
}

/* What a read has returned. */
static void
enter_values (struct client *client, const struct ask *ask)
{
  for (uint64_t i = 0; i < ask->count; i++) {
    uint64_t value;

    if (!stamp_read (ask->buffer + i * STAMP_SECTOR, ask->first + i, &value))
      sim_fail ("a read of LBA %llu returned what nobody wrote there",
                (unsigned long long)(ask->first + i));
    history_saw (client->op, ask->first + i, value);
  }
}

static enum history_outcome
outcome_of (const struct ask *ask, int r)
{
  if (r == 0)
    return HISTORY_DONE;
  if (r == -EROFS)
    return HISTORY_NOTHING;
  if (r == -EOPNOTSUPP && ask->kind == CLIENT_ZERO
      && (ask->flags & ARRAY_FAST_ZERO)) {
    SOMETIMES (FAST_ZERO_REFUSED);
    return HISTORY_NOTHING;
  }
  if (r == -ESHUTDOWN && run.stop_begun && run.config->atlas_holds
      && sim_time () < run.stop_deadline) {
    SOMETIMES (REFUSED_AFTER_STOP);
    return HISTORY_NOTHING;
  }
  return HISTORY_FAILED;
}

static void
mark_success (const struct ask *ask)
{
  if (ask->kind == CLIENT_ZERO && (ask->flags & ARRAY_FAST_ZERO))
    SOMETIMES (FAST_ZERO_DONE);
  if (ask->kind == CLIENT_TRIM) {
    struct copy copies[LEGS_MAX];

    layout_map (&run.config->array.layout, ask->first * STAMP_SECTOR, copies);
    if (sim_disks[copies[0].slot].value[copies[0].offset / STAMP_SECTOR]
        == VALUE_ZERO)
      SOMETIMES (TRIM_SEEN);
    else
      SOMETIMES (TRIM_IGNORED);
  }
}

/* The reply is here. */
static void
judge_reply (struct client *client, const struct ask *ask, int r)
{
  bool modifies = ask->kind == CLIENT_WRITE || ask->kind == CLIENT_ZERO;

  if (r == 0 && run.stop_done)
    SOMETIMES (QUIESCE_EARLY);
  check_memory (client, ask);
  if (r == 0 && ask->kind == CLIENT_READ)
    enter_values (client, ask);
  poison_memory (client, ask);
  if (r != 0 && !judge_error_allowed (ask->kind, ask->flags, r))
    sim_fail ("request %d of client %u got error %d, which no fault explains",
              ask->kind, client->number, r);
  if (r == 0)
    mark_success (ask);
  else if (r != -ESHUTDOWN && r != -EROFS && r != -EOPNOTSUPP) {
    SOMETIMES (CLIENT_ERROR);
    workload_counts.errors++;
  }
  else
    workload_counts.refused++;
  if (r == 0 && modifies && (ask->flags & ARRAY_FUA))
    judge_fua (client->op, ask->first, ask->count);
  if (client->op != NO_OP)
    history_finish (client->op, outcome_of (ask, r));
  if (r == 0 && ask->kind == CLIENT_FLUSH)
    judge_flushed (client->covered);
  client->op = NO_OP;
}

/* The disks that cannot zero quickly: from now on they never can. */
static uint32_t
slow_zeroers (void)
{
  uint32_t slots = 0;

  for (unsigned i = 0; i < run.config->array.layout.slots; i++)
    if (!disk_can_zero (&sim_disks[i], CHILD_FAST))
      slots |= 1u << i;
  return slots;
}

static uint64_t
count_children (void)
{
  uint64_t n = 0;

  for (unsigned i = 0; i < run.config->array.layout.slots; i++)
    n += sim_disks[i].children;
  return n;
}

static int
do_ask (struct client *client, const struct ask *ask)
{
  uint64_t began_ns = sim_time ();
  uint64_t faults = sim_marks[MARK_FAULT_READ] + sim_marks[MARK_ODD_READ];
  uint64_t children = count_children ();
  uint32_t slow = slow_zeroers ();
  bool was_stopped = run.stop_done;
  int r;

  enter_history (client, ask);
  prepare_memory (client, ask);
  sim_log ("client %u: request %d flags %u sectors %llu+%llu, op %d",
           client->number, ask->kind, ask->flags,
           (unsigned long long)ask->first, (unsigned long long)ask->count,
           (int)client->op);
  r = call (client, ask);
  sim_log ("client %u: op %d is %d", client->number, (int)client->op, r);
  sim_trace ((uint64_t)client->number << 32 | (uint32_t)r);
  workload_counts.operations++;
  if (sim_time () - began_ns > run.config->patience_ns)
    sim_fail ("request %d of client %u took %.3f s", ask->kind, client->number,
              (sim_time () - began_ns) / 1e9);
  if (was_stopped && r == 0)
    sim_fail ("request %d of client %u was served after the stop", ask->kind,
              client->number);
  if (r == 0 && ask->kind == CLIENT_ZERO && (ask->flags & ARRAY_FAST_ZERO)
      && (slow & judge_status ()))
    sim_fail ("a fast zero succeeded although slots %#x cannot do that", slow);
  if (r == 0 && ask->kind == CLIENT_READ
      && faults != sim_marks[MARK_FAULT_READ] + sim_marks[MARK_ODD_READ])
    SOMETIMES (READ_FAILED_OVER);
  if (run.config->clients == 1 && ask->kind == CLIENT_WRITE
      && !(ask->flags & ARRAY_FUA)
      && count_children () - children
           > layout_copies (&run.config->array.layout))
    SOMETIMES (CHILD_SPLIT);
  judge_reply (client, ask, r);
  return r;
}

void
client_run (void *argument)
{
  struct client *client = argument;

  for (; client->operations > 0; client->operations--) {
    struct ask ask;

    if (random_chance (&client->chance, run.config->pause))
      sim_park (sim_time () + random_exponential (&client->chance, GROUND_MS));
    choose_ask (client, &ask);
    if (ask.kind == CLIENT_EXTENTS) {
      struct array_limits limits;

      array_get_limits (run.array, &limits);
      if (!limits.extents)
        ask.kind = CLIENT_READ;
    }
    if (do_ask (client, &ask) == -ESHUTDOWN && run.stop_done)
      client->operations = MIN (client->operations, 4u);
  }
}

void
client_check_refused (struct client *client)
{
  for (enum client_op kind = 0; kind < CLIENT_OPS; kind++) {
    struct ask ask
      = { .kind = kind,
          .count = kind == CLIENT_FLUSH ? 0 : run.config->alignment,
          .buffer = memory[client->number] + GUARD };
    int r = do_ask (client, &ask);

    if (r != -ESHUTDOWN && r != -EROFS)
      sim_fail ("request %d after the stop got %d", kind, r);
  }
}
