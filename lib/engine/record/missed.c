/* SPDX-License-Identifier: BSD-3-Clause */
/* missed: in memory, where a disk of a plain array that comes back may lack
 * something.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/record/missed.h"
#include "ground/util.h"

#define BITS UINT64_C (64)

/* So many windows of one flush are remembered at most: what few places are
 * written to again and again must not push all others out at once.
 */
#define RECENT_OF_ONE 8

void
missed_init (struct missed *missed)
{
  *missed = (struct missed){ .least = MISSED_WINDOW };
  ground_mutex_init (&missed->lock);
}

void
missed_destroy (struct missed *missed)
{
  free (missed->memory);
  ground_mutex_destroy (&missed->lock);
}

/* --------------------------------------------------------------- its memory */

static uint64_t
words_of (const struct missed *missed)
{
  return div_round_up (missed->windows, BITS);
}

static uint64_t
map_words (const struct missed *missed)
{
  return words_of (missed) + div_round_up (words_of (missed), BITS);
}

uint64_t
missed_memory (const struct missed *missed)
{
  return missed->memory == NULL
           ? 0
           : 2 * map_words (missed) * sizeof (uint64_t);
}

static struct missed_map
map_at (const struct missed *missed, _Atomic uint64_t *words)
{
  return (struct missed_map){ .words = words,
                              .some = words + words_of (missed) };
}

int
missed_allocate (struct missed *missed, uint64_t size, uint32_t block)
{
  _Atomic uint64_t *words;
  uint64_t window = MAX (missed->least, block);

  assert (missed->memory == NULL && size > 0 && is_power_of_2 (block));
  while (div_round_up (size, window) > MISSED_WINDOWS_MAX)
    window *= 2;
  missed->shift = __builtin_ctzll (window);
  missed->windows = div_round_up (size, window);
  words = calloc (2 * map_words (missed), sizeof *words);
  if (words == NULL)
    return -ENOMEM;
  missed->memory = words;
  missed->map[0] = map_at (missed, words);
  missed->map[1] = map_at (missed, words + map_words (missed));
  return 0;
}

void
missed_keep (struct missed *missed)
{
  assert (missed->memory != NULL);
  atomic_store (&missed->is_kept, true);
}

/* --------------------------------------------------------------------- bits */

/* Bits @first up to @last, of their word. */
static uint64_t
mask_of (uint64_t first, uint64_t last)
{
  return UINT64_MAX << first % BITS
         & UINT64_MAX >> (BITS - 1 - last % BITS);
}

/* A word that is seen set counts although the one who set it may not have said
 * so in @some yet: he is counted as a writer until he has.
 */
static void
set (struct missed_map *map, uint64_t first, uint64_t last)
{
  for (uint64_t at = first; at <= last; at = round_down (at, BITS) + BITS) {
    uint64_t word = at / BITS;
    uint64_t mask
      = mask_of (at, MIN (last, round_down (at, BITS) + BITS - 1));

    if ((atomic_load (&map->words[word]) & mask) == mask)
      continue;
    atomic_fetch_or (&map->words[word], mask);
    atomic_fetch_or (&map->some[word / BITS], UINT64_C (1) << word % BITS);
  }
}

static bool
any (const struct missed_map *map, uint64_t first, uint64_t last)
{
  for (uint64_t at = first; at <= last; at = round_down (at, BITS) + BITS) {
    uint64_t mask
      = mask_of (at, MIN (last, round_down (at, BITS) + BITS - 1));

    if (atomic_load (&map->words[at / BITS]) & mask)
      return true;
  }
  return false;
}

/* Every word that has bits, once, is emptied, and given to @take. */
static void
drain (struct missed *missed, struct missed_map *map,
       void (*take) (struct missed *missed, uint64_t word, uint64_t bits))
{
  uint64_t count = div_round_up (words_of (missed), BITS);

  for (uint64_t i = 0; i < count; i++)
    for (uint64_t left = atomic_exchange (&map->some[i], 0); left != 0;
         left &= left - 1) {
      uint64_t word = i * BITS + __builtin_ctzll (left);
      uint64_t bits = atomic_load (&map->words[word]);

      take (missed, word, bits);
      atomic_store (&map->words[word], 0);
    }
}

/* Of the array, to its windows. */
static void
windows_of (const struct missed *missed, uint64_t offset, uint64_t length,
            uint64_t *ret_first, uint64_t *ret_last)
{
  assert (length > 0);
  *ret_first = offset >> missed->shift;
  *ret_last = (offset + length - 1) >> missed->shift;
  assert (*ret_last < missed->windows);
}

/* ------------------------------------------------------------------ writers */

/* In the map that is current now and stays so as long as he is in it. */
static unsigned
count_in (struct missed *missed)
{
  unsigned map = atomic_load (&missed->current);

  atomic_fetch_add (&missed->writers[map], 1);
  while (atomic_load (&missed->current) != map) {
    atomic_fetch_sub (&missed->writers[map], 1);
    map = !map;
    atomic_fetch_add (&missed->writers[map], 1);
  }
  return map;
}

unsigned
missed_enter (struct missed *missed, uint64_t offset, uint64_t length)
{
  unsigned map = count_in (missed);
  uint64_t first, last;

  windows_of (missed, offset, length, &first, &last);
  set (&missed->map[map], first, last);
  if (!atomic_load (&missed->used[map]))
    atomic_store (&missed->used[map], true);
  return map;
}

/* ------------------------------------------------------------- flush rounds */

/* To the map that is current, before the old one has it no more.  Lock held. */
static void
move (struct missed *missed, uint64_t word, uint64_t bits)
{
  struct missed_map *map = &missed->map[atomic_load (&missed->current)];

  atomic_fetch_or (&map->words[word], bits);
  atomic_fetch_or (&map->some[word / BITS], UINT64_C (1) << word % BITS);
}

/* All that @old has is in the other map, which becomes the old one.  True: it
 * has no writers.
 */
static bool
change_places (struct missed *missed, unsigned old)
{
  if (atomic_load (&missed->used[old])) {
    drain (missed, &missed->map[old], move);
    atomic_store (&missed->used[!old], true);
    atomic_store (&missed->used[old], false);
  }
  atomic_store (&missed->current, old);
  return atomic_load (&missed->writers[!old]) == 0;
}

void
missed_flush_begin (struct missed *missed)
{
  unsigned old = !atomic_load (&missed->current);

  missed->settled = false;
  if (!atomic_load (&missed->is_kept)
      || atomic_load (&missed->writers[old]) != 0)
    return;
  missed->settled = true;
  /* What old has is settled.  With what is in current it would have to wait for
   * their writers: under load for ever.
   */
  if (atomic_load (&missed->used[old])
      && atomic_load (&missed->writers[!old]) != 0)
    return;
  ground_mutex_lock (&missed->lock);
  missed->settled = change_places (missed, old);
  ground_mutex_unlock (&missed->lock);
}

static bool
is_recent (const struct missed *missed, uint64_t window)
{
  for (unsigned i = 0; i < MISSED_RECENT; i++)
    if (atomic_load (&missed->recent[i]) == window + 1)
      return true;
  return false;
}

/* Lock held. */
static void
remember (struct missed *missed, uint64_t word, uint64_t bits)
{
  uint64_t window = word * BITS + __builtin_ctzll (bits);

  if (missed->added == RECENT_OF_ONE || is_recent (missed, window))
    return;
  missed->added++;
  atomic_store (&missed->recent[missed->next_recent], window + 1);
  missed->next_recent = (missed->next_recent + 1) % MISSED_RECENT;
}

void
missed_flush_end (struct missed *missed, uint64_t view)
{
  unsigned old = !atomic_load (&missed->current);

  if (!missed->settled || !atomic_load (&missed->used[old]))
    return;
  ground_mutex_lock (&missed->lock);
  /* Before a bit is gone. */
  atomic_store (&missed->cleared_view, view);
  missed->added = 0;
  drain (missed, &missed->map[old], remember);
  atomic_store (&missed->used[old], false);
  ground_mutex_unlock (&missed->lock);
}

/* ------------------------------------------------------------------ looking */

/* Up to the end of the window at @offset. */
static uint64_t
in_window (const struct missed *missed, uint64_t offset, uint64_t length)
{
  uint64_t window = UINT64_C (1) << missed->shift;

  return MIN (length, window - offset % window);
}

bool
missed_is_set (struct missed *missed, uint64_t offset, uint64_t *length)
{
  uint64_t window = offset >> missed->shift;
  bool is_set;

  *length = in_window (missed, offset, *length);
  ground_mutex_lock (&missed->lock);
  is_set = any (&missed->map[0], window, window)
           || any (&missed->map[1], window, window);
  ground_mutex_unlock (&missed->lock);
  return is_set;
}

uint64_t
missed_bytes (struct missed *missed)
{
  uint64_t count = 0;

  ground_mutex_lock (&missed->lock);
  for (uint64_t i = 0; i < words_of (missed); i++)
    count += __builtin_popcountll (atomic_load (&missed->map[0].words[i])
                                   | atomic_load (&missed->map[1].words[i]));
  ground_mutex_unlock (&missed->lock);
  return count << missed->shift;
}

bool
missed_recent (struct missed *missed, unsigned i, uint64_t *ret_offset,
               uint64_t *ret_length)
{
  uint64_t number = atomic_load (&missed->recent[i]);

  if (number == 0)
    return false;
  *ret_offset = (number - 1) << missed->shift;
  *ret_length = UINT64_C (1) << missed->shift;
  return true;
}
