#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# The completion of nbdmirror for bash knows the arrays that are served, their
# members, and what can be set.

. "$(dirname "$0")/online-functions.sh"
# shellcheck source=/dev/null
. "$server_dir/../../ctl/nbdmirror-completion.bash"

# Only those of this test: root's own directory may have others.
_nbdmirror_arrays ()
{
  local socket
  for socket in run/nbdmirror/*.sock; do
    [[ ! -S $socket ]] || basename "$socket" .sock
  done
}

# offers WANTED WORD...: for the last of these words.
offers ()
{
  { local -; set +x; } 2>/dev/null
  local wanted=$1 seen
  shift
  COMP_WORDS=("$NBDMIRROR" "$@")
  COMP_CWORD=$#
  _nbdmirror
  # shellcheck disable=SC2086 # words
  wanted=$(printf '%s\n' $wanted | LC_ALL=C sort | xargs)
  seen=$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | xargs)
  test "$seen" = "$wanted" || fail "$*: offered '$seen', not '$wanted'"
}

offers "" fail ""
md_array --name=vm a.img b.img
md_array --name=db c.img d.img
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
offers "0 1 $dir/a.img $dir/b.img vm" fail ""
offers "0 1 $dir/a.img $dir/b.img" explain vm ""
offers "$dir/b.img" replace vm "$dir/b"
offers "fail remove" whatif ""
offers "0 1 $dir/a.img $dir/b.img" whatif remove vm ""
offers "$dir/a.img" --json write-mostly "$dir/a"
offers "spare-delay=" set vm s
offers "event-program rebuild-rate-max rebuild-rate-min spare-delay write-mostly" \
  get 1 ""
offers "yes" set vm 1 write-mostly = y
offers "vm" stop ""
offers "vm" rename v
touch vfile
offers "vfile vm" add v
offers "vfile" spare vm v
offers "a.img" replace vm 1 a

# Of two arrays the one that is named.
rm -f other.messages
serve other "$MIRROR_SO" c.img d.img
controlled other
offers "0 1 $dir/c.img $dir/d.img" readd db ""
offers "db vm" fail ""
stop other
stop mirror
