/* SPDX-License-Identifier: BSD-3-Clause */
/* restore: files with what erase or adopt changes on a disk, and whose it is. */
#ifndef MIRROR_RESTORE_H
#define MIRROR_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/disk.h"
#include "logic/sb1.h"

#define RESTORE_SUM_SIZE 65 /* SHA-256 in hex, with a NUL */
#define RESTORE_SAMPLE_BLOCK 4096u
#define RESTORE_SAMPLES_MAX 96u
#define RESTORE_AREAS_MAX 40u

struct restore_area {
  uint64_t offset; /* bytes on the disk */
  uint32_t length;
  uint8_t bytes[SB1_BLOCK_SIZE];
};

/* One block of the disk, the areas taken as zeroes. */
struct restore_sample {
  uint64_t offset;
  char sum[RESTORE_SUM_SIZE];
};

/* What adopt makes of a disk, so that it is known again. */
struct restore_adopted {
  bool is;            /* else erase wrote the file */
  uint64_t disk_size; /* since then */
  uint64_t sectors;   /* of the array */
  char array_uuid[40], device_uuid[40]; /* as render_uuid has them */
};

struct restore {
  uint64_t disk_size;
  struct restore_adopted adopted;
  unsigned count; /* at least 1, unless adopted */
  struct restore_area area[RESTORE_AREAS_MAX];

  /* What the areas hold together: the member.  Not if adopted. */
  enum sb1_verdict verdict;
  enum sb1_version version;
  struct sb1 sb; /* if SB1_GOOD */

  /* The disk.  Files of old versions know nothing of it. */
  bool knows_disk;
  char *disk; /* as it was named, for people; to be freed */
  char name_sum[RESTORE_SUM_SIZE];
  char identity_sum[RESTORE_SUM_SIZE];
  unsigned samples;
  struct restore_sample sample[RESTORE_SAMPLES_MAX];
};

/* The areas are filled in: learn what they hold.  False: no superblocks, or
 * not where such lie.
 */
bool restore_know_member (struct restore *restore);

/* "slot 0 of array NAME, uuid ..., device uuid ..., events 7"; to be freed. */
char *restore_describe_member (const struct restore *restore);

/* The same, and learn the disk: its names, and a sample of what is on it. */
void restore_know_disk (struct restore *restore, struct disk *disk);

/* Is anything in the sample not as it was?  Where. */
bool restore_sample_differs (const struct restore *restore, struct disk *disk,
                             uint64_t *ret_offset);

/* By its name, or by what the system calls it. */
bool restore_is_named_alike (const struct restore *restore,
                             const struct disk *disk);

/* "FOLDER/disk.img-1772440802.mdrestore": no such file yet; to be freed. */
char *restore_new_path (const char *folder, const char *short_name);

/* Save to a new file; on stable storage when this returns.  0, or -errno and
 * there is no file.
 */
int restore_save (const struct restore *restore, const char *path);

/* What is saved goes to where it was, and is not flushed.  0 or -errno. */
int restore_write_areas (const struct restore *restore, struct disk *disk);

/* nbdmirror restore-metadata with a file of adopt: give the disk its old size,
 * or what lay where the metadata are.  An exit status.
 */
struct member;
int restore_adopted (struct member *member, const struct restore *restore,
                     bool force);

/* Load and check it.  False: told. */
bool restore_load (const char *path, struct restore *ret);

#endif /* MIRROR_RESTORE_H */
