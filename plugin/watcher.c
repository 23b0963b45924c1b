/* SPDX-License-Identifier: BSD-3-Clause */
/* watcher: stopping while clients stay connected.
 *
 * After SIGTERM nbdkit answers new requests itself, but waits without limit
 * for every client to go before it calls .cleanup; an idle client keeps the
 * server for ever, until a supervisor kills it.  So a thread of ours sleeps
 * in nbdkit_nanosleep, which the server cuts short when it begins to stop:
 *
 *   signal -> drain what is under way -> flush every disk -> a moment's
 *   grace -> shut the clients' sockets down -> nbdkit ends as usual
 *
 * What was acknowledged is on stable storage before a connection is cut, and
 * an NBD client must expect its connection to end at any time.
 */
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "plugin/plugin.h"
#include "plugin/sockets.h"

static struct {
  struct ground_thread thread;
  struct ground_mutex lock;
  struct ground_cond changed;
  bool started, stopping;
  uint64_t drain_ns;
} watcher;

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

static void
watch (void *argument)
{
  (void)argument;
  while (nbdkit_nanosleep (24 * 60 * 60, 0) == 0)
    ;
  /* It ends early because the server stops, and for no other reason. */
  assert (errno == ESHUTDOWN);
  array_quiesce (the_array, ground_now () + watcher.drain_ns);
  /* Clients that connected at the last moment are found the next time. */
  while (!cleanup_came (STOP_GRACE_MS * GROUND_MS)) {
    log_debug ("stopping: all disks are flushed; closing the connections of "
               "clients that stay");
    sockets_shut_clients ();
  }
}

int
watcher_start (uint64_t drain_ns)
{
  int r;

  watcher.drain_ns = drain_ns;
  ground_mutex_init (&watcher.lock);
  ground_cond_init (&watcher.changed);
  r = ground_thread_start (&watcher.thread, "mirror-watcher", watch, NULL);
  watcher.started = r == 0;
  return r;
}

void
watcher_stop (void)
{
  if (!watcher.started)
    return;
  ground_mutex_lock (&watcher.lock);
  watcher.stopping = true;
  ground_cond_broadcast (&watcher.changed);
  ground_mutex_unlock (&watcher.lock);
  /* With -s the server comes here without a signal, when its client goes:
   * then only this ends the sleep.
   */
  nbdkit_shutdown ();
  ground_thread_join (&watcher.thread);
  watcher.started = false;
}
