/* SPDX-License-Identifier: BSD-3-Clause */
/* sb1-choose: which of the superblocks of a member is its own?
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1, sb1-codec, sb1-check.
 *
 * A member that served in several arrays can have old superblocks in other
 * places.  mdadm wipes them; where they are left, a guess could serve an
 * array of the past.
 */
#include <stdio.h>
#include <string.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "logic/sb1.h"

static enum sb1_verdict
look (const struct sb1_places *places, enum sb1_version version,
      uint64_t member_bytes, struct sb1 *ret, char *why)
{
  const uint8_t *block = places->block[version];

  why[0] = '\0';
  if (!places->readable[version] || !sb1_recognise (version, block))
    return SB1_NONE;
  if (version == SB1_VERSION_0_90) {
    snprintf (why, MESSAGE_MAX, "metadata version 0.90: unsupported; if it is "
              "in use, mdadm --assemble --update=metadata makes it 1.0; if "
              "not: nbdmirror erase --metadata 0.90 DISK");
    return SB1_UNSUPPORTED;
  }
  if (!sb1_decode (version, block, ret))
    return SB1_NONE;
  return sb1_check (ret, block, member_bytes, why);
}

/* An array can only be told by what can be believed. */
static bool
is_other_array (enum sb1_verdict a_verdict, enum sb1_version a_version,
                const struct sb1 *a, enum sb1_verdict b_verdict,
                enum sb1_version b_version, const struct sb1 *b)
{
  if (a_verdict > SB1_UNSUPPORTED || b_verdict > SB1_UNSUPPORTED)
    return false;
  if (a_version == SB1_VERSION_0_90 || b_version == SB1_VERSION_0_90)
    return true;
  return memcmp (a->set_uuid, b->set_uuid, sizeof a->set_uuid) != 0;
}

/* What cannot be served is of no use; of two that can be, only people know. */
static void
refuse_both (enum sb1_version a, enum sb1_verdict a_verdict, enum sb1_version b,
             enum sb1_verdict b_verdict, char *why)
{
  enum sb1_version useless = a_verdict < b_verdict ? b : a;
  char other[64] = "";

  if (a_verdict == b_verdict)
    snprintf (other, sizeof other, ", or nbdmirror erase --metadata %s DISK",
              sb1_version_name (b));
  snprintf (why, MESSAGE_MAX, "has two superblocks of different arrays "
            "(versions %s and %s); erase the one that is of no use: nbdmirror "
            "erase --metadata %s DISK%s",
            sb1_version_name (a), sb1_version_name (b),
            sb1_version_name (useless), other);
}

enum sb1_verdict
sb1_choose (const struct sb1_places *places, uint64_t member_bytes,
            enum sb1_version *ret_version, struct sb1 *ret, char *why)
{
  enum sb1_verdict best = SB1_NONE;
  enum sb1_version best_version = SB1_VERSIONS;
  char reason[MESSAGE_MAX];
  struct sb1 sb;

  static_assert (SB1_GOOD < SB1_UNSUPPORTED && SB1_UNSUPPORTED < SB1_DAMAGED
                   && SB1_DAMAGED < SB1_NONE, "the soundest first");
  why[0] = '\0';
  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    enum sb1_verdict verdict
      = look (places, version, member_bytes, &sb, reason);

    if (best_version != SB1_VERSIONS
        && is_other_array (best, best_version, ret, verdict, version, &sb)) {
      refuse_both (best_version, best, version, verdict, why);
      *ret_version = best_version;
      return SB1_UNSUPPORTED;
    }
    if (verdict < best) {
      best = verdict;
      best_version = version;
      if (version != SB1_VERSION_0_90)
        *ret = sb;
      memcpy (why, reason, sizeof reason);
    }
  }
  if (best != SB1_NONE)
    *ret_version = best_version;
  return best;
}
