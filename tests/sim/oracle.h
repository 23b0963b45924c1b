/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle: was what the clients saw possible?
 *
 * Each 512-byte sector is a register.  A request over many sectors is one
 * operation per sector with the same interval.  Every write has a value of
 * its own; zeroing and trimming write 0, which is not unique.
 *
 * Pure, and works on one history at a time.  Times are a count of events, so
 * no two are equal.
 */
#ifndef MIRROR_ORACLE_H
#define MIRROR_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_OPS_MAX 1024u
#define HISTORY_SECTORS_MAX 2048u

enum history_kind {
  HISTORY_READ,
  HISTORY_WRITE,
  HISTORY_ZERO,
  HISTORY_TRIM, /* zeroes, or does nothing */
  HISTORY_LOOK, /* a read that may be older than one that ended before it, as
                   long as no answered write lies in between */
};

enum history_outcome {
  HISTORY_DONE,    /* answered with success */
  HISTORY_FAILED,  /* may take effect at any time from its start on, or never */
  HISTORY_NOTHING, /* must have had no effect */
};

/* Start over: @sectors registers which all hold @initial. */
void history_begin (uint64_t sectors, uint64_t initial);

/* An operation on @count sectors from @first on begins; returns its number.
 */
unsigned history_start (enum history_kind kind, uint64_t first, uint64_t count);

/* The value that a write stores. */
uint64_t history_value (unsigned op);

/* What a read returned (of a look: only zeroes); before history_finish. */
void history_saw (unsigned op, uint64_t sector, uint64_t value);
void history_finish (unsigned op, enum history_outcome outcome);

/* When did @op begin? */
uint64_t history_began (unsigned op);

/* Do two operations overlap in time and place? */
bool history_concurrent (unsigned a, unsigned b);

/* For each sector, the latest beginning of a modification that was answered
 * with success; 0: none.  What a flush that begins now covers.
 */
void history_covered (uint64_t *ret);

/* May @sector of a disk hold @value on stable storage, when everything
 * answered up to a modification that began at @covered has to be there?
 */
bool history_is_durable (uint64_t sector, uint64_t value, uint64_t covered);

/* Can the history of @sector be put in an order that explains it?  Else
 * false and @why (@size bytes).  @strict: linearizable; otherwise only: no
 * value from nowhere, and none older than a write that had been answered
 * before the read began.
 */
bool oracle_sector (uint64_t sector, bool strict, char *why, size_t size);

/* All sectors. */
bool oracle_all (bool strict, char *why, size_t size);

#endif /* MIRROR_ORACLE_H */
