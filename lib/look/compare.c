/* SPDX-License-Identifier: BSD-3-Clause */
/* compare: are the copies of a plain array alike where it is looked?
 *
 * The places are ranges of the array, cut into pieces whose copies lie
 * contiguous on their disks.  All pieces of one disk, one behind the other,
 * are its sample; a piece is at the same place in every sample.
 */
#include <stdlib.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "look/compare.h"

#define PIECES_MAX (2 * (COMPARE_END / CHUNK_MIN + 2) + 2 * COMPARE_BLOCKS)
#define SAMPLE_MAX (2 * COMPARE_END + COMPARE_BLOCKS * COMPARE_BLOCK)

struct piece {
  uint64_t offset, length; /* of the array */
  uint64_t at;             /* in the samples */
};

struct comparison {
  const struct layout *layout;
  unsigned count;
  struct piece piece[PIECES_MAX];
  uint64_t sample_size;
};

/* The part of one disk. */
struct reader {
  const struct comparison *comparison;
  const struct look_disk *disk;
  unsigned slot;
  struct ground_thread thread;
  bool started;
  uint8_t *sample;
  bool is_read[PIECES_MAX];
};

/* ------------------------------------------------------------------- places */

static void
add_range (struct comparison *comparison, uint64_t offset, uint64_t length)
{
  while (length > 0) {
    uint64_t here = layout_piece (comparison->layout, offset, length);

    assert (comparison->count < PIECES_MAX);
    comparison->piece[comparison->count++] = (struct piece){
      .offset = offset, .length = here, .at = comparison->sample_size
    };
    comparison->sample_size += here;
    offset += here;
    length -= here;
  }
}

/* Ascending, none of them twice. */
static void
choose_places (struct comparison *comparison)
{
  uint64_t size = comparison->layout->array_size, step;

  if (size <= SAMPLE_MAX) {
    add_range (comparison, 0, size);
    return;
  }
  step = (size - 2 * COMPARE_END) / COMPARE_BLOCKS;
  add_range (comparison, 0, COMPARE_END);
  for (unsigned i = 0; i < COMPARE_BLOCKS; i++)
    add_range (comparison,
               COMPARE_END + round_down (i * step + step / 2, COMPARE_BLOCK),
               MIN (step / 2, (uint64_t)COMPARE_BLOCK));
  add_range (comparison, size - COMPARE_END, COMPARE_END);
}

/* ------------------------------------------------------------------ reading */

static void
read_sample (void *argument)
{
  struct reader *reader = argument;
  const struct comparison *comparison = reader->comparison;
  const struct look_disk *disk = reader->disk;

  for (unsigned i = 0; i < comparison->count; i++) {
    const struct piece *piece = &comparison->piece[i];
    uint64_t offset;

    if (ground_now () >= disk->deadline_ns)
      return;
    if (layout_map_slot (comparison->layout, piece->offset, reader->slot,
                         &offset))
      reader->is_read[i] = disk->read (disk->opaque, reader->sample + piece->at,
                                       piece->length, offset)
                           == 0;
  }
}

static void
read_samples (struct reader *readers, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    struct reader *reader = &readers[i];

    reader->sample = malloc (reader->comparison->sample_size);
    reader->started
      = reader->sample != NULL
        && ground_thread_start (&reader->thread, "compare", read_sample, reader)
             == 0;
  }
  for (unsigned i = 0; i < count; i++)
    if (readers[i].started)
      ground_thread_join (&readers[i].thread);
}

/* ---------------------------------------------------------------- comparing */

/* How many bytes are the same. */
static uint64_t
same_bytes (const uint8_t *a, const uint8_t *b, uint64_t length)
{
  uint64_t same = 0;

  if (memcmp (a, b, length) == 0)
    return length;
  while (a[same] == b[same])
    same++;
  return same;
}

static bool
compare_piece (const struct reader *readers, unsigned count, unsigned i,
               struct compare_difference *ret)
{
  const struct piece *piece = &readers[0].comparison->piece[i];
  const struct reader *first = NULL;
  uint64_t least = piece->length;

  for (unsigned slot = 0; slot < count; slot++) {
    const struct reader *reader = &readers[slot];
    uint64_t same;

    if (!reader->is_read[i])
      continue;
    if (first == NULL)
      first = reader;
    same = same_bytes (first->sample + piece->at, reader->sample + piece->at,
                       piece->length);
    if (same >= least)
      continue;
    least = same;
    *ret = (struct compare_difference){ .offset = piece->offset + same,
                                        .a = first->slot,
                                        .b = slot };
  }
  return least < piece->length;
}

bool
compare_copies (const struct look_disk *disks, const struct layout *layout,
                struct compare_difference *ret)
{
  struct comparison comparison = { .layout = layout };
  struct reader *readers = calloc (layout->slots, sizeof *readers);
  bool differs = false;

  assert (layout->array_size > 0);
  if (readers == NULL)
    return false;
  choose_places (&comparison);
  for (unsigned slot = 0; slot < layout->slots; slot++) {
    readers[slot].comparison = &comparison;
    readers[slot].disk = &disks[slot];
    readers[slot].slot = slot;
  }
  read_samples (readers, layout->slots);
  for (unsigned i = 0; i < comparison.count && !differs; i++)
    differs = compare_piece (readers, layout->slots, i, ret);
  for (unsigned slot = 0; slot < layout->slots; slot++)
    free (readers[slot].sample);
  free (readers);
  return differs;
}
