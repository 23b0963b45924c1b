/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-open: the text that names a disk -> an open leg. */
#ifndef MIRROR_LEG_OPEN_H
#define MIRROR_LEG_OPEN_H

#include "legs/leg-nbd.h"
#include "legs/leg.h"

/* How disks are opened; the same for all of an array. */
struct leg_open_ways {
  bool direct;         /* local disks: O_DIRECT */
  struct leg_nbd_patience patience; /* servers */
  unsigned connections;             /* likewise, each, at most */
};

/* Open the disk that @text names, an absolute path or an NBD URI.  0 and *@ret,
 * or -errno and @why (MESSAGE_MAX bytes), to follow "disk TEXT: ", as
 * leg_file_open and leg_nbd_open.
 */
int leg_open (const char *text, const struct leg_open_ways *ways,
              struct leg **ret, char *why);

/* The @error of such an open: is the disk *missing*?  It is if there is nobody,
 * or nobody who answers: then nobody uses it, and an md array may go on without
 * it.  All other errors mean that somebody is there who cannot be used, and
 * going on without the disk would be wrong, or hide a mistake:
 *
 *   in use by somebody else    who is writing to it right now; to go on without
 *                              it would make a second history of the array
 *   refused or not verified    (rights, TLS) it is there, and must not drop
 *                              out of the mirror because of a wrong key
 *   not what a disk can be     (a folder, an empty file) a mistake, and
 *                              waiting does not help
 */
bool leg_open_is_missing (const char *text, int error);

#endif /* MIRROR_LEG_OPEN_H */
