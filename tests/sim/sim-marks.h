/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-marks: what must happen sometimes.
 *
 * A simulation that never reaches the interesting states proves nothing.
 * Each mark is counted; a long run in which one was never reached fails.
 */
#ifndef MIRROR_SIM_MARKS_H
#define MIRROR_SIM_MARKS_H

#include <stdint.h>

#define SIM_MARKS(X)                                                          \
  X (POOL_EMPTY, "at most one child request was free")                        \
  X (REQUESTS_BUSY, "half of the request descriptors were in use")            \
  X (SPURIOUS_WAKE, "a wait ended for no reason")                             \
  X (RAID10_FAR, "raid10, far layout")                                        \
  X (RAID10_OFFSET, "raid10, offset layout")                                  \
  X (RAID10_NEAR_ODD, "raid10, near layout with a slot to spare")             \
  X (RAID10_SETS, "raid10, far sets")                                         \
  X (BOUNCED, "data went through bounce buffers")                             \
  X (MIXED_RANKS, "legs of all three ranks in one array")                     \
  X (CREATE_REFUSED, "array_create refused")                                  \
  X (READONLY, "a read-only array")                                           \
  X (CHILD_SPLIT, "one write became more children than copies")               \
  X (COMPLETED_AT_ISSUE, "a child was done before leg_issue returned")        \
  X (ATTENDED, "who waits for remote legs brought an answer")                 \
  X (TORN_TRANSFER, "a write reached the disk in two steps")                  \
  X (OVERLAP, "two writes overlapped in time and place")                      \
  X (READ_DURING_WRITE, "a read overlapped a write in time and place")        \
  X (FAULT_WRITE, "a write failed hard")                                      \
  X (FAULT_READ, "a read failed hard")                                        \
  X (FAULT_FLUSH, "a flush failed hard")                                      \
  X (FAULT_ZERO, "a zero request failed hard")                                \
  X (FAULT_HINT, "extents or cache failed hard")                              \
  X (ODD_WRITE, "a write failed with a harmless error")                       \
  X (ODD_READ, "a read failed with a harmless error")                         \
  X (ODD_FLUSH, "a flush failed with a harmless error")                       \
  X (ODD_AGAIN, "a write that failed so succeeded the second time")           \
  X (ODD_OUT, "a leg was taken out for harmless errors only")                 \
  X (FLUSH_UNSUPPORTED, "a leg that cannot flush")                            \
  X (ZERO_UNSUPPORTED, "a leg could not zero after all")                      \
  X (DIED_AT_ONCE, "a leg went away with children in flight")                 \
  X (DIED_IDLE, "a leg went away with nothing in flight")                     \
  X (TIMED_OUT, "a leg was given up at its deadline")                         \
  X (LOST_REPLY, "a reply never came")                                        \
  X (ZOMBIE_WRITE, "a write took effect after its leg was given up")          \
  X (LEG_OUT, "a leg was taken out")                                          \
  X (TWO_LEGS_OUT, "two legs were taken out")                                 \
  X (LAST_COPY_KEPT, "a leg with hard errors stayed as the last copy")        \
  X (ORDER_FAIL, "a leg was failed by order")                                 \
  X (ORDER_REMOVE, "a leg was removed by order")                              \
  X (ORDER_REFUSED, "an order to take the last copy out was refused")         \
  X (READS_PINNED, "reads were pinned")                                       \
  X (READ_FAILED_OVER, "a read succeeded although one copy failed it")        \
  X (FAST_ZERO_DONE, "a fast zero was done")                                  \
  X (FAST_ZERO_REFUSED, "a fast zero was refused")                            \
  X (TRIM_SEEN, "a trim was seen to zero")                                    \
  X (TRIM_IGNORED, "a trim was seen to change nothing")                       \
  X (ZERO_EXTENT, "an extent was said to be zero")                            \
  X (SHORT_EXTENTS, "extents ended early")                                    \
  X (CLIENT_ERROR, "a client got an error")                                   \
  X (FUA_DONE, "a write with FUA succeeded")                                  \
  X (QUIESCE_EARLY, "the array was stopped under load")                       \
  X (QUIESCE_TWICE, "it was stopped twice at once")                           \
  X (QUIESCE_LATE, "a stop ran into its deadline")                            \
  X (REFUSED_AFTER_STOP, "a request came after the stop")                     \
  X (ATLAS_BROKEN, "faults on every copy")

enum sim_mark {
#define X(name, text) MARK_##name,
  SIM_MARKS (X)
#undef X
  SIM_MARKS_COUNT,
};

extern uint64_t sim_marks[SIM_MARKS_COUNT];
extern const char *const sim_mark_texts[SIM_MARKS_COUNT];

#define SOMETIMES(name) (sim_marks[MARK_##name]++)

#endif /* MIRROR_SIM_MARKS_H */
