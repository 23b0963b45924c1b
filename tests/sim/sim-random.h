/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-random: the only source of chance in the simulator.
 *
 * Header only.  One struct per stream, so that what one part draws does not
 * shift what another part sees.  Same seed, same numbers, on every machine:
 * integers only.
 */
#ifndef MIRROR_SIM_RANDOM_H
#define MIRROR_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random_stream {
  uint64_t state;
};

static inline uint64_t
random_next (struct random_stream *stream)
{
  uint64_t z = (stream->state += UINT64_C (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* A stream of its own for every (@seed, @part). */
static inline void
random_init (struct random_stream *stream, uint64_t seed, uint64_t part)
{
  stream->state = seed * UINT64_C (0x2545f4914f6cdd1d)
                  + part * UINT64_C (0xd6e8feb86659fd93);
  random_next (stream);
}

/* 0 .. @n - 1; @n is 1 .. 2^32. */
static inline uint64_t
random_below (struct random_stream *stream, uint64_t n)
{
  return ((random_next (stream) >> 32) * n) >> 32;
}

/* Both ends included. */
static inline uint64_t
random_between (struct random_stream *stream, uint64_t low, uint64_t high)
{
  return low + random_below (stream, high - low + 1);
}

static inline bool
random_one_in (struct random_stream *stream, uint64_t n)
{
  return random_below (stream, n) == 0;
}

/* True @part times in 1024. */
static inline bool
random_chance (struct random_stream *stream, unsigned part)
{
  return (random_next (stream) >> 54) < part;
}

/* Roughly exponential: halves, with a uniform rest. */
static inline uint64_t
random_exponential (struct random_stream *stream, uint64_t mean)
{
  uint64_t n = random_next (stream);
  unsigned halvings = n == 0 ? 20 : __builtin_ctzll (n);

  if (halvings > 20)
    halvings = 20;
  return mean * halvings + (mean * (n >> 54)) / 1024;
}

#endif /* MIRROR_SIM_RANDOM_H */
