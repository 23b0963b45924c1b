/* SPDX-License-Identifier: BSD-3-Clause */
/* history: may a client see this, after all that has happened?
 *
 * Each sector is a register; every write has a value of its own, zeroes are
 * value 0.  A request over many sectors is one operation on each of them.
 * Times are a count of events.
 *
 * While no server crashes, a value is wrong if its write was overwritten:
 * another write began after that one had taken effect, and had itself taken
 * effect before the read began (it was answered, or somebody saw it).
 *
 * A crash ends all writes under way: each took effect before, or never.  It
 * must not lose a write that is *strong*:
 *
 *   the server died     answered, and not lost in a power cut before
 *   power cut           covered: answered before a flush began that succeeded,
 *                       or written with FUA
 *
 * Losing means to show a value that a strong write had overwritten.  The first
 * read after a crash pins the sector: its value counts as written at the
 * moment of the crash, so it stays until somebody writes.  A power cut leaves
 * only what is durable, so such a pin is covered; on the disks as a whole, not
 * on every single one.
 */
#ifndef MIRROR_KILL_HISTORY_H
#define MIRROR_KILL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEVER UINT64_MAX
#define HISTORY_CRASHES 16u

/* Values, besides VALUE_ZERO of sim-stamp.h: what a disk held before the
 * first write, and what was written.
 */
#define VALUE_OF_LEG(leg) (UINT64_C (1) + (leg))
#define VALUE_WRITTEN UINT64_C (100)

struct operation {
  uint64_t value;
  uint64_t invoked;
  uint64_t ended;  /* it can take no effect later; NEVER */
  uint64_t acked;  /* answered with success; NEVER */
  bool fua;        /* of a pin: the crash was a power cut */
  bool is_pin;
};

struct entry {
  uint32_t operation;
  uint64_t seen; /* in this sector some read that returned then has seen it */
};

struct crash_record {
  uint64_t at;         /* pins are from this time, ends at most at - 1 */
  uint64_t flush_mark; /* answered before this time is covered */
  bool power;
};

struct history {
  uint64_t sectors;
  uint64_t now;
  uint64_t flush_mark;
  bool is_part;  /* some disk was away: pins may be lost in power cuts */
  struct crash_record crash[HISTORY_CRASHES];
  unsigned crashes;
  struct operation *operations;
  uint32_t count, room;
  struct sector_history {
    struct entry *entries;
    uint32_t count, room;
    uint32_t pinned_after; /* so many crashes */
  } *sector;
};

void history_open (struct history *history, uint64_t sectors);
void history_close (struct history *history);

/* Nothing has happened; sectors hold VALUE_ZERO, or, with @legs > 0, what
 * any of so many legs holds.
 */
void history_begin (struct history *history, unsigned legs);

uint64_t history_tick (struct history *history);

/* A write to sectors @first ... begins; returns its number.  @zero: of zeroes,
 * else of history_value.
 */
uint32_t history_write (struct history *history, uint64_t first,
                        uint64_t count, bool zero, bool fua);
uint64_t history_value (const struct history *history, uint32_t operation);
void history_acked (struct history *history, uint32_t operation);

/* It was answered, but need not have done anything. */
void history_ended (struct history *history, uint32_t operation);

/* A flush that began at that time was answered with success. */
void history_flushed (struct history *history, uint64_t invoked);

/* A read that began at @invoked returned this just now.  False and @why:
 * that cannot be.
 */
bool history_read (struct history *history, uint64_t sector, uint64_t value,
                   uint64_t invoked, char *why, size_t size);

/* May a single disk hold this, now that nobody is writing? */
bool history_may_hold (struct history *history, uint64_t sector,
                       uint64_t value, char *why, size_t size);

void history_crash (struct history *history, bool power);

#endif /* MIRROR_KILL_HISTORY_H */
