/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-preempt: switch at every atomic operation, and now and then at any
 * memory access.
 *
 * ground-sim can switch only where the engine calls the ground; but the
 * engine also has atomics.  So a second build of it is compiled with
 * -fsanitize=thread and linked with this file in place of the sanitizer's
 * own runtime: the compiler calls us before each access.  Nothing is
 * recorded; a chance to switch is all that we want.
 *
 * Only the engine and the logic are compiled so, never the simulator.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground-sim.h"

/* One plain access in so many is a chance to switch.  A prime, so that it is
 * not always the same one.
 */
#define PLAIN_ACCESSES 61u

static unsigned accesses;

void sim_preempt_begin (void);

/* For runs that can be repeated. */
void
sim_preempt_begin (void)
{
  accesses = 0;
}

static void
atomic_access (void)
{
  if (sim_is_running ())
    sim_point ();
}

static void
plain_access (void)
{
  if (++accesses % PLAIN_ACCESSES == 0)
    atomic_access ();
}

/* --- plain accesses --- */

#define PLAIN(name)                                                           \
  void __tsan_##name (void *address);                                         \
  void __tsan_##name (void *address)                                          \
  {                                                                           \
    (void)address;                                                            \
    plain_access ();                                                          \
  }

#define PLAINS(size)                                                          \
  PLAIN (read##size)                                                          \
  PLAIN (write##size)                                                         \
  PLAIN (unaligned_read##size)                                                \
  PLAIN (unaligned_write##size)                                               \
  PLAIN (read_write##size)                                                    \
  PLAIN (unaligned_read_write##size)                                          \
  PLAIN (volatile_read##size)                                                 \
  PLAIN (volatile_write##size)

PLAINS (1)
PLAINS (2)
PLAINS (4)
PLAINS (8)
PLAINS (16)

#define RANGE(name)                                                           \
  void __tsan_##name (void *address, size_t size);                            \
  void __tsan_##name (void *address, size_t size)                             \
  {                                                                           \
    (void)address;                                                            \
    (void)size;                                                               \
    plain_access ();                                                          \
  }

RANGE (read_range)
RANGE (write_range)

/* --- functions: of no interest --- */

void __tsan_init (void);
void
__tsan_init (void)
{
}

void __tsan_func_entry (void *caller);
void
__tsan_func_entry (void *caller)
{
  (void)caller;
}

void __tsan_func_exit (void);
void
__tsan_func_exit (void)
{
}

/* --- atomic operations: as strong as there is, after the chance --- */

#define ORDER __ATOMIC_SEQ_CST

#define ATOMIC_FETCH(bits, name)                                              \
  uint##bits##_t __tsan_atomic##bits##_fetch_##name (                         \
    volatile uint##bits##_t *a, uint##bits##_t v, int order);                 \
  uint##bits##_t __tsan_atomic##bits##_fetch_##name (                         \
    volatile uint##bits##_t *a, uint##bits##_t v, int order)                  \
  {                                                                           \
    (void)order;                                                              \
    atomic_access ();                                                         \
    return __atomic_fetch_##name (a, v, ORDER);                               \
  }

#define ATOMIC_COMPARE(bits, name)                                            \
  int __tsan_atomic##bits##_compare_exchange_##name (                         \
    volatile uint##bits##_t *a, uint##bits##_t *expected, uint##bits##_t v,   \
    int order, int fail_order);                                               \
  int __tsan_atomic##bits##_compare_exchange_##name (                         \
    volatile uint##bits##_t *a, uint##bits##_t *expected, uint##bits##_t v,   \
    int order, int fail_order)                                                \
  {                                                                           \
    (void)order;                                                              \
    (void)fail_order;                                                         \
    atomic_access ();                                                         \
    return __atomic_compare_exchange_n (a, expected, v, false, ORDER, ORDER); \
  }

#define ATOMICS(bits)                                                         \
  uint##bits##_t __tsan_atomic##bits##_load (                                 \
    const volatile uint##bits##_t *a, int order);                             \
  uint##bits##_t __tsan_atomic##bits##_load (                                 \
    const volatile uint##bits##_t *a, int order)                              \
  {                                                                           \
    (void)order;                                                              \
    atomic_access ();                                                         \
    return __atomic_load_n (a, ORDER);                                        \
  }                                                                           \
  void __tsan_atomic##bits##_store (volatile uint##bits##_t *a,               \
                                    uint##bits##_t v, int order);             \
  void __tsan_atomic##bits##_store (volatile uint##bits##_t *a,               \
                                    uint##bits##_t v, int order)              \
  {                                                                           \
    (void)order;                                                              \
    atomic_access ();                                                         \
    __atomic_store_n (a, v, ORDER);                                           \
  }                                                                           \
  uint##bits##_t __tsan_atomic##bits##_exchange (                             \
    volatile uint##bits##_t *a, uint##bits##_t v, int order);                 \
  uint##bits##_t __tsan_atomic##bits##_exchange (                             \
    volatile uint##bits##_t *a, uint##bits##_t v, int order)                  \
  {                                                                           \
    (void)order;                                                              \
    atomic_access ();                                                         \
    return __atomic_exchange_n (a, v, ORDER);                                 \
  }                                                                           \
  ATOMIC_FETCH (bits, add)                                                    \
  ATOMIC_FETCH (bits, sub)                                                    \
  ATOMIC_FETCH (bits, and)                                                    \
  ATOMIC_FETCH (bits, or)                                                     \
  ATOMIC_FETCH (bits, xor)                                                    \
  ATOMIC_COMPARE (bits, strong)                                               \
  ATOMIC_COMPARE (bits, weak)

ATOMICS (8)
ATOMICS (16)
ATOMICS (32)
ATOMICS (64)

void __tsan_atomic_thread_fence (int order);
void
__tsan_atomic_thread_fence (int order)
{
  (void)order;
  atomic_access ();
}
