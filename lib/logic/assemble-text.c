/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble-text: the words for what a member is to its array. */
#include "ground/util.h"
#include "logic/assemble.h"

static const struct {
  const char *word;
  const char *text;
} parts[] = {
  [PART_IN_SYNC] = { "in-sync", "in sync" },
  [PART_RECOVERING] = { "recovering", "being rebuilt" },
  [PART_REPLACEMENT] = { "replacement", "being filled as a replacement" },
  [PART_SPARE] = { "spare", "spare" },
  [PART_FAULTY] = { "faulty", "failed" },
  [PART_STALE_BITMAP]
  = { "stale-bitmap", "missed writes: the bitmap knows which" },
  [PART_STALE] = { "stale", "missed writes: it is unknown which" },
  [PART_SPLIT] = { "split", "ran on its own: another history" },
  [PART_FOREIGN] = { "foreign", "of another array" },
  [PART_UNUSABLE] = { "unusable", "no metadata that can be believed" },
};

const char *
assemble_part_text (enum part part)
{
  assert (part < ARRAY_LENGTH (parts));
  return parts[part].text;
}

const char *
assemble_part_word (enum part part)
{
  assert (part < ARRAY_LENGTH (parts));
  return parts[part].word;
}
