/* SPDX-License-Identifier: BSD-3-Clause */
/* Clean is said after a flush without the turn: what happens meanwhile. */
#include "engine/array-internal.h"
#include "engine/record/metadata.h"
#include "ground/ground.h"
#include "memory-array.h"

#define BYTES 65536

static char data[4096];
static struct ground_thread cleaner, other;
static int cleaned;
static _Atomic bool has_ended, has_flushed, is_writing, may_write;

static void
clean (void *argument)
{
  (void)argument;
  cleaned = metadata_commit_clean (memory.array);
  atomic_store (&has_ended, true);
}

static void
start (struct ground_thread *thread, void (*run) (void *))
{
  ck_assert_int_eq (ground_thread_start (thread, "other", run, NULL), 0);
}

static void
write_first_block (void *argument)
{
  (void)argument;
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
}

static void
note_flush (void)
{
  atomic_store (&has_flushed, true);
}

static void
stay (void)
{
  atomic_store (&is_writing, true);
  while (!atomic_load (&may_write))
    sched_yield ();
}

/* The one who says clean has seen that nobody writes, and waits for a
 * descriptor: then somebody begins, and ends after the flush.
 */
START_TEST (nobody_who_writes_during_the_flush_is_said_to_be_clean)
{
  struct metadata *md;
  struct request *held;

  memory_array_plan (true);
  memory_array_make ();
  md = memory.array->md;
  write_first_block (NULL);
  ck_assert_int_eq (request_begin (&md->flushers, &held), 0);
  start (&cleaner, clean);
  while (atomic_load (&held->state) != REQUEST_WANTED)
    sched_yield ();
  memory.leg[0]->meanwhile[CHILD_WRITE] = stay;
  memory.leg[1]->meanwhile[CHILD_FLUSH] = note_flush;
  start (&other, write_first_block);
  while (!atomic_load (&is_writing))
    sched_yield ();

  metadata_begin_turn (memory.array);
  request_end (&md->flushers, held);
  while (!atomic_load (&has_flushed) && !atomic_load (&has_ended))
    sched_yield ();
  atomic_store (&may_write, true);
  ground_thread_join (&other);
  metadata_end_turn (memory.array);
  ground_thread_join (&cleaner);
  ck_assert_int_eq (cleaned, -EBUSY);
  ck_assert_int_eq (metadata_state (md), METADATA_DIRTY);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static bool
is_busy (struct metadata *md)
{
  bool busy;

  ground_mutex_lock (&md->lock);
  busy = md->busy;
  ground_mutex_unlock (&md->lock);
  return busy;
}

static void
say_how_far (void *argument)
{
  (void)argument;
  ck_assert_int_eq (metadata_commit_checkpoint (memory.array), 0);
}

/* As resync's thread does, which has the turn before the flush ends. */
static void
end_resync (void)
{
  struct metadata *md = memory.array->md;

  ground_mutex_lock (&md->lock);
  todo_done (&md->todo, 0, BYTES);
  metadata_publish (md);
  ground_mutex_unlock (&md->lock);
  start (&other, say_how_far);
  while (!is_busy (md))
    sched_yield ();
}

START_TEST (a_resync_that_ends_during_the_flush_stays_ended)
{
  memory_array_plan (true);
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->error[CHILD_WRITE] = -EINVAL;
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0),
                    -EINVAL);
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->error[CHILD_WRITE] = 0;
  memory.leg[1]->meanwhile[CHILD_FLUSH] = end_resync;
  ck_assert_int_eq (metadata_commit_clean (memory.array), 0);
  ground_thread_join (&other);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, SB1_CLEAN);
  ck_assert_uint_eq (memory_array_super (1).resync_offset, SB1_CLEAN);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase,
                  nobody_who_writes_during_the_flush_is_said_to_be_clean);
  tcase_add_test (tcase, a_resync_that_ends_during_the_flush_stays_ended);
}

int
main (void)
{
  return unit_main ("clean", add_tests);
}
