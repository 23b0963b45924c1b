/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-now: one I/O at a time, for tools.
 *
 * Blocks on the leg; its driver bounds the time (a remote leg has its
 * deadline for each command).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "legs/leg-now.h"

#define PIECE_MAX (1024u * 1024u)

struct waiting {
  struct ground_mutex mutex;
  struct ground_cond cond;
  bool done;
  int error;
};

static void
wake (struct child *child, int error)
{
  struct waiting *waiting = child->owner;

  ground_mutex_lock (&waiting->mutex);
  waiting->done = true;
  waiting->error = error;
  ground_cond_signal (&waiting->cond);
  ground_mutex_unlock (&waiting->mutex);
}

static int
do_child (struct leg *leg, enum child_op op, void *buffer, uint64_t length,
          uint64_t offset)
{
  struct waiting waiting = { .done = false };
  struct child child = { .op = op,
                         .offset = offset,
                         .length = length,
                         .buffer = buffer,
                         .done = wake,
                         .owner = &waiting };

  ground_mutex_init (&waiting.mutex);
  ground_cond_init (&waiting.cond);
  leg_issue (leg, &child);
  leg_kickoff (leg);
  ground_mutex_lock (&waiting.mutex);
  /* The waker is the leg's driver, which completes every child. */
  while (!waiting.done)
    ground_cond_wait (&waiting.cond, &waiting.mutex, GROUND_NEVER);
  ground_mutex_unlock (&waiting.mutex);
  ground_cond_destroy (&waiting.cond);
  ground_mutex_destroy (&waiting.mutex);
  return waiting.error;
}

/* The aligned block range around one piece of the caller's range. */
struct piece {
  uint64_t start;  /* aligned */
  uint64_t length; /* aligned */
  uint64_t offset; /* the caller's part */
  uint64_t used;
};

static struct piece
next_piece (const struct leg *leg, uint64_t offset, uint64_t length)
{
  uint64_t block = leg->caps.block_minimum;
  uint64_t max = round_down (MIN ((uint64_t)leg->caps.request_max,
                                  (uint64_t)PIECE_MAX), block);
  struct piece piece = { .offset = offset };

  assert (max >= block && is_power_of_2 (block));
  piece.start = round_down (offset, block);
  piece.used = MIN (length, max - (offset - piece.start));
  piece.length
    = round_up (offset + piece.used - piece.start, block);
  return piece;
}

static int
do_piece (struct leg *leg, bool write, uint8_t *caller, uint8_t *aligned,
          const struct piece *piece)
{
  bool whole = piece->used == piece->length;
  int r = 0;

  if (!write || !whole)
    r = do_child (leg, CHILD_READ, aligned, piece->length, piece->start);
  if (r < 0)
    return r;
  if (!write) {
    memcpy (caller, aligned + (piece->offset - piece->start), piece->used);
    return 0;
  }
  memcpy (aligned + (piece->offset - piece->start), caller, piece->used);
  return do_child (leg, CHILD_WRITE, aligned, piece->length, piece->start);
}

static int
transfer (struct leg *leg, bool write, uint8_t *buffer, uint64_t length,
          uint64_t offset)
{
  size_t alignment = MAX (leg->caps.memory_alignment, 16u);
  uint8_t *aligned = NULL;
  int r = 0;

  if (offset > leg->caps.size || length > leg->caps.size - offset)
    return -ENXIO;
  if (posix_memalign ((void **)&aligned, alignment, PIECE_MAX) != 0)
    return -ENOMEM;
  while (length > 0 && r == 0) {
    struct piece piece = next_piece (leg, offset, length);

    r = do_piece (leg, write, buffer, aligned, &piece);
    buffer += piece.used;
    offset += piece.used;
    length -= piece.used;
  }
  free (aligned);
  return r;
}

int
leg_read_now (struct leg *leg, void *buffer, uint64_t length, uint64_t offset)
{
  return transfer (leg, false, buffer, length, offset);
}

int
leg_write_now (struct leg *leg, const void *buffer, uint64_t length,
               uint64_t offset)
{
  assert (!leg->caps.readonly);
  return transfer (leg, true, (uint8_t *)buffer, length, offset);
}

int
leg_flush_now (struct leg *leg)
{
  return do_child (leg, CHILD_FLUSH, NULL, 0, 0);
}
