/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd: a leg on a remote NBD export, through libnbd. */
#ifndef MIRROR_LEG_NBD_H
#define MIRROR_LEG_NBD_H

#include "legs/leg.h"

/* Connect to @uri and learn what the server can do; @timeout_ns bounds the
 * whole connect, and later every command but those that make data stable, or
 * zeroes: they have @flush_timeout_ns, which is not less.  Uses as many
 * connections as the server's multi-conn allows.  0 and *@ret, or -errno and
 * @why (at least MESSAGE_MAX bytes), to follow "disk URI: ".  Starts no thread
 * (leg start does); nothing is written.  -EPROTO: somebody was reached, but
 * there was no agreement; see @why.
 */
int leg_nbd_open (const char *uri, uint64_t timeout_ns,
                  uint64_t flush_timeout_ns, struct leg **ret, char *why);

/* Can the key file, or the certificates in their directory, be read?  NULL:
 * the URI has none.  0, or -errno and @why as above.
 */
int leg_nbd_check_keys (const char *psk, const char *certificates, char *why);

/* libnbd's version and abilities, for --dump-plugin. */
const char *leg_nbd_library_version (void);
bool leg_nbd_library_has_tls (void);
bool leg_nbd_library_has_uri (void);

#endif /* MIRROR_LEG_NBD_H */
