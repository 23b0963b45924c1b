/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle: was what the clients saw possible?
 *
 * With unique values a register's history is decidable in n log n (Gibbons
 * and Korach, "Testing Shared Memories").  All operations of one value, its
 * write and its reads, are a cluster; its zone lies between the earliest end
 * and the latest beginning among them:
 *
 *   forward zone   the end comes first: the register holds the value for
 *                  all of it
 *       write  |-----|
 *       read              |----|
 *       zone         ######
 *   backward zone  all of them overlap somewhere: the value is needed for
 *                  a moment only, anywhere in it
 *
 * The history is linearizable if and only if no read ends before its write
 * begins, no two forward zones overlap, and no backward zone lies inside a
 * forward zone.
 *
 * Zeroes are not unique.  For them only necessary conditions are checked: no
 * zero is read, and none is written, inside a forward zone; and every zero
 * read has a possible source.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ground/util.h"
#include "oracle.h"
#include "sim-stamp.h"

#define NEVER UINT64_MAX
#define ENTRIES_MAX 131072u
#define CLUSTERS_MAX (HISTORY_OPS_MAX + 1u)

struct op {
  enum history_kind kind;
  enum history_outcome outcome;
  uint64_t start, finish; /* NEVER: not answered, or with an error */
  uint64_t first, count;
};

/* One operation on one sector. */
struct entry {
  unsigned op;
  uint64_t value;
  unsigned next; /* of the sector; 0: none */
};

static struct {
  uint64_t now, sectors, initial;
  unsigned ops, entries;
  struct op op[HISTORY_OPS_MAX];
  struct entry entry[ENTRIES_MAX]; /* from 1 on */
  unsigned head[HISTORY_SECTORS_MAX];
  uint64_t covered[HISTORY_SECTORS_MAX];
} history;

/* --- recording --- */

void
history_begin (uint64_t sectors, uint64_t initial)
{
  assert (sectors <= HISTORY_SECTORS_MAX);
  history.now = 0;
  history.sectors = sectors;
  history.initial = initial;
  history.ops = 0;
  history.entries = 1;
  memset (history.head, 0, sectors * sizeof history.head[0]);
  memset (history.covered, 0, sectors * sizeof history.covered[0]);
}

static void
add_entry (unsigned op, uint64_t sector, uint64_t value)
{
  assert (sector < history.sectors && history.entries < ENTRIES_MAX);
  history.entry[history.entries]
    = (struct entry){ op, value, history.head[sector] };
  history.head[sector] = history.entries++;
}

static bool
is_modification (enum history_kind kind)
{
  return kind != HISTORY_READ && kind != HISTORY_LOOK;
}

uint64_t
history_value (unsigned op)
{
  return history.op[op].kind == HISTORY_WRITE ? VALUE_FIRST + op : VALUE_ZERO;
}

unsigned
history_start (enum history_kind kind, uint64_t first, uint64_t count)
{
  unsigned op = history.ops++;

  assert (op < HISTORY_OPS_MAX);
  history.op[op] = (struct op){ .kind = kind,
                                .outcome = HISTORY_FAILED,
                                .start = ++history.now,
                                .finish = NEVER,
                                .first = first,
                                .count = count };
  for (uint64_t i = 0; i < count && is_modification (kind); i++)
    add_entry (op, first + i, history_value (op));
  return op;
}

void
history_saw (unsigned op, uint64_t sector, uint64_t value)
{
  assert (!is_modification (history.op[op].kind));
  assert (history.op[op].kind == HISTORY_READ || value == VALUE_ZERO);
  add_entry (op, sector, value);
}

void
history_finish (unsigned op, enum history_outcome outcome)
{
  struct op *o = &history.op[op];

  o->outcome = outcome;
  ++history.now;
  if (outcome != HISTORY_DONE)
    return;
  o->finish = history.now;
  if (o->kind == HISTORY_WRITE || o->kind == HISTORY_ZERO)
    for (uint64_t i = o->first; i < o->first + o->count; i++)
      history.covered[i] = MAX (history.covered[i], o->start);
}

uint64_t
history_began (unsigned op)
{
  return history.op[op].start;
}

bool
history_concurrent (unsigned a, unsigned b)
{
  const struct op *x = &history.op[a], *y = &history.op[b];

  return x->start < y->finish && y->start < x->finish
         && ranges_overlap (x->first, x->count, y->first, y->count);
}

/* --- durability --- */

void
history_covered (uint64_t *ret)
{
  memcpy (ret, history.covered, history.sectors * sizeof *ret);
}

bool
history_is_durable (uint64_t sector, uint64_t value, uint64_t covered)
{
  const struct op *op;

  if (value == history.initial && covered == 0)
    return true;
  if (value != VALUE_ZERO) {
    if (value < VALUE_FIRST || value - VALUE_FIRST >= history.ops)
      return false;
    op = &history.op[value - VALUE_FIRST];
    return op->outcome != HISTORY_NOTHING && op->finish >= covered;
  }
  for (unsigned i = history.head[sector]; i != 0; i = history.entry[i].next) {
    op = &history.op[history.entry[i].op];
    if ((op->kind == HISTORY_ZERO || op->kind == HISTORY_TRIM)
        && op->outcome != HISTORY_NOTHING && op->finish >= covered)
      return true;
  }
  return false;
}

/* --- one sector --- */

/* The write of one value and its reads. */
struct cluster {
  uint64_t value;
  uint64_t start, finish; /* of the write */
  uint64_t f, s;          /* earliest end, latest beginning of all */
  bool is_certain;        /* it did take effect */
  bool is_nothing;
};

static struct {
  uint64_t sector;
  char *why;
  size_t size;
  unsigned clusters;
  struct cluster cluster[CLUSTERS_MAX];
  unsigned index[HISTORY_OPS_MAX + VALUE_FIRST]; /* value -> cluster + 1 */
} check;

static bool __attribute__ ((format (printf, 1, 2)))
wrong (const char *format, ...)
{
  va_list list;
  int n = snprintf (check.why, check.size,
                    "LBA %llu: ", (unsigned long long)check.sector);

  va_start (list, format);
  vsnprintf (check.why + n, check.size - n, format, list);
  va_end (list);
  return false;
}

static void
add_cluster (uint64_t value, uint64_t start, uint64_t finish,
             enum history_outcome outcome)
{
  check.cluster[check.clusters]
    = (struct cluster){ .value = value,
                        .start = start,
                        .finish = finish,
                        .f = finish,
                        .s = start,
                        .is_certain = outcome == HISTORY_DONE,
                        .is_nothing = outcome == HISTORY_NOTHING };
  check.index[value] = ++check.clusters;
}

static void
find_writes (void)
{
  unsigned i;

  check.clusters = 0;
  if (history.initial != VALUE_ZERO)
    add_cluster (history.initial, 0, 0, HISTORY_DONE);
  for (i = history.head[check.sector]; i != 0; i = history.entry[i].next) {
    const struct op *op = &history.op[history.entry[i].op];

    if (op->kind == HISTORY_WRITE)
      add_cluster (history.entry[i].value, op->start, op->finish, op->outcome);
  }
}

/* Sort every read of something else than zero into its cluster. */
static bool
find_reads (void)
{
  unsigned i;

  for (i = history.head[check.sector]; i != 0; i = history.entry[i].next) {
    const struct op *op = &history.op[history.entry[i].op];
    uint64_t value = history.entry[i].value;
    struct cluster *cluster;

    if (op->kind != HISTORY_READ || op->outcome != HISTORY_DONE
        || value == VALUE_ZERO)
      continue;
    if (value >= ARRAY_LENGTH (check.index) || check.index[value] == 0)
      return wrong ("value %llu was read and never written there",
                    (unsigned long long)value);
    cluster = &check.cluster[check.index[value] - 1];
    if (cluster->is_nothing)
      return wrong ("value %llu was read, though its write was refused",
                    (unsigned long long)value);
    if (op->finish < cluster->start)
      return wrong ("value %llu was read before it was written",
                    (unsigned long long)value);
    cluster->f = MIN (cluster->f, op->finish);
    cluster->s = MAX (cluster->s, op->start);
    cluster->is_certain = true;
  }
  return true;
}

static void
forget_indexes (void)
{
  for (unsigned i = 0; i < check.clusters; i++)
    check.index[check.cluster[i].value] = 0;
}

static bool
is_forward (const struct cluster *cluster)
{
  return cluster->is_certain && cluster->f < cluster->s;
}

static bool
check_zones (void)
{
  for (unsigned i = 0; i < check.clusters; i++) {
    const struct cluster *a = &check.cluster[i];

    if (!is_forward (a))
      continue;
    for (unsigned j = 0; j < check.clusters; j++) {
      const struct cluster *b = &check.cluster[j];

      if (i == j || !b->is_certain)
        continue;
      /* Overlapping if b's is a forward zone, inside if not. */
      if (a->f < b->s && b->f < a->s)
        return wrong ("value %llu was there, then %llu, then %llu again",
                      (unsigned long long)a->value,
                      (unsigned long long)b->value,
                      (unsigned long long)a->value);
    }
  }
  return true;
}

static bool
is_zero_source (const struct op *op)
{
  return (op->kind == HISTORY_ZERO || op->kind == HISTORY_TRIM)
         && op->outcome != HISTORY_NOTHING;
}

/* Zeroes read, or surely written, while the register held a value. */
static bool
check_zeroes (void)
{
  unsigned i;

  for (i = history.head[check.sector]; i != 0; i = history.entry[i].next) {
    const struct op *op = &history.op[history.entry[i].op];

    if (op->outcome != HISTORY_DONE || history.entry[i].value != VALUE_ZERO
        || op->kind == HISTORY_TRIM || op->kind == HISTORY_LOOK)
      continue;
    for (unsigned j = 0; j < check.clusters; j++) {
      const struct cluster *a = &check.cluster[j];

      if (is_forward (a) && a->f < op->start && op->finish < a->s)
        return wrong ("value %llu was there, then zero, then %llu again",
                      (unsigned long long)a->value,
                      (unsigned long long)a->value);
    }
  }
  return true;
}

/* Some zero that @read may have seen: begun before the read ended, and not
 * wholly before a write that had surely taken effect when the read began.
 */
static bool
has_zero_source (const struct op *read, bool strict)
{
  uint64_t latest = 0;
  unsigned i;

  for (i = 0; i < check.clusters; i++) {
    const struct cluster *a = &check.cluster[i];

    if ((strict ? a->f : a->finish) < read->start && a->is_certain)
      latest = MAX (latest, a->start);
  }
  if (history.initial == VALUE_ZERO && latest == 0)
    return true;
  for (i = history.head[check.sector]; i != 0; i = history.entry[i].next) {
    const struct op *op = &history.op[history.entry[i].op];

    if (is_zero_source (op) && op->start < read->finish && op->finish >= latest)
      return true;
  }
  return false;
}

static bool
check_zero_sources (bool strict)
{
  unsigned i;

  for (i = history.head[check.sector]; i != 0; i = history.entry[i].next) {
    const struct op *op = &history.op[history.entry[i].op];

    if (!is_modification (op->kind) && op->outcome == HISTORY_DONE
        && history.entry[i].value == VALUE_ZERO
        && !has_zero_source (op, strict && op->kind == HISTORY_READ))
      return wrong ("zero was read, and nothing can have put it there");
  }
  return true;
}

/* No read returns what an answered write or zero had replaced before. */
static bool
check_not_stale (void)
{
  unsigned i, j;

  for (i = history.head[check.sector]; i != 0; i = history.entry[i].next) {
    const struct op *read = &history.op[history.entry[i].op];
    uint64_t value = history.entry[i].value;

    if (read->kind != HISTORY_READ || read->outcome != HISTORY_DONE
        || value == VALUE_ZERO)
      continue;
    for (j = history.head[check.sector]; j != 0; j = history.entry[j].next) {
      const struct op *op = &history.op[history.entry[j].op];

      if ((op->kind == HISTORY_WRITE || op->kind == HISTORY_ZERO)
          && op->outcome == HISTORY_DONE && op->finish < read->start
          && check.cluster[check.index[value] - 1].finish < op->start)
        return wrong ("value %llu was read after it had been replaced",
                      (unsigned long long)value);
    }
  }
  return true;
}

bool
oracle_sector (uint64_t sector, bool strict, char *why, size_t size)
{
  bool good;

  if (history.head[sector] == 0)
    return true;
  check.sector = sector;
  check.why = why;
  check.size = size;
  find_writes ();
  good = find_reads () && check_zero_sources (strict);
  if (good && strict)
    good = check_zones () && check_zeroes ();
  if (good && !strict)
    good = check_not_stale ();
  forget_indexes ();
  return good;
}

bool
oracle_all (bool strict, char *why, size_t size)
{
  for (uint64_t sector = 0; sector < history.sectors; sector++)
    if (!oracle_sector (sector, strict, why, size))
      return false;
  return true;
}
