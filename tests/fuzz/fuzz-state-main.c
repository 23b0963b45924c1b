/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-state-main: runs the target on files, where there is no libFuzzer.
 *
 * fuzz-state FILE...            each file
 * fuzz-state --edit FILE...     and edits of one bit of it
 * fuzz-state --make DIRECTORY   writes the seed corpus
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz-files.h"
#include "fuzz-state.h"
#include "ground/util.h"
#include "logic/state-file.h"

#define SEEDS 4

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Where there is anything; the sums of all samples are alike to it. */
static bool
is_telling (size_t at)
{
  const size_t evidence = 1 + 2 * FUZZ_HEAD;

  return at >= evidence ? at < evidence + 96
                        : at == 0 || (at - 1) % FUZZ_HEAD % 1024 < 64;
}

static int
run_file (const char *name, bool edit)
{
  static uint8_t data[FUZZ_INPUT];
  size_t size;

  if (!fuzz_read (name, data, sizeof data, &size))
    return 1;
  LLVMFuzzerTestOneInput (data, size);
  for (size_t i = 0; edit && i < size; i++)
    for (unsigned bit = 0; bit < 8 && is_telling (i); bit += 3) {
      data[i] ^= 1u << bit;
      LLVMFuzzerTestOneInput (data, size);
      data[i] ^= 1u << bit;
    }
  return 0;
}

/* Two disks, and heads of two generations; with checksums to be mended or not. */
static int
make_seed (const char *directory, unsigned number)
{
  static struct state_head head;
  static uint8_t data[FUZZ_INPUT], bytes[STATE_HEAD_SIZE];
  static struct evidence evidence;

  memset (&head, 0, sizeof head);
  head.image_size = UINT64_C (20) << (20 + number);
  for (unsigned i = 0; i < 2; i++) {
    head.entry[i].used = true;
    head.entry[i].size = head.image_size + i;
    snprintf (head.entry[i].text, sizeof head.entry[i].text, "/disks/%u", i);
  }
  data[0] = number & 1;
  for (unsigned i = 0; i < 2; i++) {
    head.generation = number / 2 + i;
    state_encode (&head, bytes);
    memcpy (data + 1 + i * FUZZ_HEAD, bytes, FUZZ_HEAD);
  }
  evidence.events = number;
  evidence.count = EVIDENCE_MAX;
  for (unsigned i = 0; i < EVIDENCE_MAX; i++)
    evidence.sample[i]
      = (struct evidence_sample){ i * EVIDENCE_SAMPLE, i + 1 };
  evidence_encode (&evidence, data + 1 + 2 * FUZZ_HEAD);
  return fuzz_write_seed (directory, number, data, sizeof data) ? 0 : 1;
}

int
main (int argc, char **argv)
{
  bool edit = argc > 1 && strcmp (argv[1], "--edit") == 0;
  int status = 0;

  if (argc == 3 && strcmp (argv[1], "--make") == 0) {
    for (unsigned number = 0; number < SEEDS; number++)
      status |= make_seed (argv[2], number);
    return status;
  }
  for (int i = edit ? 2 : 1; i < argc; i++)
    status |= run_file (argv[i], edit);
  return status;
}
