/* SPDX-License-Identifier: BSD-3-Clause */
/* lost: disks that may come back by themselves, and what is known of each.
 *
 * A remote disk whose connection was lost, and a disk that was not there at the
 * start.  life/rejoin tries to reach them; this is what it knows of them, for
 * itself and for people.
 *
 *   SEEKING   there is nobody, or nobody who answers
 *   REFUSED   it answers, and cannot be let in as it is
 *   BACK      it is a member again; remembered since who comes and goes all the
 *             time is tried less often
 *
 * Locks: its own, a leaf, also inside of state_lock.  Does not block.
 */
#ifndef MIRROR_LOST_H
#define MIRROR_LOST_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"
#include "ground/limits.h"

struct leg;
struct member;

enum lost_state {
  LOST_FREE,
  LOST_SEEKING,
  LOST_REFUSED,
  LOST_BACK,
};

/* As the opener takes it; what is longer is not sought. */
#define LOST_NAME_MAX 1024
#define LOST_ERROR_MAX 256

struct lost_disk {
  enum lost_state state;
  char name[LOST_NAME_MAX];
  uint32_t id;  /* the roster's of the member that it was; 0: it was none yet */
  int slot;     /* of that; -1: not known */
  uint8_t device_uuid[16]; /* md: what that was called */
  bool could_flush;
  uint64_t since_utc_us;
  unsigned attempts;      /* since then */
  const char *reason;     /* why it is refused, a word; constant */
  char error[LOST_ERROR_MAX]; /* of the last attempt, for people */
  uint64_t heard_ns;      /* since when it answers again; 0: it does not */
  uint64_t back_ns;       /* when it came back */
  uint64_t next_ns;       /* of the next attempt */
  uint64_t pause_ns;      /* before that one */
  uint64_t least_ns;      /* and at least so long, since it hung while it was let
                             in, for which all writes may wait; 0: it did not */
};

struct lost {
  struct ground_mutex lock;
  uint64_t pause_ns;      /* before the first attempt; then longer, until ... */
  uint64_t pause_max_ns;  /* 0: nobody is sought */
  struct lost_disk disk[LEGS_MAX];
};

void lost_init (struct lost *lost, uint64_t pause_ns, uint64_t pause_max_ns);
void lost_destroy (struct lost *lost);

/* The connection of @member, which is out now, or stays as the last copy, was
 * lost with @error.  True: it is sought from now on, and was not before.
 */
bool lost_note (struct lost *lost, const struct member *member, int slot,
                int error);

/* The disk @name was not there at the start. */
void lost_note_absent (struct lost *lost, const char *name, const char *why);

/* One that is to be tried now, copied; or false, and when the next one is. */
bool lost_take_due (struct lost *lost, struct lost_disk *ret,
                    uint64_t *ret_next_ns);

/* It answers: since when, of ground_now. */
uint64_t lost_hear (struct lost *lost, const char *name);

/* An attempt at the disk of that name has ended.  Refused: true if it is for
 * another reason than the last time.
 */
void lost_unreachable (struct lost *lost, const char *name, const char *why);
bool lost_refused (struct lost *lost, const char *name, const char *reason,
                   const char *why);
/* ... and it was let in, but could not be put on record: it is none of those
 * that the roster knows; it is a member again; or nobody misses it any more.
 * @id is the one that it had: if it was lost again since then, that counts.
 */
void lost_take_back (struct lost *lost, const char *name);
void lost_back (struct lost *lost, const char *name, uint32_t id);
void lost_forget (struct lost *lost, const char *name, uint32_t id);

/* The one that member @id was, or with 0 the one behind the first @skip of those
 * that were none; false: there is none.
 */
bool lost_find (struct lost *lost, uint32_t id, unsigned skip,
                struct lost_disk *ret);

#endif /* MIRROR_LOST_H */
