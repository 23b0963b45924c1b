/* SPDX-License-Identifier: BSD-3-Clause */
/* test-leaving: while one client's failed write takes a disk out, others go
 * on, and each of them finds what it wrote.
 *
 * The world is as small as can be and the engine switches at every atomic
 * operation, so that over the seeds the other client gets between any two
 * steps of whoever carries the failure out.
 */
#include <stdio.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "two-disks.h"

#define BLOCK 512u
#define WRITES 8u

void sim_preempt_begin (void);


static void
make (void)
{
  make_two_disks ();
  /* The one that is read first among equals. */
  leg[0]->error[CHILD_WRITE] = -EIO;
}

static bool
is_current (unsigned slot)
{
  struct array_status status;

  array_get_status (array, &status);
  return status.in_sync & 1u << slot;
}

static void
write_and_read_back (void *argument)
{
  char data[BLOCK], back[BLOCK];

  (void)argument;
  for (unsigned i = 0; i < WRITES; i++) {
    memset (data, 'a' + i, BLOCK);
    if (array_write (array, data, BLOCK, BLOCK, 0) < 0)
      sim_fail ("write %u failed although a disk took it", i);
    if (array_read (array, back, BLOCK, BLOCK) < 0)
      sim_fail ("read %u failed although a disk is good", i);
    if (memcmp (back, data, BLOCK) != 0)
      sim_fail ("what write %u stored was not read back", i);
    if (is_current (0))
      sim_fail ("write %u was answered while the disk that missed it counted "
                "as current",
                i);
  }
}

static void
a_disk_leaves (void *argument)
{
  struct ground_thread other;
  char data[BLOCK] = "";

  (void)argument;
  make ();
  ground_thread_start (&other, "other", write_and_read_back, NULL);
  if (array_write (array, data, BLOCK, 0, 0) < 0)
    sim_fail ("a write failed although a disk took it");
  ground_thread_join (&other);
  array_quiesce (array, ground_now () + GROUND_S);
  array_close (array);
}

int
main (void)
{
  log_set_sink (say_nothing);
  for (uint64_t seed = 1; seed <= 5000; seed++) {
    sim_preempt_begin ();
    if (!play_two_disks (a_disk_leaves, seed))
      return 1;
  }
  puts ("good");
  return 0;
}
