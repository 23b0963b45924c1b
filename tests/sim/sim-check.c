/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-check: what leg.h demands of whoever issues children. */
#include <stdint.h>

#include "ground/util.h"
#include "ground-sim.h"
#include "sim-check.h"
#include "sim-stamp.h"

bool check_may_modify;

static unsigned allowed_locks[SIM_FIBERS_MAX];

void
check_allow_locks (unsigned number)
{
  allowed_locks[sim_self ()] = number;
}

const char *
check_op_name (enum child_op op)
{
  static const char *const names[]
    = { "read", "write", "flush", "zero", "extents", "cache" };

  return names[op];
}

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition))                                                         \
      sim_fail ("slot %u: %s %llu+%llu flags %u breaks: %s", disk->slot,      \
                check_op_name (child->op), (unsigned long long)child->offset, \
                (unsigned long long)child->length, child->flags, #condition); \
  } while (0)

void
check_no_locks (const struct disk *disk, const char *what)
{
  if (sim_held () > allowed_locks[sim_self ()])
    sim_fail ("slot %u: %s with %u mutexes held", disk->slot, what,
              sim_held ());
}

static void
check_range (const struct disk *disk, const struct child *child)
{
  CHECK (child->length > 0);
  CHECK (child->offset < disk->caps.size);
  CHECK (child->length <= disk->caps.size - child->offset);
  CHECK (is_aligned (child->offset, disk->caps.block_minimum));
  CHECK (is_aligned (child->length, disk->caps.block_minimum));
}

static void
check_data (const struct disk *disk, const struct child *child)
{
  CHECK (child->length <= disk->caps.request_max);
  CHECK (child->buffer != NULL);
  CHECK (is_aligned ((uintptr_t)child->buffer, disk->caps.memory_alignment));
}

static void
check_modifies (const struct disk *disk, const struct child *child)
{
  uint64_t first = child->offset / STAMP_SECTOR;

  CHECK (check_may_modify);
  CHECK (!disk->caps.readonly);
  for (uint64_t i = 0; i < child->length / STAMP_SECTOR; i++)
    CHECK (disk->lba[first + i] != LBA_NONE);
}

void
check_child (const struct disk *disk, const struct child *child)
{
  uint32_t allowed = disk->caps.fua ? CHILD_FUA : 0;
  uint32_t flags = child->flags & ~(uint32_t)CHILD_BEHIND;

  check_no_locks (disk, "issue");
  CHECK (child->done != NULL);
  if (child->op != CHILD_FLUSH)
    check_range (disk, child);
  switch (child->op) {
  case CHILD_READ:
    check_data (disk, child);
    CHECK ((flags & ~CHILD_ALONE) == 0);
    break;
  case CHILD_WRITE:
    check_data (disk, child);
    check_modifies (disk, child);
    CHECK ((flags & ~(allowed | CHILD_APART)) == 0);
    break;
  case CHILD_FLUSH:
    CHECK (flags == 0);
    break;
  case CHILD_ZERO:
    check_modifies (disk, child);
    CHECK (child->length <= disk->caps.zero_max);
    CHECK ((flags & ~(allowed | CHILD_MAY_TRIM | CHILD_FAST)) == 0);
    break;
  case CHILD_EXTENTS:
    CHECK (disk->caps.extents);
    CHECK (child->length <= disk->caps.zero_max);
    CHECK (child->extents != NULL && child->extents_max > 0);
    break;
  case CHILD_CACHE:
    CHECK (child->length <= disk->caps.zero_max);
    break;
  default:
    sim_fail ("slot %u: unknown operation %d", disk->slot, child->op);
  }
}

static bool
modifies (const struct child *child)
{
  return child->op == CHILD_WRITE || child->op == CHILD_ZERO;
}

void
check_no_overlap (const struct disk *disk, const struct child *child,
                  const struct child *other)
{
  if (modifies (child) && modifies (other)
      && ranges_overlap (child->offset, child->length, other->offset,
                         other->length))
    sim_fail (
      "slot %u: %s %llu+%llu overlaps %s %llu+%llu in flight", disk->slot,
      check_op_name (child->op), (unsigned long long)child->offset,
      (unsigned long long)child->length, check_op_name (other->op),
      (unsigned long long)other->offset, (unsigned long long)other->length);
}
