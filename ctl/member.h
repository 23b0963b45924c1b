/* SPDX-License-Identifier: BSD-3-Clause */
/* member: a disk that a command was given, with all its md metadata. */
#ifndef MIRROR_MEMBER_H
#define MIRROR_MEMBER_H

#include "ctl/disk.h"
#include "members/read.h"

struct member {
  const char *path; /* as given; for programs, too */
  char *name;       /* the same for people */
  char *short_name; /* the last part of that */
  struct disk disk; /* open, unless it could not be opened */
  int error;        /* -errno of opening it, or of reading its superblock */
  char why[MESSAGE_MAX]; /* of that, or of the verdict on its superblock */
  struct member_record md;
};

/* Has it a superblock 1.x, as far as one can be read? */
static inline bool
member_has_sb (const struct member *member)
{
  return member->error == 0 && member->md.verdict != SB1_NONE
         && member->md.version != SB1_VERSION_0_90;
}

/* The feature alone says nothing: its log may be empty. */
static inline bool
member_has_bad_blocks (const struct member *member)
{
  return member->md.log_damaged
         || (member->md.bad != NULL && member->md.bad->count > 0);
}

/* Read everything; what is wrong is in the member.  @write as disk_open. */
struct member *member_open (const char *path, bool write);
void member_close (struct member *member);

/* What its checksum should be; only with a superblock 1.x. */
uint32_t member_checksum (const struct member *member);

#endif /* MIRROR_MEMBER_H */
