/* SPDX-License-Identifier: BSD-3-Clause */
/* look: what a disk without md metadata of its own seems to be.
 *
 * In this order, since the first thing found is the one that is told: what the
 * mirror says of a disk that it did not finish, its own md superblock (seen here only where metadata=none ignores it), other RAID
 * formats, md members on its partitions, remains.  All but the last are a few
 * reads.  Remains are looked for
 *
 *   at the start                     an overwritten superblock leaves its
 *                                    bitmap behind
 *   before the end of the data       a file that grew has a hole behind it;
 *                                    some MiB, since junk may follow
 *   behind what the disk holds       a file system, a table knows its end
 *   at round sizes                   a device grows by those
 *
 * the likeliest first, until the deadline.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/text.h"
#include "ground/util.h"
#include "logic/image.h"
#include "logic/remains.h"
#include "logic/sb1.h"
#include "logic/unfinished.h"
#include "look/look.h"

#define HEAD_REMAINS (128u * 1024u)

struct looking {
  const struct look_disk *disk;
  struct look_view view;
  struct plain_look *plain;
  uint8_t *buffer; /* LOOK_END bytes */
};

static bool
is_known (const struct looking *looking)
{
  return looking->plain->member[0] != '\0';
}

static int
read_disk (const struct look_disk *disk, void *buffer, uint64_t length,
           uint64_t offset)
{
  if (offset > disk->size || length > disk->size - offset)
    return -ENXIO;
  return disk->read (disk->opaque, buffer, length, offset);
}

/* What the mirror itself has written there. */
static void
find_unfinished (struct looking *looking)
{
  uint8_t head[UNFINISHED_SIZE];
  struct plain_look *plain = looking->plain;

  if (read_disk (looking->disk, head, sizeof head, 0) < 0
      || !unfinished_is (head))
    return;
  plain->unfinished = true;
  plain->advice = unfinished_advice;
  snprintf (plain->member, sizeof plain->member, "%s", unfinished_text);
}

/* ------------------------------------------------------------- md members */

static void
say_md_member (struct looking *looking, unsigned partition,
               enum sb1_version version, const uint8_t *sector)
{
  char uuid[SB1_UUID_TEXT] = "?", where[64] = "";

  if (version != SB1_VERSION_0_90)
    sb1_uuid_text (sector + 16, uuid);
  if (partition != 0)
    snprintf (where, sizeof where, "its partition %u ", partition);
  snprintf (looking->plain->member, sizeof looking->plain->member,
            "%scarries an md superblock of version %s (array %s)", where,
            sb1_version_name (version), uuid);
  looking->plain->advice = "give the members themselves as disks";
}

/* An area of the disk that would be a member; partition 0 is the disk. */
static void
find_md_member (struct looking *looking, unsigned partition, uint64_t start,
                uint64_t size)
{
  uint8_t sector[SB1_PROBE_SIZE];
  uint64_t place;

  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++)
    if (sb1_offset (version, size, &place)
        && read_disk (looking->disk, sector, sizeof sector, start + place) == 0
        && sb1_recognise (version, sector)) {
      say_md_member (looking, partition, version, sector);
      return;
    }
}

static void
look_at_partitions (struct looking *looking)
{
  struct look_partition partition[LOOK_PARTITIONS_MAX];
  unsigned count = look_partitions (looking->disk, &looking->view, partition);
  uint64_t size = looking->view.size;

  for (unsigned i = 0; i < count && !is_known (looking); i++)
    if (partition[i].offset < size)
      find_md_member (looking, MAX (partition[i].number, 1u),
                      partition[i].offset,
                      MIN (partition[i].size, size - partition[i].offset));
}

/* ------------------------------------------------------------ other formats */

/* md is known better here. */
static void
find_raid (void *opaque, const struct look_signature *signature)
{
  struct looking *looking = opaque;
  const char *suffix = "_raid_member";
  size_t length = strlen (signature->type);

  if (signature->is_table || is_known (looking) || length <= strlen (suffix)
      || strcmp (signature->type + length - strlen (suffix), suffix) != 0
      || strcmp (signature->type, "linux_raid_member") == 0)
    return;
  snprintf (looking->plain->member, sizeof looking->plain->member,
            "is a member of another kind of RAID (%.60s)", signature->type);
  looking->plain->advice = "use the RAID that it belongs to";
}

/* ------------------------------------------------------------------ remains */

static void
say_remains (struct looking *looking, const struct remains *remains,
             const uint8_t *sector)
{
  char uuid[SB1_UUID_TEXT] = "";

  if (remains->kind == REMAINS_MD)
    sb1_uuid_text (sector + 16, uuid);
  if (remains->kind == REMAINS_BITMAP)
    sb1_uuid_text (sector + 8, uuid);
  snprintf (looking->plain->member, sizeof looking->plain->member,
            "has remains of %s%s%s%s at byte %" PRIu64 ", so it was a member "
            "of an array before its size was changed or its metadata "
            "erased",
            remains_name (remains->kind), uuid[0] ? " (array " : "", uuid,
            uuid[0] ? ")" : "", remains->offset);
  looking->plain->advice = "give it its old size or metadata back (nbdmirror "
                            "restore-metadata)";
}

static void
find_remains (struct looking *looking, uint64_t offset, uint64_t length)
{
  struct remains remains;

  if (is_known (looking)
      || read_disk (looking->disk, looking->buffer, length, offset) < 0
      || !remains_find (looking->buffer, length, offset, &remains))
    return;
  say_remains (looking, &remains, looking->buffer + (remains.offset - offset));
}

static bool
may_go_on (const struct looking *looking)
{
  return !is_known (looking) && ground_now () < looking->disk->deadline_ns;
}

static void
look_before (struct looking *looking, uint64_t end)
{
  uint64_t least = end - MIN (end, (uint64_t)LOOK_REMAINS);

  while (end > least && may_go_on (looking)) {
    uint64_t length = MIN (end - least, (uint64_t)LOOK_READ_MAX);

    end -= length;
    find_remains (looking, end, length);
  }
}

static void
look_for_remains (struct looking *looking)
{
  const struct look_disk *disk = looking->disk;
  struct remains_place place[REMAINS_PLACES_MAX];
  uint64_t end = disk->size;
  uint64_t head = MIN (round_down (end, SECTOR_SIZE), (uint64_t)HEAD_REMAINS);
  unsigned places = 0;

  if (disk->data_end != NULL)
    end = MIN (end, disk->data_end (disk->opaque, disk->deadline_ns));
  end = MIN (round_up (end, SECTOR_SIZE), round_down (disk->size, SECTOR_SIZE));
  if (head > 0)
    find_remains (looking, 0, head);
  look_before (looking, end);
  if (look_view_read (&looking->view, looking->buffer, head, 0) == 0)
    places = remains_places (looking->buffer, head, end, place);
  for (unsigned i = 0; i < places && may_go_on (looking); i++)
    find_remains (looking, place[i].offset, place[i].length);
}

/* ------------------------------------------------------------- what it holds
 */

static void
add_held (void *opaque, const struct look_signature *signature)
{
  struct plain_look *plain = opaque;
  size_t used = strlen (plain->holds);

  if (strcmp (signature->type, "linux_raid_member") == 0)
    return;
  snprintf (plain->holds + used, sizeof plain->holds - used,
            "%s%.40s%s%s%.80s%s%.80s", used > 0 ? " and " : "", signature->type,
            signature->is_table ? " partition table" : "",
            signature->uuid ? " " : "", signature->uuid ? signature->uuid : "",
            signature->device_uuid ? " " : "",
            signature->device_uuid ? signature->device_uuid : "");
}

static int
look_at_contents (const struct look_disk *disk, const struct look_view *view,
                  struct plain_look *plain)
{
  struct look_partition partition[LOOK_PARTITIONS_MAX];
  char shown[sizeof plain->holds];
  unsigned count;
  int r = look_signatures (view, add_held, plain);

  if (r < 0)
    return r;
  /* A "uuid" can be bytes of the disk as they are. */
  text_escape (plain->holds, shown, sizeof shown);
  memcpy (plain->holds, shown, sizeof shown);
  count = look_partitions (disk, view, partition);
  for (unsigned i = 0; i < count; i++)
    plain->partitions_sum = plain->partitions_sum * 31 + partition[i].sum;
  plain->looked = true;
  return 0;
}

/* Of disks of different sizes only so much as all of them have is compared. */
static int
look_at_common (const struct looking *looking, uint64_t common)
{
  struct look_view view;
  int r;

  if (common >= looking->view.size)
    return look_at_contents (looking->disk, &looking->view, looking->plain);
  r = look_view_open (looking->disk, common, &view);
  if (r < 0)
    return r;
  r = look_at_contents (looking->disk, &view, looking->plain);
  look_view_close (&view);
  return r;
}

static const char *
find_image (const struct looking *looking)
{
  uint8_t head[IMAGE_HEAD], tail[IMAGE_HEAD];
  uint64_t size = looking->view.size;

  if (size < IMAGE_HEAD
      || look_view_read (&looking->view, head, sizeof head, 0) < 0
      || look_view_read (&looking->view, tail, sizeof tail, size - sizeof tail)
           < 0)
    return NULL;
  return image_kind (head, tail);
}

static int
look_at_all (struct looking *looking, uint64_t common, const char **ret_image)
{
  int r;

  *ret_image = find_image (looking);
  find_unfinished (looking);
  if (!is_known (looking))
    find_md_member (looking, 0, 0, looking->disk->exact_size);
  r = look_signatures (&looking->view, find_raid, looking);
  if (!is_known (looking))
    look_at_partitions (looking);
  look_for_remains (looking);
  if (r == 0)
    r = look_at_common (looking, common);
  return r;
}

void
look_at (const struct look_disk *disk, uint64_t common, struct look_result *ret)
{
  struct looking looking = { .disk = disk, .plain = &ret->plain };

  *ret = (struct look_result){ .error = -ENOMEM };
  looking.buffer = malloc (LOOK_END);
  if (looking.buffer == NULL)
    return;
  ret->error = look_view_open (disk, disk->exact_size, &looking.view);
  if (ret->error == 0) {
    ret->error = look_at_all (&looking, common, &ret->image);
    look_view_close (&looking.view);
  }
  free (looking.buffer);
}
