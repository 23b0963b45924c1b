/* SPDX-License-Identifier: BSD-3-Clause */
/* memory-leg: a leg in memory that answers as a test tells it to. */
#ifndef MIRROR_MEMORY_LEG_H
#define MIRROR_MEMORY_LEG_H

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "legs/leg.h"

#ifndef MEMORY_LEG_SIZE
#define MEMORY_LEG_SIZE (1024 * 1024)
#endif

struct memory_leg {
  struct leg leg;
  char data[MEMORY_LEG_SIZE];
  _Atomic int error[CHILD_CACHE + 1]; /* the answer to each op; 0: do it */
  bool once[CHILD_CACHE + 1];      /* only the next time */
  unsigned count[CHILD_CACHE + 1]; /* how many of each were asked */
  _Atomic uint64_t written;        /* bytes, zeroed ones included */
  uint32_t flags[CHILD_CACHE + 1]; /* of the last of each */
  uint64_t bad, bad_length;        /* what cannot be read, bytes */
  /* What happens in between, before the next of its op is answered. */
  void (*meanwhile[CHILD_CACHE + 1]) (void);
  uint64_t grown; /* bytes that it has now; 0: as many as at first */
  bool can_zero;
  bool tells_zeroes;             /* where there are 4096 of them */
  bool hold;                     /* keep what is issued until the abort */
  struct child *_Atomic held;    /* what was kept; the last one first */
  _Atomic unsigned aborted;
  _Atomic bool closed;
};

static inline bool
memory_leg_is_zero (const struct memory_leg *memory, uint64_t offset)
{
  static const char zeroes[4096];

  return memcmp (memory->data + offset, zeroes, sizeof zeroes) == 0;
}

/* Offset and length are multiples of 4096. */
static inline void
memory_leg_tell_zeroes (const struct memory_leg *memory, struct child *child)
{
  unsigned count = 0;

  for (uint64_t at = 0; at < child->length; at += 4096) {
    uint32_t flags = memory_leg_is_zero (memory, child->offset + at)
                       ? EXTENT_HOLE | EXTENT_ZERO : 0;

    if (count > 0 && child->extents[count - 1].flags == flags)
      child->extents[count - 1].length += 4096;
    else if (count == child->extents_max)
      break;
    else
      child->extents[count++]
        = (struct extent){ .length = 4096, .flags = flags };
  }
  child->extents_count = count;
}

static inline int
memory_leg_do (struct memory_leg *memory, struct child *child)
{
  void (*meanwhile) (void) = memory->meanwhile[child->op];
  int error;

  memory->meanwhile[child->op] = NULL;
  if (meanwhile != NULL)
    meanwhile ();
  error = memory->error[child->op];
  memory->count[child->op]++;
  memory->flags[child->op] = child->flags;
  if (error != 0) {
    if (memory->once[child->op])
      memory->error[child->op] = 0;
    return error;
  }
  switch (child->op) {
  case CHILD_READ:
    if (child->offset < memory->bad + memory->bad_length
        && memory->bad < child->offset + child->length)
      return -EIO;
    memcpy (child->buffer, memory->data + child->offset, child->length);
    break;
  case CHILD_WRITE:
    memory->written += child->length;
    memcpy (memory->data + child->offset, child->buffer, child->length);
    break;
  case CHILD_ZERO:
    memory->written += child->length;
    memset (memory->data + child->offset, 0, child->length);
    break;
  case CHILD_EXTENTS:
    if (memory->tells_zeroes) {
      memory_leg_tell_zeroes (memory, child);
      break;
    }
    child->extents[0] = (struct extent){ .length = child->length };
    child->extents_count = 1;
    break;
  default:
    break;
  }
  return 0;
}

static inline void
memory_leg_issue (struct leg *leg, struct child *child)
{
  struct memory_leg *memory = (struct memory_leg *)leg;

  if (memory->hold) {
    child->driver.next = atomic_load (&memory->held);
    atomic_store (&memory->held, child);
    return;
  }
  child->done (child, memory_leg_do (memory, child));
}

static inline int
memory_leg_start (struct leg *leg)
{
  (void)leg;
  return 0;
}

static inline int
memory_leg_read_now (struct leg *leg, void *buffer, uint64_t length,
                     uint64_t offset)
{
  memcpy (buffer, ((struct memory_leg *)leg)->data + offset, length);
  return 0;
}

static inline bool
memory_leg_can_zero (struct leg *leg, uint32_t flags)
{
  (void)flags;
  return ((struct memory_leg *)leg)->can_zero;
}

static inline void
memory_leg_abort (struct leg *leg)
{
  struct memory_leg *memory = (struct memory_leg *)leg;
  struct child *child = atomic_exchange (&memory->held, NULL), *next;

  memory->hold = false;
  memory->aborted++;
  for (; child != NULL; child = next) {
    next = child->driver.next;
    child->done (child, -ESHUTDOWN);
  }
}

/* Stays, so that a test can look at it: it is freed when that number is used
 * again.
 */
static inline void
memory_leg_close (struct leg *leg)
{
  ((struct memory_leg *)leg)->closed = true;
}

static inline int64_t
memory_leg_size_now (struct leg *leg)
{
  uint64_t grown = ((struct memory_leg *)leg)->grown;

  return (int64_t)(grown != 0 ? grown : leg->caps.exact_size);
}

/* Of those that are made. */
static uint64_t memory_leg_bytes = MEMORY_LEG_SIZE;

static inline struct memory_leg *
memory_leg_new (unsigned slot)
{
  static const struct leg_ops ops = {
    .start = memory_leg_start,     .issue = memory_leg_issue,
    .read_now = memory_leg_read_now, .can_zero = memory_leg_can_zero,
    .abort = memory_leg_abort,     .close = memory_leg_close,
    .size_now = memory_leg_size_now,
  };
  static struct memory_leg *legs[32];
  struct memory_leg *memory = calloc (1, sizeof *memory);

  free (legs[slot]);
  legs[slot] = memory;
  memory->leg.ops = &ops;
  memory->leg.rank = LEG_INLINE;
  memory->leg.name = "memory";
  memory->leg.caps = (struct leg_caps){
    .size = memory_leg_bytes, .exact_size = memory_leg_bytes,
    .block_minimum = 1, .block_preferred = 4096,
    .request_max = 65536,    .zero_max = 65536,  .memory_alignment = 1,
    .flush = true,           .fua = true,        .extents = true,
  };
  memory->can_zero = true;
  snprintf (memory->leg.identity, sizeof memory->leg.identity, "memory:%u",
            slot);
  return memory;
}

#endif /* MIRROR_MEMORY_LEG_H */
