/* SPDX-License-Identifier: BSD-3-Clause */
/* adopt-judge: what becomes of each disk, and why it may not.
 *
 * Data stay where they are, so whatever is not clear is a refusal.
 */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "ctl/adopt.h"
#include "ctl/ctl.h"
#include "ctl/signature.h"
#include "ground/log.h"
#include "ground/util.h"
#include "logic/content-end.h"

#define HEAD (128u * 1024) /* what content_ends looks at */

static int
tell_unreadable (const struct disk *disk, int error)
{
  return ctl_fail (EXIT_REFUSED, disk->path, "read-failed", "%s",
                   log_strerror (error));
}

/* ------------------------------------------------------------- the source */

/* What would not be the data themselves, or not all of them. */
static int
check_source (struct member *member)
{
  struct look_disk look = disk_look (&member->disk);
  struct look_result result;

  if (member->md.verdict != SB1_NONE)
    return ctl_fail (EXIT_REFUSED, member->path, "has-superblock", "is a "
                     "member of an md array already; assemble that, or erase "
                     "its superblock first");
  look_at (&look, member->disk.exact_size, &result);
  if (result.error < 0)
    return tell_unreadable (&member->disk, result.error);
  if (result.image != NULL)
    return ctl_fail (EXIT_REFUSED, member->path, "no-raw-image", "is a file in "
                     "the format %s; make a raw image of it first (qemu-img "
                     "convert -O raw)", result.image);
  if (result.plain.member[0] != '\0')
    return ctl_fail (EXIT_REFUSED, member->path, "looks-used", "%s; %s",
                     result.plain.member, result.plain.advice);
  return EXIT_OK;
}

/* Of a disk that cannot be made longer: is what would hold metadata free?  Only
 * what it holds can tell.
 */
static int
prove_room (struct member *member, uint64_t data_end)
{
  uint64_t ends[CONTENT_ENDS_MAX];
  g_autofree uint8_t *head = g_malloc (HEAD);
  unsigned count = 0;
  int r = 0;

  if (member->disk.size >= HEAD)
    r = disk_read (&member->disk, head, HEAD, 0);
  if (r < 0)
    return tell_unreadable (&member->disk, r);
  if (member->disk.size >= HEAD)
    count = content_ends (head, HEAD, ends);
  if (count == 0)
    return ctl_fail (EXIT_REFUSED, member->path, "no-room", "cannot be made "
                     "longer, and nothing on it says where its data end");
  for (unsigned i = 0; i < count; i++)
    if (ends[i] > data_end)
      return ctl_fail (EXIT_REFUSED, member->path, "no-room", "cannot be made "
                       "longer, and what it holds may use all up to byte %"
                       PRIu64 "; only up to byte %" PRIu64 " there is room",
                       ends[i], data_end);
  return EXIT_OK;
}

static int
judge_source (struct adopt *adopt)
{
  struct member *member = adopt->create.member[0];
  struct create_wish *wish = &adopt->create.wish;
  int status = check_source (member);

  if (status != EXIT_OK)
    return status;
  adopt->disk[0].kind = ADOPT_SOURCE;
  if (disk_can_resize (&member->disk)) {
    wish->size = div_round_up (member->disk.exact_size, SECTOR_SIZE);
    return EXIT_OK;
  }
  wish->size = create_data_sectors (member->disk.exact_size / SECTOR_SIZE);
  return prove_room (member, wish->size * SECTOR_SIZE);
}

/* ------------------------------------------------------------- the others */

/* It does not hold the same, so what it holds is lost. */
static int
check_empty (struct adopt *adopt, unsigned slot)
{
  struct member *member = adopt->create.member[slot];
  struct adopt_difference data;
  int r;

  if (member->md.verdict != SB1_NONE)
    return ctl_fail (EXIT_REFUSED, member->path, "has-superblock", "is a "
                     "member of an md array already; with --discard what is on "
                     "it is lost");
  r = adopt_find_data (&member->disk, &data);
  if (r < 0)
    return tell_unreadable (data.culprit, r);
  if (data.found)
    return ctl_fail (EXIT_REFUSED, member->path, "looks-used", "differs from "
                     "%s and is not empty: there is something at byte %" PRIu64
                     "; with --discard what is on it is lost",
                     adopt->create.member[0]->path, data.offset);
  return EXIT_OK;
}

/* Has it all that the array has? */
static int
compare_with_source (struct adopt *adopt, unsigned slot, bool *ret_equal)
{
  struct disk *source = &adopt->create.member[0]->disk;
  struct disk *disk = &adopt->create.member[slot]->disk;
  uint64_t length
    = MIN (source->size, adopt->create.wish.size * SECTOR_SIZE);
  struct adopt_difference difference;
  int r;

  *ret_equal = false;
  if (disk->exact_size != source->exact_size)
    return EXIT_OK;
  r = adopt_compare (source, disk, length, &difference);
  if (r < 0)
    return tell_unreadable (difference.culprit, r);
  *ret_equal = !difference.found;
  return EXIT_OK;
}

static int
decide (struct adopt *adopt, unsigned slot)
{
  struct member *member = adopt->create.member[slot];
  bool has_superblock = member->md.verdict != SB1_NONE, equal = false;
  int status = EXIT_OK;

  if (adopt->assume_clean && !has_superblock) {
    if (member->disk.exact_size != adopt->disk[0].old_size)
      return ctl_fail (EXIT_REFUSED, member->path, "size-differs", "is no copy "
                       "of %s: it has %" PRIu64 " bytes, and that one %" PRIu64,
                       adopt->create.member[0]->path, member->disk.exact_size,
                       adopt->disk[0].old_size);
    equal = true;
  }
  else if (!has_superblock)
    status = compare_with_source (adopt, slot, &equal);
  if (status == EXIT_OK && !equal && !adopt->discard)
    status = check_empty (adopt, slot);
  adopt->disk[slot].kind = equal ? ADOPT_EQUAL : ADOPT_REBUILT;
  return status;
}

/* A disk that loses what it holds says what that is. */
static void
find_what_is_lost (struct adopt *adopt, unsigned slot)
{
  int unreadable;

  if (adopt->disk[slot].kind == ADOPT_REBUILT && adopt->discard)
    adopt->create.found[slot]
      = signature_find (adopt->create.member[slot], &unreadable);
}

static int
choose_size (struct adopt *adopt, unsigned slot)
{
  struct member *member = adopt->create.member[slot];
  struct adopt_disk *disk = &adopt->disk[slot];
  uint64_t needed
    = create_member_sectors (adopt->create.wish.size) * SECTOR_SIZE;

  disk->new_size = disk->old_size;
  if (disk_can_resize (&member->disk))
    disk->new_size = MAX (disk->old_size, needed);
  if (disk->new_size < needed)
    return ctl_fail (EXIT_REFUSED, member->path, "too-small", "has %" PRIu64
                     " bytes and cannot be made longer; %" PRIu64 " are needed",
                     disk->old_size, needed);
  adopt->create.wish.member_bytes[slot] = disk->new_size;
  adopt->create.wish.member_name[slot] = member->path;
  return EXIT_OK;
}

int
adopt_judge (struct adopt *adopt, unsigned slot)
{
  struct create *create = &adopt->create;
  int status;

  adopt->disk[slot].old_size = create->member[slot]->disk.exact_size;
  status = slot == 0 ? judge_source (adopt) : decide (adopt, slot);
  if (status != EXIT_OK)
    return status;
  find_what_is_lost (adopt, slot);
  if (adopt->disk[slot].kind == ADOPT_REBUILT)
    create->wish.rebuilt |= UINT32_C (1) << slot;
  else
    create->keeps_data |= UINT32_C (1) << slot;
  return choose_size (adopt, slot);
}

static int
check_place (struct adopt *adopt, unsigned slot, enum sb1_version version)
{
  struct disk *disk = &adopt->create.member[slot]->disk;
  uint8_t block[SB1_PROBE_SIZE];
  uint64_t place;
  int r;

  if (!sb1_offset (version, adopt->disk[slot].new_size, &place)
      || place + sizeof block > disk->size)
    return EXIT_OK;
  r = disk_read (disk, block, sizeof block, place);
  if (r < 0)
    return tell_unreadable (disk, r);
  if (sb1_recognise (version, block))
    return ctl_fail (EXIT_REFUSED, disk->path, "looks-used", "what lies in its "
                     "data at byte %" PRIu64 " would be taken for a superblock "
                     "of version %s", place, sb1_version_name (version));
  return EXIT_OK;
}

int
adopt_check_places (struct adopt *adopt)
{
  int status = EXIT_OK;

  for (unsigned slot = 0; slot < adopt->create.wish.layout.slots; slot++)
    for (enum sb1_version version = 0;
         version < SB1_VERSIONS && status == EXIT_OK; version++)
      if (adopt->create.keeps_data >> slot & 1)
        status = check_place (adopt, slot, version);
  return status;
}
