/* SPDX-License-Identifier: BSD-3-Clause */
/* ring: one io_uring, shared by all local legs of an array.
 *
 *   issuers     mutex: take a place, prepare an entry
 *   kickoff     mutex: io_uring_submit, which does not wait for the disk
 *   reaper      waits for completions; mutex: go on, or give the place back;
 *               then child->done with no lock held
 *
 * Called by leg-file from any thread.  The mutex protects the submission
 * queue and the counters; the completion queue is the reaper's alone.
 * ring_queue may wait for a place; the reaper is the waker, and only the
 * kernel makes the reaper wait.
 *
 * Places are fewer than entries, so an entry is always free for a child that
 * has a place (to be continued, too) and the completion queue, which is twice
 * as long, never overflows.
 *
 * liburing answers -errno and leaves errno alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "legs/ring.h"

#ifdef HAVE_LIBURING

#include <liburing.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ground/ground.h"
#include "ground/limits.h"
#include "ground/util.h"

#define RING_ENTRIES LEG_IN_FLIGHT_MAX

/* One entry is kept for the message that ends the reaper. */
#define RING_PLACES (RING_ENTRIES - 1)

/* How long to let a kernel breathe that has no memory for a submission. */
#define RING_BREATH_NS GROUND_MS

struct ring {
  struct io_uring uring;
  struct ground_thread reaper;
  struct ground_mutex mutex;
  struct ground_cond room; /* a place was given back */
  unsigned in_flight;      /* children with a place */
  unsigned queued;         /* entries prepared, not submitted */
};

/* The mutex is held.  Everything queued is with the kernel afterwards. */
static void
submit (struct ring *ring)
{
  while (ring->queued > 0) {
    int r = io_uring_submit (&ring->uring);

    if (r > 0) {
      assert ((unsigned)r <= ring->queued);
      ring->queued -= r;
      continue;
    }
    /* Anything else is a misuse of the ring. */
    assert (r == 0 || r == -EINTR || r == -EAGAIN || r == -EBUSY
            || r == -ENOMEM);
    if (r != -EINTR)
      ground_cond_wait (&ring->room, &ring->mutex,
                        ground_now () + RING_BREATH_NS);
  }
}

/* The mutex is held. */
static struct io_uring_sqe *
next_entry (struct ring *ring)
{
  struct io_uring_sqe *entry = io_uring_get_sqe (&ring->uring);

  assert (entry != NULL); /* see the head of this file */
  ring->queued++;
  return entry;
}

/* The mutex is held, @child has a place. */
static void
queue_entry (struct ring *ring, struct child *child)
{
  struct io_uring_sqe *entry = next_entry (ring);
  uint64_t done = child->driver.transferred;
  char *at = (char *)child->buffer + done;

  if (child->op == CHILD_READ)
    io_uring_prep_read (entry, child->driver.fd, at, child->length - done,
                        child->offset + done);
  else
    io_uring_prep_write (entry, child->driver.fd, at, child->length - done,
                         child->offset + done);
  io_uring_sqe_set_data (entry, child);
}

void
ring_queue (struct ring *ring, int fd, struct child *child)
{
  assert (child->op == CHILD_READ
          || (child->op == CHILD_WRITE && !(child->flags & CHILD_FUA)));
  assert (child->length <= REQUEST_MAX);
  child->driver.fd = fd;
  child->driver.transferred = 0;
  child->driver.again = false;

  ground_mutex_lock (&ring->mutex);
  while (ring->in_flight == RING_PLACES) {
    /* Places come back only from what the kernel has. */
    submit (ring);
    if (ring->in_flight == RING_PLACES)
      /* The reaper wakes us; it lives until nothing is in flight. */
      ground_cond_wait (&ring->room, &ring->mutex, GROUND_NEVER);
  }
  ring->in_flight++;
  queue_entry (ring, child);
  ground_mutex_unlock (&ring->mutex);
}

void
ring_submit (struct ring *ring)
{
  ground_mutex_lock (&ring->mutex);
  submit (ring);
  ground_mutex_unlock (&ring->mutex);
}

/* A passing state: do it again.  A submission belongs to the thread that made
 * it, perhaps on behalf of others, and when that thread ends (nbdkit's do,
 * with their connection) the kernel cancels what still waits; some versions
 * say EFAULT.  The reaper, which submits the second time, outlives it all.
 */
static bool
is_passing (struct child *child, int result)
{
  bool is_first = !child->driver.again;

  if (result == -EINTR || result == -EAGAIN)
    return true;
  if (result != -ECANCELED && result != -EFAULT)
    return false;
  child->driver.again = true;
  return is_first;
}

/* What a step of @child is worth.  True: another step, as now described in
 * the child; false: it is over, with *@ret_error.
 */
static bool
continue_failed (struct child *child, int result, int *ret_error)
{
  bool is_first = child->driver.transferred == 0;

  if (is_passing (child, result))
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
reap (struct ring *ring, struct child *child, int result)
{
  bool goes_on;
  int error = 0;

  ground_mutex_lock (&ring->mutex);
  goes_on = continue_transfer (child, result, &error);
  if (goes_on) {
    queue_entry (ring, child);
    submit (ring);
  } else {
    assert (ring->in_flight > 0);
    ring->in_flight--;
    /* All: who only takes a breath in submit wants no place. */
    ground_cond_broadcast (&ring->room);
  }
  ground_mutex_unlock (&ring->mutex);
  if (!goes_on)
    child->done (child, error);
}

/* Until the entry without a child, from ring_destroy. */
static void
reaper_main (void *argument)
{
  struct ring *ring = argument;

  for (;;) {
    struct io_uring_cqe *cqe = NULL;
    struct child *child;
    int result, r;

    r = io_uring_wait_cqe (&ring->uring, &cqe);
    if (r == -EINTR || r == -EAGAIN) { /* memory is short */
      sched_yield ();
      continue;
    }
    assert (r == 0 && cqe != NULL);
    child = io_uring_cqe_get_data (cqe);
    result = cqe->res;
    io_uring_cqe_seen (&ring->uring, cqe);
    if (child == NULL)
      return;
    reap (ring, child, result);
  }
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
          && io_uring_opcode_supported (probe, IORING_OP_NOP);
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

int
ring_create (struct ring **ret)
{
  struct ring *ring = calloc (1, sizeof *ring);
  int r;

  if (ring == NULL)
    return -ENOMEM;
  r = probe ();
  if (r != 0)
    goto err_free;
  /* No flags: those that help bind a ring to one submitting thread. */
  r = io_uring_queue_init (RING_ENTRIES, &ring->uring, 0);
  if (r != 0)
    goto err_free;
  ground_mutex_init (&ring->mutex);
  ground_cond_init (&ring->room);
  r = ground_thread_start (&ring->reaper, "ring", reaper_main, ring);
  if (r != 0)
    goto err_destroy;
  *ret = ring;
  return 0;

err_destroy:
  ground_cond_destroy (&ring->room);
  ground_mutex_destroy (&ring->mutex);
  io_uring_queue_exit (&ring->uring);
err_free:
  free (ring);
  return r;
}

void
ring_destroy (struct ring *ring)
{
  struct io_uring_sqe *entry;

  ground_mutex_lock (&ring->mutex);
  assert (ring->in_flight == 0 && ring->queued == 0);
  entry = next_entry (ring);
  io_uring_prep_nop (entry);
  io_uring_sqe_set_data (entry, NULL);
  submit (ring);
  ground_mutex_unlock (&ring->mutex);

  ground_thread_join (&ring->reaper);
  io_uring_queue_exit (&ring->uring);
  ground_cond_destroy (&ring->room);
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

void
ring_queue (struct ring *ring, int fd, struct child *child)
{
  (void)ring;
  (void)fd;
  (void)child;
  abort ();
}

void
ring_submit (struct ring *ring)
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
