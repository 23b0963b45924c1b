/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-assemble-main: the same inputs without libFuzzer.
 *
 * fuzz-assemble [--mutants N] FILE...   each file, and N changes of it
 * fuzz-assemble --make DIRECTORY        inputs of arrays as create makes them
 * fuzz-assemble --from FILE IMAGE...    an input of real members
 * fuzz-assemble --verbose FILE...       with what the engine says
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz-assemble.h"
#include "ground-sim.h"
#include "ground/util.h"
#include "logic/bitmap-disk.h"
#include "logic/bytes.h"
#include "logic/create-plan.h"

#define SEEDS 24

static unsigned mutants;

static int
run_file (const char *name)
{
  static struct input input, mutant;
  FILE *file = fopen (name, "rb");
  size_t size;

  if (file == NULL) {
    perror (name);
    return 1;
  }
  memset (&input, 0, sizeof input);
  size = fread (&input, 1, sizeof input, file);
  fclose (file);
  LLVMFuzzerTestOneInput ((const uint8_t *)&input, size);
  for (unsigned i = 1; i <= mutants; i++) {
    mutant = input;
    LLVMFuzzerCustomMutator ((uint8_t *)&mutant, sizeof mutant, sizeof mutant,
                             i);
    LLVMFuzzerTestOneInput ((const uint8_t *)&mutant, sizeof mutant);
  }
  return 0;
}

static int
save (const char *name, struct input *input)
{
  static const struct input_op ops[OPS_MAX]
    = { { 0, 7, { 0, 16 } },  { 1, 200, { 0, 128 } }, { 2, 3, { 0, 64 } },
        { 5, 9, { 0, 120 } }, { 4, 120, { 0, 0 } },   { 0, 0, { 255, 255 } },
        { 3, 0, { 0, 0 } },   { 5, 255, { 0, 100 } } };
  FILE *file = fopen (name, "wb");
  bool good;

  memcpy (input->op, ops, sizeof ops);
  input->switches = 40;
  good = file != NULL && fwrite (input, 1, sizeof *input, file)
                           == sizeof *input;
  if (file == NULL || fclose (file) != 0 || !good)
    perror (name);
  return good ? 0 : 1;
}

/* ------------------------------------------------------------ from a wish */

static int
make_seed (const char *directory, unsigned number)
{
  static const char *const layouts[] = { "", "n2", "f2", "o2" };
  static const uint8_t uuid[16] = "seed";
  static struct input input;
  unsigned slots = 2 + number % 3;
  struct create_wish wish
    = { .layout = { .level = number % 4 == 0 ? LEVEL_RAID1 : LEVEL_RAID10,
                    .slots = slots, .near = 1, .far = 1 },
        .version = number / 4 % 3, .bitmap = number / 12 == 0,
        .bitmap_chunk = number % 2 ? 4096 : 65536,
        .assume_clean = number % 5 == 0 };
  struct create_plan plan;
  struct bitmap_super bitmap;
  char why[MESSAGE_MAX], name[4096];
  uint64_t bytes = (wish.version == SB1_VERSION_1_0 ? 1024 : 3072) * 1024;

  memset (&input, 0, sizeof input);
  memset (wish.member_bytes, 0, sizeof wish.member_bytes);
  for (unsigned i = 0; i < slots; i++)
    wish.member_bytes[i] = bytes;
  if (number % 4 != 0) {
    layout_parse (&wish.layout, layouts[number % 4]);
    wish.layout.chunk = 32768;
  }
  if (!create_plan (&wish, &plan, why)) {
    fprintf (stderr, "%s\n", why);
    return 1;
  }
  input.members = (uint8_t)(slots - 1);
  for (unsigned i = 0; i < slots; i++) {
    struct input_member *member = &input.member[i];
    uint8_t device[16] = { (uint8_t)(i + 1) }, block[SB1_BLOCK_SIZE];
    struct sb1 sb;

    member->sectors[0] = (uint8_t)(bytes / SECTOR_SIZE);
    member->sectors[1] = (uint8_t)(bytes / SECTOR_SIZE >> 8);
    member->place = (uint8_t)wish.version;
    memset (block, 0, sizeof block);
    create_superblock (&wish, &plan, i, uuid, device, 1, &sb);
    sb1_encode (&sb, block);
    memcpy (member->super, block, sizeof member->super);
    if (wish.bitmap) {
      create_bitmap (&plan, uuid, &bitmap);
      bitmap_encode (&bitmap, member->bitmap);
    }
    memset (member->bad, 0xff, sizeof member->bad);
  }
  snprintf (name, sizeof name, "%s/made-%02u", directory, number);
  return save (name, &input);
}

/* ------------------------------------------------------- from real members */

static void
read_at (FILE *file, int64_t offset, uint8_t *to, size_t length)
{
  if (fseek (file, (long)offset, SEEK_SET) != 0
      || fread (to, 1, length, file) == 0)
    memset (to, 0, length);
}

static int
take_member (struct input_member *member, const char *name)
{
  FILE *file = fopen (name, "rb");
  uint8_t block[SB1_BLOCK_SIZE];
  uint64_t bytes, offset;
  struct sb1 sb;

  if (file == NULL || fseek (file, 0, SEEK_END) != 0) {
    perror (name);
    return 1;
  }
  bytes = (uint64_t)ftell (file);
  member->sectors[0] = (uint8_t)(bytes / SECTOR_SIZE);
  member->sectors[1] = (uint8_t)(bytes / SECTOR_SIZE >> 8);
  memset (member->bad, 0xff, sizeof member->bad);
  for (unsigned version = 0; version < 3; version++) {
    if (!sb1_offset (version, bytes, &offset))
      continue;
    read_at (file, (int64_t)offset, block, sizeof block);
    if (!sb1_decode (version, block, &sb))
      continue;
    member->place = (uint8_t)version;
    memcpy (member->super, block, sizeof member->super);
    read_at (file,
             ((int64_t)sb.super_offset + sb.bitmap_offset) * SECTOR_SIZE,
             member->bitmap, sizeof member->bitmap);
    if (sb.features & SB1_FEATURE_BAD_BLOCKS)
      read_at (file,
               ((int64_t)sb.super_offset + sb.bblog_offset) * SECTOR_SIZE,
               member->bad, sizeof member->bad);
  }
  fclose (file);
  return 0;
}

static int
take_members (const char *name, char **images, int count)
{
  static struct input input;
  int status = 0;

  count = MIN (count, MEMBERS_MAX);
  input.members = (uint8_t)(count - 1);
  for (int i = 0; i < count; i++)
    status |= take_member (&input.member[i], images[i]);
  return status | save (name, &input);
}

int
main (int argc, char **argv)
{
  int status = 0, first = 1;

  if (argc == 3 && strcmp (argv[1], "--make") == 0) {
    for (unsigned number = 0; number < SEEDS; number++)
      status |= make_seed (argv[2], number);
    return status;
  }
  if (argc > 3 && strcmp (argv[1], "--from") == 0)
    return take_members (argv[2], argv + 3, argc - 3);
  for (; first < argc && strncmp (argv[first], "--", 2) == 0; first++)
    if (strcmp (argv[first], "--verbose") == 0)
      sim_verbose = true;
    else if (strcmp (argv[first], "--mutants") == 0 && first + 1 < argc)
      mutants = (unsigned)atoi (argv[++first]);
  for (int i = first; i < argc; i++)
    status |= run_file (argv[i]);
  return status;
}
