/* SPDX-License-Identifier: BSD-3-Clause */
/* view: the members of one moment, with their legs, as requests see them.
 *
 * A member has a *place*, a small number that it keeps as long as it is a
 * target; sets of members are masks of places.  (At the start the place is the
 * slot.  A replacement shares its slot with another member, so it has a place
 * of its own.)
 *
 * A view is immutable.  Each change of the roster publishes a new one; who
 * works with an old one *pins* it, in its request descriptor:
 *
 *   published   array->view: what is pinned from now on
 *   retired     some descriptor may have it pinned; its legs stay open
 *   free        nobody has it, and who comes cannot get it
 *
 * A modification pins after its range is locked.  So whoever locks a range
 * after a view was published knows that every modification there uses this one
 * or a later one.
 *
 * To pin costs one load: a descriptor keeps its view when it is given back, and
 * whoever takes it next compares it with the newest.  A leg is closed by a
 * thread of its own once no view names it; nobody waits for that.  Each
 * descriptor pins one view at most, so a fixed number of views is enough.
 *
 * Locks: publishing and retiring under array->state_lock.  Does not block.
 */
#ifndef MIRROR_VIEW_H
#define MIRROR_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/io/latency.h"
#include "ground/limits.h"
#include "ground/worker.h"
#include "legs/leg.h"
#include "logic/badblocks.h"
#include "logic/layout.h"
#include "logic/roster.h"
#include "logic/sb1.h"

struct array;
struct request;
struct requests;

/* What a member is worth today, to those with an older view, too. */
enum standing {
  STANDING_OUT,     /* left, or not there yet */
  STANDING_WRITTEN, /* gets every write */
  STANDING_READ,    /* and holds everything */
};

/* A target's own superblock. */
struct member_super {
  struct sb1 sb;
  uint64_t stored; /* events that it has for sure */
  uint8_t *block; /* SB1_BLOCK_SIZE bytes: what is there, known or not */
};

#define MEMBER_NAME_MAX 256

/* What a local disk has not answered for LEG_HUNG_S. */
struct member_hung {
  unsigned count;    /* requests */
  uint64_t since_ns; /* the oldest, by ground_now; 0: there is none */
  enum child_op op;  /* and what it is */
};

/* One disk.  In array->members as long as the roster knows it or some view
 * names it.
 */
struct member {
  uint32_t id;           /* the roster's */
  unsigned place;
  char name[MEMBER_NAME_MAX]; /* the leg's, for people; its beginning */
  char identity[256];    /* the leg's: what it really is */
  struct leg *leg;       /* NULL: closed */
  uint64_t data_offset;  /* bytes of the leg: where its data begins */
  struct badblocks *bad; /* ours; never to be read.  NULL: none */
  uint64_t generation;   /* the leg's connection when it became a member */
  uint64_t since_utc_us; /* when that was */
  unsigned users;        /* views that name it, and others who need the leg */

  _Atomic unsigned standing;    /* enum standing */
  _Atomic bool flush_lost;      /* a flush failed on it although it stayed */
  _Atomic bool flush_absent;    /* it has no flush, as far as it is known */
  _Atomic bool flushed;         /* a flush succeeded on it in this run: it can,
                                   so that "not supported" is a failure there
                                   like any other */
  _Atomic bool reattached;      /* out, but its disk is current by another
                                   connection: what failed on this one is
                                   missing there */
  _Atomic bool left;            /* it was in a view, and is not in the newest */
  _Atomic unsigned outstanding; /* children under way */
  _Atomic uint64_t head;        /* bytes on the leg: where the last read
                                   ended */
  _Atomic uint64_t reads, writes, errors;
  struct latency latency;

  /* Under array->state_lock. */
  bool told_last_copy;  /* its failure as the last copy was logged */
  bool told_read_error;
  struct member_hung hung;

  /* md, being rebuilt: so many bytes of its data are good, from the beginning
   * on (under the metadata's lock); and only set regions have to be copied.
   */
  _Atomic uint64_t recovered;
  bool by_bitmap;

  /* Plain, being rebuilt: its first bytes say that it is no copy
   * (logic/unfinished), and nothing is written there.  Under
   * array->state_lock.
   */
  bool unfinished;
  _Atomic bool unmarked; /* that is not on it yet: its rebuild waits */
  _Atomic uint64_t quarantine_ns; /* until then its old server may still do
                                     what it was sent; 0: it does not */

  /* Plain, what is to be known when it comes back.  Under array->state_lock. */
  uint64_t size;        /* of its leg, exactly */
  uint64_t known_until; /* the first view without it, since when array->missed
                           has all that it lacks if it was not cleared later; 0:
                           it never had */
  int left_error;       /* that took it out; 0: an order */
  bool was_marked;      /* its first bytes may say still that it is no copy */
  bool is_doubtful;     /* its old server may still carry out what it was sent */
  bool has_heir;        /* and the member that it is now knows that */

  /* md: for who has the turn. */
  struct member_super super;
};

/* Where one copy of a byte lies. */
struct view_copy {
  unsigned place;
  uint64_t offset; /* of the member's data */
};

struct view {
  uint64_t number;                 /* from 1 on; the epoch of range locks */
  struct layout layout;            /* where everything lies, and how much */
  uint32_t in_sync;                /* may be read */
  uint32_t targets;                /* get every write */
  uint32_t spares;                 /* get nothing but superblocks */
  uint32_t write_mostly;           /* read only if no other copy can be */
  uint32_t unfinished;             /* the first bytes are no copy on these: */
  uint32_t mark_size;              /* so many */
  uint32_t with_fua;               /* honour CHILD_FUA */
  uint32_t of_rank[LEG_RANKS];
  bool is_complete;                /* each slot has a member that is in sync */
  bool is_occupied;                /* or one that is being rebuilt */
  struct member *member[LEGS_MAX]; /* by place */
  unsigned count;                  /* of them, in the order of reading */
  unsigned char place[LEGS_MAX];
  signed char occupant[LEGS_MAX];  /* of each slot: a place, or -1 */
  signed char heir[LEGS_MAX];      /* its replacement's, or -1 */
  unsigned groups;                 /* sets that hold some chunk together */
  uint32_t group[LEGS_MAX];
  struct view *next;               /* retired, or free */
};

struct views {
  struct view *items;
  unsigned total;
  struct view *free, *retired;      /* under array->state_lock */
  _Atomic unsigned retired_count;
  struct worker closer;
};

/* A member of what @leg is, standing outside; it is in no view yet.  NULL:
 * there is no memory.
 */
struct member *member_new (struct leg *leg);

/* Written and not read, today? */
bool member_is_recovering (const struct member *member);

/* Is its connection lost?  Its leg is open. */
bool member_is_lost (const struct member *member);

/* Is it in sync, though its connection is lost: the last copy of something,
 * which is to come back?  So does all else that it holds.  Its leg is open.
 */
bool member_is_awaited (const struct member *member);

/* Is its connection lost, with nothing under way on it any more?  state_lock
 * held.
 */
bool member_is_cut (const struct member *member);

/* Its leg is closed, or somebody else's. */
void member_free (struct member *member);

/* With every descriptor of the array allocated: memory for all views, and the
 * first one, of array->roster.  0 or -ENOMEM; views_destroy follows in any
 * case.
 */
int views_init (struct array *array);
void views_destroy (struct array *array);

/* How much views_init allocates for so many descriptors, bytes. */
uint64_t views_size (unsigned descriptors);

/* Views that no descriptor has any more are free.  state_lock held. */
void view_collect (struct array *array);

/* array->roster has changed: a new view of it.  state_lock held. */
void view_publish (struct array *array);

/* The newest, for those who just look.  Its members may be gone when they are
 * looked at: it is for its sets only.  Takes state_lock.
 */
struct view view_look (struct array *array);

/* Those of @view that are current today: a member of an old view may have
 * left.
 */
uint32_t view_targets_now (const struct array *array,
                           const struct view *view);
uint32_t view_in_sync_now (const struct array *array,
                           const struct view *view);

/* view_copies (array-internal.h) of a raid10. */
unsigned view_copies_raid10 (const struct view *view, uint64_t offset,
                             struct view_copy *ret);

/* Without those of @copies that are no copy. */
unsigned view_leave_unfinished (const struct view *view,
                                struct view_copy *copies, unsigned count);

/* view_piece (array-internal.h), where something is unfinished. */
uint64_t view_piece_unfinished (const struct view *view, uint64_t offset,
                                uint64_t length);

/* A place that nobody has, nor anybody with an old view; -1: there is none.
 * state_lock held, once requests are served.
 */
int view_free_place (const struct array *array);

/* The slot of a target. */
unsigned view_slot (const struct view *view, const struct member *member);

/* view_flush_is_lost (array-internal.h), disk by disk. */
bool view_flush_is_lost_on (const struct view *view, uint32_t places);

/* The one that the roster calls @id; NULL: none.  state_lock held. */
struct member *view_find_member (const struct array *array, uint32_t id);

/* The next member after @last (NULL: the first) that has a leg and of which @is
 * is true, held for the caller, who lets go of @last by this; NULL: there is
 * none.  In the order of their ids, whatever changes meanwhile.
 */
struct member *view_next_member (struct array *array, struct member *last,
                                 bool (*is) (const struct member *member));

/* The one with this leg; NULL: none.  state_lock held. */
struct member *view_member_of (const struct array *array,
                               const struct leg *leg);

/* Any member with a leg, for the caller's use until member_release.  state_lock
 * held for the first.
 */
void member_hold (struct member *member);
void member_release (struct array *array, struct member *member);

#endif /* MIRROR_VIEW_H */
