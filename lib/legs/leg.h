/* SPDX-License-Identifier: BSD-3-Clause */
/* leg: one disk under the mirror, whatever it is.
 *
 * A leg driver (leg-file, leg-nbd, and leg-beside around one of them; in tests
 * the simulated one) fills in a struct leg with its operations.  A leg knows no levels, no superblocks and
 * no other leg.  Everything it is asked to do is a child: one I/O of one
 * request to this leg.
 *
 * Who calls: the engine issues, the doors open and close.  All sizes and
 * offsets are bytes on the leg.
 */
#ifndef MIRROR_LEG_H
#define MIRROR_LEG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/extent.h"

struct leg;

enum child_op {
  CHILD_READ,
  CHILD_WRITE,
  CHILD_FLUSH,   /* all that was completed before is on stable storage; a leg
                    that keeps nothing back, or cannot tell, says yes */
  CHILD_ZERO,    /* the range reads as zeroes afterwards */
  CHILD_EXTENTS, /* what is allocated: fills @extents */
  CHILD_CACHE,   /* a hint: read ahead */
};

/* Flags of a child. */
enum {
  CHILD_FUA = 1,       /* write, zero: stable before done (caps.fua only) */
  CHILD_MAY_TRIM = 2,  /* zero: may give the space back */
  CHILD_FAST = 4,      /* zero: -EOPNOTSUPP rather than be slow about it */
  CHILD_ALONE = 8,     /* read: the issuer waits for this child and no other,
                          so the leg may as well do it before issue returns */
  CHILD_APART = 16,    /* write: others wait for the issuer, so it must neither
                          be inside the disk nor wait longer than until abort */
  CHILD_BEHIND = 32,   /* any: likewise, and it is done in the background */
};

/* One I/O to one leg.  The issuer fills the first part and keeps its hands
 * off until @done; the driver owns the last part meanwhile.
 */
struct child {
  enum child_op op;
  uint32_t flags;
  uint64_t offset;
  uint64_t length; /* READ, WRITE: at most caps.request_max; never 0 but for
                      FLUSH */
  void *buffer;    /* READ: filled; WRITE: only read.  The issuer's; aligned
                      to caps.memory_alignment; stays until @done */
  struct extent *extents; /* EXTENTS: the issuer's array of ... */
  unsigned extents_max;   /* ... this many; ascending from @offset */
  unsigned extents_count; /* set by the driver, at least 1 on success */

  /* Called exactly once, from any thread, perhaps before leg_issue returns;
   * no lock of the driver is held.  @error is 0 or -errno.  The child may be
   * reused the moment this is called: the driver does not touch it again.
   */
  void (*done) (struct child *child, int error);

  /* For the issuer alone. */
  void *owner;
  void *pool; /* where it goes back to */
  _Atomic bool taken; /* from there */
  void *member;   /* whose leg it was issued to */
  unsigned place; /* of that */
  unsigned tag, number;
  uint64_t issued_ns; /* when, of ground_now; 0: nobody wants to know (a
                         driver may look) */
  _Atomic uint32_t serial; /* how often it was issued; and for who looks */
  uint32_t seen;           /* (engine/array/hung.h): what it was then, */
  uint64_t seen_ns;        /* since when; 0: it was free */
  struct child *next;

  /* The connection it was issued on (leg->generation at that time). */
  uint64_t generation;

  /* For the driver alone, while the child is issued. */
  struct {
    struct leg *leg;
    struct child *previous, *next;
    uint64_t deadline_ns;
    uint64_t transferred;
    int error;      /* nbd; a local disk's own thread */
    unsigned connection;
    int fd;         /* ring: the file */
    bool answered;  /* nbd: error is the answer */
  } driver;
};

/* In which order reads and writes of one request are issued: what takes
 * longest to answer starts first.  (A flush or zero of an inline leg may be
 * queued all the same.)
 */
enum leg_rank {
  LEG_REMOTE, /* issue sends; another thread completes, after kickoff */
  LEG_QUEUED, /* issue queues; kickoff, by the same thread, does the I/O and
                 completes before it returns */
  LEG_INLINE, /* issue does the I/O and completes before it returns, but for
                 what a thread of the leg's own does */
  LEG_RANKS,
};

/* What the leg can do; fixed when opened, but for zero (see below). */
struct leg_caps {
  uint64_t size;             /* bytes, whole blocks */
  uint64_t exact_size;       /* with a last part of a block, never used */
  uint64_t image_size;       /* 0: all of it is the disk; else so many bytes,
                                and its end, where an array keeps metadata, is
                                beside it (leg-beside) */
  uint32_t block_minimum;    /* power of two: offsets and lengths */
  uint32_t block_preferred;  /* power of two */
  uint32_t request_max;      /* READ and WRITE, bytes */
  uint32_t zero_max;         /* ZERO, EXTENTS and CACHE, bytes */
  uint32_t memory_alignment; /* of child buffers; 1 = any; a power of two, at
                                most block_minimum: pieces of an aligned
                                buffer stay aligned */
  bool readonly;
  const char *why_readonly; /* for people, constant; NULL: not known */
  bool rotational;
  bool flush;   /* CHILD_FLUSH does what it says; else nothing, and succeeds */
  bool fua;     /* CHILD_FUA is honoured; else the issuer flushes after */
  bool extents; /* CHILD_EXTENTS works; else all is data */
};

struct leg_ops {
  /* After the fork, before the first issue: start threads.  0 or -errno. */
  int (*start) (struct leg *leg);

  /* Do or begin @child.  Blocks only for LEG_INLINE (on the disk), for what is
   * beside the disk (on that of the state file), and for LEG_QUEUED: on the
   * disk, for what it does not queue, and as kickoff does when more than
   * RING_ENTRIES children are queued.  Never fails: every error comes through
   * child->done.  Callable from any number of threads at once.
   */
  void (*issue) (struct leg *leg, struct child *child);

  /* What this thread has issued will be answered without it.  LEG_QUEUED: what
   * was only queued, to any leg, is done now; blocks on the disks.  LEG_REMOTE:
   * somebody reads the answers from now on; does not block.  NULL: as soon as it
   * is issued.
   */
  void (*kickoff) (struct leg *leg);

  /* leg_attend, for legs that all have this operation.  NULL: nothing but
   * kickoff can be done.
   */
  void (*attend) (struct leg *const *legs, unsigned count,
                  const _Atomic unsigned *remaining);

  /* Read before start, in the caller's thread, with the leg's deadline.
   * Any alignment.  0 or -errno.
   */
  int (*read_now) (struct leg *leg, void *buffer, uint64_t length,
                   uint64_t offset);

  /* Before start, like read_now: behind this offset all reads as zeroes, up to
   * the end; caps.size if that is not known, takes too many questions to find
   * out, or is not found out by @deadline_ns, from which on nothing more is
   * asked.  NULL: never known.
   */
  uint64_t (*data_end_now) (struct leg *leg, uint64_t deadline_ns);

  /* How many bytes it has now, with a last part of a block: at least what
   * caps.exact_size says, or -errno.  Up to there it can be read and written
   * from now on.  Any time.  NULL: what it had when it was opened.
   */
  int64_t (*size_now) (struct leg *leg);

  /* Would a CHILD_ZERO with @flags (CHILD_MAY_TRIM, CHILD_FAST) be carried
   * out by the leg, without being sent zeroes?  May touch the disk (without
   * changing it) the first time, then remembers; false also after such a
   * child came back with -EOPNOTSUPP.  With CHILD_FAST, true is a promise.
   * Thread-safe.
   */
  bool (*can_zero) (struct leg *leg, uint32_t flags);

  /* Give up what is in flight (it completes with an error) and everything
   * later.  Of a local disk that is what must be stable, CHILD_APART and
   * CHILD_BEHIND; the rest completes when the kernel answers.  Idempotent, never
   * waits for the other side.
   */
  void (*abort) (struct leg *leg);

  /* Would close wait for the kernel, since a thread of the leg's own is inside?
   * Any time before close.  NULL: never.
   */
  bool (*is_inside) (struct leg *leg);

  /* Nothing is in flight and no call is under way.  Join threads, release
   * everything, free @leg.
   */
  void (*close) (struct leg *leg);
};

/* Where the bytes of a leg lie, below itself. */
struct leg_place {
  char identity[64]; /* NUL-terminated, for comparing only */
  char name[160];    /* for people */
  uint64_t start, end; /* bytes of it */
  bool is_exact;     /* all of them; else some, nobody knows which */
};

#define LEG_PLACES_MAX 8

/* How a leg ended that was given up, as far as that says what may still become
 * of what it owes: a server that we no longer hear may carry out later what it
 * was sent.
 */
struct leg_end {
  bool by_peer; /* all its connections were closed by the other side, in order,
                   before we shut any of them down: whom we spoke to has let go
                   of them.  Not so after a reset, a deadline, or an end that
                   was our wish */
  bool writes_in_flight; /* a WRITE or ZERO had no answer then */
};

struct leg {
  const struct leg_ops *ops;
  enum leg_rank rank;
  struct leg_caps caps;
  const char *name; /* as the user gave it; for messages */
  struct leg *image; /* the disk without what is beside it; NULL: all of it */

  /* What it really is, so that one disk is not used twice: equal identities
   * are the same disk.  NUL-terminated, for comparing only.
   */
  char identity[256];

  /* The leg is gone, which it found out by itself, whether anything was asked of
   * it or not: -errno, one of leg_error_is_gone.  Set by whoever wants to hear
   * it, before start; or NULL.  Called at most once, from a thread of the leg's
   * own, after all that was in flight then has been answered; not for what
   * abort or close do.  No lock of the driver is held.  It is like done: it
   * takes leaf locks at most, waits for no disk and asks nothing of the leg.
   */
  void (*gone) (struct leg *leg, int error);
  void *watcher; /* for gone alone */

  /* Set once, before gone is called, or any done with the error with which the
   * leg ended; for whoever heard of it by one of them.
   */
  struct leg_end end;

  /* What it is made of, as far as it is known (a partition: a range of a
   * disk; a loop device: a range of a file).
   */
  struct leg_place place[LEG_PLACES_MAX];
  unsigned places;

  /* Grows when the connection is lost: an error of a child that carries an
   * older number says nothing about the leg of today.
   */
  _Atomic uint64_t generation;
};

static inline void
leg_issue (struct leg *leg, struct child *child)
{
  child->generation
    = atomic_load_explicit (&leg->generation, memory_order_relaxed);
  leg->ops->issue (leg, child);
}

static inline void
leg_kickoff (struct leg *leg)
{
  if (leg->ops->kickoff != NULL)
    leg->ops->kickoff (leg);
}

/* In place of kickoff of @legs, which are different, by a thread that waits for
 * nothing but what it has issued to them.  It takes part in the work, and so in
 * calling done, also that of others' children, until *@remaining is 0; or it
 * returns earlier, and what is left comes without it.  Blocks until the longest
 * of their deadlines.
 */
void leg_attend (struct leg *const *legs, unsigned count,
                 const _Atomic unsigned *remaining);

/* The disk itself, without what is beside it. */
static inline struct leg *
leg_image (struct leg *leg)
{
  return leg->image != NULL ? leg->image : leg;
}

/* Of the connection, which is the disk's: its number, and how it ended. */
static inline uint64_t
leg_generation (struct leg *leg)
{
  return atomic_load (&leg_image (leg)->generation);
}

static inline const struct leg_end *
leg_end (struct leg *leg)
{
  return &leg_image (leg)->end;
}

enum leg_kinship {
  LEG_APART,
  LEG_SHARES, /* both lie on one thing, or may, and not on the same bytes */
  LEG_SAME,   /* some bytes of the one are bytes of the other */
};

/* What have two legs in common?  *@ret_name: the name of that, for people. */
enum leg_kinship leg_compare (const struct leg *a, const struct leg *b,
                              const char **ret_name);

/* For drivers: put what is wrong into @why (MESSAGE_MAX bytes), one line, and
 * return @error for the caller to pass on.
 */
int leg_refuse (char *why, int error, const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

/* The disk is gone for good, not only one sector of it: these errors of any
 * operation mean that nothing more will come from this leg.
 */
bool leg_error_is_gone (int error);

/* "Try again": the leg's state passes. */
bool leg_error_may_pass (int error);

/* That, or "not supported", or "invalid": perhaps the request's fault, if every
 * leg says so; else the leg's.
 */
bool leg_error_is_harmless (int error);

/* There is no room for what was to be written, by the disk, a quota or the
 * process's limit.  What was acknowledged before is not in doubt.
 */
bool leg_error_is_full (int error);

/* Of several errors of a leg, does @error say more than @than about what is to
 * become of it?  The more of the above is true, the less; but that it is gone
 * is the worst.
 */
bool leg_error_is_worse (int error, int than);

/* The @error of an open: there is nobody, or nobody who answers?  All others
 * mean that somebody is there who cannot be used.  A file or block device, and
 * a server; @tls: who must prove who it is (its URI says so).
 */
bool leg_error_is_missing_file (int error);
bool leg_error_is_missing_server (int error, bool tls);

#endif /* MIRROR_LEG_H */
