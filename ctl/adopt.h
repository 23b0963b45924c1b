/* SPDX-License-Identifier: BSD-3-Clause */
/* adopt: what its files share. */
#ifndef MIRROR_ADOPT_H
#define MIRROR_ADOPT_H

#include "ctl/create.h"
#include "ctl/restore.h"

enum adopt_kind {
  ADOPT_MISSING,
  ADOPT_SOURCE, /* the first disk: its data are the array's */
  ADOPT_EQUAL,  /* holds the same */
  ADOPT_REBUILT /* gets everything when the array is served */
};

struct adopt_disk {
  enum adopt_kind kind;
  uint64_t old_size, new_size; /* bytes */
  char *undo; /* the file that undoes it, when there is one */
};

struct adopt {
  struct create create; /* the array and its members */
  struct adopt_disk disk[LEGS_MAX];
  bool assume_clean, discard;
  const char *backup_dir;
};

/* Look at the disk in @slot, which is open, and decide what becomes of it; 0
 * comes first, and has the wish's size from it.  An exit status.
 */
int adopt_judge (struct adopt *adopt, unsigned slot);

/* With the plan: may anything on a disk that keeps its data be taken for a
 * superblock of its new size?  An exit status.
 */
int adopt_check_places (struct adopt *adopt);

/* Are the first @length bytes of two disks the same?  And does one read as
 * zeroes?  If not, *@ret_offset.  0 or -errno, of *@ret_culprit.
 */
struct adopt_difference {
  bool found;
  uint64_t offset;
  const struct disk *culprit; /* of an error */
};
int adopt_compare (struct disk *a, struct disk *b, uint64_t length,
                   struct adopt_difference *ret);
int adopt_find_data (struct disk *disk, struct adopt_difference *ret);

/* Save the undo files, make files longer, write the metadata.  What fails is
 * undone.  An exit status.
 */
int adopt_write (struct adopt *adopt);

void adopt_print_plan (const struct adopt *adopt);
void adopt_print_done (const struct adopt *adopt);
void adopt_print_json (const struct adopt *adopt, bool adopted);

#endif /* MIRROR_ADOPT_H */
