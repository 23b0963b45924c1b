/* SPDX-License-Identifier: BSD-3-Clause */
/* test-stable: a flush, or a write with FUA, hears what a disk has lost, and is
 * answered late.  Another one beside it, which the disk told success, may have
 * lost just that: its client hears of it when it is settled, not before.
 */
#include <stdio.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "two-disks.h"

#define BLOCK 512u

enum kind { FUA, FLUSH, KINDS };

static enum kind first, second;
static bool everywhere; /* the first one fails on both disks */
static struct ground_thread other;

static int
ask (enum kind kind, uint64_t offset)
{
  char data[BLOCK] = "";

  return kind == FLUSH ? array_flush (array)
                       : array_write (array, data, BLOCK, offset, ARRAY_FUA);
}

static enum child_op
op_of (enum kind kind)
{
  return kind == FLUSH ? CHILD_FLUSH : CHILD_WRITE;
}

static void
ask_second (void *argument)
{
  struct array_status status;
  int r = ask (second, BLOCK);

  (void)argument;
  array_get_status (array, &status);
  if (everywhere && r != -EIO)
    sim_fail ("the second got %d, although both disks may have lost it", r);
  if (!everywhere && (r != 0 || status.in_sync != 2))
    sim_fail ("the second got %d, and in sync is 0x%x", r, status.in_sync);
}

/* On disk 0, which answers a second later. */
static void
be_late (void)
{
  struct ground_mutex lock;
  struct ground_cond nothing;

  ground_thread_start (&other, "other", ask_second, NULL);
  ground_mutex_init (&lock);
  ground_cond_init (&nothing);
  ground_mutex_lock (&lock);
  ground_cond_wait (&nothing, &lock, ground_now () + GROUND_S);
  ground_mutex_unlock (&lock);
  ground_cond_destroy (&nothing);
  ground_mutex_destroy (&lock);
  for (unsigned i = 0; i <= everywhere; i++) {
    leg[i]->error[op_of (first)] = -EIO;
    leg[i]->once[op_of (first)] = true;
  }
}

static void
one_beside_the_other (void *argument)
{
  int r;

  (void)argument;
  make_two_disks ();
  leg[0]->meanwhile[op_of (first)] = be_late;
  r = ask (first, 0);
  if (r != (everywhere ? -EIO : 0))
    sim_fail ("the first got %d", r);
  ground_thread_join (&other);
  array_quiesce (array, ground_now () + GROUND_S);
  array_close (array);
}

static bool
is_good (uint64_t seed)
{
  static const char *const names[] = { "FUA", "a flush" };
  bool good = play_two_disks (one_beside_the_other, seed);

  if (!good)
    printf ("%s beside %s that failed on %s\n", names[second], names[first],
            everywhere ? "both disks" : "one disk");
  return good;
}

int
main (void)
{
  bool good = true;

  log_set_sink (say_nothing);
  for (unsigned i = 0; i < KINDS * KINDS * 2; i++) {
    first = i % KINDS;
    second = i / KINDS % KINDS;
    everywhere = i / KINDS / KINDS;
    for (uint64_t seed = 1; seed <= 200; seed++)
      if (!is_good (seed)) {
        good = false;
        break;
      }
  }
  puts (good ? "good" : "failed");
  return !good;
}
