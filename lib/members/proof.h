/* SPDX-License-Identifier: BSD-3-Clause */
/* proof: is the disk of a state file's area still the one that it was?
 *
 * It is compared with what the file remembers of it (logic/evidence.h).  Blocks
 * on reads of the disk.
 */
#ifndef MIRROR_MEMBERS_PROOF_H
#define MIRROR_MEMBERS_PROOF_H

#include "logic/evidence.h"
#include "members/members.h"

struct proof {
  unsigned alike;      /* samples */
  bool differs;
  uint64_t differs_at; /* bytes of the disk */
};

/* What the disk of @record should hold by its own evidence, superblock and
 * bitmap.  What cannot be read tells nothing.
 */
void proof_look (const struct member_record *record, struct proof *ret);

/* What of its evidence is true whatever happened since: where nothing has been
 * written, say its superblock and bitmap.
 */
void proof_keep (const struct member_record *record, struct evidence *ret);

/* That of all disks: 0, or -errno and @why: one of them is not as it was left. */
int proof_check_all (const struct members *members, char *why);

/* All samples of @evidence of which the disk in @slot of @layout has a copy, so
 * many at most, are added to *@proof.
 */
void proof_add (const struct member_disk *disk, const struct layout *layout,
                unsigned slot, const struct evidence *evidence,
                struct proof *proof);

#endif /* MIRROR_MEMBERS_PROOF_H */
