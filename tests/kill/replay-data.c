/* SPDX-License-Identifier: BSD-3-Clause */
/* replay-data: what clients asked for, and what became of it on the legs. */

#include <inttypes.h>
#include <stdlib.h>

#include "history.h"
#include "replay.h"
#include "sim/sim-stamp.h"

struct replay_request *
replay_request_of (struct replay *replay, uint64_t number)
{
  /* The youngest are asked for most often. */
  for (unsigned i = replay->count; i-- > 0;)
    if (replay->requests[i].number == number)
      return &replay->requests[i];
  return NULL;
}

static bool
covers (const struct replay_request *request, uint64_t s)
{
  return s >= request->first && s < request->first + request->count;
}

/* Could it be this one that has stored @value in sector @s?  Zeroes are
 * anonymous: they may come from any request that is under way.
 */
static bool
may_own (const struct replay_request *request, uint64_t s, uint64_t value)
{
  if (value != VALUE_ZERO)
    return request->number == value;
  return (request->kind == EVENT_ZERO || request->kind == EVENT_TRIM)
         && request->acked == 0 && covers (request, s);
}

static uint64_t
array_sector (const struct replay *replay, unsigned leg, uint64_t offset)
{
  return replay->geometry
      ->array_sector[leg][(offset - replay->geometry->data_at) / SECTOR];
}

static unsigned
copy_of (const struct replay *replay, unsigned leg, uint64_t s, uint64_t offset)
{
  uint64_t sector = (offset - replay->geometry->data_at) / SECTOR;
  unsigned copy = 0;

  while (geometry_copy (replay->geometry, copy, s)->leg != leg
         || geometry_copy (replay->geometry, copy, s)->sector != sector)
    copy++;
  return copy;
}

/* ------------------------------------------------------------- data to legs */

static void
check_sector (struct replay *replay, uint64_t at, const uint8_t *data)
{
  const struct event *event = replay->event;
  uint64_t s = array_sector (replay, event->leg, at);
  uint64_t value = VALUE_ZERO;
  struct replay_request *request;

  if (s == NO_SECTOR) {
    replay_fail (replay, "L9", "leg %u: %" PRIu64 " belongs to no chunk",
                 event->leg, at);
    return;
  }
  if (data != NULL && !stamp_read (data, s, &value)) {
    replay_fail (replay, "L7", "leg %u: %" PRIu64 ", sector %" PRIu64
                 " of the array, gets what nobody wrote there", event->leg, at,
                 s);
    return;
  }
  request = replay_request_of (replay, value);
  if (value >= VALUE_WRITTEN && (request == NULL || !covers (request, s))) {
    replay_fail (replay, "L7", "leg %u: sector %" PRIu64
                 " gets value %" PRIu64 ", which nobody wrote there",
                 event->leg, s, value);
    return;
  }
  if (request != NULL && request->ordinal[s - request->first] == 0)
    request->ordinal[s - request->first] = ++replay->next_ordinal[s];
  for (unsigned i = 0; value == VALUE_ZERO && i < replay->count; i++)
    replay->requests[i].started
        += may_own (&replay->requests[i], s, VALUE_ZERO);
}

void
check_data_submit (struct replay *replay)
{
  const struct event *event = replay->event;
  const uint8_t *data
      = event->kind == EVENT_WRITE ? event_payload (event) : NULL;

  for (uint32_t i = 0; i < event->length && replay->why[0] == '\0';
       i += SECTOR)
    check_sector (replay, event->offset + i, data == NULL ? NULL : data + i);
}

/* The order of writes to this copy. */
static void
check_order (struct replay *replay, unsigned copy, uint64_t s,
             const struct replay_request *request)
{
  uint32_t ordinal = request->ordinal[s - request->first];

  if (ordinal < replay->ordinal[copy][s])
    replay_fail (replay, "L4", "leg %u: sector %" PRIu64 " gets value %" PRIu64
                 " after a later one", replay->event->leg, s,
                 request->number);
  replay->ordinal[copy][s] = ordinal;
}

void
note_data_complete (struct replay *replay, const struct cache_write *write)
{
  unsigned leg = replay->event->leg;

  for (uint32_t i = 0; i < write->length; i += SECTOR) {
    uint64_t s = array_sector (replay, leg, write->offset + i);
    unsigned copy = copy_of (replay, leg, s, write->offset + i);
    uint64_t value = VALUE_ZERO;

    if (write->data != NULL)
      stamp_read (write->data + i, s, &value);
    for (unsigned k = 0; k < replay->count; k++) {
      struct replay_request *request = &replay->requests[k];

      if (!may_own (request, s, value))
        continue;
      if (write->submitted > request->invoked)
        request->done[copy * request->count + (s - request->first)] = 1;
      if (value != VALUE_ZERO)
        check_order (replay, copy, s, request);
    }
  }
}

/* ------------------------------------------------------------------- clients */

static void
clear_request (struct replay_request *request)
{
  free (request->done);
  free (request->ordinal);
}

void
forget_requests (struct replay *replay)
{
  unsigned kept = 0;

  /* What was written stays known: resync copies it. */
  for (unsigned i = 0; i < replay->count; i++) {
    struct replay_request *request = &replay->requests[i];

    if (request->kind == EVENT_WRITE && replay->event != NULL
        && replay->event->kind == EVENT_CRASH) {
      if (request->acked == 0)
        request->acked = replay->event->sequence;
      replay->requests[kept++] = *request;
    }
    else if (request->kind == EVENT_WRITE && replay->event != NULL
             && replay->event->kind == EVENT_END)
      replay->requests[kept++] = *request;
    else
      clear_request (request);
  }
  replay->count = kept;
}

void
note_invoke (struct replay *replay)
{
  const struct event *event = replay->event;
  struct replay_request request = { .number = event->request,
                                    .kind = event->kind,
                                    .flags = event->flags,
                                    .first = event->offset / SECTOR,
                                    .count = event->length / SECTOR,
                                    .invoked = event->sequence };

  request.done = calloc (replay->geometry->copies, request.count + 1);
  request.ordinal = calloc (request.count + 1, sizeof *request.ordinal);
  if (replay->count == replay->room) {
    replay->room = replay->room * 2 + 256;
    replay->requests = realloc (replay->requests,
                                replay->room * sizeof *replay->requests);
  }
  assert (replay->requests != NULL && request.done != NULL
          && request.ordinal != NULL);
  replay->requests[replay->count++] = request;
}

/* L2. */
static void
check_stored (struct replay *replay, const struct replay_request *request)
{
  const struct geometry *geometry = replay->geometry;
  uint32_t missing = 0;

  if (request->kind == EVENT_TRIM && request->started == 0)
    return;
  for (unsigned copy = 0; copy < geometry->copies; copy++)
    for (uint64_t i = 0; i < request->count; i++)
      if (!request->done[copy * request->count + i])
        missing |= 1u << geometry_copy (geometry, copy, request->first + i)->leg;
  for (unsigned leg = 0; leg < geometry->legs; leg++)
    if (missing >> leg & 1 && !is_recorded_out (replay, leg))
      replay_fail (replay, "L2", "request %" PRIu64 " is answered; it is not on"
                   " leg %u, and the others do not say durably that this one"
                   " is out", request->number, leg);
}

static void
check_one_durable (struct replay *replay, unsigned leg,
                   const struct cache_write *write, uint64_t flush,
                   const struct replay_request *fua)
{
  for (uint32_t i = 0; i < write->length; i += SECTOR) {
    uint64_t s = array_sector (replay, leg, write->offset + i);
    uint64_t value = VALUE_ZERO;
    const struct replay_request *request;

    /* Nobody knows whose zeroes these are. */
    if (write->data != NULL)
      stamp_read (write->data + i, s, &value);
    request = value == VALUE_ZERO ? NULL : replay_request_of (replay, value);
    if (request == NULL || write->submitted < request->invoked
        || (request->acked != 0 && write->submitted > request->acked)
        || !cache_is_volatile (&replay->cache[leg], write, write->offset + i,
                               SECTOR)
        /* Resync has written it once more. */
        || memcmp (replay->cache[leg].durable + write->offset + i,
                   write->data + i, SECTOR) == 0)
      continue;
    if (request == fua || (request->acked != 0 && request->acked < flush))
      replay_fail (replay, "L3", "request %" PRIu64 " is covered now, but not"
                   " durable on leg %u, sector %" PRIu64, request->number, leg,
                   s);
  }
}

/* L3: @flush is when the flush began, or 0; @fua the request, or NULL. */
static void
check_covered (struct replay *replay, uint64_t flush,
               const struct replay_request *fua)
{
  const struct geometry *geometry = replay->geometry;

  for (unsigned leg = 0; leg < geometry->legs; leg++) {
    const struct cache *cache = &replay->cache[leg];

    /* One that is not there is still believed by the next start. */
    if (is_recorded_out (replay, leg))
      continue;
    for (unsigned i = 0; i < cache->count; i++) {
      const struct cache_write *write = &cache->writes[i];

      if (write->offset >= geometry->data_at
          && write->offset < geometry->data_at + geometry->data_size
          && write->completed != 0)
        check_one_durable (replay, leg, write, flush, fua);
    }
  }
}

void
check_return (struct replay *replay)
{
  const struct event *event = replay->event;
  struct replay_request *request = replay_request_of (replay, event->request);

  assert (request != NULL);
  if (event->error == 0 && request->kind == EVENT_FLUSH)
    check_covered (replay, request->invoked, NULL);
  else if (event->error == 0) {
    check_stored (replay, request);
    if (request->flags & EVENT_FUA)
      check_covered (replay, 0, request);
  }
  request->acked = event->error == 0 ? event->sequence : 0;
  if (request->kind != EVENT_WRITE) {
    clear_request (request);
    *request = replay->requests[--replay->count];
  }
}
