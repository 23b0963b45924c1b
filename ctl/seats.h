/* SPDX-License-Identifier: BSD-3-Clause */
/* seats: which slot a server gives to each disk of an array that starts, and
 * what it copies to it.
 */
#ifndef MIRROR_SEATS_H
#define MIRROR_SEATS_H

#include "ctl/member.h"

struct seat {
  unsigned slot;  /* or ASSEMBLE_NO_SLOT: not used */
  bool rebuilt;   /* it lacks something, which is copied to it */
  bool by_bitmap; /* of that only what the bitmap has set */
};

struct seats {
  struct seat seat[ASSEMBLE_MEMBERS_MAX];
  bool rebuilding; /* somebody is rebuilt */
  /* Why the array may only be read, to follow "disk NAME: "; empty: it may be
   * written.  Else nobody is rebuilt.
   */
  char why_readonly[MESSAGE_MAX];
  unsigned culprit;     /* a member, or their number: the array */
  bool refuses_writers; /* who connects must know: nbdkit -r */
};

/* @assembly: of these @members, with a result of START or one that is
 * readable.
 */
void seats_give (const struct assembly *assembly, struct member **members,
                 unsigned count, struct seats *ret);

#endif /* MIRROR_SEATS_H */
