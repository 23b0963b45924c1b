/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-spec: one disk= value -> what kind of leg it names.
 *
 * Pure: looks at the text only, opens nothing.  URIs are libnbd's business;
 * only what decides the kind, the transport and how the server is verified
 * is read here.
 */
#ifndef MIRROR_LEG_SPEC_H
#define MIRROR_LEG_SPEC_H

#include <stdbool.h>

enum leg_kind {
  LEG_KIND_FILE, /* a path: regular file or block device */
  LEG_KIND_NBD,  /* an NBD URI */
};

struct leg_spec {
  enum leg_kind kind;
  bool tls; /* nbds: the server must prove who it is */
};

/* NULL and *@ret filled, or what is wrong with the value, in words that can
 * follow "disk VALUE: ": an unknown scheme ("http://"...), what qemu and other
 * programs write for a disk ("nbd:HOST:PORT", "json:{...}", "file:..."), a URI
 * that names a host where there is none, or none where there should be one,
 * TLS without a way to verify the server, an empty value.  Then *@ret is
 * untouched.
 *
 * A value that starts with letters, digits, "+", "-" or "." and "://" is a
 * URI; a scheme in capitals is the same scheme.  All else is a path.
 *
 * A TLS server is verified by a pre-shared key (tls-psk-file=) on any
 * transport, or by certificates (tls-certificates=) over TCP only: libnbd
 * 1.14 accepts any certificate on a Unix socket, and over TCP when no
 * directory is given.  tls-verify-peer=, with which newer ones can be told
 * not to verify, is refused; and so is ";" in the query, which libnbd takes
 * for a separator or not, depending on what follows.
 */
const char *leg_spec_parse (const char *value, struct leg_spec *ret);

#endif /* MIRROR_LEG_SPEC_H */
