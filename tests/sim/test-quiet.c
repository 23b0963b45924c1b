/* SPDX-License-Identifier: BSD-3-Clause */
/* test-quiet: an md array with a bitmap that somebody writes to now and then.
 *
 * As long as the bit of that region is set the superblocks stay as they are:
 * the writes cost what they cost.  So many bits as a resync may take time stay
 * although nobody writes there any more, those of the regions that were written
 * to last.  When nobody has written anywhere for two periods of the bitmap all
 * bits are clear, and then it is clean.
 */
#include <stdio.h>
#include <string.h>

#include "engine/array.h"
#include "ground/ground.h"
#include "ground/limits.h"
#include "ground/log.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "logic/bitmap-disk.h"
#include "logic/create-plan.h"
#include "member-disk.h"

#define SLOTS 2u
#define BLOCK 4096u
#define SWEEP_MS 5000u

static struct sb1 first[SLOTS]; /* as they were made */
static struct array *array;

static void
say_nothing (enum log_level level, const char *message)
{
  (void)level;
  (void)message;
}

static void
lay_metadata (void)
{
  static const uint8_t uuid[16] = "quiet";
  struct create_wish wish = {
    .layout = { .level = LEVEL_RAID1, .slots = SLOTS, .near = 1, .far = 1 },
    .version = SB1_VERSION_1_0,
    .bitmap = true,
    .bitmap_chunk = BLOCK,
    .assume_clean = true,
    .member_bytes = { DISK_SIZE, DISK_SIZE },
  };
  struct bitmap_super bitmap;
  struct create_plan plan;
  char why[MESSAGE_MAX];

  if (!create_plan (&wish, &plan, why))
    sim_fail ("no plan: %s", why);
  for (unsigned i = 0; i < SLOTS; i++) {
    uint8_t device[16] = { (uint8_t)(i + 1) };

    create_superblock (&wish, &plan, i, uuid, device, 1, &first[i]);
    sb1_encode (&first[i],
                disks[i].data + first[i].super_offset * SECTOR_SIZE);
    create_bitmap (&plan, uuid, &bitmap);
    bitmap_encode (&bitmap, disks[i].data + bitmap_offset_bytes (&first[i]));
  }
}

/* @hot: so many bits may stay. */
static void
make (unsigned hot)
{
  static struct leg *legs[SLOTS];
  struct array_config config = { .legs = SLOTS,
                                 .opener = { .open = disk_opener },
                                 .quiet_ms = QUIET_MS,
                                 .sweep_ms = SWEEP_MS,
                                 .resync_budget_s = hot,
                                 .sync_max = BLOCK,
                                 .requests = 4 };
  char why[MESSAGE_MAX];

  disks_reset (1);
  lay_metadata ();
  for (unsigned i = 0; i < SLOTS; i++)
    legs[i] = disk_open (i);
  if (array_create (&config, legs, NULL, &array, why) < 0)
    sim_fail ("no array: %s", why);
  if (array_start (array) < 0 || array_allow_writes (array) < 0)
    sim_fail ("no threads");
}

/* What is on disk @i now. */
static struct sb1
super (unsigned i)
{
  struct sb1 ret;

  if (!sb1_decode (SB1_VERSION_1_0,
                   disks[i].data + first[i].super_offset * SECTOR_SIZE, &ret))
    sim_fail ("disk %u has no superblock", i);
  return ret;
}

/* A bit for each region of disk @i. */
static unsigned
bits (unsigned i)
{
  return disks[i].data[bitmap_offset_bytes (&first[i]) + BITMAP_HEAD_SIZE];
}

static void
pause_ms (unsigned ms)
{
  uint64_t until = ground_now () + ms * GROUND_MS;

  while (ground_now () < until)
    sim_park (until);
}

static void
write_once (unsigned region)
{
  static const uint8_t data[BLOCK] = "written";

  if (array_write (array, data, BLOCK, region * BLOCK, 0) < 0)
    sim_fail ("a write failed");
}

/* To region 0, for six periods. */
static void
write_now_and_then (void)
{
  for (unsigned i = 0; i < 100; i++) {
    pause_ms (QUIET_MS * 3 / 2);
    write_once (0);
  }
}

/* Nobody writes any more; @events: of the dirty superblocks. */
static void
come_to_rest (uint64_t events)
{
  pause_ms (3 * SWEEP_MS + 2 * QUIET_MS);
  for (unsigned i = 0; i < SLOTS; i++) {
    if (bits (i) != 0)
      sim_fail ("bits 0x%x are set although nobody wrote for two periods",
                bits (i));
    if (super (i).resync_offset != SB1_CLEAN)
      sim_fail ("it is not clean although no bit is set");
    if (super (i).events != events + 2)
      sim_fail ("it is not one update before the bits are cleared, and one for "
                "clean");
  }
  array_quiesce (array, ground_now () + GROUND_S);
  array_close (array);
  disks_check_closed ();
}

/* @argument: so many bits may stay, 0 to 3. */
static void
now_and_then (void *argument)
{
  static const unsigned stay[] = { 0x1, 0x1, 0x5, 0x7 };
  unsigned hot = (uintptr_t)argument;
  uint64_t events;

  make (hot);
  write_once (1);
  pause_ms (3 * SWEEP_MS / 2);
  write_once (2);
  write_once (0);
  /* What is cleared of the others is. */
  write_now_and_then ();
  events = super (0).events;
  write_now_and_then ();
  for (unsigned i = 0; i < SLOTS; i++) {
    if (super (i).events != events || super (i).resync_offset != 0)
      sim_fail ("the superblocks changed between writes");
    if (bits (i) != stay[hot])
      sim_fail ("bits 0x%x are set, and not 0x%x", bits (i), stay[hot]);
  }
  come_to_rest (events);
}

int
main (void)
{
  static struct sim_result result;
  const struct sim_options options = { .seed = 1 };

  log_set_sink (say_nothing);
  for (uintptr_t hot = 0; hot <= 3; hot++) {
    sim_run (&options, now_and_then, (void *)hot, &result);
    if (result.verdict != SIM_GOOD) {
      printf ("%u hot: %s %s\n", (unsigned)hot,
              sim_verdict_name (result.verdict), result.reason);
      return 1;
    }
  }
  puts ("good");
  return 0;
}
