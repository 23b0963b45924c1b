/* SPDX-License-Identifier: BSD-3-Clause */
/* disk: a file, block device or NBD export, as the commands need it. */
#ifndef MIRROR_DISK_H
#define MIRROR_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"
#include "look/look.h"
#include "members/read.h"

struct leg;

struct disk {
  const char *path; /* as given */
  struct leg *leg;  /* or NULL: a local one that is only looked at */
  int fd;
  uint64_t size;       /* bytes that can be read: whole blocks */
  uint64_t exact_size; /* md goes by this one */
  bool started, told_no_flush;
};

/* @write: take possession, like a server does.  Else nothing is locked, so
 * that disks in use can be looked at.  0, or -errno and @why (MESSAGE_MAX
 * bytes).  @path must stay.
 */
int disk_open (const char *path, bool write, struct disk *ret, char *why);
void disk_close (struct disk *disk);

/* Has somebody locked a local disk, as a running server does?  False for a
 * remote one: its server keeps that to itself.
 */
bool disk_is_locked (const struct disk *disk);

/* 0 or -errno. */
int disk_read (struct disk *disk, void *buffer, uint64_t length,
               uint64_t offset);
int disk_write (struct disk *disk, const void *buffer, uint64_t length,
                uint64_t offset);
int disk_flush (struct disk *disk);

/* Everything that was to be written was, or @error: flush.  EXIT_OK, or told and
 * the status.
 */
int disk_finish (struct disk *disk, int error);

/* Can it become longer, and shorter again?  Only with @write. */
bool disk_can_resize (const struct disk *disk);
int disk_resize (struct disk *disk, uint64_t size); /* 0 or -errno */

/* For a look at it, and for its metadata; as long as it is open. */
struct look_disk disk_look (struct disk *disk);
struct member_disk disk_for_members (struct disk *disk, const char *name);

/* The exit status that a failed disk_open stands for. */
int disk_open_status (int error);

#endif /* MIRROR_DISK_H */
