/* SPDX-License-Identifier: BSD-3-Clause */
/* array: the mirror itself, as the doors see it.
 *
 * Life: array_create (opens nothing: the legs come open) - array_start -
 * array_allow_writes, once somebody may write - requests from any number of
 * threads - array_quiesce - array_close.
 *
 * There are two kinds, told apart by the members themselves.  A plain array
 * has nothing but data on its disks.  An md array has md superblocks: its
 * members say who is current, what may differ after a crash, and which of
 * them missed something.
 *
 * Offsets and lengths are bytes of the array; the doors have checked that
 * they lie inside it.  Results are 0 or -errno.  Buffers belong to the
 * caller and are not touched after the call returns.
 */
#ifndef MIRROR_ARRAY_H
#define MIRROR_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/extent.h"
#include "ground/limits.h"
#include "legs/leg.h"
#include "logic/layout.h"
#include "logic/roster.h"

struct array;
struct job_progress;

/* Flags of modifying requests. */
enum {
  ARRAY_FUA = 1,       /* on stable storage before the reply */
  ARRAY_MAY_TRIM = 2,  /* zero: space may be given back */
  ARRAY_FAST_ZERO = 4, /* zero: -ENOTSUP, and nothing touched, if it would
                          be slow on any leg */
};

/* What may the disks be? */
enum array_metadata {
  ARRAY_METADATA_AUTO, /* what they say */
  ARRAY_METADATA_MD,   /* members of an md array, or it is refused */
  ARRAY_METADATA_NONE, /* those of a plain array; nobody looks */
};

/* Opens disks.  The door tells how, and has used the same one at the start: the
 * array keeps it, so what it needs lives as long as the array.
 */
struct array_opener {
  /* The disk that @text names.  0 and *@ret, or -errno and @why (MESSAGE_MAX
   * bytes), to follow "disk TEXT: "; *@ret_missing: there is nobody, or nobody
   * who answers, so an md array may go on without it; if not, somebody is there
   * who cannot be used.  Blocks, but not for ever; from any thread.
   */
  int (*open) (const struct array_opener *opener, const char *text,
               struct leg **ret, bool *ret_missing, char *why);
  const void *opaque; /* the opener's own */
  const _Atomic bool *canceled; /* the array's own: it stops, so open comes to an
                                   end; NULL: it has not begun */
};

struct array_config {
  struct array_opener opener; /* open: NULL if there is none */
  unsigned legs;        /* how many were given */
  const char *const *names; /* of these, as the opener takes them; NULL: those
                               that are missing at the start are not sought */
  struct layout layout; /* of a plain array: checked by layout_check, slots =
                           legs */
  bool level_given;     /* the user asked for the layout's level, for its */
  bool layout_given;    /* near, far and offset copies, and for its chunk: */
  bool chunk_given;     /* an md array that is otherwise is refused */
  enum array_metadata metadata;
  bool no_degraded;     /* md: every slot needs a member that is in sync */
  unsigned keep;        /* md: after a split brain the history of leg keep - 1
                           is kept; 0: then it is refused */
  uint64_t sync_min, sync_max; /* bytes a second; 0: the defaults */
  unsigned resync_budget_s; /* md: bits of regions that are in use stay, as many
                               as a resync after a crash brings together in so
                               long; 0: none stays */
  unsigned spare_delay_s; /* md: how long a slot is empty before a spare steps
                             in */
  unsigned reconnect_s; /* a disk whose connection was lost, or that is missing
                           at the start, is tried again with pauses that grow
                           up to so long; 0: it is not */
  unsigned reconnect_ms; /* the first pause; 0: RECONNECT_FIRST_MS */
  unsigned no_leg_timeout_s; /* md: so long requests wait for the only disk that
                                could answer them, before they fail */
  unsigned quarantine_ms; /* so long after a lost disk is back what it was sent
                             before may still be carried out; 0: QUARANTINE_MS */
  unsigned pool;        /* child requests in all; 0: POOL_DEFAULT */
  /* For tests; 0: the defaults of limits.h. */
  unsigned requests;
  unsigned bounces;
  uint32_t bounce_size;
  unsigned quiet_ms;
  unsigned sweep_ms; /* 0: what the bitmap says */
  uint32_t missed_window; /* bytes, a power of two */
  unsigned retry_ms; /* of resync and rebuild; 0: SYNC_RETRY_MS */
  uint32_t sync_span;  /* bytes; a power of two, BOUNCE_ALIGNMENT at least */
  unsigned sync_spans; /* in flight, at most */
  bool sync_fixed;     /* always that many */
};

/* Do any of @legs (NULL: could not be opened) carry an md superblock, or may
 * they, since it cannot be read?  Then an array can start without those that
 * are missing.  Blocks on reads.
 */
bool array_is_md (struct leg **legs, unsigned count);

/* The smallest legal pool= for so many legs: each leg owns one child, so
 * that a hung leg cannot take them all.  (One more per leg is kept for
 * retries, on top of pool=.)
 */
unsigned array_pool_minimum (unsigned legs);

/* All memory that such an array ever has, in bytes, but for what depends on
 * the disks.  @bounced: some leg wants aligned memory.
 *
 *   any array    struct array, ZERO_BUFFER_SIZE
 *                a struct member for each slot (and for each disk besides)
 *                pool + 2 x LEGS_MAX - slots children
 *                2 x requests descriptors, as many views and two
 *                bounced: 2 x bounces buffers of bounce_size
 *   md besides   struct metadata, SB1_BLOCK_SIZE for each slot (and disk)
 *                SYNC_SPANS + SYNC_BUFFERS_READERS buffers of SYNC_SPAN
 *                SYNC_SPANS x slots + LEGS_MAX - slots children
 *                SYNC_SPANS descriptors, as many views
 *   md besides   struct metadata, SB1_BLOCK_SIZE for each slot
 *                LEGS_MAX children, a descriptor, a view
 *
 * What depends on the disks comes on top.  Of a plain array one of which is
 * remote:
 *
 *   missed       two bits for each of at most MISSED_WINDOWS_MAX windows of
 *                MISSED_WINDOW bytes or more, and one for each 64 of these
 *
 * Of an md array:
 *
 *   a list       for each member with a bad block log: struct badblocks
 *   resync       a bit for each window of TODO_WINDOW bytes
 *   the bitmap   twice its area on a member, in pages; 4 bytes for each
 *                region, 9 for each page
 *   state=       a struct witness
 */
uint64_t array_memory (const struct array_config *config, bool bounced,
                       bool is_md);

/* All of it, of an array that was created: what it has allocated. */
uint64_t array_memory_used (const struct array *array);

/* In get_ready: look at the members, decide the size.  @legs[config->legs],
 * NULL where a disk could not be opened; @absent[i] then says which and why,
 * to be shown to people ("disk NAME: REASON").  Takes over the legs on
 * success, and closes those that it has no use for.  Starts no thread,
 * writes nothing.  0 and *@ret, or -errno and @why (MESSAGE_MAX bytes): one
 * line for the user that names the disk.  Logs what is unusual about the
 * members.
 */
int array_create (const struct array_config *config, struct leg **legs,
                  const char *const *absent, struct array **ret, char *why);

/* Is @leg one of its members?  The others were closed by array_create. */
bool array_uses_leg (const struct array *array, const struct leg *leg);

/* Before array_start, of an array with metadata.  The leg of what is in sync in
 * @slot; NULL: none.  May copies differ at @offset?  *@length becomes as much as
 * the answer holds for.
 */
struct leg *array_leg_in_sync (const struct array *array, unsigned slot);
bool array_is_marked (struct array *array, uint64_t offset, uint64_t *length);

/* After the fork: start the legs' threads.  0 or -errno. */
int array_start (struct array *array);

/* After array_start: from now on local disks that do not answer are noticed,
 * told, and let go when they leave the array.  0 or -errno.
 */
int array_watch (struct array *array);

/* Somebody who may write is there: from now on an md array may be written to
 * in the background, too, if it needs it.  Any number of times, from any
 * thread, after array_start.  0, or -errno if its threads cannot be started.
 */
int array_allow_writes (struct array *array);

/* How it lies on its members.  All but the number of slots and the sizes is
 * constant.
 */
struct layout array_get_layout (struct array *array);

/* What clients are told; all but the size is constant. */
struct array_limits {
  uint64_t size;            /* bytes; never less than before */
  uint32_t block_minimum;   /* every offset and length is a multiple */
  uint32_t block_preferred;
  bool readonly;            /* some leg cannot be written, or the array is one
                               that may only be read */
  const char *why_readonly; /* NULL: not; else for people: what to do */
  bool rotational;
  bool extents;             /* every leg can tell */
};
void array_get_limits (struct array *array, struct array_limits *ret);

/* @flags: ARRAY_FUA where it makes sense.  -EROFS on a read-only array,
 * -ESHUTDOWN after array_quiesce, -EINVAL when misaligned.
 */
int array_read (struct array *array, void *buffer, uint64_t length,
                uint64_t offset);
int array_write (struct array *array, const void *buffer, uint64_t length,
                 uint64_t offset, uint32_t flags);
int array_zero (struct array *array, uint64_t length, uint64_t offset,
                uint32_t flags);
int array_trim (struct array *array, uint64_t length, uint64_t offset,
                uint32_t flags);
int array_flush (struct array *array);
int array_cache (struct array *array, uint64_t length, uint64_t offset);

/* Extents from @offset on, ascending and adjoining, at least one, together
 * at most @length.  @add is called for each; non-zero from it ends the walk
 * and is the result.
 */
int array_extents (struct array *array, uint64_t length, uint64_t offset,
                   int (*add) (void *opaque, uint64_t offset,
                               uint64_t length, uint32_t flags),
                   void *opaque);

/* What an administrator orders while the array serves. */
enum array_verb {
  ARRAY_FAIL,    /* @member is neither read nor written from now on */
  ARRAY_REMOVE,  /* and forgotten */
  ARRAY_ADD,     /* @disk gets a slot without a member */
  ARRAY_READD,   /* @member, which failed, comes back; as @disk, or NULL: under
                    the name that it had */
  ARRAY_WRITE_MOSTLY, /* @member is read only if no other copy can be */
  ARRAY_READ_AS_OTHERS, /* it is no longer */
  ARRAY_SPARE,   /* @disk becomes a spare */
  ARRAY_REPLACE, /* @disk takes the slot of @member over when it is rebuilt; that
                    one serves until then */
  ARRAY_GROW_LEGS, /* @slots of them from now on; raid1.  @disk, or NULL, gets
                      the first that is new; fewer: the last ones are empty */
  ARRAY_GROW_SIZE, /* md: @size bytes of each disk are data; 0: as much as the
                      smallest has room for */
  ARRAY_BITMAP,    /* md: a bit for each @chunk bytes; 0: no bitmap */
  ARRAY_RENAME,    /* md: it is called @name */
};

struct array_order {
  enum array_verb verb;
  uint32_t member;  /* its id, of array_get_snapshot */
  unsigned slots;
  uint64_t size;    /* whole sectors */
  uint32_t chunk;   /* a power of two, a sector at least */
  const char *name; /* a string of 32 bytes at most */
  const char *disk; /* as at the start */
  bool discard;     /* what @disk holds may be overwritten; one whose ends are
                       all zeroes holds nothing */
  bool dry_run;     /* only say what would be done */
  bool by_itself;   /* nobody has ordered it: a lost disk answers again */
  _Atomic bool *is_decided; /* NULL; or who sets it first decides: array_change
                               once the disk is open, or who does not wait for
                               that any longer ("given-up": nothing is done) */
};

struct array_answer {
  const char *reason; /* why not, a word for machines; constant.  NULL: done */
  char text[MESSAGE_MAX]; /* for people: what is done, or why not and what to
                             do */
  uint32_t member;  /* the id of one that came */
  uint64_t to_copy; /* bytes that its rebuild copies, at most */
};

/* 0 and it is on record (of a plain array: until it stops), or -errno and
 * nothing has changed, but for "not-recorded": then it is out and that is not
 * on record.  Any thread, after array_start and before array_close; blocks on
 * opening the disk, with nothing held, then on orders before it, on the disks.
 */
int array_change (struct array *array, const struct array_order *order,
                  struct array_answer *answer);

/* Refuse new requests (-ESHUTDOWN), wait for those under way and flush every
 * current member, until @deadline_ns of ground_now; past it the legs are
 * aborted, and it comes to its end: whatever hangs, the last flush takes no more
 * than STOP_FLUSH_S then.  Idempotent.  0, or -errno if not everything acknowledged is
 * known to be on stable storage.
 */
int array_quiesce (struct array *array, uint64_t deadline_ns);

/* After array_quiesce: close the legs, free everything. */
void array_close (struct array *array);

/* What the array does in the background, resync or rebuild (sync/job.h), any
 * time from array_create on.  None of these waits for I/O.  A pause lasts until
 * it is ended, whatever is to be done meanwhile.  What is cancelled is begun
 * again when a write leaves copies different, or at the next start.  Rates:
 * bytes a second, from now on; -EINVAL if one is 0 or @minimum is the larger.
 */
void array_sync_progress (struct array *array, struct job_progress *ret);
void array_sync_pause (struct array *array);
void array_sync_resume (struct array *array);
void array_sync_cancel (struct array *array);
int array_sync_set_rates (struct array *array, uint64_t minimum,
                          uint64_t maximum);

/* md: how long a slot is empty before a spare steps in, from now on, also where
 * one is empty already.
 */
void array_set_spare_delay (struct array *array, unsigned seconds);

/* A snapshot, for status; never waits for I/O. */
struct array_status {
  uint32_t in_sync;   /* mask of slots that are current */
  unsigned slots;
  unsigned pool_free; /* child requests, private shares included */
  unsigned pool_total;
  unsigned requests_free;
  unsigned requests_total;
  bool md;
  bool dirty;         /* md: not marked clean on the members */
  bool resyncing;     /* md: copies may differ in sync_left bytes */
  uint64_t sync_left;
  uint32_t recovering;   /* mask of slots that are being rebuilt */
  uint64_t rebuild_left; /* bytes of these members that were not looked at
                            yet */
  uint32_t recorded_out; /* md: the members' superblocks say that these slots
                            are not current */
  int refused;           /* md: a disk that holds a last copy could not store its
                            metadata, the last time: -errno, else 0; */
  int refused_slot;      /* which */
  uint64_t refused_utc_us; /* and since when */
  uint32_t flush_absent; /* mask of targets that cannot flush */
  bool stopping;      /* requests are refused */
  bool reads_pinned;  /* copies may differ where a write failed: reads go to
                         the first copy */
  uint64_t reads[LEGS_MAX]; /* children completed, per slot */
  uint64_t writes[LEGS_MAX];
  uint64_t errors[LEGS_MAX];
};
void array_get_status (struct array *array, struct array_status *ret);

/* What the array is called.  Orders change the name and the bitmap. */
struct array_identity {
  bool md;                /* else all below is empty */
  unsigned minor_version; /* of its superblocks: 1.0, 1.1, 1.2 */
  bool has_bitmap;
  uint8_t uuid[16];
  char name[33];          /* any bytes */
};
void array_get_identity (struct array *array, struct array_identity *ret);

/* How a disk can be reached. */
struct array_connection {
  const char *state;     /* constant: "local", "connected"; "lost": it is tried
                            again; "refused": it answers, but stays out;
                            "closed": nobody tries; of the last copy, too */
  uint64_t since_utc_us; /* since when, as far as it is known; else 0 */
  unsigned attempts;     /* to reach it again, since then */
  uint64_t next_ns;      /* until the next one */
  bool waits;            /* that is, for the first client that may write */
  char error[256];       /* of the last one, or why it was lost; or empty */
};

/* Each member by itself. */
struct array_member {
  uint32_t id;
  int slot;           /* -1: none */
  enum member_state state;
  uint32_t flags;     /* MEMBER_WRITE_MOSTLY, MEMBER_FAILFAST */
  uint64_t recovered; /* RECOVERING, REPLACING: of its member_size bytes */
  bool by_bitmap;     /* likewise, or FAULTY, if it came back as it was: only
                         what the bitmap has set is copied */
  uint64_t to_copy;   /* likewise: at most so many bytes */
  struct array_connection connection;
  char name[256];     /* as given; "": not known */
  uint64_t reads, writes, errors; /* children completed */
  unsigned in_flight;
  struct {
    unsigned count;   /* requests that a local disk has not answered for long;
                         0: none, and the rest says nothing */
    const char *op;   /* the oldest one's: "read", "write", "flush", ... */
    uint64_t for_ns;  /* it was asked so long ago, as far as it was seen */
  } hung;
};

/* What is being copied in the background now, or what one run of it found to
 * do.
 */
struct array_progress {
  uint64_t done, total; /* bytes; total 0: nothing is */
  uint64_t rate;        /* bytes a second, over the last seconds */
  uint64_t left_ns;     /* at that rate; UINT64_MAX: not known */
  bool paused;
  uint64_t rate_min, rate_max; /* of array_sync_set_rates */
};

/* The status and all members, likewise without waiting for I/O. */
struct array_snapshot {
  struct array_status status;
  uint64_t member_size; /* bytes of each member that hold data */
  unsigned survives;    /* failures, whichever members they hit */
  uint32_t lacking;     /* mask of slots without a member in sync */
  uint32_t recovering;  /* of these, those that are being rebuilt */
  struct array_progress progress;
  unsigned spare_delay_s;
  unsigned members;
  struct array_member member[ROSTER_MAX];
  unsigned absent; /* disks that were not there at the start, and are sought */
  struct array_absent {
    char name[256]; /* its beginning */
    struct array_connection connection;
  } absents[LEGS_MAX];
};
void array_get_snapshot (struct array *array, struct array_snapshot *ret);

/* How long a member took to answer, by what it was asked.  Bucket 0: less than
 * 2 ^ ARRAY_LATENCY_FIRST nanoseconds; each other one twice as long as the one
 * before; the last one: all that took longer.  Of local disks through the page
 * cache it is a sample (io/latency.h).
 */
#define ARRAY_LATENCY_FIRST 10
#define ARRAY_LATENCY_BUCKETS 28

enum array_latency_op {
  ARRAY_LATENCY_READ,
  ARRAY_LATENCY_WRITE, /* and zero */
  ARRAY_LATENCY_FLUSH,
  ARRAY_LATENCY_OPS,
};

struct array_latency {
  uint64_t bucket[ARRAY_LATENCY_OPS][ARRAY_LATENCY_BUCKETS];
  uint64_t sum_ns[ARRAY_LATENCY_OPS];
};

/* False: there is no such member. */
bool array_get_latency (struct array *array, uint32_t id,
                        struct array_latency *ret);

/* The requests to members that took longest, of the last SLOW_RECENT_S. */
#define ARRAY_SLOWEST 16

struct array_slow {
  uint64_t end_ns;  /* when it was answered, of ground_now */
  uint64_t took_ns;
  uint64_t offset, length; /* bytes of the disk */
  uint32_t member;
  const char *op;   /* "read", "write", "zero", "flush" */
  const char *step; /* what it was for: "client", "retry", "metadata", "copy" */
  char disk[256];
};

/* How many; in no order. */
unsigned array_get_slowest (struct array *array,
                            struct array_slow ret[ARRAY_SLOWEST]);

#endif /* MIRROR_ARRAY_H */
