/* SPDX-License-Identifier: BSD-3-Clause */
/* order: what all orders begin with, and how they are refused. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/array-internal.h"
#include "engine/life/order.h"
#include "ground/util.h"

int
change_refuse (struct array_answer *answer, int error, const char *reason,
               const char *format, ...)
{
  va_list args;

  assert (error < 0);
  answer->reason = reason;
  va_start (args, format);
  vsnprintf (answer->text, sizeof answer->text, format, args);
  va_end (args);
  return error;
}

static const struct {
  const char *reason, *text;
} refusals[] = {
  [ROSTER_UNKNOWN] = { "unknown-member", "the array has no such member" },
  [ROSTER_ALREADY] = { "already", "it is so already" },
  [ROSTER_LAST_COPY] = { "last-copy", "some data has no other copy that is in "
                         "sync, so it stays; add a disk and let it be rebuilt "
                         "first" },
  [ROSTER_IDLE] = { "spare", "it is a spare, which holds nothing" },
  [ROSTER_IN_USE] = { "in-use", "it is in use" },
  [ROSTER_FAULTY] = { "failed", "it has failed; readd it, or remove it" },
  [ROSTER_UNREADY] = { "not-in-sync", "it is being rebuilt; to use another "
                       "disk fail it, and add that" },
  [ROSTER_NO_SLOT] = { "no-free-slot", "every slot has a member; replace one, "
                       "or remove one first" },
  [ROSTER_FULL] = { "too-many-members", "there are as many members as there "
                    "can be" },
};

int
change_refuse_step (struct array_answer *answer, enum roster_refusal refusal,
             const char *name)
{
  return change_refuse (answer, -EINVAL, refusals[refusal].reason,
                        "%s%.200s%s%s", name[0] != '\0' ? "disk " : "", name,
                        name[0] != '\0' ? ": " : "", refusals[refusal].text);
}

int
change_enter_by (struct array *array, struct requests *requests, bool dry_run,
                 struct request **ret, struct array_answer *answer)
{
  int r = request_begin (requests, ret);

  if (r < 0)
    return change_refuse (answer, r, "stopping", "the server stops");
  r = array->md != NULL && !dry_run ? metadata_activate (array) : 0;
  if (r == 0)
    return 0;
  request_end (requests, *ret);
  return change_refuse (answer, r, "not-recorded",
                        "the metadata cannot be written: %s",
                        log_strerror (r));
}

int
change_enter (struct array *array, bool dry_run, struct request **ret,
              struct array_answer *answer)
{
  return change_enter_by (array, &array->modifiers, dry_run, ret, answer);
}
