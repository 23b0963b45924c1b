/* SPDX-License-Identifier: BSD-3-Clause */
/* leg: what the errors of any leg mean, how a driver says no, which legs are the
 * same, and waiting for several at once.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ground/limits.h"
#include "ground/text.h"
#include "ground/util.h"
#include "legs/leg.h"

void
leg_attend (struct leg *const *legs, unsigned count,
            const _Atomic unsigned *remaining)
{
  bool can_all = legs[0]->ops->attend != NULL;

  for (unsigned i = 1; i < count; i++)
    can_all = can_all && legs[i]->ops->attend == legs[0]->ops->attend;
  if (can_all)
    legs[0]->ops->attend (legs, count, remaining);
  else
    for (unsigned i = 0; i < count; i++)
      leg_kickoff (legs[i]);
}

int
leg_refuse (char *why, int error, const char *format, ...)
{
  char text[MESSAGE_MAX];
  va_list args;

  assert (error < 0);
  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  text_escape (text, why, MESSAGE_MAX); /* some of it may be a server's */
  return error;
}

/* @i from 0 to leg->places; the first is the leg itself, whole. */
struct place {
  const char *identity, *name;
  uint64_t start, end;
  bool is_exact;
};

static struct place
place_of (const struct leg *leg, unsigned i)
{
  const struct leg_place *place;

  if (i == 0)
    return (struct place){ .identity = leg->identity,
                           .name = leg->name,
                           .end = UINT64_MAX,
                           .is_exact = true };
  place = &leg->place[i - 1];
  return (struct place){ .identity = place->identity,
                         .name = place->name,
                         .start = place->start,
                         .end = place->end,
                         .is_exact = place->is_exact };
}

/* One that is somewhere in a range has bytes in common with all of it only. */
static enum leg_kinship
compare_places (const struct place *a, const struct place *b)
{
  bool a_holds_b = a->start <= b->start && b->end <= a->end;
  bool b_holds_a = b->start <= a->start && a->end <= b->end;

  if (strcmp (a->identity, b->identity) != 0)
    return LEG_APART;
  if ((a->is_exact && a_holds_b) || (b->is_exact && b_holds_a))
    return LEG_SAME;
  if (a->is_exact && b->is_exact && a->start < b->end && b->start < a->end)
    return LEG_SAME;
  return LEG_SHARES;
}

enum leg_kinship
leg_compare (const struct leg *a, const struct leg *b, const char **ret_name)
{
  enum leg_kinship result = LEG_APART;

  for (unsigned i = 0; i <= a->places; i++)
    for (unsigned j = 0; j <= b->places; j++) {
      struct place one = place_of (a, i), two = place_of (b, j);
      enum leg_kinship kinship = compare_places (&one, &two);

      if (kinship > result) {
        result = kinship;
        /* A name that the user has not given says more. */
        *ret_name = i == 0 ? two.name : one.name;
      }
    }
  return result;
}

bool
leg_error_is_gone (int error)
{
  switch (-error) {
  case ENOTCONN:
  case ESHUTDOWN:
  case ETIMEDOUT:
  case ENODEV:
  case ENXIO:
  case ECONNRESET:
  case EPIPE:
    return true;
  default:
    return false;
  }
}

bool
leg_error_may_pass (int error)
{
  return error == -EAGAIN || error == -EINTR || error == -ENOMEM;
}

bool
leg_error_is_harmless (int error)
{
  /* EOPNOTSUPP = ENOTSUP on Linux */
  return leg_error_may_pass (error) || error == -EINVAL
         || error == -EOPNOTSUPP;
}

bool
leg_error_is_full (int error)
{
  switch (-error) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return true;
  default:
    return false;
  }
}

static unsigned
badness (int error)
{
  if (leg_error_may_pass (error))
    return 0;
  if (leg_error_is_harmless (error))
    return 1;
  if (leg_error_is_full (error))
    return 2;
  return leg_error_is_gone (error) ? 4 : 3;
}

bool
leg_error_is_worse (int error, int than)
{
  return badness (error) > badness (than);
}

/* ENOENT, no such name; the others, a device or a file server that is dead. */
bool
leg_error_is_missing_file (int error)
{
  switch (-error) {
  case ENOENT:
  case ENXIO:
  case ENODEV:
  case ENOMEDIUM:
  case EIO:
  case ESTALE:
  case ETIMEDOUT:
  case EHOSTDOWN:
    return true;
  default:
    return false;
  }
}

/* EPROTO: somebody was reached who hung up, or does not have this export.  That
 * may be a tunnel whose other end is down.  Of a server that must prove who it
 * is, it may as well be that it could not.
 */
bool
leg_error_is_missing_server (int error, bool tls)
{
  switch (-error) {
  case ENOENT:
  case ECONNREFUSED:
  case ECONNRESET:
  case EHOSTDOWN:
  case EHOSTUNREACH:
  case ENETDOWN:
  case ENETUNREACH:
  case ENOTCONN:
  case EPIPE:
  case ESHUTDOWN:
  case ETIMEDOUT:
    return true;
  case EPROTO:
    return !tls;
  default:
    return false;
  }
}
