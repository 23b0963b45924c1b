/* SPDX-License-Identifier: BSD-3-Clause */
/* settle: every member has answered a modification: which are out, and what is
 * the client told?
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "engine/io/settle.h"
#include "ground/log.h"
#include "ground/util.h"

/* Of the members that failed: those that failed a piece which no current copy
 * of it could store.
 */
static RARE uint32_t
excused (const struct request *request, const struct settle *settle)
{
  const struct array *array = request->array;
  const struct view *view = request_view (request);
  uint32_t in_sync = request->asked & view_in_sync_now (array, view), ret = 0;
  struct view_copy copies[LEGS_MAX];
  uint64_t length;

  for (uint64_t done = 0; done < settle->length && request->failed != 0;
       done += length) {
    uint32_t holders = 0, failed = 0;
    unsigned count
      = view_copies (view, settle->offset + done, copies);

    length = view_piece (view, settle->offset + done, settle->length - done);
    for (unsigned i = 0; i < count; i++) {
      uint32_t bit = 1u << copies[i].place;

      holders |= bit;
      if (request_failed_in (request, copies[i].place, copies[i].offset,
                             length))
        failed |= bit;
    }
    if ((holders & in_sync & ~failed) == 0)
      ret |= failed;
  }
  return ret;
}

/* The places whose children had CHILD_FUA. */
static uint32_t
stable (const struct request *request, const struct settle *settle)
{
  return settle->stable ? request_view (request)->with_fua : 0;
}

uint32_t
settle_again (const struct request *request, const struct settle *settle)
{
  if (request->failed == 0)
    return 0;
  return failure_again (request, excused (request, settle),
                        stable (request, settle));
}

/* The client gets an error, and the copies may differ where it wanted to
 * write.  An md array brings them together again (intent_end).
 */
static RARE int
give_up (struct request *request, const struct settle *settle, bool everywhere,
         int error)
{
  struct array *array = request->array;
  const struct view *view = request_view (request);

  if (array->md == NULL) {
    atomic_store (&array->reads_pinned, true);
    if (view->targets != view->in_sync)
      array_note_torn (array, settle->offset, settle->length);
  }
  log_error_repeats (&array->told_modify, ground_now (), error,
                     "%s failed on %s: %s.  The client %s; %s",
                     settle->what,
                     everywhere ? "every disk that holds the data"
                                : "a disk that stays in use",
                     log_strerror (error),
                     array->await.timeout_ns != 0 && leg_error_is_gone (error)
                       ? "waits for it (no-leg-timeout=)" : "gets the error",
                     array->md != NULL
                       ? "resync makes the copies there equal again"
                       : "copies may differ there, so from now on the first "
                         "one is read");
  return error;
}

int
settle (struct request *request, const struct settle *settle)
{
  uint32_t nobody_could = 0;
  int r = 0;

  /* Members that failed leave before the range is unlocked: an unlocked range
   * tells readers that the copies agree.
   */
  assert (request->range.running || request->stands_in->range.running);
  if (request->failed == 0 && !settle->stable)
    return 0;
  if (request->failed != 0) {
    nobody_could = excused (request, settle);
    r = failure_settle (request, settle->what, nobody_could);
  }
  if (settle->stable)
    r = flush_fua_settle (request, r);
  return r < 0 ? give_up (request, settle, nobody_could != 0, r) : 0;
}
