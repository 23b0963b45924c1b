/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-internal: what connecting, commands and the poll thread share.
 *
 * The life of a command:
 *
 *   issuer          leg_nbd_enlist: on the in-flight list, with a deadline
 *                   nbd_aio_...: sends what the socket takes
 *   any thread      command_done, under libnbd's handle lock: from the
 *   in libnbd       in-flight list to the completed list, nothing else
 *   the reader      leg_nbd_complete: child->done, no lock held
 *
 * Who reads the answers is one at a time (leg-nbd-reader.c): the poll thread, or
 * an issuer that waits for nothing else (leg-nbd-attend.c), so that where there
 * is one request at a time no other thread is woken.  The poll thread then waits
 * only for the end of a connection, and looks after deadlines.
 *
 * A connection ends in one way only: somebody shuts its socket down (or the
 * server does), and whoever drives the handle next finds out; libnbd then
 * completes everything in flight with ENOTCONN.
 *
 * Several connections are one leg: when one of them is lost, all are given
 * up.  A server that dropped one connection may be restarting, and another
 * connection that still seems fine could reach a different instance; one
 * leg that is gone is simple, and its rejoin is the same as ever.
 */
#ifndef MIRROR_LEG_NBD_INTERNAL_H
#define MIRROR_LEG_NBD_INTERNAL_H

#include <poll.h>

#include "ground/ground.h"
#include "ground/limits.h"
#include "ground/util.h"
#include "legs/leg-nbd.h"
#include "legs/leg.h"

struct nbd_handle; /* libnbd's */

struct nbd_connection {
  struct nbd_handle *handle;

  /* A duplicate of the handle's socket.  libnbd closes its own when the
   * connection dies, in whatever thread; this one stays valid until close,
   * so that polling and shutting down need no lock and can never meet
   * another file that was given the same number.
   */
  int socket;
  unsigned in_flight; /* under leg_nbd.lists */

  /* What is asked when nobody else asks anything.  Its flag is set under
   * leg_nbd.lists, and cleared when it is over.
   */
  struct child heartbeat;
  _Atomic bool has_heartbeat;
};

/* Commands that have the same time to be answered: those of data, and those
 * that may rightly take longer.
 */
enum { NBD_DATA, NBD_FLUSH, NBD_KINDS };

/* Changed under leg_nbd.lists. */
enum nbd_reader { NBD_NOBODY, NBD_POLLER, NBD_ISSUER };

struct nbd_flight {
  uint64_t timeout_ns;
  struct child *first, *last; /* under leg_nbd.lists; the oldest first */
};

struct leg_nbd {
  struct leg leg;

  unsigned connections;
  struct nbd_connection connection[NBD_CONNECTIONS_MAX];

  /* What the server said. */
  bool can_zero, can_fast_zero, can_trim, can_cache;

  /* A bit for each combination of CHILD_MAY_TRIM and CHILD_FAST that the
   * server has refused.
   */
  _Atomic unsigned zero_refused;

  /* Until the start (leg_nbd_patience). */
  const _Atomic bool *canceled;
  uint64_t look_until_ns;

  char *blocks; /* for the answers to heartbeats: a block each */
  int kick;     /* eventfd: wakes the poller */
  bool started;
  struct ground_thread poller;

  /* Protects what follows and the driver part of issued children; never
   * held across a call of libnbd or of child->done.
   */
  struct ground_mutex lists;
  int gone;                   /* why nothing more is issued: -errno; 0: it is */
  bool lost_writes;           /* their connection died before the answer */
  bool closing;               /* nobody wants to hear of it */
  uint64_t asked_ns;          /* when the last command was issued */
  _Atomic enum nbd_reader reader;
  bool is_ending;             /* the poller has seen a connection end */
  unsigned in_flight, peak;   /* commands; the most since there was none */
  struct nbd_flight flight[NBD_KINDS];
  struct child *completed, *completed_last; /* for child->done, in order */
};

static inline struct leg_nbd *
leg_nbd_of (struct leg *leg)
{
  return container_of (leg, struct leg_nbd, leg);
}

/* How often who waits before the start looks whether he still should. */
#define NBD_LOOK_MS 50

static inline bool
leg_nbd_is_canceled (const _Atomic bool *canceled)
{
  return canceled != NULL && atomic_load (canceled);
}

/* leg-nbd.c: what a connected leg can do. */
extern const struct leg_ops leg_nbd_ops;

/* Send @child, which is enlisted on that connection; it may be over and reused
 * when this returns.
 */
void leg_nbd_send (struct leg_nbd *nbd, struct nbd_connection *connection,
                   struct child *child);

/* leg-nbd-now.c: before the start. */
int leg_nbd_read_now (struct leg *leg, void *buffer, uint64_t length,
                      uint64_t offset);
uint64_t leg_nbd_data_end_now (struct leg *leg, uint64_t deadline_ns);

/* leg-nbd-connect.c: close the connections and release everything. */
void leg_nbd_free (struct leg_nbd *nbd);

/* leg-nbd-flight.c */

/* Put @child in flight on the least busy connection, or say that there is
 * none (NULL).
 */
struct nbd_connection *leg_nbd_enlist (struct leg_nbd *nbd,
                                       struct child *child);

/* If nothing is in flight, and nothing was asked for the timeout of data: put a
 * heartbeat in flight on each connection.  True: they are to be sent.
 */
bool leg_nbd_enlist_heartbeats (struct leg_nbd *nbd);

/* @child has ended with @error (-errno): to the completed list. */
void leg_nbd_retire (struct leg_nbd *nbd, struct child *child, int error);

/* @child was not sent: done with @error (-errno), in this thread. */
void leg_nbd_withdraw (struct leg_nbd *nbd, struct child *child, int error);

/* Call done for all that has completed.  For who reads, after every call that
 * drives a handle, with no lock held.
 */
void leg_nbd_complete (struct leg_nbd *nbd);

/* Nothing more is issued; all connections are shut down.  Any thread, any
 * number of times (the first one's reason counts); does not wait.  @error:
 * -ESHUTDOWN if that is what the issuer wants.
 */
void leg_nbd_give_up (struct leg_nbd *nbd, int error);

/* Nothing but heartbeats is in flight (asserted), no more of them will be, and
 * that the connection ends is no news from now on.  True if the leg is still
 * connected.
 */
bool leg_nbd_begin_close (struct leg_nbd *nbd);

/* Has a deadline passed? */
bool leg_nbd_is_overdue (struct leg_nbd *nbd);

/* Until when the poller may sleep. */
uint64_t leg_nbd_next_deadline (struct leg_nbd *nbd);

/* All that was in flight is answered: is that the leg is gone news to its
 * watcher, and why?
 */
bool leg_nbd_is_news (struct leg_nbd *nbd, int *ret_error);

/* leg-nbd-reader.c */

/* The poller, before it sleeps: does it read?  Not any more where one command at
 * a time comes, so that issuers may.
 */
bool leg_nbd_poller_reads (struct leg_nbd *nbd);

/* The poller: a connection ends, and from now on it wants to read whatever there
 * still is.  False: an issuer reads, and kicks it when it lets go.
 */
bool leg_nbd_take_over (struct leg_nbd *nbd);

/* leg_ops.kickoff: what is in flight has a reader. */
void leg_nbd_kickoff (struct leg *leg);

/* An issuer: does it read from now on, until it lets go? */
bool leg_nbd_claim (struct leg_nbd *nbd);
void leg_nbd_let_go (struct leg_nbd *nbd);

/* The same, if nothing is in flight; or false, and it still reads. */
bool leg_nbd_let_go_idle (struct leg_nbd *nbd);

/* leg-nbd-poll.c */

/* Wake the poller: its idea of what to wait for is out of date. */
void leg_nbd_kick (struct leg_nbd *nbd);

/* The sockets of the connections that live, and what to wait for if this thread
 * reads, or (@reads false) leaves that to others; how many these are.
 */
unsigned leg_nbd_fill_poll (struct leg_nbd *nbd, bool reads,
                            struct pollfd *fds);

/* The milliseconds that poll(2) may take. */
int leg_nbd_wait_ms (struct leg_nbd *nbd);

/* Who reads has waited: let libnbd do what poll(2) answered. */
void leg_nbd_handle (struct leg_nbd *nbd, const struct pollfd *fds);

/* Wait for something to happen (at most until the next deadline), and do
 * what it asks for.  False: all connections are dead, there is nothing more
 * to wait for.
 */
bool leg_nbd_poll_once (struct leg_nbd *nbd);

/* The poll thread: start it; end it after leg_nbd_give_up. */
int leg_nbd_poll_start (struct leg_nbd *nbd);
void leg_nbd_poll_stop (struct leg_nbd *nbd);

/* Milliseconds for poll(2) until @deadline_ns, rounded up. */
int leg_nbd_poll_ms (uint64_t deadline_ns);

/* What poll(2) is to wait for; then let libnbd do what it answered.  0, or
 * -1 and libnbd's error as from nbd_aio_notify_*.
 */
short leg_nbd_events (struct nbd_handle *handle);
int leg_nbd_notify (struct nbd_handle *handle, short revents);
bool leg_nbd_is_dead (struct nbd_handle *handle);

/* leg-nbd-attend.c: leg_ops.attend. */
void leg_nbd_attend (struct leg *const *legs, unsigned count,
                     const _Atomic unsigned *remaining);

/* leg-nbd-identity.c: leg->identity, once the first connection is there. */
void leg_nbd_identify (struct leg_nbd *nbd);

#endif /* MIRROR_LEG_NBD_INTERNAL_H */
