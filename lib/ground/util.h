/* SPDX-License-Identifier: BSD-3-Clause */
/* util: checked arithmetic, alignment and the assertion that stays on.
 *
 * Header only.  Every storey may include it; it calls nothing but the
 * C library's assertion failure.
 */
#ifndef MIRROR_UTIL_H
#define MIRROR_UTIL_H

/* A broken promise of our own stops the server, in release too: going on
 * would risk the copies.  What comes from disks, networks or people is
 * checked with an if, never asserted.
 */
#undef NDEBUG
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR_SIZE 512u

/* glib, which doors include before this, has some that look twice. */
#undef MIN
#undef MAX
#define MIN(a, b)                                                             \
  ({                                                                          \
    __auto_type min_a = (a);                                                  \
    __auto_type min_b = (b);                                                  \
    min_a < min_b ? min_a : min_b;                                            \
  })
#define MAX(a, b)                                                             \
  ({                                                                          \
    __auto_type max_a = (a);                                                  \
    __auto_type max_b = (b);                                                  \
    max_a > max_b ? max_a : max_b;                                            \
  })

/* Not for the requests of a healthy array: kept out of the functions that call
 * it, so that those do not save registers, or guard arrays, for its sake.
 */
#define RARE __attribute__ ((cold, noinline))

#define ARRAY_LENGTH(a) (sizeof (a) / sizeof ((a)[0]))

/* The structure that contains @member at @pointer. */
#define container_of(pointer, type, member)                                   \
  ((type *)((char *)(pointer)-offsetof (type, member)))

static inline bool
is_power_of_2 (uint64_t n)
{
  return n != 0 && (n & (n - 1)) == 0;
}

/* @alignment is any non-zero number, not only a power of two. */
static inline uint64_t
round_down (uint64_t n, uint64_t alignment)
{
  return n - n % alignment;
}

static inline uint64_t
div_round_up (uint64_t n, uint64_t divisor)
{
  return n / divisor + (n % divisor != 0);
}

static inline uint64_t
round_up (uint64_t n, uint64_t alignment)
{
  return div_round_up (n, alignment) * alignment;
}

static inline bool
is_aligned (uint64_t n, uint64_t alignment)
{
  return n % alignment == 0;
}

/* True and *@ret set when the result fits 64 bits; else *@ret untouched. */
static inline bool
add_fits (uint64_t a, uint64_t b, uint64_t *ret)
{
  uint64_t sum;

  if (__builtin_add_overflow (a, b, &sum))
    return false;
  *ret = sum;
  return true;
}

static inline bool
mul_fits (uint64_t a, uint64_t b, uint64_t *ret)
{
  uint64_t product;

  if (__builtin_mul_overflow (a, b, &product))
    return false;
  *ret = product;
  return true;
}

static inline bool
ranges_overlap (uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
  return a < b + b_length && b < a + a_length;
}

#endif /* MIRROR_UTIL_H */
