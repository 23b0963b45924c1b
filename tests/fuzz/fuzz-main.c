/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-main: runs a fuzz target on files, where there is no libFuzzer.
 *
 * fuzz-metadata FILE...            each file, and single-byte edits of it
 * fuzz-metadata --make DIRECTORY   writes the seed corpus
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz-files.h"
#include "logic/create-plan.h"
#include "logic/bytes.h"
#include "ground/util.h"

#define INPUT_MAX (1 + 2 * 3 * SB1_BLOCK_SIZE)
#define MIB (UINT64_C (1) << 20)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static int
run_file (const char *name)
{
  static uint8_t data[INPUT_MAX];
  size_t size;

  if (!fuzz_read (name, data, sizeof data, &size))
    return 1;
  LLVMFuzzerTestOneInput (data, size);
  for (size_t i = 0; i < size; i++) {
    /* The heads of all blocks; the rest has little to say. */
    if (i > 0 && (i - 1) % SB1_BLOCK_SIZE >= 272)
      continue;
    for (unsigned bit = 0; bit < 8; bit++) {
      data[i] ^= 1u << bit;
      LLVMFuzzerTestOneInput (data, size);
      data[i] ^= 1u << bit;
    }
  }
  return 0;
}

/* Of two members as create makes them, with a bad block besides. */
static int
make_seed (const char *directory, unsigned number)
{
  static uint8_t data[INPUT_MAX];
  struct create_wish wish
    = { .layout = { .level = number & 1 ? LEVEL_RAID10 : LEVEL_RAID1,
                    .slots = 2, .near = 1, .far = 1 },
        .version = number / 2 % 3, .bitmap = true, .bitmap_chunk = 65536,
        .member_bytes = { 16 * MIB + 512, 16 * MIB + 512 } };
  static const uint8_t uuid[16] = "seed";
  struct create_plan plan;
  struct bitmap_super bitmap;
  char why[MESSAGE_MAX];

  if (number & 1) {
    layout_parse (&wish.layout, number % 4 == 1 ? "n2" : "o2");
    wish.layout.chunk = 65536;
  }
  if (!create_plan (&wish, &plan, why))
    abort ();
  memset (data, 0, sizeof data);
  data[0] = (uint8_t)(wish.version | (number & 8 ? 4 : 0) | 1 << 5);
  create_bitmap (&plan, uuid, &bitmap);
  for (unsigned i = 0; i < 2; i++) {
    uint8_t *block = data + 1 + i * 3 * SB1_BLOCK_SIZE;
    uint8_t device[16] = { (uint8_t)(i + 1) };
    struct sb1 sb;

    create_superblock (&wish, &plan, i, uuid, device, 1, &sb);
    sb.features |= i == 1 ? SB1_FEATURE_BAD_BLOCKS : 0;
    sb1_encode (&sb, block);
    bitmap_encode (&bitmap, block + SB1_BLOCK_SIZE);
    memset (block + 2 * SB1_BLOCK_SIZE, 0xff, SB1_BLOCK_SIZE);
    store_le64 (block + 2 * SB1_BLOCK_SIZE, 3000 << 10 | 5);
  }
  return fuzz_write_seed (directory, number, data, sizeof data) ? 0 : 1;
}

int
main (int argc, char **argv)
{
  int status = 0;

  if (argc == 3 && strcmp (argv[1], "--make") == 0) {
    for (unsigned number = 0; number < 12; number++)
      status |= make_seed (argv[2], number);
    return status;
  }
  for (int i = 1; i < argc; i++)
    status |= run_file (argv[i]);
  return status;
}
