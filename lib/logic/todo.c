/* SPDX-License-Identifier: BSD-3-Clause */
/* todo: which parts of the array still have to be brought together.
 *
 * Pure: no I/O, no locks, no allocation.
 *
 * Bits go by words of 64; those past the last window stay 0.
 */
#include <string.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "logic/todo.h"

#define WORD_BITS 64

uint64_t
todo_window_size (uint64_t size, uint64_t region_size, uint64_t block)
{
  uint64_t window = TODO_WINDOW;

  assert (region_size == 0 || is_power_of_2 (region_size));
  assert (is_power_of_2 (block));
  while (div_round_up (size, window) > TODO_WINDOWS_MAX)
    window *= 2;
  if (region_size != 0)
    window = MIN (window, region_size);
  return MAX (window, block);
}

static uint64_t
words_of (uint64_t windows)
{
  return div_round_up (windows, WORD_BITS);
}

size_t
todo_memory (uint64_t size, uint64_t window)
{
  uint64_t bytes = words_of (div_round_up (size, window)) * sizeof (uint64_t);
  size_t ret = bytes;

  assert (ret == bytes);
  return ret;
}

void
todo_init (struct todo *todo, uint64_t size, uint64_t window, void *memory)
{
  assert (size > 0);
  assert (is_power_of_2 (window));
  assert (is_aligned ((uintptr_t)memory, _Alignof (uint64_t)));
  *todo = (struct todo){
    .size = size,
    .window = window,
    .windows = div_round_up (size, window),
    .bits = memory,
  };
  memset (memory, 0, todo_memory (size, window));
}

/* -------------------------------------------------------- ranges to windows */

/* Where the range ends, cut to the array. */
static uint64_t
range_end (const struct todo *todo, uint64_t offset, uint64_t length)
{
  if (offset >= todo->size)
    return offset;
  return offset + MIN (length, todo->size - offset);
}

/* The windows from *@ret_first on, before *@ret_end, that the range touches.
 * False: none.
 */
static bool
windows_touched (const struct todo *todo, uint64_t offset, uint64_t length,
                 uint64_t *ret_first, uint64_t *ret_end)
{
  uint64_t end = range_end (todo, offset, length);

  if (end == offset)
    return false;
  *ret_first = offset / todo->window;
  *ret_end = (end - 1) / todo->window + 1;
  return true;
}

/* Likewise, those that lie whole inside. */
static bool
windows_inside (const struct todo *todo, uint64_t offset, uint64_t length,
                uint64_t *ret_first, uint64_t *ret_end)
{
  uint64_t end = range_end (todo, offset, length);
  uint64_t first_window = div_round_up (offset, todo->window);
  uint64_t end_window = end == todo->size ? todo->windows : end / todo->window;

  if (first_window >= end_window)
    return false;
  *ret_first = first_window;
  *ret_end = end_window;
  return true;
}

/* The bits of word @word that stand for [@first, @end); it has some. */
static uint64_t
word_mask (uint64_t word, uint64_t first, uint64_t end)
{
  uint64_t start = word * WORD_BITS;
  uint64_t mask = ~UINT64_C (0);

  if (first > start)
    mask &= mask << (first - start);
  if (end - start < WORD_BITS)
    mask &= (UINT64_C (1) << (end - start)) - 1;
  return mask;
}

static unsigned
count_bits (uint64_t word)
{
  return (unsigned)__builtin_popcountll (word);
}

/* ------------------------------------------------------------------ changes */

void
todo_add (struct todo *todo, uint64_t offset, uint64_t length)
{
  uint64_t first, end;

  if (!windows_touched (todo, offset, length, &first, &end))
    return;
  for (uint64_t i = first / WORD_BITS; i < words_of (end); i++) {
    uint64_t mask = word_mask (i, first, end);

    todo->left += count_bits (mask & ~todo->bits[i]);
    todo->bits[i] |= mask;
  }
}

void
todo_done (struct todo *todo, uint64_t offset, uint64_t length)
{
  uint64_t first, end;

  if (!windows_inside (todo, offset, length, &first, &end))
    return;
  for (uint64_t i = first / WORD_BITS; i < words_of (end); i++) {
    uint64_t mask = word_mask (i, first, end);

    todo->left -= count_bits (mask & todo->bits[i]);
    todo->bits[i] &= ~mask;
  }
}

/* ---------------------------------------------------------------- questions */

bool
todo_touches (const struct todo *todo, uint64_t offset, uint64_t length)
{
  uint64_t first, end;

  if (todo->left == 0 || !windows_touched (todo, offset, length, &first, &end))
    return false;
  for (uint64_t i = first / WORD_BITS; i < words_of (end); i++)
    if (todo->bits[i] & word_mask (i, first, end))
      return true;
  return false;
}

/* The first window of [@first, @end) whose bit is @set; @end: none. */
static uint64_t
find_window (const struct todo *todo, uint64_t first, uint64_t end, bool set)
{
  for (uint64_t i = first / WORD_BITS; i < words_of (end); i++) {
    uint64_t word = set ? todo->bits[i] : ~todo->bits[i];

    word &= word_mask (i, first, end);
    if (word != 0)
      return i * WORD_BITS + (unsigned)__builtin_ctzll (word);
  }
  return end;
}

bool
todo_next (const struct todo *todo, uint64_t from, uint64_t most,
           uint64_t *ret_offset, uint64_t *ret_length)
{
  uint64_t most_windows = MAX (most / todo->window, UINT64_C (1));
  uint64_t first, end, offset;

  if (todo->left == 0 || from >= todo->size)
    return false;
  first = find_window (todo, from / todo->window, todo->windows, true);
  if (first == todo->windows)
    return false;

  end = first + MIN (most_windows, todo->windows - first);
  end = find_window (todo, first, end, false);
  offset = first * todo->window;
  *ret_offset = offset;
  /* The last window may be short. */
  *ret_length = MIN ((end - first) * todo->window, todo->size - offset);
  return true;
}
