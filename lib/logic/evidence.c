/* SPDX-License-Identifier: BSD-3-Clause */
/* evidence: by what a disk that says nothing of itself is known again.
 *
 * Pure.  What is decoded comes from a file, so nothing of it is asserted.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/evidence.h"

#define FORMAT 1
#define PRIME UINT64_C (0x9e3779b97f4a7c15)

enum {
  VERSION_AT = 16,
  COUNT_AT = 20,
  CHECKSUM_AT = 24,
  EVENTS_AT = 32,
  SAMPLES_AT = 64,
};

static const uint8_t magic[16] = "mirror evidence";

static_assert (SAMPLES_AT + 16 * EVIDENCE_MAX == EVIDENCE_SIZE,
               "the samples fill it");

/* Each step can be undone, so what differs in one word has another sum. */
static uint64_t
mix (uint64_t sum, uint64_t word)
{
  sum = (sum ^ word) * PRIME;
  return sum ^ sum >> 32;
}

uint64_t
evidence_sum (const void *sample)
{
  const uint8_t *bytes = sample;
  uint64_t sum = PRIME, any = 0;

  for (unsigned at = 0; at < EVIDENCE_SAMPLE; at += 8) {
    uint64_t word = load_le64 (bytes + at);

    any |= word;
    sum = mix (sum, word);
  }
  return any == 0 ? 0 : MAX (sum, UINT64_C (1));
}

/* Its own bytes count as 0. */
uint64_t
evidence_checksum (const uint8_t *block)
{
  uint64_t sum = PRIME;

  for (unsigned at = 0; at < EVIDENCE_SIZE; at += 8)
    sum = mix (sum, at == CHECKSUM_AT ? 0 : load_le64 (block + at));
  return sum;
}

void
evidence_encode (const struct evidence *evidence, uint8_t *ret)
{
  assert (evidence->count <= EVIDENCE_MAX);
  memset (ret, 0, EVIDENCE_SIZE);
  memcpy (ret, magic, sizeof magic);
  store_le32 (ret + VERSION_AT, FORMAT);
  store_le32 (ret + COUNT_AT, evidence->count);
  store_le64 (ret + EVENTS_AT, evidence->events);
  for (unsigned i = 0; i < evidence->count; i++) {
    store_le64 (ret + SAMPLES_AT + 16 * i, evidence->sample[i].offset);
    store_le64 (ret + SAMPLES_AT + 16 * i + 8, evidence->sample[i].sum);
  }
  store_le64 (ret + CHECKSUM_AT, evidence_checksum (ret));
}

bool
evidence_decode (const uint8_t *bytes, struct evidence *ret)
{
  uint32_t count = load_le32 (bytes + COUNT_AT);

  if (memcmp (bytes, magic, sizeof magic) != 0
      || load_le32 (bytes + VERSION_AT) != FORMAT || count > EVIDENCE_MAX
      || load_le64 (bytes + CHECKSUM_AT) != evidence_checksum (bytes))
    return false;
  ret->events = load_le64 (bytes + EVENTS_AT);
  ret->count = 0;
  for (unsigned i = 0; i < count; i++) {
    struct evidence_sample *sample = &ret->sample[ret->count];

    sample->offset = load_le64 (bytes + SAMPLES_AT + 16 * i);
    sample->sum = load_le64 (bytes + SAMPLES_AT + 16 * i + 8);
    ret->count += sample->sum != 0 && sample->offset < INT64_MAX
                  && is_aligned (sample->offset, EVIDENCE_SAMPLE);
  }
  return true;
}
