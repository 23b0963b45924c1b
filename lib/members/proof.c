/* SPDX-License-Identifier: BSD-3-Clause */
/* proof: is the disk of a state file's area still the one that it was?
 *
 * Blocks on reads.
 */
#include <errno.h>
#include <stdio.h>

#include "ground/util.h"
#include "members/proof.h"

/* So many samples are read at most, those that are first. */
#define READ_MOST 64

/* Where @offset of the array lies on the disk in @slot.  False: not there. */
static bool
find_copy (const struct layout *layout, unsigned slot, uint64_t offset,
           uint64_t *ret)
{
  return offset < layout->array_size
         && layout->array_size - offset >= EVIDENCE_SAMPLE
         && layout_map_slot (layout, offset, slot, ret);
}

static void
compare (const struct member_disk *disk, uint64_t at, uint64_t sum,
         struct proof *proof)
{
  uint8_t bytes[EVIDENCE_SAMPLE];

  if (disk->read (disk->opaque, bytes, sizeof bytes, at) < 0)
    return;
  if (evidence_sum (bytes) == sum)
    proof->alike++;
  else if (!proof->differs) {
    proof->differs = true;
    proof->differs_at = at;
  }
}

void
proof_add (const struct member_disk *disk, const struct layout *layout,
           unsigned slot, const struct evidence *evidence, struct proof *proof)
{
  unsigned read = 0;
  uint64_t at;

  for (unsigned i = 0; i < evidence->count && read < READ_MOST; i++)
    if (find_copy (layout, slot, evidence->sample[i].offset, &at)) {
      compare (disk, at, evidence->sample[i].sum, proof);
      read++;
    }
}

/* May it have been written since? */
static bool
is_marked (const struct member_record *record, uint64_t offset)
{
  uint64_t region;

  if (record->bits == NULL)
    return true;
  region = offset / record->bitmap.chunk;
  return region >= record->regions || bitmap_get (record->bits, region);
}

/* Has nothing been written at @offset since the evidence was stored? */
static bool
is_right (const struct member_record *record, uint64_t offset)
{
  return record->evidence->events == record->sb.events
         || !is_marked (record, offset);
}

void
proof_keep (const struct member_record *record, struct evidence *ret)
{
  ret->events = 0;
  ret->count = 0;
  if (record->evidence == NULL)
    return;
  for (unsigned i = 0; i < record->evidence->count; i++) {
    const struct evidence_sample *sample = &record->evidence->sample[i];

    if (is_right (record, sample->offset))
      ret->sample[ret->count++] = *sample;
  }
}

/* Does @offset of the array, which is at @at of the disk, have to be there? */
static bool
is_due (const struct member_record *record, uint64_t offset, uint64_t at)
{
  const struct sb1 *sb = &record->sb;

  if (!(sb->features & SB1_FEATURE_RECOVERY_OFFSET))
    return is_right (record, offset);
  return !is_marked (record, offset)
         && ((sb->features & SB1_FEATURE_RECOVERY_BITMAP)
             || at / SECTOR_SIZE < sb->recovery_offset);
}

void
proof_look (const struct member_record *record, struct proof *ret)
{
  const struct sb1 *sb = &record->sb;
  struct evidence due = { .count = 0 };
  struct layout layout;
  unsigned slot;
  uint64_t at;

  *ret = (struct proof){ .alike = 0 };
  if (record->evidence == NULL || sb1_layout (sb, &layout) != NULL)
    return;
  slot = sb1_role (sb, sb->dev_number);
  if (slot >= layout.slots)
    return;
  for (unsigned i = 0; i < record->evidence->count; i++) {
    const struct evidence_sample *sample = &record->evidence->sample[i];

    if (find_copy (&layout, slot, sample->offset, &at)
        && is_due (record, sample->offset, at))
      due.sample[due.count++] = *sample;
  }
  proof_add (&record->disk, &layout, slot, &due, ret);
}

int
proof_check_all (const struct members *members, char *why)
{
  struct proof proof;

  for (unsigned i = 0; i < members->count; i++) {
    const struct member_record *record = &members->record[i];

    proof_look (record, &proof);
    if (!proof.differs)
      continue;
    snprintf (why, MESSAGE_MAX, "disk %.200s is not as it was left: at byte "
              "%llu it does not hold what was written there.  It was exchanged, "
              "restored from an older copy, or written by other means.  "
              "Nothing was written.  Put the right disk back; or start without "
              "it and add it, which copies all data to it (nbdmirror add "
              "--discard)", record->disk.name,
              (unsigned long long)proof.differs_at);
    return -EINVAL;
  }
  return 0;
}
