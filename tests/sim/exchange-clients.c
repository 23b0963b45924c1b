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

static uint64_t version[CLIENTS][BLOCKS], versions; /* 0: zeroes */

void
clients_reset (void)
{
  memset (version, 0, sizeof version);
  versions = 0;
}

static void
fill (uint64_t *block, unsigned client, uint64_t number)
{
  for (unsigned i = 0; i < BLOCK / sizeof *block; i++)
    block[i] = number == 0 ? 0 : number << 8 | client;
}

static void
check_block (unsigned client, unsigned block)
{
  uint64_t want[BLOCK / 8], have[BLOCK / 8];
  int r = array_read (exchange.array, have, BLOCK,
                      (client * BLOCKS + block) * (uint64_t)BLOCK);

  if (r < 0)
    sim_fail ("a read failed although a copy is good: %s", log_strerror (r));
  fill (want, client, version[client][block]);
  if (memcmp (want, have, BLOCK) != 0)
    sim_fail ("client %u, block %u: version %llu was acknowledged, and "
              "%llx is read",
              client, block, (unsigned long long)version[client][block],
              (unsigned long long)have[0]);
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
  uint64_t data[3][BLOCK / 8], next = ++versions;
  int r;

  if (random_one_in (mine, 5)) {
    next = 0;
    r = array_zero (exchange.array, count * BLOCK, offset, flags);
  } else {
    for (unsigned i = 0; i < count; i++)
      fill (data[i], client, next);
    r = array_write (exchange.array, data, count * BLOCK, offset, flags);
  }
  for (unsigned i = 0; i < count; i++)
    version[client][block + i] = next;
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
      r = array_flush (exchange.array);
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
    if (r < 0)
      sim_fail ("client %u: an error although a copy is good: %s", number,
                log_strerror (r));
  }
}

void
clients_check (void)
{
  for (unsigned i = 0; i < CLIENTS; i++)
    for (unsigned j = 0; j < BLOCKS; j++)
      check_block (i, j);
}
