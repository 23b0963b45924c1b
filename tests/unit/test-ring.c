/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring: many children from many threads, all done once, whole or with an
 * error, in the thread that queued them.  Left out where the kernel or the build
 * has none.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "legs/ring.h"
#include "tests/unit/leg-caller.h"

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#define BLOCK 4096u
#define BLOCKS 1024u
#define THREADS 8

static char root[128]; /* of all tests, so that failed ones leave nothing */
static char folder[256];
static int fd;
static struct ring *ring;

static void
make_root (void)
{
  const char *parent = getenv ("TMPDIR");

  folder_make (root, sizeof root, parent ? parent : "/tmp");
}

static void
remove_root (void)
{
  folder_remove (root);
}

/* What becomes of the reads and writes that are submitted. */
static struct {
  bool halve, empty;      /* each does only half of it, or nothing */
  unsigned reads, writes; /* so many were submitted */
  unsigned wanted;        /* and so many were to be waited for, at most */
} cut;

#ifdef HAVE_LIBURING

static void
cut_entry (struct io_uring_sqe *entry)
{
  bool is_write = entry->opcode == IORING_OP_WRITE;

  if (!is_write && entry->opcode != IORING_OP_READ)
    return;
  cut.reads += !is_write;
  cut.writes += is_write;
  if (cut.empty)
    entry->len = 0;
  else if (cut.halve)
    entry->len = div_round_up (entry->len, 2);
}

typedef int submit_and_wait (struct io_uring *, struct io_uring_cqe **,
                             unsigned, struct __kernel_timespec *, sigset_t *);

/* In the place of liburing's. */
int
io_uring_submit_and_wait_timeout (struct io_uring *uring,
                                  struct io_uring_cqe **cqe, unsigned wanted,
                                  struct __kernel_timespec *most,
                                  sigset_t *mask)
{
  submit_and_wait *real
    = (submit_and_wait *)dlsym (RTLD_NEXT, "io_uring_submit_and_wait_timeout");

  for (unsigned i = uring->sq.sqe_head; i != uring->sq.sqe_tail; i++)
    cut_entry (&uring->sq.sqes[i & uring->sq.ring_mask]);
  cut.wanted = MAX (cut.wanted, wanted);
  return real (uring, cqe, wanted, most, mask);
}

#endif

static void
make_ring (void)
{
  char path[300];

  folder_make (folder, sizeof folder, root);
  snprintf (path, sizeof path, "%s/file", folder);
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ck_assert_int_ne (fd, -1);
  ck_assert_int_eq (ftruncate (fd, BLOCK * BLOCKS), 0);
  ring = NULL;
  if (strcmp (ring_probe (), "yes") == 0)
    ck_assert_int_eq (ring_create (&ring), 0);
  else
    printf ("no ring (%s): left out\n", ring_probe ());
}

static void
destroy_ring (void)
{
  if (ring != NULL)
    ring_destroy (ring);
  close (fd);
  folder_remove (folder);
}

/* Many children at once, answered in any order. */
struct batch {
  struct ground_thread thread; /* that carries them out, if not this one */
  struct ground_mutex mutex;
  struct ground_cond cond;
  unsigned count, left;
  bool refused;
  int fd;
  struct child *children;
  int *errors;
  unsigned char *times;
};

static void
batch_done (struct child *child, int error)
{
  struct batch *batch = child->owner;
  unsigned i = child - batch->children;

  ground_mutex_lock (&batch->mutex);
  batch->errors[i] = error;
  UNIT_CHECK (++batch->times[i] == 1, "child %u", i);
  batch->left--;
  ground_cond_signal (&batch->cond);
  ground_mutex_unlock (&batch->mutex);
}

static void
batch_begin (struct batch *batch, unsigned count)
{
  ground_mutex_init (&batch->mutex);
  ground_cond_init (&batch->cond);
  batch->count = batch->left = count;
  batch->refused = false;
  batch->children = calloc (count, sizeof *batch->children);
  batch->errors = calloc (count, sizeof *batch->errors);
  batch->times = calloc (count, 1);
  for (unsigned i = 0; i < count; i++) {
    batch->children[i].owner = batch;
    batch->children[i].done = batch_done;
  }
}

/* Until no more than @left of them are not done. */
static void
batch_wait (struct batch *batch, unsigned left)
{
  ground_mutex_lock (&batch->mutex);
  while (batch->left > left)
    ground_cond_wait (&batch->cond, &batch->mutex, GROUND_NEVER);
  ground_mutex_unlock (&batch->mutex);
}

/* So many threads have queued something since the test set it to 0. */
static _Atomic unsigned queued;

static void
batch_carry_out (void *argument)
{
  struct batch *batch = argument;

  for (unsigned i = 0; i < batch->count; i++) {
    int file = i == 0 ? batch->fd : fd;

    if (!ring_queue (ring, file, &batch->children[i])) {
      batch->refused = true;
      return;
    }
  }
  queued++;
  ring_carry_out (ring);
  ck_assert_uint_eq (batch->left, 0);
}

/* @count reads of a block, the first one from @first. */
static void
batch_of_reads (struct batch *batch, unsigned count, int first, char *buffer)
{
  batch_begin (batch, count);
  batch->fd = first;
  for (unsigned i = 0; i < count; i++) {
    batch->children[i].op = CHILD_READ;
    batch->children[i].buffer = buffer + i * BLOCK;
    batch->children[i].length = BLOCK;
  }
}

static void
batch_start (struct batch *batch)
{
  ck_assert_int_eq (ground_thread_start (&batch->thread, "batch",
                                         batch_carry_out, batch),
                    0);
}

static void
batch_end (struct batch *batch)
{
  ground_cond_destroy (&batch->cond);
  ground_mutex_destroy (&batch->mutex);
  free (batch->children);
  free (batch->errors);
  free (batch->times);
}

/* Of one that was started: its first child, which waited, is right. */
static void
batch_join (struct batch *batch)
{
  ground_thread_join (&batch->thread);
  ck_assert_int_eq (batch->errors[0], 0);
  batch_end (batch);
}

static int
one (enum child_op op, int file, void *buffer, uint64_t length, uint64_t offset)
{
  struct batch batch;
  int error;

  batch_begin (&batch, 1);
  batch.children[0].op = op;
  batch.children[0].buffer = buffer;
  batch.children[0].length = length;
  batch.children[0].offset = offset;
  batch.fd = file;
  batch_carry_out (&batch);
  error = batch.errors[0];
  batch_end (&batch);
  return error;
}

START_TEST (nothing_to_do_is_no_trouble)
{
  if (ring == NULL)
    return;
  ring_carry_out (ring);
  ring_carry_out (ring);
}
END_TEST

START_TEST (more_children_than_entries_all_get_done)
{
  unsigned count = 5 * RING_ENTRIES;
  char *written = malloc (count * BLOCK), *back = malloc (count * BLOCK);
  uint64_t state = 1;
  struct batch batch;

  for (unsigned i = 0; i < count * BLOCK; i++)
    written[i] = unit_random (&state);
  for (unsigned round = 0; ring != NULL && round < 2; round++) {
    batch_begin (&batch, count);
    for (unsigned i = 0; i < count; i++) {
      batch.children[i].op = round == 0 ? CHILD_WRITE : CHILD_READ;
      batch.children[i].buffer = (round == 0 ? written : back) + i * BLOCK;
      batch.children[i].length = BLOCK;
      batch.children[i].offset = i * BLOCK;
    }
    batch.fd = fd;
    batch_carry_out (&batch);
    for (unsigned i = 0; i < count; i++)
      ck_assert_int_eq (batch.errors[i], 0);
    batch_end (&batch);
  }
  if (ring != NULL)
    ck_assert_mem_eq (written, back, count * BLOCK);
  free (written);
  free (back);
}
END_TEST

START_TEST (errors_come_through_and_the_end_of_a_file_is_one)
{
  static char data[2 * BLOCK];

  if (ring == NULL)
    return;
  ck_assert_int_eq (one (CHILD_READ, 9999, data, BLOCK, 0), -EBADF);
  ck_assert_int_eq (one (CHILD_WRITE, 9999, data, BLOCK, 0), -EBADF);
  ck_assert_int_eq (one (CHILD_READ, fd, data, BLOCK, BLOCK * BLOCKS), -ENXIO);
  /* The first half is there. */
  ck_assert_int_eq (
    one (CHILD_READ, fd, data, 2 * BLOCK, BLOCK * (BLOCKS - 1)), -ENXIO);
  ck_assert_int_eq (one (CHILD_READ, fd, data, BLOCK, 0), 0);
}
END_TEST

/* A pipe gives what it has: the rest is fetched until all is there. */
START_TEST (a_short_transfer_goes_on)
{
  char data[BLOCK], back[BLOCK] = "";
  struct batch batch;
  int ends[2];

  if (ring == NULL)
    return;
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = i * 7;
  ck_assert_int_eq (pipe (ends), 0);
  batch_of_reads (&batch, 1, ends[0], back);
  batch_start (&batch);
  for (unsigned i = 0; i < sizeof data; i += 256)
    ck_assert_int_eq (write (ends[1], data + i, 256), 256);
  batch_join (&batch);
  ck_assert_mem_eq (data, back, sizeof data);
  close (ends[0]);
  close (ends[1]);
}
END_TEST

/* The engine goes on without a disk that hangs, once the others have answered. */
START_TEST (what_is_done_is_said_although_another_file_hangs)
{
  static char buffer[3 * BLOCK];
  struct batch batch;
  int ends[2];

  if (ring == NULL)
    return;
  ck_assert_int_eq (pipe (ends), 0);
  batch_of_reads (&batch, 3, ends[0], buffer);
  batch_start (&batch);
  batch_wait (&batch, 1);
  ck_assert_uint_eq (batch.times[0], 0);
  ck_assert_int_eq (write (ends[1], buffer, BLOCK), BLOCK);
  batch_join (&batch);
  close (ends[0]);
  close (ends[1]);
}
END_TEST

/* All at once is one system call; but then the quickest would be as slow as the
 * slowest.
 */
START_TEST (whose_time_is_taken_is_waited_for_alone)
{
  static char buffer[3 * BLOCK];

  for (unsigned timed = 0; ring != NULL && timed < 2; timed++) {
    struct batch batch;

    cut.wanted = 0;
    batch_of_reads (&batch, 3, fd, buffer);
    batch.children[1].issued_ns = timed;
    batch_carry_out (&batch);
    ck_assert_uint_eq (cut.wanted, timed ? 1 : 3);
    batch_end (&batch);
  }
}
END_TEST

START_TEST (nobody_waits_for_a_lane)
{
  static char buffer[RING_LANES][BLOCK];
  static struct batch batch[RING_LANES + 1];
  int ends[RING_LANES][2];

  queued = 0;
  for (unsigned i = 0; ring != NULL && i < RING_LANES; i++) {
    ck_assert_int_eq (pipe (ends[i]), 0);
    batch_of_reads (&batch[i], 1, ends[i][0], buffer[i]);
    batch_start (&batch[i]);
  }
  while (ring != NULL && queued < RING_LANES)
    sched_yield ();
  if (ring != NULL) {
    batch_of_reads (&batch[RING_LANES], 1, fd, buffer[0]);
    batch_carry_out (&batch[RING_LANES]);
    ck_assert (batch[RING_LANES].refused);
    batch_end (&batch[RING_LANES]);
  }
  for (unsigned i = 0; ring != NULL && i < RING_LANES; i++) {
    ck_assert_int_eq (write (ends[i][1], buffer[i], BLOCK), BLOCK);
    batch_join (&batch[i]);
    close (ends[i][0]);
    close (ends[i][1]);
  }
  /* And then there are some again. */
  if (ring != NULL)
    ck_assert_int_eq (one (CHILD_READ, fd, buffer[0], BLOCK, 0), 0);
}
END_TEST

/* Each lane is one, and those who need some come later. */
START_TEST (most_descriptors_are_left_to_others)
{
  struct rlimit limit;
  rlim_t given;
  struct ring *small;
  int files[32];

  if (ring == NULL)
    return;
  ring_destroy (ring);
  ring = NULL;
  ck_assert_int_eq (getrlimit (RLIMIT_NOFILE, &limit), 0);
  given = limit.rlim_cur;
  limit.rlim_cur = 64;
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
  ck_assert_int_eq (ring_create (&small), 0);
  for (unsigned i = 0; i < ARRAY_LENGTH (files); i++)
    ck_assert_int_ge (files[i] = dup (fd), 0);
  for (unsigned i = 0; i < ARRAY_LENGTH (files); i++)
    close (files[i]);
  ring_destroy (small);
  limit.rlim_cur = given;
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
}
END_TEST

START_TEST (the_rest_of_a_short_write_goes_behind_the_first_part)
{
  static unsigned char data[4 * BLOCK], back[4 * BLOCK];

  if (ring == NULL)
    return;
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = i * 7 + i / 256;
  memset (&cut, 0, sizeof cut);
  cut.halve = true;
  ck_assert_int_eq (one (CHILD_WRITE, fd, data, sizeof data, BLOCK), 0);
  ck_assert_uint_gt (cut.writes, 2);
  ck_assert_int_eq (one (CHILD_READ, fd, back, sizeof back, BLOCK), 0);
  ck_assert_uint_gt (cut.reads, 2);
  ck_assert_mem_eq (data, back, sizeof data);
  /* Also without the ring. */
  ck_assert_int_eq (pread (fd, back, sizeof back, BLOCK), sizeof back);
  ck_assert_mem_eq (data, back, sizeof data);
  cut.halve = false;
}
END_TEST

START_TEST (a_write_that_does_nothing_is_an_error)
{
  static char data[BLOCK];

  if (ring == NULL)
    return;
  memset (&cut, 0, sizeof cut);
  cut.empty = true;
  ck_assert_int_eq (one (CHILD_WRITE, fd, data, BLOCK, 0), -ENXIO);
  ck_assert_int_eq (one (CHILD_READ, fd, data, BLOCK, 0), -ENXIO);
  cut.empty = false;
}
END_TEST

struct worker {
  struct ground_thread thread;
  unsigned number;
  uint64_t seed;
};

static void
worker_main (void *argument)
{
  struct worker *worker = argument;
  unsigned first = worker->number * (BLOCKS / THREADS);
  char data[BLOCK], back[BLOCK];

  for (unsigned i = 0; i < 300; i++) {
    unsigned block = first + unit_below (&worker->seed, BLOCKS / THREADS);

    memset (data, unit_random (&worker->seed), sizeof data);
    ck_assert_int_eq (one (CHILD_WRITE, fd, data, BLOCK,
                           (uint64_t)block * BLOCK),
                      0);
    ck_assert_int_eq (
      one (CHILD_READ, fd, back, BLOCK, (uint64_t)block * BLOCK), 0);
    ck_assert_mem_eq (data, back, BLOCK);
  }
}

START_TEST (threads_share_it)
{
  struct worker worker[THREADS];
  uint64_t seed = unit_seed ("threads share it");

  for (unsigned i = 0; ring != NULL && i < THREADS; i++) {
    worker[i] = (struct worker){ .number = i, .seed = seed + i };
    ck_assert_int_eq (ground_thread_start (&worker[i].thread, "worker",
                                           worker_main, &worker[i]),
                      0);
  }
  for (unsigned i = 0; ring != NULL && i < THREADS; i++)
    ground_thread_join (&worker[i].thread);
}
END_TEST

START_TEST (the_probe_says_one_of_four)
{
  const char *answer = ring_probe ();

  ck_assert (strcmp (answer, "yes") == 0 || strcmp (answer, "no-kernel") == 0
             || strcmp (answer, "no-permission") == 0
             || strcmp (answer, "not-built") == 0);
  if (strcmp (answer, "not-built") == 0)
    ck_assert_int_eq (ring_create (&ring), -ENOSYS);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_unchecked_fixture (tcase, make_root, remove_root);
  tcase_add_checked_fixture (tcase, make_ring, destroy_ring);
  tcase_add_test (tcase, nothing_to_do_is_no_trouble);
  tcase_add_test (tcase, more_children_than_entries_all_get_done);
  tcase_add_test (tcase, errors_come_through_and_the_end_of_a_file_is_one);
  tcase_add_test (tcase, a_short_transfer_goes_on);
  tcase_add_test (tcase,
                  the_rest_of_a_short_write_goes_behind_the_first_part);
  tcase_add_test (tcase, a_write_that_does_nothing_is_an_error);
  tcase_add_test (tcase, threads_share_it);
  tcase_add_test (tcase, what_is_done_is_said_although_another_file_hangs);
  tcase_add_test (tcase, whose_time_is_taken_is_waited_for_alone);
  tcase_add_test (tcase, nobody_waits_for_a_lane);
  tcase_add_test (tcase, most_descriptors_are_left_to_others);
  tcase_add_test (tcase, the_probe_says_one_of_four);
}

int
main (void)
{
  return unit_main ("ring", add_tests);
}
