/* SPDX-License-Identifier: BSD-3-Clause */
/* examine-tell: what people should know of the disks at the start: what is
 * not an error, but less than they may expect.
 *
 * Runs before the server forks; does no I/O.  One line for each disk and
 * subject, which names the disk and the reason.
 */
#include "engine/array-internal.h"
#include "engine/array/examine-tell.h"
#include "ground/log.h"
#include "ground/util.h"

/* Whose blocks are the largest; NULL: the superblocks ask for more than any
 * disk does.
 */
static const struct leg *
block_decider (const struct array *array)
{
  for (unsigned i = 0; i < array->count; i++) {
    const struct leg *leg = array->members[i]->leg;

    if (leg->caps.block_minimum == array->limits.block_minimum)
      return leg;
  }
  return NULL;
}

/* It may change from one start to the next, with cache=none and with what a
 * server wants, and clients that write less get errors then.
 */
static void
tell_block (const struct array *array)
{
  const struct leg *leg = block_decider (array);

  if (array->limits.block_minimum == 1)
    return;
  if (leg != NULL)
    log_notice ("disk %.200s: is read and written in blocks of %u bytes, so "
                "clients must use whole blocks of this size",
                leg->name, array->limits.block_minimum);
  else
    log_notice ("the superblocks ask for blocks of %u bytes, so clients must "
                "use whole blocks of this size",
                array->limits.block_minimum);
}

static const struct leg *
smallest_leg (const struct array *array)
{
  const struct leg *smallest = array->members[0]->leg;

  for (unsigned i = 1; i < array->count; i++) {
    const struct leg *leg = array->members[i]->leg;

    if (leg->caps.exact_size < smallest->caps.exact_size)
      smallest = leg;
  }
  return smallest;
}

/* What every disk of a plain array has, and the array has not.  (What larger
 * disks have besides is said where the size is decided.)
 */
static void
tell_tail (const struct array *array)
{
  const struct layout *layout = &array->layout;
  const struct leg *leg = smallest_leg (array);
  bool chunks = layout->level == LEVEL_RAID10;
  uint64_t used = chunks ? layout->member_size : array->limits.size;

  assert (leg->caps.exact_size >= used);
  if (leg->caps.exact_size == used)
    return;
  log_notice ("disk %.200s: the last %llu of its %llu bytes are not used, "
              "since the array is made of whole %s of %llu bytes",
              leg->name, (unsigned long long)(leg->caps.exact_size - used),
              (unsigned long long)leg->caps.exact_size,
              chunks ? "chunks" : "blocks",
              (unsigned long long)(chunks ? layout->chunk
                                          : array->limits.block_minimum));
}

/* Different bytes of one thing are different disks, but only one failure. */
static void
tell_shared (const struct array *array)
{
  const char *shared = NULL;

  for (unsigned i = 1; i < array->count; i++)
    for (unsigned other = 0; other < i; other++) {
      const struct leg *leg = array->members[i]->leg;
      const struct leg *before = array->members[other]->leg;

      if (leg_compare (leg, before, &shared) != LEG_SHARES)
        continue;
      log_notice ("disk %.200s: is on %.200s, as is disk %.200s: if that "
                  "fails, both fail", leg->name, shared, before->name);
      break;
    }
}

/* Clients only hear that the export is read-only. */
static void
tell_readonly (const struct array *array)
{
  for (unsigned i = 0; i < array->count; i++) {
    const struct leg *leg = array->members[i]->leg;

    if (leg->caps.readonly)
      log_notice ("disk %.200s: is read-only (%s), so the whole array is "
                  "read-only",
                  leg->name,
                  leg->caps.why_readonly ? leg->caps.why_readonly
                                         : "for an unknown reason");
  }
}

/* Where nothing is written, there is nothing to flush. */
static void
tell_no_flush (struct array *array)
{
  if (array->limits.readonly)
    return;
  for (unsigned i = 0; i < array->count; i++) {
    struct member *member = array->members[i];

    if (!member->leg->caps.flush)
      flush_absent (member, member->place);
  }
}

void
examine_tell (struct array *array)
{
  tell_block (array);
  if (array->md == NULL)
    tell_tail (array);
  tell_shared (array);
  tell_readonly (array);
  tell_no_flush (array);
}
