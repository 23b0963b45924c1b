/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-store: a hash table of sectors, open addressing, never shrinking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash-store.h"
#include "ground/util.h"
#include "sim-stamp.h"

#define BLOCK 1024u /* sectors allocated together; they never move */
#define BLOCKS_MAX 2048u

#define LBA_NONE UINT64_MAX

struct content {
  uint64_t hash;
  uint64_t lba; /* of the stamp; LBA_NONE: there is none */
  uint64_t value;
};

static uint8_t (*blocks[BLOCKS_MAX])[STAMP_SECTOR];
static struct content *contents; /* as many as there is room in the blocks */
static uint32_t count, room;
static uint32_t *table; /* contents + 1; 0: free */
static uint32_t table_size;

static uint64_t
hash_sector (const void *bytes)
{
  uint64_t words[STAMP_WORDS], hash = 0;

  memcpy (words, bytes, sizeof words);
  for (unsigned i = 0; i < STAMP_WORDS; i++) {
    hash = (hash ^ words[i]) * UINT64_C (0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
  }
  return hash;
}

const uint8_t *
store_bytes (uint32_t content)
{
  assert (content < count);
  return blocks[content / BLOCK][content % BLOCK];
}

static void
table_insert (uint32_t content)
{
  uint32_t i = contents[content].hash & (table_size - 1);

  while (table[i] != 0)
    i = (i + 1) & (table_size - 1);
  table[i] = content + 1;
}

static void
grow_table (void)
{
  free (table);
  table_size = MAX (2 * table_size, 4096u);
  table = calloc (table_size, sizeof *table);
  assert (table != NULL);
  for (uint32_t i = 0; i < count; i++)
    table_insert (i);
}

static uint32_t
append (const void *bytes, uint64_t hash)
{
  struct content *content;
  uint64_t lba, value;

  if (count == room) {
    assert (room / BLOCK < BLOCKS_MAX);
    blocks[room / BLOCK] = malloc (BLOCK * STAMP_SECTOR);
    room += BLOCK;
    contents = realloc (contents, room * sizeof *contents);
    assert (blocks[room / BLOCK - 1] != NULL && contents != NULL);
  }
  memcpy (blocks[count / BLOCK][count % BLOCK], bytes, STAMP_SECTOR);
  content = &contents[count];
  *content = (struct content){ .hash = hash, .lba = LBA_NONE };
  memcpy (&lba, (const char *)bytes + 8, sizeof lba);
  if (stamp_read (bytes, lba, &value) && value != VALUE_ZERO) {
    content->lba = lba;
    content->value = value;
  }
  if (2 * count >= table_size)
    grow_table ();
  table_insert (count);
  return count++;
}

void
store_begin (void)
{
  static const uint8_t zeroes[STAMP_SECTOR];

  count = 0;
  if (table != NULL)
    memset (table, 0, table_size * sizeof *table);
  append (zeroes, hash_sector (zeroes));
}

uint32_t
store_put (const void *bytes)
{
  uint64_t hash = hash_sector (bytes);

  for (uint32_t i = hash & (table_size - 1); table[i] != 0;
       i = (i + 1) & (table_size - 1))
    if (contents[table[i] - 1].hash == hash
        && memcmp (store_bytes (table[i] - 1), bytes, STAMP_SECTOR) == 0)
      return table[i] - 1;
  return append (bytes, hash);
}

bool
store_value (uint32_t content, uint64_t lba, uint64_t *ret_value)
{
  assert (content < count);
  *ret_value = contents[content].value;
  return content == CONTENT_ZERO || contents[content].lba == lba;
}

const char *
store_text (uint32_t content, uint64_t lba)
{
  static char text[4][64];
  static unsigned next;
  char *ret = text[next++ % 4];
  const struct content *c = &contents[content];

  if (content == CONTENT_ZERO)
    snprintf (ret, sizeof text[0], "zeroes");
  else if (c->lba == LBA_NONE)
    snprintf (ret, sizeof text[0], "no stamp (content %u)", content);
  else if (c->lba == lba)
    snprintf (ret, sizeof text[0], "value %llx", (unsigned long long)c->value);
  else
    snprintf (ret, sizeof text[0], "value %llx of LBA %llu",
              (unsigned long long)c->value, (unsigned long long)c->lba);
  return ret;
}
