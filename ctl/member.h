/* SPDX-License-Identifier: BSD-3-Clause */
/* member: all md metadata of one disk, read and judged. */
#ifndef MIRROR_MEMBER_H
#define MIRROR_MEMBER_H

#include "ctl/disk.h"
#include "logic/assemble.h"
#include "logic/badblocks.h"
#include "logic/bitmap-disk.h"
#include "logic/sb1.h"

struct member {
  const char *path; /* as given; for programs, too */
  char *name;       /* the same for people */
  char *short_name; /* the last part of that */
  struct disk disk; /* open unless @error */
  int error;        /* -errno of opening it, or of reading its superblock */
  const char *unreadable; /* some of its metadata, and why; or NULL */

  enum sb1_verdict verdict;
  enum sb1_version version;
  struct sb1 sb; /* but for SB1_NONE and 0.90 */
  uint32_t checksum; /* as it should be; sb.max_dev is sane */
  char why[MESSAGE_MAX]; /* of error, or of the verdict */

  enum bitmap_verdict bitmap_verdict;
  struct bitmap_super bitmap;
  char bitmap_why[MESSAGE_MAX];
  uint64_t regions; /* BITMAP_GOOD, BITMAP_OUTDATED */
  uint64_t regions_set;

  /* The feature says that there are some. */
  bool badblocks_listed;
  bool badblocks_damaged;
  char badblocks_why[MESSAGE_MAX];
  struct badblocks badblocks;
  unsigned badblocks_entries; /* as found, in their order */
  struct badblock badblocks_entry[BADBLOCKS_ENTRIES_MAX];
};

/* Has it a superblock 1.x, as far as one can be read? */
static inline bool
member_has_sb (const struct member *member)
{
  return member->error == 0 && member->verdict != SB1_NONE
         && member->version != SB1_VERSION_0_90;
}

/* The feature alone says nothing: its log may be empty. */
static inline bool
member_has_bad_blocks (const struct member *member)
{
  return member->badblocks_listed
         && (member->badblocks_damaged || member->badblocks.count > 0);
}

/* Is it there, whatever could be read of it? */
static inline bool
member_is_open (const struct member *member)
{
  return member->disk.fd != -1 || member->disk.leg != NULL;
}

/* Read everything; what is wrong is in the member.  @write as disk_open. */
struct member *member_open (const char *path, bool write);
void member_close (struct member *member);

/* As assemble sees it, and as long as it is open. */
struct assemble_member member_for_assembly (const struct member *member);

#endif /* MIRROR_MEMBER_H */
