/* SPDX-License-Identifier: BSD-3-Clause */
/* watcher: stopping while clients stay connected.
 *
 * After SIGTERM nbdkit answers new requests itself, but waits without limit
 * for every client to go before it calls .cleanup; an idle client keeps the
 * server for ever, until a supervisor kills it.  So a thread of ours waits
 * for the signal, too:
 *
 *   signal -> drain what is under way -> flush every disk -> a moment's
 *   grace -> shut the clients' sockets down -> nbdkit ends as usual
 *
 * What was acknowledged is on stable storage before a connection is cut, and
 * an NBD client must expect its connection to end at any time.
 *
 * A thread that is in the kernel, on a local disk that hangs, cannot be ended:
 * nbdkit would wait for it, and so would we when the disk is closed.  So STOP_END_S
 * after all that could be done is done, the process ends as it is.
 *
 * Our signal handler stands before nbdkit's and calls it.  The server's only
 * other way to tell, cutting nbdkit_nanosleep short, prints an error at every
 * stop.  Stops without a signal need no watcher, because no client is left to
 * keep the server: .cleanup follows at once when the client of -s goes, and
 * when the filters exitlast and exitwhen call nbdkit_shutdown.  (--run sends
 * SIGTERM when its command ends.)  Nor does a signal that comes before our
 * handler stands: nbdkit has no clients yet, and takes none.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "plugin/plugin.h"
#include "plugin/sockets.h"

/* Those that stop nbdkit, and what nbdkit does about them. */
static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
static struct sigaction nbdkits[ARRAY_LENGTH (signals)];

/* An eventfd, the one thing that a signal handler may wake a thread with.  It
 * stays open until the process ends: a handler may be running on some thread
 * at any time.
 */
static int wake_fd = -1;

static struct {
  struct ground_thread thread;
  struct ground_mutex lock;
  struct ground_cond changed;
  bool started, quiescing, stopping, ending;
  uint64_t drain_ns;
} watcher;

static void
wake (void)
{
  uint64_t one = 1;

  while (write (wake_fd, &one, sizeof one) == -1 && errno == EINTR)
    ;
}

/* Async-signal-safe.  nbdkit's handler first: once the watcher looks, nbdkit
 * answers new requests itself.
 */
static void
handle_signal (int signal, siginfo_t *info, void *context)
{
  int saved_errno = errno;

  for (size_t i = 0; i < ARRAY_LENGTH (signals); i++) {
    const struct sigaction *action = &nbdkits[i];

    if (signals[i] != signal)
      continue;
    if (action->sa_flags & SA_SIGINFO)
      action->sa_sigaction (signal, info, context);
    else
      action->sa_handler (signal);
  }
  wake ();
  errno = saved_errno;
}

static bool
is_handled (const struct sigaction *action)
{
  return action->sa_flags & SA_SIGINFO
         || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static void
stand_before_nbdkit (void)
{
  for (size_t i = 0; i < ARRAY_LENGTH (signals); i++) {
    struct sigaction ours;

    sigaction (signals[i], NULL, &nbdkits[i]);
    if (!is_handled (&nbdkits[i]))
      continue;
    ours = nbdkits[i];
    ours.sa_flags |= SA_SIGINFO;
    ours.sa_sigaction = handle_signal;
    sigaction (signals[i], &ours, NULL);
  }
}

static void
step_aside (void)
{
  for (size_t i = 0; i < ARRAY_LENGTH (signals); i++)
    if (is_handled (&nbdkits[i]))
      sigaction (signals[i], &nbdkits[i], NULL);
}

static void
wait_for_signal (void)
{
  struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

  while (poll (&fd, 1, -1) != 1)
    ;
}

/* True if .cleanup came within @grace_ns. */
static bool
cleanup_came (uint64_t grace_ns)
{
  uint64_t deadline = ground_now () + grace_ns;
  bool came;

  ground_mutex_lock (&watcher.lock);
  while (!watcher.stopping
         && ground_cond_wait (&watcher.changed, &watcher.lock, deadline) == 0)
    ;
  came = watcher.stopping;
  ground_mutex_unlock (&watcher.lock);
  return came;
}

/* What was acknowledged is where it has to be, or the array is left dirty. */
static void
end_by_force (void)
{
  log_error ("stopping: a disk hangs in the kernel, which lets go of no thread "
             "that is there; so the server ends without it.  Look at the "
             "kernel's log");
  _exit (EXIT_FAILURE);
}

/* All disks were let go of; closing them waits for the kernel. */
static void
guard_the_end (void)
{
  uint64_t deadline = ground_now () + STOP_END_S * GROUND_S;
  int r = 0;

  ground_mutex_lock (&watcher.lock);
  while (!watcher.ending && r == 0)
    r = ground_cond_wait (&watcher.changed, &watcher.lock, deadline);
  if (!watcher.ending)
    end_by_force ();
  ground_mutex_unlock (&watcher.lock);
}

static void
tell (bool *what, bool value)
{
  ground_mutex_lock (&watcher.lock);
  *what = value;
  ground_cond_broadcast (&watcher.changed);
  ground_mutex_unlock (&watcher.lock);
}

/* False: .cleanup has come, and does it. */
static bool
may_quiesce (void)
{
  ground_mutex_lock (&watcher.lock);
  watcher.quiescing = !watcher.stopping;
  ground_mutex_unlock (&watcher.lock);
  return watcher.quiescing;
}

static void
watch (void *argument)
{
  uint64_t rounds = 0;
  bool hangs = false;

  (void)argument;
  wait_for_signal ();
  if (may_quiesce ()) {
    hangs = array_quiesce (the_array, ground_now () + watcher.drain_ns)
            == -ETIMEDOUT;
    tell (&watcher.quiescing, false);
  }
  /* Clients that connected at the last moment are found the next time. */
  while (!cleanup_came (STOP_GRACE_MS * GROUND_MS)) {
    if (hangs && ++rounds * STOP_GRACE_MS > STOP_END_S * 1000)
      end_by_force ();
    log_debug ("stopping: all disks are flushed; closing the connections of "
               "clients that stay");
    sockets_shut_clients ();
  }
  guard_the_end ();
}

int
watcher_start (uint64_t drain_ns)
{
  int r;

  watcher.drain_ns = drain_ns;
  wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd == -1)
    return -errno;
  stand_before_nbdkit ();
  ground_mutex_init (&watcher.lock);
  ground_cond_init (&watcher.changed);
  r = ground_thread_start (&watcher.thread, "mirror-watcher", watch, NULL);
  watcher.started = r == 0;
  return r;
}

void
watcher_guard (void)
{
  if (!watcher.started)
    return;
  ground_mutex_lock (&watcher.lock);
  watcher.stopping = true;
  ground_cond_broadcast (&watcher.changed);
  /* Until it does not use the array any more; that has its deadline. */
  while (watcher.quiescing)
    ground_cond_wait (&watcher.changed, &watcher.lock, GROUND_NEVER);
  ground_mutex_unlock (&watcher.lock);
  /* Without a signal nothing else ends its wait. */
  wake ();
}

void
watcher_stop (void)
{
  if (!watcher.started)
    return;
  tell (&watcher.ending, true);
  ground_thread_join (&watcher.thread);
  step_aside ();
  watcher.started = false;
}
