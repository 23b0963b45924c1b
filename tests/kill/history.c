/* SPDX-License-Identifier: BSD-3-Clause */
/* history: see history.h. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/util.h"
#include "history.h"
#include "sim/sim-stamp.h"

void
history_open (struct history *history, uint64_t sectors)
{
  memset (history, 0, sizeof *history);
  history->sectors = sectors;
  history->sector = calloc (sectors, sizeof *history->sector);
  assert (history->sector != NULL);
}

void
history_close (struct history *history)
{
  for (uint64_t i = 0; i < history->sectors; i++)
    free (history->sector[i].entries);
  free (history->sector);
  free (history->operations);
}

uint64_t
history_tick (struct history *history)
{
  return ++history->now;
}

static uint32_t
add_operation (struct history *history, struct operation operation)
{
  if (history->count == history->room) {
    history->room = history->room * 2 + 256;
    history->operations
        = realloc (history->operations,
                   history->room * sizeof *history->operations);
    assert (history->operations != NULL);
  }
  history->operations[history->count] = operation;
  return history->count++;
}

static void
add_entry (struct sector_history *sector, uint32_t operation)
{
  if (sector->count == sector->room) {
    sector->room = sector->room * 2 + 4;
    sector->entries
        = realloc (sector->entries, sector->room * sizeof *sector->entries);
    assert (sector->entries != NULL);
  }
  sector->entries[sector->count++] = (struct entry){ operation, NEVER };
}

void
history_begin (struct history *history, unsigned legs)
{
  unsigned variants = legs > 0 ? legs : 1;

  history->count = 0;
  history->flush_mark = 0;
  history->is_part = false;
  history->now = 1;
  /* The beginning is like a power cut. */
  history->crash[0] = (struct crash_record){ .at = 1, .power = true };
  history->crashes = 1;
  for (unsigned i = 0; i < variants; i++)
    add_operation (history, (struct operation){
                                .value = legs > 0 ? VALUE_OF_LEG (i)
                                                  : VALUE_ZERO,
                                .ended = 0,
                                .acked = NEVER,
                            });
  for (uint64_t i = 0; i < history->sectors; i++) {
    history->sector[i].count = 0;
    history->sector[i].pinned_after = 0;
    for (unsigned k = 0; k < variants; k++)
      add_entry (&history->sector[i], k);
  }
}

uint32_t
history_write (struct history *history, uint64_t first, uint64_t count,
               bool zero, bool fua)
{
  uint32_t number
      = add_operation (history, (struct operation){
                                    .value = zero ? VALUE_ZERO
                                                  : VALUE_WRITTEN
                                                        + history->count,
                                    .invoked = history_tick (history),
                                    .ended = NEVER,
                                    .acked = NEVER,
                                    .fua = fua,
                                });

  assert (first + count <= history->sectors);
  for (uint64_t i = 0; i < count; i++)
    add_entry (&history->sector[first + i], number);
  return number;
}

uint64_t
history_value (const struct history *history, uint32_t operation)
{
  return history->operations[operation].value;
}

void
history_acked (struct history *history, uint32_t operation)
{
  history->operations[operation].acked = history_tick (history);
}

void
history_ended (struct history *history, uint32_t operation)
{
  history->operations[operation].ended = history_tick (history);
}

void
history_flushed (struct history *history, uint64_t invoked)
{
  if (invoked > history->flush_mark)
    history->flush_mark = invoked;
}

void
history_crash (struct history *history, bool power)
{
  uint64_t last = history_tick (history);

  for (uint32_t i = 0; i < history->count; i++) {
    struct operation *operation = &history->operations[i];

    if (operation->ended > last)
      operation->ended = MIN (last, operation->acked);
  }
  assert (history->crashes < HISTORY_CRASHES);
  history->crash[history->crashes++]
      = (struct crash_record){ .at = history_tick (history),
                               .flush_mark = history->flush_mark,
                               .power = power };
}

/* -------------------------------------------------------------------- judging */

/* It had taken effect by then. */
static uint64_t
effect_by (const struct history *history, const struct entry *entry)
{
  return MIN (entry->seen, history->operations[entry->operation].acked);
}

/* It has no effect after that. */
static uint64_t
end_of (const struct history *history, const struct entry *entry)
{
  return MIN (effect_by (history, entry),
              history->operations[entry->operation].ended);
}

static bool
is_covered (const struct history *history, const struct operation *operation,
            const struct crash_record *crash)
{
  if (operation->is_pin && history->is_part)
    return false;
  return operation->fua || operation->acked < crash->flush_mark;
}

/* Must it be there after @crash? */
static bool
is_strong (const struct history *history, const struct operation *operation,
           const struct crash_record *crash)
{
  if (operation->acked >= crash->at)
    return false;
  for (const struct crash_record *c = history->crash; c <= crash; c++)
    if (c->power && c->at > operation->acked && !is_covered (history, operation, c))
      return false;
  return true;
}

static bool
survives (const struct history *history, const struct sector_history *sector,
          const struct entry *entry, const struct crash_record *crash,
          uint64_t *ret_lost)
{
  for (uint32_t i = 0; i < sector->count; i++) {
    const struct operation *other
        = &history->operations[sector->entries[i].operation];

    if (other->invoked > end_of (history, entry)
        && is_strong (history, other, crash)) {
      *ret_lost = other->value;
      return false;
    }
  }
  return true;
}

/* Since the last crash, before @invoked. */
static bool
is_overwritten (const struct history *history,
                const struct sector_history *sector, const struct entry *entry,
                uint64_t invoked, uint64_t *ret_by)
{
  uint64_t start = history->crash[history->crashes - 1].at;

  for (uint32_t i = 0; i < sector->count; i++) {
    const struct entry *other = &sector->entries[i];
    const struct operation *operation
        = &history->operations[other->operation];

    if (operation->invoked >= start
        && operation->invoked > end_of (history, entry)
        && effect_by (history, other) < invoked) {
      *ret_by = operation->value;
      return true;
    }
  }
  return false;
}

/* What a server that died had to leave may have been lost in a power cut
 * since: that goes back to what was durable below it.
 */
static bool
still_counts (const struct history *history, const struct crash_record *crash)
{
  bool counts = true;

  for (const struct crash_record *c = crash + 1;
       !crash->power && c < history->crash + history->crashes; c++)
    counts &= !c->power;
  return counts;
}

static bool
is_possible (const struct history *history, const struct sector_history *sector,
             const struct entry *entry, uint64_t invoked, char *why,
             size_t size)
{
  const struct operation *operation = &history->operations[entry->operation];
  uint64_t other;

  if (is_overwritten (history, sector, entry, invoked, &other)) {
    snprintf (why, size, "stale: value %" PRIu64 " had been replaced by %"
              PRIu64, operation->value, other);
    return false;
  }
  for (unsigned i = 0; i < history->crashes; i++) {
    const struct crash_record *crash = &history->crash[i];

    if (crash->at > operation->invoked && still_counts (history, crash)
        && !survives (history, sector, entry, crash, &other)) {
      snprintf (why, size, "lost: value %" PRIu64 " is back, but %" PRIu64
                " had to survive crash %u, %s", operation->value, other, i,
                crash->power ? "a power cut" : "of the server");
      return false;
    }
  }
  return true;
}

static void
pin (struct history *history, struct sector_history *sector, uint64_t value)
{
  const struct crash_record *crash = &history->crash[history->crashes - 1];

  sector->pinned_after = history->crashes;
  add_entry (sector,
             add_operation (history, (struct operation){ .value = value,
                                                         .invoked = crash->at,
                                                         .ended = crash->at,
                                                         .acked = crash->at,
                                                         .fua = crash->power,
                                                         .is_pin = true }));
}

bool
history_read (struct history *history, uint64_t at, uint64_t value,
              uint64_t invoked, char *why, size_t size)
{
  struct sector_history *sector = &history->sector[at];
  uint64_t start = history->crash[history->crashes - 1].at;
  unsigned possible = 0, since = 0;
  struct entry *seen = NULL;

  snprintf (why, size, "value %" PRIu64 " was never written here", value);
  for (uint32_t i = 0; i < sector->count; i++) {
    struct entry *entry = &sector->entries[i];

    if (history->operations[entry->operation].value != value
        || !is_possible (history, sector, entry, invoked, why, size))
      continue;
    possible++;
    since += history->operations[entry->operation].invoked >= start;
    seen = entry;
  }
  if (possible == 0)
    return false;
  /* Zeroes are not unique: with several explanations none is proved. */
  if (possible == 1 && since == 1)
    seen->seen = MIN (seen->seen, history_tick (history));
  if (since == 0 && sector->pinned_after < history->crashes)
    pin (history, sector, value);
  return true;
}

bool
history_may_hold (struct history *history, uint64_t at, uint64_t value,
                  char *why, size_t size)
{
  const struct sector_history *sector = &history->sector[at];
  bool was_part = history->is_part, possible = false;

  snprintf (why, size, "value %" PRIu64 " was never written here", value);
  history->is_part = true;
  for (uint32_t i = 0; i < sector->count && !possible; i++)
    possible
        = history->operations[sector->entries[i].operation].value == value
          && is_possible (history, sector, &sector->entries[i],
                          history->now + 1, why, size);
  history->is_part = was_part;
  return possible;
}
