/* SPDX-License-Identifier: BSD-3-Clause */
/* ring: a few io_urings, each used by one thread at a time.
 *
 *   ring_queue      mutex: take a lane, unless this thread has one;
 *                   prepare an entry
 *   ring_carry_out  one system call submits all that this thread has queued,
 *                   and waits for it; child->done, in this thread;
 *                   mutex: give the lane back
 *
 * So whoever asks the kernel is woken by the kernel: nothing is handed over to
 * another thread and back.  A lane belongs to the thread that has something
 * queued in it; the mutex protects only which are free.
 *
 * Nobody waits for a lane: who finds none does the I/O without.  If a lane is
 * full, what is in it is carried out first.
 *
 * A disk that hangs keeps its thread in the kernel, like a read or write
 * without a ring.  But what other disks have answered meanwhile is said within
 * RING_LOOK_S, since the engine goes on without a disk when all others are done.
 *
 * liburing answers -errno and leaves errno alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "legs/ring.h"

#ifdef HAVE_LIBURING

#include <liburing.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ground/ground.h"
#include "ground/limits.h"
#include "ground/util.h"

/* How long to let a kernel breathe that has no memory for a submission. */
#define RING_BREATH_NS 1000000

struct lane {
  struct io_uring uring;
  struct ring *ring;
  struct lane *next;  /* of those that are free */
  unsigned in_flight; /* children: queued, or with the kernel */
  bool one_by_one;    /* somebody wants to know how long each takes */
};

struct ring {
  struct ground_mutex mutex;
  struct lane *free;
  unsigned count; /* of lanes */
  struct lane lane[RING_LANES];
};

/* This thread's: it has queued something there that is not done. */
static _Thread_local struct lane *mine;

static struct lane *
take_lane (struct ring *ring)
{
  struct lane *lane;

  ground_mutex_lock (&ring->mutex);
  lane = ring->free;
  if (lane != NULL)
    ring->free = lane->next;
  ground_mutex_unlock (&ring->mutex);
  return lane;
}

static void
give_lane (struct lane *lane)
{
  struct ring *ring = lane->ring;

  assert (lane->in_flight == 0);
  lane->one_by_one = false;
  ground_mutex_lock (&ring->mutex);
  /* The last one first: its memory is the warmest. */
  lane->next = ring->free;
  ring->free = lane;
  ground_mutex_unlock (&ring->mutex);
}

static void
queue_entry (struct lane *lane, struct child *child)
{
  struct io_uring_sqe *entry = io_uring_get_sqe (&lane->uring);
  uint64_t done = child->driver.transferred;
  char *at = (char *)child->buffer + done;

  assert (entry != NULL); /* there are as many as children in flight */
  if (child->op == CHILD_READ)
    io_uring_prep_read (entry, child->driver.fd, at, child->length - done,
                        child->offset + done);
  else
    io_uring_prep_write (entry, child->driver.fd, at, child->length - done,
                         child->offset + done);
  io_uring_sqe_set_data (entry, child);
}

/* What a step of @child is worth.  True: another step, as now described in
 * the child; false: it is over, with *@ret_error.
 */
static bool
continue_failed (struct child *child, int result, int *ret_error)
{
  bool is_first = child->driver.transferred == 0;

  if (result == -EINTR || result == -EAGAIN)
    return true;
  /* With a part of it done, "not supported" and the like would be a lie
   * about what is on the disk.
   */
  *ret_error = !is_first && leg_error_is_harmless (result) ? -EIO : result;
  return false;
}

static bool
continue_transfer (struct child *child, int result, int *ret_error)
{
  if (result < 0)
    return continue_failed (child, result, ret_error);
  /* The file has shrunk: nothing on it can be trusted any more. */
  if (result == 0) {
    *ret_error = -ENXIO;
    return false;
  }
  assert ((uint64_t)result <= child->length - child->driver.transferred);
  child->driver.transferred += result;
  if (child->driver.transferred < child->length)
    return true;
  *ret_error = 0;
  return false;
}

static void
answer (struct lane *lane, struct child *child, int result)
{
  int error = 0;

  if (continue_transfer (child, result, &error)) {
    queue_entry (lane, child);
    return;
  }
  assert (lane->in_flight > 0);
  lane->in_flight--;
  child->done (child, error);
}

static void
answer_all (struct lane *lane)
{
  struct io_uring_cqe *cqe = NULL;

  while (io_uring_peek_cqe (&lane->uring, &cqe) == 0) {
    struct child *child = io_uring_cqe_get_data (cqe);
    int result = cqe->res;

    io_uring_cqe_seen (&lane->uring, cqe);
    answer (lane, child, result);
  }
}

/* Everything queued is with the kernel afterwards, unless that has no memory, and
 * some of it, or all, is done, unless a disk takes long.
 */
static void
enter (struct lane *lane)
{
  const struct timespec breath = { .tv_nsec = RING_BREATH_NS };
  struct __kernel_timespec most = { .tv_sec = RING_LOOK_S };
  struct io_uring_cqe *cqe = NULL;
  int r;

  r = io_uring_submit_and_wait_timeout (&lane->uring, &cqe,
                                        lane->one_by_one ? 1 : lane->in_flight,
                                        &most, NULL);
  if (r == -EAGAIN || r == -EBUSY || r == -ENOMEM)
    nanosleep (&breath, NULL);
  else
    /* Anything else is a misuse of the ring. */
    assert (r >= 0 || r == -ETIME || r == -EINTR);
}

static void
carry_out (struct lane *lane)
{
  while (lane->in_flight > 0) {
    enter (lane);
    answer_all (lane);
  }
}

bool
ring_queue (struct ring *ring, int fd, struct child *child)
{
  assert (child->op == CHILD_READ
          || (child->op == CHILD_WRITE && !(child->flags & CHILD_FUA)));
  assert (child->length <= REQUEST_MAX);
  if (mine == NULL)
    mine = take_lane (ring);
  if (mine == NULL)
    return false;
  assert (mine->ring == ring);
  if (mine->in_flight == RING_ENTRIES)
    carry_out (mine);

  child->driver.fd = fd;
  child->driver.transferred = 0;
  mine->in_flight++;
  mine->one_by_one |= child->issued_ns != 0;
  queue_entry (mine, child);
  return true;
}

void
ring_carry_out (struct ring *ring)
{
  struct lane *lane = mine;

  if (lane == NULL)
    return;
  assert (lane->ring == ring);
  carry_out (lane);
  mine = NULL;
  give_lane (lane);
}

/* 0 if the kernel knows all that is used here. */
static int
check_operations (struct io_uring *uring)
{
  struct io_uring_probe *probe = io_uring_get_probe_ring (uring);
  bool known;

  if (probe == NULL)
    return -ENOSYS;
  known = io_uring_opcode_supported (probe, IORING_OP_READ)
          && io_uring_opcode_supported (probe, IORING_OP_WRITE)
          && io_uring_opcode_supported (probe, IORING_OP_NOP)
          /* Waiting with a deadline. */
          && (uring->features & IORING_FEAT_EXT_ARG);
  io_uring_free_probe (probe);
  return known ? 0 : -ENOSYS;
}

/* Every system call of a ring, once. */
static int
try_calls (void)
{
  struct io_uring uring;
  struct io_uring_cqe *cqe;
  int r = io_uring_queue_init (2, &uring, 0);

  if (r != 0)
    return r;
  r = check_operations (&uring);
  if (r == 0) {
    io_uring_prep_nop (io_uring_get_sqe (&uring));
    r = io_uring_submit (&uring);
    r = r == 1 ? io_uring_wait_cqe (&uring, &cqe) : r;
  }
  io_uring_queue_exit (&uring);
  return r;
}

/* A filter of system calls may answer with the end of the process, and
 * systemd's does unless told otherwise.  So a process of its own tries them.
 * 0 or -errno.
 */
static int
probe (void)
{
  int status = 0, r;
  pid_t pid = fork ();

  if (pid == -1)
    return -errno;
  if (pid == 0)
    _exit (-try_calls ());
  do
    r = waitpid (pid, &status, 0);
  while (r == -1 && errno == EINTR);
  /* With SIGCHLD ignored nobody can tell how it ended, so better no ring. */
  if (r == -1)
    return -errno;
  return WIFEXITED (status) ? -WEXITSTATUS (status) : -EPERM;
}

const char *
ring_probe (void)
{
  int r = probe ();

  if (r == 0)
    return "yes";
  /* Switched off, filtered, or a limit on locked memory. */
  if (r == -EPERM || r == -EACCES || r == -ENOMEM)
    return "no-permission";
  return "no-kernel";
}

/* The thread that submits is the one that waits, so the kernel needs not
 * interrupt anybody to say that something is done; an older one does.
 */
static int
init_uring (struct io_uring *uring)
{
  int r = io_uring_queue_init (RING_ENTRIES, uring, IORING_SETUP_COOP_TASKRUN);

  return r == -EINVAL ? io_uring_queue_init (RING_ENTRIES, uring, 0) : r;
}

/* Each is a descriptor, and most are for others: without those the server does
 * not even start.
 */
static unsigned
lanes_allowed (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == -1)
    return RING_LANES;
  return MIN (limit.rlim_cur / 4, (rlim_t)RING_LANES);
}

/* As many as there may be: the memory for all is not worth a refusal. */
static int
make_lanes (struct ring *ring)
{
  unsigned most = lanes_allowed ();
  int r = -EMFILE;

  while (ring->count < most) {
    struct lane *lane = &ring->lane[ring->count];

    r = init_uring (&lane->uring);
    if (r != 0)
      break;
    lane->ring = ring;
    lane->next = ring->free;
    ring->free = lane;
    ring->count++;
  }
  return ring->count > 0 ? 0 : r;
}

int
ring_create (struct ring **ret)
{
  struct ring *ring = calloc (1, sizeof *ring);
  int r;

  if (ring == NULL)
    return -ENOMEM;
  r = probe ();
  if (r == 0)
    r = make_lanes (ring);
  if (r != 0) {
    free (ring);
    return r;
  }
  ground_mutex_init (&ring->mutex);
  *ret = ring;
  return 0;
}

void
ring_destroy (struct ring *ring)
{
  for (unsigned i = 0; i < ring->count; i++) {
    assert (ring->lane[i].in_flight == 0);
    io_uring_queue_exit (&ring->lane[i].uring);
  }
  ground_mutex_destroy (&ring->mutex);
  free (ring);
}

#else /* !HAVE_LIBURING */

const char *
ring_probe (void)
{
  return "not-built";
}

int
ring_create (struct ring **ret)
{
  (void)ret;
  return -ENOSYS;
}

/* There is no ring, so nobody can call these. */

bool
ring_queue (struct ring *ring, int fd, struct child *child)
{
  (void)ring;
  (void)fd;
  (void)child;
  abort ();
}

void
ring_carry_out (struct ring *ring)
{
  (void)ring;
  abort ();
}

void
ring_destroy (struct ring *ring)
{
  (void)ring;
  abort ();
}

#endif /* !HAVE_LIBURING */
