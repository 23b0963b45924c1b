/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-open: the text that names a disk -> an open leg.
 *
 * Which driver that is, and which keys a server is asked with, is in the text
 * (leg-spec, leg-uri).  Blocks until the disk is open, or the deadline passed.
 */
#include <errno.h>
#include <limits.h>

#include "legs/leg-file.h"
#include "legs/leg-nbd.h"
#include "legs/leg-open.h"
#include "logic/leg-spec.h"
#include "logic/leg-uri.h"

static int
check_keys (const char *uri, char *why)
{
  char psk[PATH_MAX], certificates[PATH_MAX];
  const char *has_psk = NULL, *has_certificates = NULL;

  if (uri_path (uri, "tls-psk-file", psk, sizeof psk))
    has_psk = psk;
  if (uri_path (uri, "tls-certificates", certificates, sizeof certificates))
    has_certificates = certificates;
  return leg_nbd_check_keys (has_psk, has_certificates, why);
}

int
leg_open (const char *text, const struct leg_open_ways *ways, struct leg **ret,
          char *why)
{
  struct leg_spec spec;
  const char *wrong = leg_spec_parse (text, &spec);
  int r = 0;

  why[0] = '\0';
  if (wrong != NULL)
    return leg_refuse (why, -EINVAL, "%s", wrong);
  if (spec.kind == LEG_KIND_FILE && text[0] != '/')
    return leg_refuse (why, -EINVAL, "is no absolute path");
  if (spec.kind == LEG_KIND_FILE)
    return leg_file_open (text, ways->direct, ret, why);
  if (spec.tls)
    r = check_keys (text, why);
  return r < 0 ? r : leg_nbd_open (text, &ways->patience, ways->connections,
                                    ret, why);
}

bool
leg_open_is_missing (const char *text, int error)
{
  struct leg_spec spec;

  if (leg_spec_parse (text, &spec) != NULL)
    return false;
  return spec.kind == LEG_KIND_FILE
           ? leg_error_is_missing_file (error)
           : leg_error_is_missing_server (error, spec.tls);
}
