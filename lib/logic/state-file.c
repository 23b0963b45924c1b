/* SPDX-License-Identifier: BSD-3-Clause */
/* state-file: the head of a state file.
 *
 * Pure.  Everything that is decoded comes from a file, so nothing of it is
 * asserted.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/state-file.h"

#define FORMAT 1
#define ENTRIES_AT 1024
#define ENTRY_SIZE 1024

enum {
  VERSION_AT = 16,
  CHECKSUM_AT = 24,
  GENERATION_AT = 32,
  IMAGE_SIZE_AT = 40,
  UUID_AT = 48,
};

enum {
  USED_AT = 0,
  LENGTH_AT = 4,
  SIZE_AT = 8,
  TEXT_AT = 16,
};

static const uint8_t magic[16] = "mirror's state\n";

static_assert (ENTRIES_AT + STATE_AREAS_MAX * ENTRY_SIZE == STATE_HEAD_SIZE
                 && TEXT_AT + STATE_TEXT_MAX <= ENTRY_SIZE,
               "what is there has room, and nothing is left over");

/* Each step can be undone, so two heads that differ in one byte never have the
 * same.  The checksum's own bytes count as 0.
 */
uint64_t
state_checksum (const uint8_t *bytes)
{
  uint64_t sum = UINT64_C (0xcbf29ce484222325);

  for (unsigned i = 0; i < STATE_HEAD_SIZE; i++) {
    uint8_t byte = i >= CHECKSUM_AT && i < CHECKSUM_AT + 8 ? 0 : bytes[i];

    sum = (sum ^ byte) * UINT64_C (0x100000001b3);
  }
  return sum;
}

static void
encode_entry (const struct state_entry *entry, uint8_t *bytes)
{
  size_t length = strlen (entry->text);

  if (!entry->used)
    return;
  store_le32 (bytes + USED_AT, 1);
  store_le32 (bytes + LENGTH_AT, (uint32_t)length);
  store_le64 (bytes + SIZE_AT, entry->size);
  memcpy (bytes + TEXT_AT, entry->text, length);
}

void
state_encode (const struct state_head *head, uint8_t *ret)
{
  memset (ret, 0, STATE_HEAD_SIZE);
  memcpy (ret, magic, sizeof magic);
  store_le32 (ret + VERSION_AT, FORMAT);
  store_le64 (ret + GENERATION_AT, head->generation);
  store_le64 (ret + IMAGE_SIZE_AT, head->image_size);
  memcpy (ret + UUID_AT, head->uuid, sizeof head->uuid);
  for (unsigned i = 0; i < STATE_AREAS_MAX; i++)
    encode_entry (&head->entry[i], ret + ENTRIES_AT + i * ENTRY_SIZE);
  store_le64 (ret + CHECKSUM_AT, state_checksum (ret));
}

/* False: that is no entry. */
static bool
decode_entry (const uint8_t *bytes, struct state_entry *ret)
{
  uint32_t used = load_le32 (bytes + USED_AT);
  uint32_t length = load_le32 (bytes + LENGTH_AT);

  *ret = (struct state_entry){ .used = used == 1 };
  if (used == 0)
    return true;
  if (used != 1 || length == 0 || length > STATE_TEXT_MAX)
    return false;
  ret->size = load_le64 (bytes + SIZE_AT);
  memcpy (ret->text, bytes + TEXT_AT, length);
  return strlen (ret->text) == length;
}

static bool
decode_entries (const uint8_t *bytes, struct state_head *head)
{
  for (unsigned i = 0; i < STATE_AREAS_MAX; i++) {
    struct state_entry *entry = &head->entry[i];

    if (!decode_entry (bytes + ENTRIES_AT + i * ENTRY_SIZE, entry))
      return false;
    /* One of the same text before it? */
    if (entry->used
        && (entry->size < head->image_size
            || state_find (head, entry->text) != (int)i))
      return false;
  }
  return true;
}

/* What is not known here is 0, or it would be lost with the next change. */
static bool
is_all_known (const uint8_t *bytes, const struct state_head *head)
{
  uint8_t again[STATE_HEAD_SIZE];

  state_encode (head, again);
  return memcmp (again, bytes, sizeof again) == 0;
}

enum state_verdict
state_decode (const uint8_t *bytes, struct state_head *ret)
{
  static const struct state_head none;
  struct state_head head = none;

  if (memcmp (bytes, magic, sizeof magic) != 0)
    return STATE_FOREIGN;
  if (load_le64 (bytes + CHECKSUM_AT) != state_checksum (bytes))
    return STATE_DAMAGED;
  if (load_le32 (bytes + VERSION_AT) != FORMAT)
    return STATE_NEWER;
  head.generation = load_le64 (bytes + GENERATION_AT);
  head.image_size = load_le64 (bytes + IMAGE_SIZE_AT);
  memcpy (head.uuid, bytes + UUID_AT, sizeof head.uuid);
  if (head.image_size == 0 || head.image_size > INT64_MAX - 2 * STATE_AREA_SIZE
      || head.generation == UINT64_MAX || !decode_entries (bytes, &head))
    return STATE_DAMAGED;
  if (!is_all_known (bytes, &head))
    return STATE_NEWER;
  *ret = head;
  return STATE_GOOD;
}

/* If none is good: one that is damaged in part is not something else, and one
 * that is newer is nothing worse.
 */
static enum state_verdict
better_word (enum state_verdict a, enum state_verdict b)
{
  if (a == STATE_NEWER || b == STATE_NEWER)
    return STATE_NEWER;
  return a == STATE_DAMAGED || b == STATE_DAMAGED ? STATE_DAMAGED
                                                  : STATE_FOREIGN;
}

enum state_verdict
state_choose (const uint8_t *copy0, const uint8_t *copy1,
              struct state_head *ret, unsigned *ret_copy)
{
  static const struct state_head none;
  struct state_head other = none;
  enum state_verdict first = state_decode (copy0, ret);
  enum state_verdict second = state_decode (copy1, &other);

  /* A newer server has begun to change it. */
  if (first == STATE_NEWER || second == STATE_NEWER)
    return STATE_NEWER;
  *ret_copy = 0;
  if (second == STATE_GOOD
      && (first != STATE_GOOD || other.generation > ret->generation)) {
    *ret = other;
    *ret_copy = 1;
  }
  return first == STATE_GOOD || second == STATE_GOOD
           ? STATE_GOOD : better_word (first, second);
}

const char *
state_verdict_text (enum state_verdict verdict)
{
  switch (verdict) {
  case STATE_FOREIGN:
    return "is no state file of a mirror; name another file, one that does not "
           "exist for a new array";
  case STATE_NEWER:
    return "was made by a newer version of the mirror; use that one";
  default:
    return "is damaged: nobody knows any more which disks are good; restore it "
           "from a backup, or find out which disk is good, copy it over the "
           "others, and name a new file";
  }
}

int
state_find (const struct state_head *head, const char *text)
{
  for (int i = 0; i < STATE_AREAS_MAX; i++)
    if (head->entry[i].used && strcmp (head->entry[i].text, text) == 0)
      return i;
  return -1;
}

const char *
state_check_text (const char *text)
{
  return strlen (text) <= STATE_TEXT_MAX
           ? NULL : "its name is too long for a state file";
}

uint64_t
state_file_size (const struct state_head *head)
{
  unsigned areas = STATE_AREAS_MAX;

  while (areas > 0 && !head->entry[areas - 1].used)
    areas--;
  return state_area_at (areas);
}
