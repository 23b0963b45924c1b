/* SPDX-License-Identifier: BSD-3-Clause */
/* members: what the disks say about themselves, and the array they make.
 *
 * Runs before the server forks; reads from the legs, writes nothing.  The
 * rules are logic/assemble's; here they are given what they need, and their
 * verdict is put into words.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "engine/members.h"
#include "ground/log.h"
#include "ground/util.h"

/* ----------------------------------------------------------------- reading */

static int
cannot_read (const struct leg *leg, uint64_t offset, int error, char *why)
{
  snprintf (why, MESSAGE_MAX,
            "disk %.200s: cannot be read at byte %llu: %s; replace it, or "
            "leave it out",
            leg->name, (unsigned long long)offset, log_strerror (error));
  return error;
}

static int
read_places (struct leg *leg, struct sb1_places *places, char *why)
{
  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset, length;
    int r;

    if (!sb1_offset (version, leg->caps.exact_size, &offset))
      continue;
    if (offset + SB1_PROBE_SIZE > leg->caps.size) {
      snprintf (why, MESSAGE_MAX,
                "disk %.200s: its last %llu bytes can be read by nobody, "
                "being no whole block of %u, and an md superblock may be "
                "there; give it a size of whole blocks",
                leg->name,
                (unsigned long long)(leg->caps.exact_size - leg->caps.size),
                leg->caps.block_minimum);
      return -EINVAL;
    }
    length = MIN ((uint64_t)SB1_BLOCK_SIZE, leg->caps.size - offset);
    r = leg->ops->read_now (leg, places->block[version], length, offset);
    if (r < 0)
      return cannot_read (leg, offset, r, why);
    places->readable[version] = true;
  }
  return 0;
}

static int
read_superblock (struct member_record *record, char *why)
{
  struct sb1_places *places = calloc (1, sizeof *places);
  int r;

  if (places == NULL)
    return -ENOMEM;
  r = read_places (record->leg, places, why);
  if (r == 0) {
    record->verdict
      = sb1_choose (places, record->leg->caps.exact_size, &record->version,
                    &record->sb, record->why);
    if (record->verdict == SB1_GOOD)
      memcpy (record->block, places->block[record->version],
              sizeof record->block);
  }
  free (places);
  return r;
}

static int
read_bitmap (struct member_record *record, char *why)
{
  struct leg *leg = record->leg;
  uint64_t offset = bitmap_offset_bytes (&record->sb);
  struct layout layout;
  uint64_t bytes;
  int r;

  r = leg->ops->read_now (leg, record->head, sizeof record->head, offset);
  if (r < 0)
    return cannot_read (leg, offset, r, why);
  bitmap_decode (record->head, &record->bitmap);
  record->bitmap_verdict
    = bitmap_check (&record->bitmap, &record->sb, leg->caps.exact_size,
                    record->bitmap_why);
  if ((record->bitmap_verdict != BITMAP_GOOD
       && record->bitmap_verdict != BITMAP_OUTDATED)
      || sb1_layout (&record->sb, &layout) != NULL)
    return 0;
  if (bitmap_regions (layout.array_size / SECTOR_SIZE, record->bitmap.chunk)
      > BITMAP_REGIONS_MAX) {
    record->bitmap_verdict = BITMAP_UNSUPPORTED;
    snprintf (record->bitmap_why, MESSAGE_MAX,
              "bitmap chunksize %" PRIu32 ": makes too many regions for this "
              "array, at most %u", record->bitmap.chunk, BITMAP_REGIONS_MAX);
  }
  if (record->bitmap_verdict != BITMAP_GOOD)
    return 0;
  bytes = bitmap_area_bytes (layout.array_size / SECTOR_SIZE,
                             record->bitmap.chunk)
          - BITMAP_HEAD_SIZE;
  record->bits = malloc (bytes);
  if (record->bits == NULL)
    return -ENOMEM;
  offset += BITMAP_HEAD_SIZE;
  r = leg->ops->read_now (leg, record->bits, bytes, offset);
  return r < 0 ? cannot_read (leg, offset, r, why) : 0;
}

static int
read_bad_blocks (struct member_record *record, char *why)
{
  const struct sb1 *sb = &record->sb;
  struct leg *leg = record->leg;
  uint8_t log[BADBLOCKS_LOG_MAX];
  unsigned bytes = sb->bblog_size * SECTOR_SIZE;
  uint64_t offset
    = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset) * SECTOR_SIZE;
  int r;

  record->bad = calloc (1, sizeof *record->bad);
  if (record->bad == NULL)
    return -ENOMEM;
  r = leg->ops->read_now (leg, log, bytes, offset);
  if (r < 0)
    return cannot_read (leg, offset, r, why);
  /* Nobody knows which sectors are bad: none of the member can be used. */
  if (!badblocks_parse (log, bytes, sb->bblog_shift, record->bad, record->why))
    record->verdict = SB1_DAMAGED;
  return 0;
}

static int
read_metadata (struct member_record *record, char *why)
{
  int r;

  record->verdict = SB1_NONE;
  r = read_superblock (record, why);
  if (r == 0 && record->verdict == SB1_GOOD
      && (record->sb.features & SB1_FEATURE_BITMAP))
    r = read_bitmap (record, why);
  if (r == 0 && record->verdict == SB1_GOOD
      && (record->sb.features & SB1_FEATURE_BAD_BLOCKS))
    r = read_bad_blocks (record, why);
  return r;
}

/* A disk whose metadata cannot be read is no member, and is not written to;
 * the others may do without it.
 */
static int
read_record (struct member_record *record, char *why)
{
  int r = read_metadata (record, why);

  if (r == 0 || r == -ENOMEM)
    return r;
  record->error = r;
  snprintf (record->error_text, MESSAGE_MAX, "%s", why);
  record->verdict = SB1_DAMAGED;
  snprintf (record->why, MESSAGE_MAX, "its metadata cannot be read: %s",
            log_strerror (r));
  return 0;
}

/* Of those that could not be read the first one's error, if there is no md
 * array without them.
 */
static int
first_error (const struct members *members, char *why)
{
  const struct member_record *record;
  int r = 0;

  for (unsigned i = members->count; i-- > 0;) {
    record = &members->record[i];
    if (record->verdict == SB1_GOOD && record->error == 0)
      return 0;
    if (record->error != 0) {
      r = record->error;
      snprintf (why, MESSAGE_MAX, "%s", record->error_text);
    }
  }
  return r;
}

int
members_read (struct leg **legs, unsigned count, struct members **ret,
              char *why)
{
  struct members *members = calloc (1, sizeof *members);
  int r = 0;

  assert (count >= 1 && count <= LEGS_MAX);
  snprintf (why, MESSAGE_MAX, "not enough memory for the disks' metadata");
  if (members == NULL)
    return -ENOMEM;
  members->count = count;
  for (unsigned i = 0; i < count && r == 0; i++) {
    members->record[i].leg = legs[i];
    members->record[i].seat.slot = ASSEMBLE_NO_SLOT;
    if (legs[i] != NULL)
      r = read_record (&members->record[i], why);
  }
  if (r == 0)
    r = first_error (members, why);
  if (r < 0)
    members_free (members);
  else
    *ret = members;
  return r;
}

void
members_free (struct members *members)
{
  for (unsigned i = 0; i < members->count; i++) {
    free (members->record[i].bits);
    free (members->record[i].bad);
  }
  free (members);
}

bool
array_is_md (struct leg **legs, unsigned count)
{
  char why[MESSAGE_MAX];
  struct members *members;
  bool is_md = false;

  if (members_read (legs, count, &members, why) < 0)
    return false;
  for (unsigned i = 0; i < count; i++)
    is_md |= legs[i] != NULL && members->record[i].verdict != SB1_NONE;
  members_free (members);
  return is_md;
}

/* -------------------------------------------------------------- assembling */

/* Those that are there, for logic/assemble; @number tells whose is whose. */
static unsigned
present (const struct members *members, struct assemble_member *ret,
         unsigned *number)
{
  unsigned count = 0;

  for (unsigned i = 0; i < members->count; i++) {
    const struct member_record *record = &members->record[i];

    if (record->leg == NULL)
      continue;
    number[count] = i;
    ret[count++] = (struct assemble_member){
      .verdict = record->verdict,
      .sb = record->verdict == SB1_GOOD ? &record->sb : NULL,
      .why = record->why,
      .bitmap_verdict = record->bitmap_verdict,
      .bitmap_events = record->bitmap.events,
      .events_cleared = record->bitmap.events_cleared,
      .bitmap_why = record->bitmap_why,
      .bitmap_chunk = record->bitmap.chunk,
      .readonly = record->leg->caps.readonly,
    };
  }
  return count;
}

/* The verdict counts those that are there; ours are numbered as given. */
static void
spread (struct assembly *assembly, const unsigned *number, unsigned count,
        unsigned legs)
{
  for (unsigned i = count; i-- > 0;)
    assembly->part[number[i]] = assembly->part[i];
  for (unsigned i = 0, next = 0; i < legs; i++)
    if (next < count && number[next] == i)
      next++;
    else
      assembly->part[i] = (struct assemble_part){ .part = PART_UNUSABLE,
                                                  .slot = ASSEMBLE_NO_SLOT };
  if (assembly->authority < count)
    assembly->authority = number[assembly->authority];
  assembly->culprit
    = assembly->culprit < count ? number[assembly->culprit] : legs;
}

/* -------------------------------------------------------------- in words */

static const char *
culprit_name (const struct members *members)
{
  unsigned culprit = members->assembly.culprit;

  return culprit < members->count ? members->record[culprit].leg->name : NULL;
}

static int
refuse (const struct members *members, const char *const *absent, char *why)
{
  const struct assembly *assembly = &members->assembly;
  const char *name = culprit_name (members);
  const char *missing = "";

  for (unsigned i = 0; i < members->count && missing[0] == '\0'; i++)
    if (members->record[i].leg == NULL)
      missing = absent[i];
  snprintf (why, MESSAGE_MAX, "%s%.200s%s%.400s%s%s%.200s",
            name ? "disk " : "the md array of these disks cannot be started",
            name ? name : "", ": ", assembly->why,
            assembly->result == ASSEMBLE_SPLIT
              ? ": on-split-brain=leg:N, counting the disks from 0; the others "
                "are then overwritten with it"
              : "; nothing was written",
            missing[0] ? "; " : "", missing);
  return assembly->result == ASSEMBLE_SPLIT ? -EEXIST : -EINVAL;
}

static int
refuse_wish (const char *key, const char *have, const char *want, char *why)
{
  snprintf (why, MESSAGE_MAX, "%s=%s: the md array of these disks has %s; leave "
            "%s= out, since its superblocks tell", key, want, have, key);
  return -EINVAL;
}

/* Only what the user gave counts; the rest of the wish is defaults. */
static int
check_shape (const struct layout *have, const struct array_config *config,
             char *why)
{
  const struct layout *want = &config->layout;
  char have_text[32], want_text[32];

  if (config->level_given && have->level != want->level)
    return refuse_wish ("level", have->level == LEVEL_RAID1 ? "raid1" : "raid10",
                        want->level == LEVEL_RAID1 ? "raid1" : "raid10", why);
  layout_name (have, have_text, sizeof have_text);
  layout_name (want, want_text, sizeof want_text);
  if (config->layout_given && strcmp (have_text, want_text) != 0)
    return refuse_wish ("layout", have_text, want_text, why);
  snprintf (have_text, sizeof have_text, "%" PRIu64, have->chunk);
  snprintf (want_text, sizeof want_text, "%" PRIu64, want->chunk);
  if (config->chunk_given && have->chunk != want->chunk)
    return refuse_wish ("chunk", have_text, want_text, why);
  return 0;
}

static int
check_wishes (const struct members *members, const struct array_config *config,
              const char *const *absent, char *why)
{
  const struct assembly *assembly = &members->assembly;
  const struct layout *layout = &assembly->layout;
  int r = check_shape (layout, config, why);

  if (r < 0)
    return r;
  if (!config->no_degraded || !assembly->degraded)
    return 0;
  for (unsigned i = 0; i < members->count; i++)
    if (members->record[i].leg == NULL) {
      snprintf (why, MESSAGE_MAX, "degraded=no, but %.600s", absent[i]);
      return -ENODEV;
    }
  snprintf (why, MESSAGE_MAX, "degraded=no, but not all of the array's %u slots "
            "have a disk that is in sync; give the missing disks, or let the "
            "mirror start without them (degraded=yes)", layout->slots);
  return -ENODEV;
}

/* Each record's seat; *@ret is empty if the array may be written, or would be
 * but for a disk.
 */
static void
take_seats (struct members *members, const struct assemble_member *inputs,
            const unsigned *number, unsigned count, char *ret)
{
  struct seats seats;
  const char *name = NULL;

  seats_give (&members->assembly, inputs, count, &seats);
  for (unsigned i = 0; i < count; i++)
    members->record[number[i]].seat = seats.seat[i];
  if (!seats.refuses_writers)
    return;
  if (seats.culprit < count)
    name = members->record[number[seats.culprit]].leg->name;
  snprintf (ret, MESSAGE_MAX, "%s%.200s: %.500s; %s can only be read: nbdkit -r",
            name ? "disk " : "the array", name ? name : "", seats.why_readonly,
            name ? "the array" : "it");
}

int
members_assemble (struct members *members, const struct array_config *config,
                  const char *const *absent, char *ret_why_readonly, char *why)
{
  struct assemble_member inputs[LEGS_MAX];
  struct assembly *assembly = &members->assembly;
  unsigned number[LEGS_MAX];
  unsigned count = present (members, inputs, number);
  int keep = -1;

  ret_why_readonly[0] = '\0';
  for (unsigned i = 0; i < count; i++)
    if (number[i] + 1 == config->keep && inputs[i].sb != NULL)
      keep = i;
  if (count == 0) {
    snprintf (why, MESSAGE_MAX, "%.800s", absent[0]);
    return -ENODEV;
  }
  assemble (inputs, count, keep, assembly);
  if (seats_are_given (assembly))
    take_seats (members, inputs, number, count, ret_why_readonly);
  spread (assembly, number, count, members->count);
  if (assembly->result == ASSEMBLE_PLAIN)
    return 0;
  if (!seats_are_given (assembly))
    return refuse (members, absent, why);
  return check_wishes (members, config, absent, why);
}

void
members_tell (const struct members *members, const char *const *absent)
{
  const struct assembly *assembly = &members->assembly;

  for (unsigned i = 0; i < members->count; i++) {
    const struct member_record *record = &members->record[i];
    const char *text = assemble_part_text (assembly->part[i].part);

    if (record->leg == NULL)
      log_error ("%.700s; the mirror starts without it", absent[i]);
    if (record->leg == NULL || assembly->part[i].part == PART_IN_SYNC)
      continue;
    if (record->seat.slot == ASSEMBLE_NO_SLOT)
      log_error ("disk %.200s: is not used: %s%s%s", record->leg->name, text,
                 record->why[0] ? ": " : "", record->why);
    else if (record->seat.rejoins)
      log_error ("disk %.200s: %s; it will be rebuilt%s", record->leg->name,
                 text, record->seat.by_bitmap ? " with the bitmap" : "");
  }
  if (assembly->degraded)
    log_error ("the array is DEGRADED: %d of %u slots have a disk that is in "
               "sync", __builtin_popcount (assembly->in_sync),
               assembly->layout.slots);
  if (assembly->dirty)
    log_debug ("the array was not stopped cleanly: what may differ is brought "
               "together first");
}
