/* SPDX-License-Identifier: BSD-3-Clause */
/* The heads and the evidence of a state file, in any bytes: nothing crashes, and
 * what is believed keeps what it promises.
 *
 * Input: a byte of settings, then the beginning of each head, then evidence;
 * short ones are padded with zeroes.
 *
 *   settings  bit 0 mend magic, version and checksums
 *
 * With -fsanitize=fuzzer this is a libFuzzer target; otherwise it has a main
 * that runs the files named on its command line (fuzz-state-main.c).
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz-state.h"
#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/evidence.h"
#include "logic/state-file.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Head and evidence have their checksum at the same place. */
#define CHECKSUM_AT 24

/* What is believed can be worked with. */
static void
check_head (const struct state_head *head)
{
  static uint8_t again[STATE_HEAD_SIZE];
  static struct state_head twice;

  assert (head->image_size > 0 && head->image_size <= INT64_MAX);
  assert (head->generation < UINT64_MAX);
  assert (state_file_size (head) <= state_area_at (STATE_AREAS_MAX));
  for (int i = 0; i < STATE_AREAS_MAX; i++)
    if (head->entry[i].used) {
      assert (state_check_text (head->entry[i].text) == NULL);
      assert (head->entry[i].text[0] != '\0');
      assert (head->entry[i].size >= head->image_size);
      assert (state_find (head, head->entry[i].text) == i);
    }
  state_encode (head, again);
  assert (state_decode (again, &twice) == STATE_GOOD);
  assert (memcmp (&twice, head, sizeof twice) == 0);
}

/* What the encoder would have put there. */
static void
mend_head (uint8_t *bytes)
{
  static struct state_head any = { .image_size = 1 };
  static uint8_t sample[STATE_HEAD_SIZE];

  state_encode (&any, sample);
  memcpy (bytes, sample, CHECKSUM_AT);
  store_le64 (bytes + CHECKSUM_AT, state_checksum (bytes));
}

static void
run_heads (uint8_t bytes[2][STATE_HEAD_SIZE], bool mend)
{
  static struct state_head head;
  enum state_verdict verdict;
  unsigned copy;

  for (unsigned i = 0; mend && i < 2; i++)
    mend_head (bytes[i]);
  memset (&head, 0, sizeof head);
  verdict = state_choose (bytes[0], bytes[1], &head, &copy);
  if (verdict == STATE_GOOD) {
    assert (copy < 2);
    check_head (&head);
  }
  else
    assert (state_verdict_text (verdict)[0] != '\0');
}

static void
run_evidence (uint8_t *bytes, bool mend)
{
  static struct evidence evidence, twice;
  static uint8_t again[EVIDENCE_SIZE];

  if (mend) {
    const struct evidence none = { .count = 0 };

    evidence_encode (&none, again);
    memcpy (bytes, again, 20);
    store_le64 (bytes + CHECKSUM_AT, evidence_checksum (bytes));
  }
  if (!evidence_decode (bytes, &evidence))
    return;
  assert (evidence.count <= EVIDENCE_MAX);
  for (unsigned i = 0; i < evidence.count; i++) {
    assert (evidence.sample[i].sum != 0);
    assert (is_aligned (evidence.sample[i].offset, EVIDENCE_SAMPLE));
    assert (evidence.sample[i].offset + EVIDENCE_SAMPLE <= INT64_MAX);
  }
  evidence_encode (&evidence, again);
  assert (evidence_decode (again, &twice) && twice.count == evidence.count);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static uint8_t heads[2][STATE_HEAD_SIZE], evidence[EVIDENCE_SIZE];
  uint8_t *part[] = { heads[0], heads[1], evidence };
  const size_t length[] = { FUZZ_HEAD, FUZZ_HEAD, EVIDENCE_SIZE };
  bool mend = size > 0 && (data[0] & 1);
  size_t at = 1;

  memset (heads, 0, sizeof heads);
  memset (evidence, 0, sizeof evidence);
  for (unsigned i = 0; i < 3 && at < size; at += length[i++])
    memcpy (part[i], data + at, MIN (size - at, length[i]));
  run_heads (heads, mend);
  run_evidence (evidence, mend);
  return 0;
}
