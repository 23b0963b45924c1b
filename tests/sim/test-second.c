/* SPDX-License-Identifier: BSD-3-Clause */
/* test-second: a disk keeps the threads of two writes, and is failed meanwhile.
 * Another thread does what they are for: whoever writes or reads the same bytes
 * goes on, and finds them, while they are still inside; what was written after
 * them stays, and they succeed when they come out, at whatever moment that is.
 *
 * The engine switches at every atomic operation, so over the seeds they come out
 * between any two steps of the other thread.
 */
#include <stdio.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "two-disks.h"

#define BLOCK 512u
#define STUCK 2u

void sim_preempt_begin (void);

static struct ground_mutex lock;
static struct ground_cond changed;
static unsigned inside; /* so many have begun */
static bool is_open;    /* the disk answers again */
static bool is_late;    /* not before the others are done */

/* In the thread that asks disk 0. */
static void
stay (void)
{
  ground_mutex_lock (&lock);
  inside++;
  ground_cond_broadcast (&changed);
  while (!is_open)
    ground_cond_wait (&changed, &lock, GROUND_NEVER);
  ground_mutex_unlock (&lock);
}

static void
answer (void *argument)
{
  (void)argument;
  ground_mutex_lock (&lock);
  is_open = true;
  ground_cond_broadcast (&changed);
  ground_mutex_unlock (&lock);
}

/* Two blocks; of the second one nobody else writes. */
static void
write_stuck (void *argument)
{
  uint64_t offset = *(const unsigned *)argument * 2 * BLOCK;
  char data[2 * BLOCK];
  int r;

  memset (data, 's', sizeof data);
  r = array_write (array, data, sizeof data, offset, 0);
  if (r != 0)
    sim_fail ("the write that was stuck got %d", r);
  if (memcmp (leg[1]->data + offset + BLOCK, data, BLOCK) != 0)
    sim_fail ("it was answered, and the disk that is left has not got it");
}

static void
fail_disk (void)
{
  struct array_order order = { .verb = ARRAY_FAIL, .member = 1 };
  struct array_answer answer;

  if (array_change (array, &order, &answer) < 0)
    sim_fail ("fail: %s", answer.text);
}

/* Has write @i begun before all that is done afterwards?  With the smallest pool
 * the second one waits for the first one's child, and nobody sees when it does.
 */
static bool
is_before (unsigned i)
{
  return i == 0 || disks_pool == 0;
}

static void
write_over (unsigned i)
{
  uint64_t offset = i * 2 * BLOCK;
  char data[BLOCK], back[2 * BLOCK];

  memset (data, 'o', sizeof data);
  if (array_write (array, data, sizeof data, offset, 0) < 0
      || array_read (array, back, sizeof back, offset) < 0)
    sim_fail ("another request failed");
  if (is_before (i)
      && (memcmp (back, data, BLOCK) != 0 || back[BLOCK] != 's'))
    sim_fail ("what was written after the write that is stuck was not read, or "
              "what that one wrote");
}

static void
check_end (void)
{
  for (unsigned i = 0; i < STUCK; i++)
    if (is_before (i) && leg[1]->data[i * 2 * BLOCK] != 'o')
      sim_fail ("a write that was stuck was done once more, late");
}

static void
wait_inside (unsigned count)
{
  ground_mutex_lock (&lock);
  while (inside < count)
    ground_cond_wait (&changed, &lock, GROUND_NEVER);
  ground_mutex_unlock (&lock);
}

static void
two_are_stuck (void *argument)
{
  static const unsigned number[STUCK] = { 0, 1 };
  struct ground_thread writer[STUCK], opener;

  (void)argument;
  ground_mutex_init (&lock);
  ground_cond_init (&changed);
  inside = 0;
  is_open = false;
  make_two_disks ();
  if (array_watch (array) < 0)
    sim_fail ("no thread");
  for (unsigned i = 0; i < STUCK; i++) {
    leg[0]->meanwhile[CHILD_WRITE] = stay;
    ground_thread_start (&writer[i], "stuck", write_stuck,
                         (void *)&number[i]);
    if (is_before (i))
      wait_inside (i + 1);
  }
  if (!is_late)
    ground_thread_start (&opener, "opener", answer, NULL);
  fail_disk ();
  for (unsigned i = 0; i < STUCK; i++)
    write_over (i);
  if (is_late)
    answer (NULL);
  else
    ground_thread_join (&opener);
  for (unsigned i = 0; i < STUCK; i++)
    ground_thread_join (&writer[i]);
  check_end ();
  array_quiesce (array, ground_now () + GROUND_S);
  array_close (array);
  ground_cond_destroy (&changed);
  ground_mutex_destroy (&lock);
}

int
main (void)
{
  log_set_sink (say_nothing);
  for (uint64_t seed = 1; seed <= 20000; seed++) {
    is_late = seed % 4 == 0;
    disks_pool = seed % 8 < 4 ? 0 : 2;
    sim_preempt_begin ();
    if (!play_two_disks (two_are_stuck, seed))
      return 1;
  }
  puts ("good");
  return 0;
}
