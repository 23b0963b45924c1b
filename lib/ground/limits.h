/* SPDX-License-Identifier: BSD-3-Clause */
/* limits: every limit of the program in one place, with its reason. */
#ifndef MIRROR_LIMITS_H
#define MIRROR_LIMITS_H

#include <stdint.h>

/* Members of one array.  Sets of slots are 32-bit masks. */
#define LEGS_MAX 32

/* Commands in flight on one leg.  libnbd finds the command of a reply in a
 * linear list, so more costs more than it brings.
 */
#define LEG_IN_FLIGHT_MAX 64

/* With io_uring: threads that do I/O at the same time, pieces that one of them
 * does at once, and how long it waits for all of them before it says which are
 * done.  The kernel has 12 KiB and a descriptor for each thread, of which the ring
 * takes at most a quarter; without one of these it is done all the same, piece by
 * piece.
 */
#define RING_LANES 64
#define RING_ENTRIES 64
#define RING_LOOK_S 1

/* What a local disk's own thread writes at once, from memory of its own: more
 * than metadata mostly is.
 */
#define LEG_APART_BUFFER (256u * 1024u)

/* And the one that copies in the background: a span of it at once. */
#define LEG_BEHIND_BUFFER (1024u * 1024u)

/* Connections to one remote leg whose server offers multi-conn, where
 * connections= says nothing.  Two gained 25-70 % in small writes, four gained
 * nothing more there; large ones over a fast network may want them.
 */
#define NBD_CONNECTIONS_DEFAULT 2
#define NBD_CONNECTIONS_MAX 16

/* Child requests when pool= is not given: enough for sixteen nbdkit workers
 * of four connections on a two-way mirror, each with one request under way.
 */
#define POOL_DEFAULT 128
#define POOL_MAX 65536

/* Child requests of each leg, on top of pool=, that are kept for retries. */
#define POOL_RETRIES_PER_LEG 1

/* Request descriptors: reads and modifying requests each have their own, so
 * that writes stuck on a hung leg never stop reads from the others.
 */
#define REQUESTS_DEFAULT 128

/* Aligned memory for O_DIRECT legs, only there with cache=none.  A request
 * goes in segments of one bounce buffer.  Reads and modifying requests each
 * have this many.
 */
#define BOUNCE_SIZE (1024u * 1024u)
#define BOUNCES_DEFAULT 16
#define BOUNCE_ALIGNMENT 4096u

/* Zeroes written to a leg that cannot zero by itself, per child. */
#define ZERO_BUFFER_SIZE (256u * 1024u)

/* The largest data request: nbdkit's limit.  We advertise half of it. */
#define REQUEST_MAX (64u * 1024u * 1024u)
#define REQUEST_ADVERTISED (32u * 1024u * 1024u)

/* A data command to a remote server that does not tell its own maximum. */
#define NBD_REQUEST_DEFAULT_MAX (32u * 1024u * 1024u)

/* zero and block status lengths stay below NBD's 32 bits, aligned. */
#define NBD_EFFECT_MAX (2048u * 1024u * 1024u)

/* Pieces of one read that are under way together. */
#define READ_ROUND 32

/* Extents asked of one leg at a time. */
#define EXTENTS_ROUND 128

/* raid10 chunk sizes, bytes: md wants a power of two of at least a page. */
#define CHUNK_MIN 4096u
#define CHUNK_MAX (1024u * 1024u * 1024u)
#define CHUNK_DEFAULT (512u * 1024u)

/* How long a remote leg may owe an answer before it counts as dead, and how
 * long connecting to it may take.
 */
#define LEG_TIMEOUT_DEFAULT_S 30
#define LEG_TIMEOUT_MAX_S 3600

/* A flush may find all that a server keeps in its memory unwritten, and a
 * server without holes writes the zeroes: they may take so many times as long,
 * if nothing is said.
 */
#define LEG_FLUSH_TIMEOUT_FACTOR 4
#define LEG_FLUSH_TIMEOUT_MAX_S (LEG_FLUSH_TIMEOUT_FACTOR * LEG_TIMEOUT_MAX_S)

/* How long after a disk was lost it is tried again, first, and how long the pauses
 * become at most, if reconnect= is not given.  A server that restarts is there
 * again after a second or two; to ask one that is gone for days twice a minute
 * costs nothing.
 */
#define RECONNECT_FIRST_MS 1000
#define RECONNECT_DEFAULT_S 30
#define RECONNECT_MAX_S 3600

/* How long requests may be told to wait for the only disk that could answer. */
#define NO_LEG_TIMEOUT_MAX_S 86400

/* A local disk that has not answered for so long is said to hang; how often that
 * is looked at.  Disks that are merely slow, or asleep, answer sooner.
 */
#define LEG_HUNG_S 10
#define HUNG_LOOK_NS UINT64_C (1000000000)

/* A disk that is to join and does not answer for so long is given up: longer than
 * one takes that was asleep, shorter than a person waits.
 */
#define ORDER_OPEN_S 20

/* And so much longer than its server may take to be reached, and for one answer,
 * a remote disk may take until all is read that decides whether it joins: orders
 * wait for that.  It is a few MiB.
 */
#define JOIN_LOOK_S 60

/* After SIGTERM: how long clients may keep their connections once all they
 * were promised is on stable storage.
 */
#define STOP_GRACE_MS 1000

/* And how long local disks may take for the last flush and what goes on record
 * then, before those that are busy are given up; and, when all is done, how long
 * what still keeps the process may.
 */
#define STOP_FLUSH_S 60
#define STOP_END_S 5

/* Regions of a write-intent bitmap that we keep in memory (mdadm makes at most
 * a few million).
 */
#define BITMAP_REGIONS_MAX (16u * 1024u * 1024u)

/* Windows in which resync keeps its list, bytes, and how many there may be
 * (one bit of memory each).  A read of an unsynced window waits for one.
 */
#define TODO_WINDOW (64u * 1024u)
#define TODO_WINDOWS_MAX (4u * 1024u * 1024u)

/* Where disks of a plain array that come back lack something is kept in windows
 * of that many bytes or, of a large array, of as many as make so many windows:
 * a little more than two bits of memory each, so a bit more than 1 MiB at most.
 * And so many windows that were written to and are on all disks are remembered,
 * to know an older copy of a disk by.
 */
#define MISSED_WINDOW (64u * 1024u)
#define MISSED_WINDOWS_MAX (4u * 1024u * 1024u)
#define MISSED_RECENT 64

/* For so long after a lost disk has come back its server may still
 * carry out what it was sent over a connection that was cut off: from when it
 * answers again there are seconds of work in its queue at most.
 */
#define QUARANTINE_MS 10000

/* What resync and rebuild copy at a time, and how many such spans may be in
 * flight: over a link of 20 ms one needs two round trips, so 16 of them fill
 * what SYNC_MAX_DEFAULT allows, twice.  Each has a buffer.
 */
#define SYNC_SPAN (1024u * 1024u)
#define SYNC_SPANS 16

/* So many of them at most while clients are busy: what clients send over the
 * same link queues behind them.
 */
#define SYNC_SPANS_BUSY 4

/* After a request clients count as busy for so long: some round trips, so that
 * one that waits for each answer does so all the time.
 */
#define SYNC_BUSY_MS 500

/* So far ahead of a rebuild disks are asked what reads as zeroes.  A far one
 * needs a round trip to answer, so it should be much; but writes there wait for
 * the answers.
 */
#define SYNC_LOOK (256u * 1024u * 1024u)

/* More such buffers, for readers that cannot wait for the background. */
#define SYNC_BUFFERS_READERS 3

/* md's defaults: resync goes at least so fast while clients are busy, and
 * never faster; bytes a second of each array.
 */
#define SYNC_MIN_DEFAULT (1000u * 1024u)
#define SYNC_MAX_DEFAULT (200000u * 1024u)

/* How fast a resync is, before one was measured that took so long: what a single
 * hard disk does.
 */
#define SYNC_SPEED_ASSUMED (100u * 1000u * 1000u)
#define SYNC_SPEED_RUN_MS 2000

/* How long a resync after a crash may take for the regions that were in use:
 * whose bits stay because they will be written to again.  As DRBD's default is
 * some gigabytes.
 */
#define RESYNC_BUDGET_DEFAULT_S 10
#define RESYNC_BUDGET_MAX_S 3600

/* When what was left by an error that may pass is tried again. */
#define SYNC_RETRY_MS 60000

/* How long a slot is empty before a spare steps in.  At once, as in Linux md:
 * until it has stepped in and is rebuilt there is a copy less.  Where a disk
 * may come back by itself, and then lacks little, to wait costs less than to
 * copy everything.
 */
#define SPARE_DELAY_DEFAULT_S 0
#define SPARE_DELAY_MAX_S 86400

/* How long nobody may have written before the array is marked clean. */
#define QUIET_MS 200

/* A state file that could not be written is tried again as often.  So what people
 * have mended is seen to be, though no client writes.
 */
#define STATE_RETRY_S 5

/* Where the checkpoint of a rebuild is written: every so many parts of a
 * member, or so many seconds.
 */
#define SYNC_CHECKPOINT_PARTS 16
#define SYNC_CHECKPOINT_S 300

/* How long a start waits for members of an md array that are missing, before
 * it goes on without them.
 */
#define DEGRADED_WAIT_DEFAULT_S 30
#define DEGRADED_WAIT_MAX_S 86400
#define DEGRADED_RETRY_MS 500 /* between two attempts */

/* What may be repeated for ever is said with pauses of so many seconds: the
 * first, doubled each time, and the longest.  A minute is soon enough for
 * somebody who looks; an hour, 24 lines a day, often enough to be found.
 */
#define LOG_PAUSE_FIRST_S 60
#define LOG_PAUSE_MAX_S 3600

/* How far before the end of its data a disk of a plain array is searched for
 * remains of array metadata: junk may follow them.  Read in a fraction of a
 * second from a local disk.
 */
#define LOOK_REMAINS (16u * 1024u * 1024u)

/* After that long no more places are looked at, nor compared, for a plain
 * start: a slow disk must not hold it up.
 */
#define LOOK_DEADLINE_S 10

/* What of a plain array is compared at its start: so much of both ends, and so
 * many blocks between.
 */
#define COMPARE_END (1024u * 1024u)
#define COMPARE_BLOCKS 64
#define COMPARE_BLOCK 4096u

/* With so much at least of its beginning a disk of a plain array says that it
 * is no copy, while it is being rebuilt: a page, so that what clients write
 * behind it stays aligned to pages.
 */
#define MARK_SIZE 4096u

/* Control: clients of each socket, and what one of them may send as one line,
 * nest, and leave unread before it is dropped.  A line holds any request
 * several times over; so much unread is more than everything there is to say.
 */
#define CONTROL_CLIENTS_MAX 32
#define CONTROL_LINE_MAX (64u * 1024u)
#define CONTROL_DEPTH_MAX 16
#define CONTROL_UNREAD_MAX (1024u * 1024u)

/* The event program: how long one call may take, and how many may wait. */
#define PROGRAM_LIMIT_S 60
#define PROGRAM_WAITING_MAX 64

/* Of requests to local disks every so manieth is timed. */
#define LATENCY_SAMPLE 32

/* What takes at least so long may be one of the slowest requests, which are
 * remembered for so many seconds.
 */
#define SLOW_MIN_NS 1000000
#define SLOW_RECENT_S 600

/* One message for a person, bytes with the final NUL. */
#define MESSAGE_MAX 1024

#endif /* MIRROR_LIMITS_H */
