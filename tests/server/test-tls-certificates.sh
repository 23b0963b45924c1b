#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg over TLS whose server has a certificate: accepted if our authority
# signed it for this host, refused otherwise.

. "$(dirname "$0")/functions.sh"
requires certtool nbdcopy

# authority DIRECTORY HOST: makes one, with a server's certificate by it.
authority ()
{
  mkdir "$1"
  printf '%s\n' "cn = \"Test authority\"" ca cert_signing_key >"$1/ca.template"
  printf '%s\n' "cn = \"$2\"" "dns_name = \"$2\"" tls_www_server \
    encryption_key signing_key >"$1/server.template"
  certtool --generate-privkey --ecc --outfile "$1/ca-key.pem"
  certtool --generate-self-signed --load-privkey "$1/ca-key.pem" \
    --template "$1/ca.template" --outfile "$1/ca-cert.pem"
  certtool --generate-privkey --ecc --outfile "$1/server-key.pem"
  certtool --generate-certificate --load-privkey "$1/server-key.pem" \
    --load-ca-certificate "$1/ca-cert.pem" \
    --load-ca-privkey "$1/ca-key.pem" \
    --template "$1/server.template" --outfile "$1/server-cert.pem"
} 2>/dev/null

authority ours localhost
authority theirs localhost
authority elsewhere example.com

disk 4M a.img b.img
random_disk 4M data
serve_tcp b --tls=require --tls-certificates="$dir/ours" file b.img
leg="nbds://localhost:$port/?tls-certificates=$dir"
nbdkit_once "$MIRROR_SO" a.img "$leg/ours" --run '
  nbdcopy --flush data "$uri"
'
cmp data a.img
cmp data b.img
refused "disk nbds://localhost.*: cannot connect: .*certificate" \
  a.img "$leg/theirs"

# Signed for another host.
stop b
serve_tcp b --tls=require --tls-certificates="$dir/elsewhere" file b.img
refused "disk nbds://localhost.*: cannot connect: .*certificate" \
  a.img "nbds://localhost:$port/?tls-certificates=$dir/elsewhere"
cmp data b.img
