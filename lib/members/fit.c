/* SPDX-License-Identifier: BSD-3-Clause */
/* fit: what a disk becomes in an array.
 *
 * Pure: no I/O, no locks, no allocation.  Calls judge, places, assemble, seats.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ground/util.h"
#include "members/fit.h"
#include "members/places.h"

/* ------------------------------------------------------------ in words */

static const struct {
  const char *word;
  const char *text; /* NULL: said where it is found */
} reasons[] = {
  [FIT_OK] = { "ok", "" },
  [FIT_READ_ONLY] = { "read-only", "can only be read; make it writable" },
  [FIT_UNREADABLE] = { "unreadable", NULL },
  [FIT_DAMAGED] = { "damaged", NULL },
  [FIT_UNSUPPORTED] = { "unsupported", NULL },
  [FIT_FOREIGN] = { "uuid-differs", "is of another array; erase its metadata "
                                    "first if it is to be a new disk of this "
                                    "one (nbdmirror erase)" },
  [FIT_TWIN] = { "copy-of-member", "is a copy of a disk that the array has: "
                                   "their device_uuid is the same" },
  [FIT_SMALL] = { "too-small", "is too small for this array; give a larger "
                              "one" },
  [FIT_BLOCKS] = { "block-size", "its blocks are too large for this array, or "
                                 "for what is on it" },
  [FIT_TAKEN] = { "slot-taken", "another disk has its slot now; to use it "
                               "otherwise erase its metadata first (nbdmirror "
                               "erase)" },
  [FIT_NO_SLOT] = { "no-slot", "says of itself that it failed; erase its "
                               "metadata first (nbdmirror erase)" },
  [FIT_REPLACEMENT] = { "replacement", "was to replace another disk; erase its "
                                       "metadata first (nbdmirror erase)" },
  [FIT_BITMAP] = { "bitmap-differs", "its bitmap is not the one of the other "
                                     "disks; erase its metadata first "
                                     "(nbdmirror erase)" },
  [FIT_ARRAY] = { "array", NULL },
  [FIT_HISTORY] = { "different-history", "was written without the other disks, "
                                         "and they without it" },
  [FIT_NEW] = { "no-metadata", "was no disk of this array" },
  [FIT_NO_BITMAP] = { "no-bitmap", "the array has no bitmap that knows what it "
                                   "missed" },
  [FIT_OUTDATED] = { "bitmap-outdated", "no bitmap that can be believed knows "
                                        "what it missed" },
  [FIT_EVENTS] = { "events-too-old", "what it missed has been cleared from the "
                                     "bitmap" },
  [FIT_INCOMPLETE] = { "recovery-was-incomplete",
                       "its last rebuild did not finish" },
  [FIT_SHAPE] = { "shape-differs",
                  "the array has another size or number of slots now" },
};
static_assert (ARRAY_LENGTH (reasons) == FIT_REASONS, "words for each");

const char *
fit_reason_word (enum fit_reason reason)
{
  assert (reason < FIT_REASONS);
  return reasons[reason].word;
}

static void
because (struct fit *ret, enum fit_reason reason)
{
  ret->reason = reason;
  snprintf (ret->why, sizeof ret->why, "%s", reasons[reason].text);
}

static void __attribute__ ((format (printf, 3, 4)))
refuse (struct fit *ret, enum fit_reason reason, const char *format, ...)
{
  va_list args;

  *ret = (struct fit){ .reason = reason, .slot = ASSEMBLE_NO_SLOT };
  va_start (args, format);
  vsnprintf (ret->why, sizeof ret->why, format, args);
  va_end (args);
}

/* -------------------------------------------------- from a part and a seat */

static enum fit_reason
reason_of_gap (enum gap gap)
{
  switch (gap) {
  case GAP_NO_BITMAP:
    return FIT_NO_BITMAP;
  case GAP_EVENTS:
    return FIT_EVENTS;
  case GAP_HISTORY:
    return FIT_HISTORY;
  case GAP_SHAPE:
    return FIT_SHAPE;
  case GAP_INCOMPLETE:
    return FIT_INCOMPLETE;
  case GAP_TAKEN:
    return FIT_TAKEN;
  case GAP_NONE:
  case GAP_OUTDATED:
    break;
  }
  return FIT_OUTDATED;
}

static enum fit_reason
reason_of_refusal (enum seat_refusal refusal)
{
  switch (refusal) {
  case SEAT_NO_SLOT:
    return FIT_NO_SLOT;
  case SEAT_READ_ONLY:
    return FIT_READ_ONLY;
  case SEAT_SMALL:
    return FIT_SMALL;
  case SEAT_SHAPE:
    return FIT_SHAPE;
  case SEAT_REPLACEMENT:
    return FIT_REPLACEMENT;
  case SEAT_BITMAP:
    return FIT_BITMAP;
  case SEAT_TAKEN:
    return FIT_TAKEN;
  case SEAT_BLOCKS:
    return FIT_BLOCKS;
  case SEAT_NOT_REFUSED:
    break;
  }
  return FIT_ARRAY;
}

const char *
fit_refusal_text (enum seat_refusal refusal)
{
  const char *text = reasons[reason_of_refusal (refusal)].text;

  return text != NULL ? text : "the array can only be read";
}

/* The share of @bytes of the array that lies on one member, at most. */
static uint64_t
share (const struct layout *layout, uint64_t bytes)
{
  uint64_t copies = (uint64_t)layout->near * layout->far;

  if (layout->level == LEVEL_RAID1)
    return MIN (bytes, layout->member_size);
  return MIN (div_round_up (bytes, layout->slots) * copies,
              layout->member_size);
}

static enum fit_reason
why_whole (const struct assemble_part *part)
{
  if (part->part == PART_SPLIT)
    return FIT_HISTORY;
  return reason_of_gap (part->gap);
}

/* With a seat. */
static void
describe_seat (const struct members_verdict *verdict, unsigned i,
               uint64_t marked, struct fit *ret)
{
  const struct layout *layout = &verdict->assembly.layout;
  const struct assemble_part *part = &verdict->assembly.part[i];
  const struct seat *seat = &verdict->seats.seat[i];

  ret->slot = seat->slot;
  if (part->part == PART_RECOVERING || part->part == PART_REPLACEMENT) {
    ret->as = FIT_RECOVERING;
    ret->from = MIN (part->recovery_offset, layout->member_size / SECTOR_SIZE)
                * SECTOR_SIZE;
    ret->to_copy = layout->member_size - ret->from;
    if (seat->by_bitmap)
      ret->to_copy = MIN (ret->to_copy, share (layout, marked));
  }
  else if (!seat->rejoins)
    ret->as = FIT_IN_SYNC;
  else if (seat->by_bitmap) {
    ret->as = FIT_BY_BITMAP;
    ret->to_copy = share (layout, marked);
  }
  else {
    ret->as = FIT_WHOLE;
    ret->to_copy = layout->member_size;
    because (ret, why_whole (part));
  }
}

/* Without one. */
static void
describe_left_out (const struct members_verdict *verdict, unsigned i,
                   struct fit *ret)
{
  const struct assemble_part *part = &verdict->assembly.part[i];
  const struct assemble_member *given = &verdict->given[i];

  if (given->unreadable)
    refuse (ret, FIT_UNREADABLE, "%s", given->why);
  else if (given->sb == NULL)
    refuse (ret, FIT_DAMAGED, "%s", given->why);
  else if (part->part == PART_SPARE
           && verdict->seats.seat[i].refusal == SEAT_NOT_REFUSED)
    ret->as = FIT_SPARE;
  else if (verdict->seats.why_readonly[0] != '\0')
    refuse (ret, FIT_ARRAY, "the array can only be read: %s",
            verdict->seats.why_readonly);
  else if (verdict->seats.seat[i].refusal == SEAT_NOT_REFUSED)
    refuse (ret, FIT_TAKEN, "%s", assemble_part_text (part->part));
  else
    because (ret, reason_of_refusal (verdict->seats.seat[i].refusal));
}

static void
describe (const struct members_verdict *verdict, unsigned i, uint64_t marked,
          struct fit *ret)
{
  assert (seats_are_given (&verdict->assembly));
  *ret = (struct fit){ .slot = ASSEMBLE_NO_SLOT };
  if (verdict->seats.seat[i].slot != ASSEMBLE_NO_SLOT)
    describe_seat (verdict, i, marked, ret);
  else
    describe_left_out (verdict, i, ret);
}

/* ------------------------------------------------------------- at the start */

/* What any of those that count has set: the rest is copied from none. */
static uint64_t
marked_bytes (const struct members_verdict *verdict,
              const struct member_record *const *record)
{
  const struct assembly *assembly = &verdict->assembly;
  uint64_t chunk = verdict->given[assembly->authority].bitmap_chunk;
  uint64_t set = 0, regions;

  if (!assembly->bitmap_good)
    return assembly->layout.array_size;
  regions = bitmap_regions (assembly->layout.array_size / SECTOR_SIZE, chunk);
  for (uint64_t byte = 0; byte < div_round_up (regions, 8); byte++) {
    uint8_t bits = 0;

    for (unsigned i = 0; i < verdict->count; i++) {
      const struct member_record *here = record[verdict->number[i]];

      const struct seat *seat = &verdict->seats.seat[i];

      if (seat->slot != ASSEMBLE_NO_SLOT && here->bits != NULL
          && (!seat->rejoins || seat->by_bitmap))
        bits |= here->bits[byte];
    }
    set += (unsigned)__builtin_popcount (bits);
  }
  return MIN (MIN (set, regions) * chunk, assembly->layout.array_size);
}

void
fit_at_start (const struct members_verdict *verdict,
              const struct member_record *const *record, unsigned i,
              struct fit *ret)
{
  describe (verdict, i, marked_bytes (verdict, record), ret);
}

/* ------------------------------------------------------ while the array runs */

/* A new member lies like the one that it is modelled after: the same offsets,
 * its superblock where the version has it.
 */
static bool
has_room (const struct sb1 *model, const struct member_disk *disk)
{
  uint64_t super, end = model->data_offset + model->size;
  int64_t first;

  if (!sb1_offset (model->version, disk->exact_size, &super))
    return false;
  first = (int64_t)(super / SECTOR_SIZE)
          + MIN (MIN (model->bitmap_offset, model->bblog_offset), 0);
  return end <= disk->size / SECTOR_SIZE
         && (model->version != SB1_VERSION_1_0 || first >= (int64_t)end);
}

static void
fit_new (const struct fit_array *array, const struct member_record *record,
         const struct layout *layout, struct fit *ret)
{
  if (!has_room (array->member[0].sb, &record->disk)) {
    because (ret, FIT_SMALL);
    return;
  }
  because (ret, FIT_NEW);
  ret->as = FIT_SPARE;
  for (unsigned slot = 0; slot < layout->slots; slot++)
    if (!(array->taken & UINT32_C (1) << slot)) {
      ret->as = FIT_WHOLE;
      ret->slot = slot;
      ret->to_copy = layout->member_size;
      return;
    }
}

/* Its verdict is no array's: what is wrong with the newcomer? */
static void
refuse_newcomer (const struct members_verdict *verdict, unsigned i,
                 struct fit *ret)
{
  const struct assembly *assembly = &verdict->assembly;

  if (assembly->culprit != i)
    refuse (ret, FIT_ARRAY, "%s", assembly->why);
  else if (assembly->result == ASSEMBLE_SPLIT)
    because (ret, FIT_HISTORY);
  else if (assembly->part[i].part == PART_FOREIGN)
    because (ret, FIT_FOREIGN);
  else
    because (ret, FIT_TWIN);
}

static void
check_places (const struct fit_array *array,
              const struct member_record *record, const struct layout *layout,
              struct fit *ret)
{
  struct places_need need = { .layout = layout,
                              .block = MAX (array->block, SECTOR_SIZE),
                              .entries = places_entries (&record->sb),
                              .bitmap_chunk = array->member[0].bitmap_chunk };
  char why[MESSAGE_MAX];

  for (unsigned i = 0; i < array->count; i++)
    need.entries
      = MAX (need.entries, places_entries (array->member[i].sb));
  if (!places_suit (record, &need, why))
    refuse (ret, FIT_BLOCKS, "%s", why);
}

static unsigned
find_in_sync (const struct fit_array *array)
{
  unsigned i = 0;

  while (i < array->count
         && (array->member[i].sb->features & SB1_FEATURE_RECOVERY_OFFSET))
    i++;
  assert (i < array->count);
  return i;
}

static void
fit_known (const struct fit_array *array, const struct member_record *record,
           bool discard, struct fit *ret)
{
  struct members_verdict verdict = { .count = array->count + 1 };
  const struct layout *layout = &verdict.assembly.layout;
  int keep = discard ? (int)find_in_sync (array) : -1;

  memcpy (verdict.given, array->member,
          array->count * sizeof array->member[0]);
  verdict.given[array->count] = members_given (record);
  verdict.given[array->count].is_out = true;
  verdict.given[array->count].is_ours = array->is_ours;
  assemble (verdict.given, verdict.count, keep, &verdict.assembly);
  if (!seats_are_given (&verdict.assembly)) {
    refuse_newcomer (&verdict, array->count, ret);
    return;
  }
  seats_give (&verdict.assembly, verdict.given, verdict.count, &verdict.seats);
  describe (&verdict, array->count, array->marked, ret);
  if (ret->as == FIT_REFUSED)
    return;
  if (ret->as != FIT_SPARE && array->taken & UINT32_C (1) << ret->slot)
    refuse (ret, FIT_TAKEN, "%s", reasons[FIT_TAKEN].text);
  else
    check_places (array, record, layout, ret);
}

void
fit_join (const struct fit_array *array, const struct member_record *record,
          bool discard, struct fit *ret)
{
  enum sb1_verdict verdict = member_verdict (record);
  const struct sb1 *model = array->member[0].sb;
  struct layout layout;

  assert (array->count >= 1 && array->count <= LEGS_MAX);
  assert (member_is_there (record) && sb1_layout (model, &layout) == NULL);
  *ret = (struct fit){ .slot = ASSEMBLE_NO_SLOT };
  if (record->disk.readonly)
    because (ret, FIT_READ_ONLY);
  else if (record->unreadable != NULL)
    refuse (ret, FIT_UNREADABLE, "%s", member_why (record));
  else if (verdict == SB1_DAMAGED || verdict == SB1_UNSUPPORTED)
    refuse (ret, verdict == SB1_DAMAGED ? FIT_DAMAGED : FIT_UNSUPPORTED, "%s",
            member_why (record));
  else if (record->disk.block > array->block)
    refuse (ret, FIT_BLOCKS, "is read and written in blocks of %" PRIu32
            " bytes, but the array in blocks of %" PRIu32,
            record->disk.block, array->block);
  else if (verdict == SB1_NONE)
    fit_new (array, record, &layout, ret);
  else
    fit_known (array, record, discard, ret);
}
