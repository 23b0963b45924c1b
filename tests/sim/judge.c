/* SPDX-License-Identifier: BSD-3-Clause */
/* judge: what must hold in a simulated world, while it runs and at its end.
 *
 *   answers are linearizable, sector by sector
 *   a successful flush or FUA has reached every current member
 *   all current members are equal when everything is quiet
 *   the last copy of anything never leaves; harmless errors that come once,
 *     and errors of reads, take nobody out (disk_failed); who is out stays out
 *   a leg that has said that it is gone is out, if it is not the last copy
 *   a client gets an error only where the faults allow it
 *   nothing is left in use at the end
 *   looking at the status never waits for a disk
 */
#include <errno.h>
#include <string.h>

#include "ground/util.h"
#include "ground-sim.h"
#include "sim-leg.h"
#include "sim-marks.h"
#include "sim-stamp.h"
#include "workload-internal.h"
#include "workload.h"

/* --- the status --- */

static bool
has_copies (uint32_t in_sync)
{
  for (unsigned i = 0; i < run.config->groups; i++)
    if ((run.config->group[i] & in_sync) == 0)
      return false;
  return true;
}

static void
mark_status (const struct array_status *status)
{
  unsigned out = status->slots - __builtin_popcount (status->in_sync);

  /* Besides those of the places that no disk has. */
  if (status->pool_free <= 1 + 2 * (LEGS_MAX - status->slots))
    SOMETIMES (POOL_EMPTY);
  if (status->requests_free <= status->requests_total / 2)
    SOMETIMES (REQUESTS_BUSY);
  if (out > 0)
    SOMETIMES (LEG_OUT);
  if (out > 1)
    SOMETIMES (TWO_LEGS_OUT);
  if (status->reads_pinned)
    SOMETIMES (READS_PINNED);
  for (unsigned slot = 0; slot < status->slots && out > 0; slot++)
    if ((status->in_sync & 1u << slot) && sim_disks[slot].may_be_out
        && !has_copies (status->in_sync & ~(1u << slot)))
      SOMETIMES (LAST_COPY_KEPT);
}

/* Legs that have told that they are gone, to an array that does not stop. */
static uint32_t
told_gone (void)
{
  uint32_t slots = 0;

  for (unsigned slot = 0; slot < run.config->array.layout.slots; slot++)
    if (sim_disks[slot].told_gone)
      slots |= 1u << slot;
  return run.stop_begun ? 0 : slots;
}

static uint32_t
look (struct array_status *ret)
{
  uint64_t idles = sim_idles ();
  uint32_t before = run.in_sync, gone = told_gone ();

  array_get_status (run.array, ret);
  if (sim_idles () != idles)
    sim_fail ("the status had to wait until the clock moved");
  if (ret->slots != run.config->array.layout.slots)
    sim_fail ("the status knows of %u slots", ret->slots);
  if (!has_copies (ret->in_sync))
    sim_fail ("in_sync %#x leaves data without a copy", ret->in_sync);
  /* Whoever looked first may be the last to get here: compare with what
   * was seen before the call only.
   */
  if (ret->in_sync & ~before)
    sim_fail ("in_sync grew from %#x to %#x", before, ret->in_sync);
  run.in_sync &= ret->in_sync;
  if (ret->pool_free > ret->pool_total
      || ret->pool_total
           != run.config->array.pool + LEGS_MAX - ret->slots
                + LEGS_MAX * POOL_RETRIES_PER_LEG
      || ret->requests_free > ret->requests_total)
    sim_fail ("the status counts %u of %u children, %u of %u requests",
              ret->pool_free, ret->pool_total, ret->requests_free,
              ret->requests_total);
  for (unsigned slot = 0; slot < ret->slots; slot++)
    if (!(ret->in_sync & 1u << slot)) {
      if (!sim_disks[slot].may_be_out)
        sim_fail ("slot %u is out without an error that allows it", slot);
      if (sim_disks[slot].hard_errors == 0)
        SOMETIMES (ODD_OUT);
    }
  for (uint32_t left = gone & ret->in_sync; left != 0; left &= left - 1)
    if (has_copies (ret->in_sync & ~(left & -left)))
      sim_fail ("slot %u is gone, and still in sync", __builtin_ctz (left));
  mark_status (ret);
  return ret->in_sync;
}

uint32_t
judge_status (void)
{
  struct array_status status;

  return look (&status);
}

/* --- durability --- */

/* Not of disks of which people were told that they cannot flush. */
static void
check_durable (uint64_t first, uint64_t count, const uint64_t *covered,
               uint64_t covered_all)
{
  struct array_status status;
  uint32_t in_sync = look (&status) & ~status.flush_absent;
  const struct layout *layout = &run.config->array.layout;

  for (uint64_t lba = first; lba < first + count; lba++) {
    struct copy copies[LEGS_MAX];
    uint64_t since = covered ? covered[lba] : covered_all;

    if (since == 0)
      continue;
    layout_map (layout, lba * STAMP_SECTOR, copies);
    for (unsigned i = 0; i < layout_copies (layout); i++) {
      const struct disk *disk = &sim_disks[copies[i].slot];
      uint64_t value = disk->durable_value[copies[i].offset / STAMP_SECTOR];

      if ((in_sync & 1u << copies[i].slot)
          && !history_is_durable (lba, value, since))
        sim_fail ("%s succeeded, but slot %u, which is in sync, has only "
                  "value %llu of LBA %llu on stable storage",
                  covered ? "a flush" : "FUA", copies[i].slot,
                  (unsigned long long)value, (unsigned long long)lba);
    }
  }
}

void
judge_flushed (const uint64_t *covered)
{
  workload_counts.flushes_checked++;
  check_durable (0, run.config->sectors, covered, 0);
}

void
judge_fua (unsigned op, uint64_t first, uint64_t count)
{
  SOMETIMES (FUA_DONE);
  check_durable (first, count, NULL, history_began (op));
}

/* --- errors --- */

static bool
everybody_zeroes (void)
{
  for (unsigned i = 0; i < run.config->array.layout.slots; i++)
    if (sim_disks[i].zero_mode != ZERO_WORKS)
      return false;
  return true;
}

bool
judge_error_allowed (enum client_op op, uint32_t flags, int r)
{
  const struct sim_config *config = run.config;
  bool modifies = op == CLIENT_WRITE || op == CLIENT_ZERO || op == CLIENT_TRIM;

  if (r >= 0)
    return false;
  if (r == -EROFS)
    return config->is_readonly && modifies;
  if (config->is_readonly && modifies)
    return false;
  if (r == -ESHUTDOWN && run.stop_begun)
    return true;
  if (sim_time () >= run.stop_deadline || !config->atlas_holds)
    return true;
  if (r == -EOPNOTSUPP && op == CLIENT_ZERO && (flags & ARRAY_FAST_ZERO))
    return !everybody_zeroes ();
  return config->odd_reads && op == CLIENT_READ;
}

/* --- the end --- */

static uint64_t
value_at (const struct copy *copy)
{
  return sim_disks[copy->slot].value[copy->offset / STAMP_SECTOR];
}

/* The value of @lba on the first member; all others have it, too, unless
 * @pinned.
 */
static uint64_t
compare_copies (uint64_t lba, uint32_t in_sync, bool pinned)
{
  const struct layout *layout = &run.config->array.layout;
  struct copy copies[LEGS_MAX];
  const struct copy *first = NULL;

  layout_map (layout, lba * STAMP_SECTOR, copies);
  for (unsigned i = 0; i < layout_copies (layout); i++) {
    if (!(in_sync & 1u << copies[i].slot))
      continue;
    if (first == NULL)
      first = &copies[i];
    if (!pinned && value_at (&copies[i]) != value_at (first))
      sim_fail ("LBA %llu differs at the end: slot %u has value %llu, slot "
                "%u has %llu",
                (unsigned long long)lba, first->slot,
                (unsigned long long)value_at (first), copies[i].slot,
                (unsigned long long)value_at (&copies[i]));
    workload_counts.sectors_compared++;
  }
  assert (first != NULL);
  return value_at (first);
}

static void
check_contents (const struct array_status *status)
{
  unsigned op = history_start (HISTORY_READ, 0, run.config->sectors);

  for (uint64_t lba = 0; lba < run.config->sectors; lba++)
    history_saw (op, lba,
                 compare_copies (lba, status->in_sync, status->reads_pinned));
  history_finish (op, HISTORY_DONE);
}

void
judge_end (void)
{
  struct array_status status;
  char why[256];

  look (&status);
  if (status.pool_free != status.pool_total)
    sim_fail ("%u of %u children are still in use at the end",
              status.pool_total - status.pool_free, status.pool_total);
  if (status.requests_free != status.requests_total)
    sim_fail ("%u of %u requests are still in use at the end",
              status.requests_total - status.requests_free,
              status.requests_total);
  if (sim_leg_in_flight () != 0)
    sim_fail ("%u children are in flight at the end", sim_leg_in_flight ());
  check_contents (&status);
  /* Of legs given up, the one that was read first may be the one that is
   * out in the end.
   */
  if (!oracle_all (run.config->linearizable && !run.aborted, why, sizeof why))
    sim_fail ("%s", why);

  workload_counts.legs_out
    += status.slots - __builtin_popcount (status.in_sync);
  for (unsigned i = 0; i < status.slots; i++) {
    workload_counts.children += sim_disks[i].children;
    workload_counts.hard_faults += sim_disks[i].hard_errors;
    workload_counts.harmless_faults += sim_disks[i].harmless_errors;
  }
}
