/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-assemble-mutate: from one input to the next, field by field.
 *
 * Most bytes of a superblock are no news; what makes another array of it is a
 * field that takes the value of a neighbour, of another member, or one more.
 */
#include <string.h>

#include "fuzz-assemble.h"
#include "ground/util.h"
#include "logic/bytes.h"
#include "sim-random.h"

struct field {
  uint16_t at;
  uint16_t bytes;
};

static const struct field super_fields[] = {
  { 8, 4 },   { 16, 2 },  { 72, 4 },  { 76, 4 },  { 80, 8 },  { 88, 4 },
  { 92, 4 },  { 96, 4 },  { 128, 8 }, { 136, 8 }, { 152, 8 }, { 160, 4 },
  { 168, 2 }, { 185, 1 }, { 186, 2 }, { 188, 4 }, { 200, 8 }, { 200, 8 },
  { 200, 8 }, { 208, 8 }, { 220, 4 }, { 224, 4 }, { 256, 2 }, { 258, 2 },
  { 260, 2 }, { 262, 2 }, { 264, 2 }, { 8, 1 },   { 8, 1 },
};
static const struct field bitmap_fields[] = {
  { 24, 8 }, { 24, 8 }, { 32, 8 }, { 40, 8 }, { 48, 4 }, { 52, 4 },
  { 52, 4 }, { 56, 4 }, { 60, 4 }, { 256, 8 },
};

static uint64_t
load (const uint8_t *from, unsigned bytes)
{
  uint64_t value = 0;

  for (unsigned i = 0; i < bytes; i++)
    value |= (uint64_t)from[i] << 8 * i;
  return value;
}

static void
store (uint8_t *to, unsigned bytes, uint64_t value)
{
  for (unsigned i = 0; i < bytes; i++)
    to[i] = (uint8_t)(value >> 8 * i);
}

/* Another value for a field that has @old; @other is one that means something
 * elsewhere.
 */
static uint64_t
another (struct random_stream *random, uint64_t old, uint64_t other)
{
  static const uint64_t steps[] = { 1, 2, 7, 8, 16, 128, 2048 };
  uint64_t step = steps[random_below (random, ARRAY_LENGTH (steps))];

  switch (random_below (random, 8)) {
  case 0:
  case 1:
    return old + step;
  case 2:
  case 3:
    return old - step;
  case 4:
    return other;
  case 5:
    return UINT64_C (1) << random_below (random, 64);
  case 6:
    return old ^ UINT64_C (1) << random_below (random, 16);
  default:
    return random_one_in (random, 2) ? UINT64_MAX : random_below (random, 64);
  }
}

/* In one member or in all. */
static void
change_field (struct random_stream *random, struct input *input,
              size_t section, const struct field *fields, unsigned count)
{
  const struct field *field = &fields[random_below (random, count)];
  const struct field *donor = &fields[random_below (random, count)];
  unsigned which = (unsigned)random_below (random, MEMBERS_MAX);
  unsigned from = (unsigned)random_below (random, MEMBERS_MAX);
  bool all = random_one_in (random, 2);
  uint8_t *bytes = (uint8_t *)&input->member[which] + section;
  const uint8_t *others = (const uint8_t *)&input->member[from] + section;
  uint64_t old = load (bytes + field->at, field->bytes);
  uint64_t other = random_one_in (random, 2)
                     ? load (others + field->at, field->bytes)
                     : load (others + donor->at, donor->bytes);
  uint64_t value = another (random, old, other);

  for (unsigned i = 0; i < MEMBERS_MAX; i++)
    if (all || i == which)
      store ((uint8_t *)&input->member[i] + section + field->at,
             field->bytes, value);
}

/* Another member as like as two peas, but for who it is. */
static void
copy_member (struct random_stream *random, struct input *input)
{
  unsigned from = (unsigned)random_below (random, MEMBERS_MAX);
  unsigned to = (unsigned)random_below (random, MEMBERS_MAX);
  uint8_t device_uuid[16];
  uint32_t number = load_le32 (input->member[to].super + 160);

  memcpy (device_uuid, input->member[to].super + 168, sizeof device_uuid);
  device_uuid[0] += from == to;
  input->member[to] = input->member[from];
  memcpy (input->member[to].super + 168, device_uuid, sizeof device_uuid);
  if (random_one_in (random, 2))
    store_le32 (input->member[to].super + 160, number);
}

static void
change_bad_blocks (struct random_stream *random, struct input_member *member)
{
  uint64_t start = load_le64 (member->super + 128)
                   + random_below (random, IMAGE_SECTORS / 2);

  store_le64 (member->bad + 8 * random_below (random, BAD_BYTES / 8),
              random_one_in (random, 4)
                ? UINT64_MAX
                : start << 10 | random_below (random, 512));
  if (random_one_in (random, 2))
    member->super[8] |= SB1_FEATURE_BAD_BLOCKS;
}

/* A byte of what is beside the metadata. */
static void
change_setting (struct random_stream *random, struct input *input)
{
  uint8_t *bytes = (uint8_t *)input;
  size_t at = random_below (random, offsetof (struct input, member) + 24);

  if (at >= offsetof (struct input, member)) {
    at -= offsetof (struct input, member);
    at = offsetof (struct input, member) + at % 4 * sizeof (input->member[0])
         + at / 4;
  }
  bytes[at] = random_one_in (random, 2)
                ? bytes[at] ^ (uint8_t)(1u << random_below (random, 8))
                : (uint8_t)random_next (random);
}

static void
change (struct random_stream *random, struct input *input)
{
  unsigned which = (unsigned)random_below (random, MEMBERS_MAX);

  switch (random_below (random, 16)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4:
  case 5:
    change_field (random, input, offsetof (struct input_member, super),
                  super_fields, ARRAY_LENGTH (super_fields));
    break;
  case 6:
  case 7:
    change_field (random, input, offsetof (struct input_member, bitmap),
                  bitmap_fields, ARRAY_LENGTH (bitmap_fields));
    break;
  case 8:
    copy_member (random, input);
    break;
  case 9:
    change_bad_blocks (random, &input->member[which]);
    break;
  case 10:
    input->member[which].super[random_below (random, SUPER_BYTES)]
      ^= (uint8_t)(1u << random_below (random, 8));
    break;
  default:
    change_setting (random, input);
  }
}

size_t
LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most,
                         unsigned seed)
{
  struct random_stream random;
  struct input input;

  if (most < sizeof input)
    return size;
  memset (&input, 0, sizeof input);
  memcpy (&input, data, MIN (size, sizeof input));
  random_init (&random, seed, 0);
  do
    change (&random, &input);
  while (!random_one_in (&random, 3));
  memcpy (data, &input, sizeof input);
  return sizeof input;
}
