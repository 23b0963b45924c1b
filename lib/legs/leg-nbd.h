/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd: a leg on a remote NBD export, through libnbd. */
#ifndef MIRROR_LEG_NBD_H
#define MIRROR_LEG_NBD_H

#include "legs/leg.h"

/* How long a server is waited for. */
struct leg_nbd_patience {
  /* To connect, as a whole, and later for every command but those that make data
   * stable, or zeroes: they have the other one, which is not less.
   */
  uint64_t timeout_ns, flush_timeout_ns;
  /* Until the leg is started: not any longer; NULL: whatever is asked before the
   * start may take any time.
   */
  const _Atomic bool *canceled;
};

/* Connect to @uri and learn what the server can do.  If its multi-conn allows
 * it, with @connections (1 to NBD_CONNECTIONS_MAX), or as many as there can be.
 * 0 and *@ret, or -errno and
 * @why (at least MESSAGE_MAX bytes), to follow "disk URI: ".  Starts no thread
 * (leg start does); nothing is written.  -EPROTO: somebody was reached, but
 * there was no agreement; see @why.
 */
int leg_nbd_open (const char *uri, const struct leg_nbd_patience *patience,
                  unsigned connections, struct leg **ret, char *why);

/* Can the key file, or the certificates in their directory, be read?  NULL:
 * the URI has none.  0, or -errno and @why as above.
 */
int leg_nbd_check_keys (const char *psk, const char *certificates, char *why);

/* libnbd's version and abilities, for --dump-plugin. */
const char *leg_nbd_library_version (void);
bool leg_nbd_library_has_tls (void);
bool leg_nbd_library_has_uri (void);

#endif /* MIRROR_LEG_NBD_H */
