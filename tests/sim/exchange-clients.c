/* SPDX-License-Identifier: BSD-3-Clause */
/* exchange-clients: each has blocks of its own and knows what is in them. */
#include <string.h>

#include "exchange.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "ground-sim.h"

#define BLOCK 2048u
#define BLOCKS 8u /* of each client; the one after them all write */
#define WORDS (SECTOR_SIZE / sizeof (uint64_t))
#define SECTORS (BLOCKS * BLOCK / SECTOR_SIZE)
#define KNOWN 32u

/* What may be in a sector, the oldest first: what was acknowledged last, and
 * what was sent since and met an error.  Where the last copy was cut off once,
 * and may have lost what was not flushed, all since the last flush.
 */
struct sector {
  struct was {
    uint64_t number; /* of the request */
    uint64_t data;
    bool acked;
  } was[KNOWN];
  unsigned count;
  bool forgot;       /* there were more of them */
};

static struct sector sectors[CLIENTS][SECTORS];
static uint64_t requests;

void
clients_reset (void)
{
  memset (sectors, 0, sizeof sectors);
  for (unsigned i = 0; i < CLIENTS * SECTORS; i++)
    sectors[i / SECTORS][i % SECTORS]
      = (struct sector){ .was = { { .acked = true } }, .count = 1 };
  requests = 0;
}

static struct was *
last_acked (struct sector *sector)
{
  struct was *was = &sector->was[sector->count - 1];

  while (was > sector->was && !was->acked)
    was--;
  return was;
}

/* What was before request @number is not there any more. */
static void
forget_before (struct sector *sector, uint64_t number)
{
  unsigned first = 0;

  while (first + 1 < sector->count && sector->was[first].number < number)
    first++;
  sector->forgot &= first == 0;
  sector->count -= first;
  memmove (sector->was, sector->was + first,
           sector->count * sizeof sector->was[0]);
}

static void
note (struct sector *sector, const struct was *was, bool is_stable)
{
  if (sector->count == KNOWN) {
    sector->forgot = true;
    sector->count--;
    memmove (sector->was, sector->was + 1,
             sector->count * sizeof sector->was[0]);
  }
  sector->was[sector->count++] = *was;
  if (was->acked && (is_stable || !exchange.may_lose_last))
    forget_before (sector, was->number);
}

static bool
may_be (struct sector *sector, uint64_t data)
{
  const struct was *was
    = exchange.last_was_cut ? sector->was : last_acked (sector);

  for (; was < sector->was + sector->count; was++)
    if (was->data == data)
      return true;
  return exchange.last_was_cut && sector->forgot
         && (data >> 8) < sector->was[0].number;
}

static void
check_sector (unsigned client, unsigned number, const uint64_t *have)
{
  struct sector *sector = &sectors[client][number];

  for (unsigned i = 1; i < WORDS; i++)
    if (have[i] != have[0])
      sim_fail ("client %u, sector %u is mixed", client, number);
  if (may_be (sector, have[0])) {
    reached[MARK_LOST_DATA] += have[0] != sector->was[sector->count - 1].data;
    return;
  }
  sim_fail ("client %u, sector %u: request %llu was acknowledged, and %llx is "
            "read", client, number,
            (unsigned long long)last_acked (sector)->number,
            (unsigned long long)have[0]);
}

/* Nothing else was lost, but the way to the last copy. */
static void
check_error (const char *what, int error)
{
  if (error < 0 && !exchange.errors_allowed)
    sim_fail ("%s failed although a copy is good: %s", what,
              log_strerror (error));
  reached[MARK_CLIENT_ERROR] += error < 0;
}

static void
check_block (unsigned client, unsigned block)
{
  uint64_t have[BLOCK / 8];
  int r = array_read (exchange.array, have, BLOCK,
                      (client * BLOCKS + block) * (uint64_t)BLOCK);

  check_error ("a read", r);
  for (unsigned i = 0; r == 0 && i < BLOCK / SECTOR_SIZE; i++)
    check_sector (client, block * (BLOCK / SECTOR_SIZE) + i, have + i * WORDS);
}

static void
fill (uint64_t *block, unsigned client, uint64_t number)
{
  for (unsigned i = 0; i < BLOCK / sizeof *block; i++)
    block[i] = number == 0 ? 0 : number << 8 | client;
}

/* All write there; it is only compared at the end. */
static int
scribble (unsigned client, struct random_stream *mine)
{
  uint64_t data[BLOCK / 8];

  fill (data, client, random_next (mine) >> 8);
  return array_write (exchange.array, data, BLOCK, CLIENTS * BLOCKS * BLOCK, 0);
}

/* Some blocks with one request, over the borders of chunks. */
static int
modify (unsigned client, unsigned block, struct random_stream *mine)
{
  uint64_t offset = (client * BLOCKS + block) * (uint64_t)BLOCK;
  uint32_t flags = random_one_in (mine, 4) ? ARRAY_FUA : 0;
  unsigned count = random_between (mine, 1, MIN (BLOCKS - block, 3u));
  uint64_t data[3][BLOCK / 8];
  struct was was = { .number = ++requests };
  int r;

  if (random_one_in (mine, 5))
    r = array_zero (exchange.array, count * BLOCK, offset, flags);
  else {
    for (unsigned i = 0; i < count; i++)
      fill (data[i], client, was.number);
    was.data = data[0][0];
    r = array_write (exchange.array, data, count * BLOCK, offset, flags);
  }
  was.acked = r == 0;
  for (unsigned i = 0; i < count * (BLOCK / SECTOR_SIZE); i++)
    note (&sectors[client][block * (BLOCK / SECTOR_SIZE) + i], &was,
          flags & ARRAY_FUA);
  return r;
}

/* Everything that was acknowledged before is stable. */
static int
flush (void)
{
  uint64_t acked[CLIENTS * SECTORS];
  int r;

  for (unsigned i = 0; i < CLIENTS * SECTORS; i++)
    acked[i] = last_acked (&sectors[i / SECTORS][i % SECTORS])->number;
  r = array_flush (exchange.array);
  for (unsigned i = 0; r == 0 && i < CLIENTS * SECTORS; i++)
    forget_before (&sectors[i / SECTORS][i % SECTORS], acked[i]);
  reached[MARK_FLUSH_LOST] += r < 0;
  return r;
}

void
client (void *argument)
{
  unsigned number = (unsigned)(uintptr_t)argument;
  struct random_stream mine;

  random_init (&mine, exchange.seed, 10 + number);
  while (!exchange.stop_clients) {
    /* Often the same ones, so that what is late has become old. */
    unsigned block
      = random_below (&mine, random_one_in (&mine, 3) ? BLOCKS : 2);
    int r = 0;

    switch (random_below (&mine, 10)) {
    case 0:
      if (!exchange.flush_seldom || random_one_in (&mine, 30))
        r = flush ();
      break;
    case 1:
      r = scribble (number, &mine);
      break;
    case 2:
    case 3:
    case 4:
      check_block (number, block);
      break;
    case 5:
      sim_park (ground_now () + random_below (&mine, 4 * GROUND_MS));
      break;
    default:
      r = modify (number, block, &mine);
      break;
    }
    check_error ("a request", r);
  }
}

void
clients_check (void)
{
  for (unsigned i = 0; i < CLIENTS; i++)
    for (unsigned j = 0; j < BLOCKS; j++)
      check_block (i, j);
}
