/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-marks: what must happen sometimes: see sim-marks.h. */
#ifndef MIRROR_CRASH_MARKS_H
#define MIRROR_CRASH_MARKS_H

#include <stdint.h>

#define CRASH_MARKS(X)                                                        \
  X (RAID1, "raid1")                                                          \
  X (RAID10_NEAR, "raid10, near layout")                                      \
  X (RAID10_FAR, "raid10, far layout")                                        \
  X (RAID10_OFFSET, "raid10, offset layout")                                  \
  X (NO_BITMAP, "an array without a bitmap")                                  \
  X (BEGINS_DIRTY, "an array that was never synced")                          \
  X (LARGE_BLOCKS, "legs with blocks of 4096 bytes")                          \
  X (SEVERAL_PAGES, "a bitmap of several pages")                              \
  X (WIDE_REGIONS, "a bitmap with regions of several windows of a resync")    \
  X (LEFT_IN_REGION, "a stop in the middle of a region's windows")            \
  X (PAGES_SET, "bits of several pages were set in one store")                \
  X (PAGES_CLEARED, "bits of several pages were cleared in one store")        \
  X (PAGE_BETWEEN, "a page between two others was stored unchanged")          \
  X (FAULT_WRITE, "a write failed")                                           \
  X (FAULT_FLUSH, "a flush failed")                                           \
  X (FAULT_READ, "a read failed")                                             \
  X (FAULT_ODD, "a harmless error")                                           \
  X (FAULT_DIE, "a leg went away")                                            \
  X (TIMED_OUT, "a leg was given up at its deadline")                         \
  X (LEG_OUT, "a leg was taken out")                                          \
  X (REPLY_WITHOUT, "a write was answered that a leg had missed")             \
  X (OP_FAILED, "a client got an error")                                      \
  X (IDLE_CLEAN, "the array was marked clean while it was idle")              \
  X (IDLE_CLEAR, "bits were cleared while it was idle")                       \
  X (STATE_CLEAN, "a crash left the array clean")                             \
  X (STATE_DIRTY, "a crash left it dirty")                                    \
  X (STATE_DEGRADED, "a crash left it degraded")                              \
  X (SUBSET_STARTS, "some of the legs came back, and made an array")          \
  X (SUBSET_FAILS, "too few of them came back")                               \
  X (ONE_UNPOWERED, "one leg lost its power, and the others did not")         \
  X (APART, "two histories: parts of the array ran without each other")       \
  X (SPLIT_BRAIN, "a start was refused because of two histories")      \
  X (KEPT, "one of two histories was kept")                                   \
  X (KEPT_COPIED, "and the other one was overwritten")                        \
  X (CRASHED_TWICE, "a crash while recovering from a crash")                  \
  X (CRASHED_THRICE, "and again")                                             \
  X (LEG_MISSING, "a start without some leg")                                 \
  X (LEG_STALE, "a leg came back that had missed something")                  \
  X (RESYNCED, "copies were brought together")                                \
  X (SPANS, "several spans of a resync or rebuild were in flight")            \
  X (REBUILT, "a leg that had missed something was rebuilt")                  \
  X (REFUSED, "the engine refused to start")                                  \
  X (FAILED_IN_RESYNC, "a leg failed during resync")                          \
  X (READ_IN_RESYNC, "a reader met a part that was not resynced yet")         \
  X (ORDER_FAIL, "a leg was failed by order")                                 \
  X (ORDER_REMOVE, "a leg was removed by order")                              \
  X (ORDER_ADD, "a leg was added by order")                                   \
  X (ORDER_READD, "a leg that had failed came back by order")                 \
  X (CUT, "a leg lost its power while the array ran")                         \
  X (CUT_LOST, "and what it had not flushed")                                 \
  X (CUT_LAST, "so did one that had the last copy of something")              \
  X (CUT_BACK, "one came back by itself")                                     \
  X (CUT_LAST_BACK, "the last copy came back by itself")                      \
  X (CUT_DOUBTED, "it had lost something, so every flush failed")             \
  X (LATE, "an old connection wrote late")                                    \
  X (CRASHED_AWAY, "a crash while such a leg was away")                       \
  X (CRASHED_CATCHING_UP, "a crash while it caught up")                       \
  X (CRASHED_BACK, "a crash after it was back")                               \
  X (CRASHED_LAST_BACK, "a crash after the last copy was back")

enum crash_mark {
#define X(name, text) MARK_##name,
  CRASH_MARKS (X)
#undef X
  CRASH_MARKS_COUNT,
};

extern uint64_t crash_marks[CRASH_MARKS_COUNT];
extern const char *const crash_mark_texts[CRASH_MARKS_COUNT];

#define SOMETIMES(name) (crash_marks[MARK_##name]++)

#endif /* MIRROR_CRASH_MARKS_H */
