# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# servers.sh: how ours and each server that it is compared with are started and
# stopped.  Sourced by run.sh, in the folder $dir.

# start NAME COMMAND...: a server which writes NAME.pid as soon as it serves.
start ()
{
  local name=$1 pid
  shift
  rm -f "$name.pid" "$name.sock"
  "$@" >>server.log 2>&1 &
  pid=$!
  # A server that cannot start is a failed measurement, not the end.
  for ((i = 0; i < 1000; i++)); do
    test ! -s "$name.pid" || return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.01
  done
  return 1
}

nbdkit_on ()
{
  local name=$1
  shift
  start "$name" nbdkit -f -P "$dir/$name.pid" -U "$dir/$name.sock" "$@"
}

qemu_on ()
{
  local name=$1
  shift
  start "$name" qemu-nbd -t -e 16 --pid-file="$dir/$name.pid" \
    -k "$dir/$name.sock" "$@"
}

# quorum THRESHOLD CHILD-OPTIONS CHILD-OPTIONS: a qemu image that both are.
quorum ()
{
  local options=driver=quorum,vote-threshold=$1 i option
  local -a words
  # Only the first copy is read if no vote is wanted, as with a mirror.
  test "$1" = 2 || options+=,read-pattern=fifo
  shift
  for ((i = 0; $#; i++)); do
    IFS=, read -ra words <<<"$1"
    for option in "${words[@]}"; do
      options+=,children.$i.$option
    done
    shift
  done
  echo "$options"
}

# The options of qemu for a file, and for a server.
qemu_file ()
{
  echo "driver=raw,file.driver=file,file.filename=$dir/$1${2:-}"
}
qemu_direct ()
{
  qemu_file "$1" ,file.cache.direct=on,file.aio=native
}
qemu_leg ()
{
  echo "driver=nbd,server.type=unix,server.path=$dir/$1.sock"
}
qemu_tcp_leg ()
{
  echo "driver=nbd,server.type=inet,server.host=127.0.0.1,\
server.port=$(cat "$1.port")"
}

leg_uri ()
{
  echo "nbd+unix:///?socket=$dir/$1.sock"
}

far_leg ()
{
  nbdkit_on "$1" --filter=delay file "$1" rdelay=2ms wdelay=2ms
}

# The filter's default lets the first two seconds pass at full speed.
limited_leg ()
{
  nbdkit_on "$1" --filter=rate file "$1" rate=400M burstiness=0.1
}

# On a port that is free; another program may take it before the server does.
tcp_leg ()
{
  local try
  for try in 1 2 3; do
    python3 - >"$1.port" <<'END'
import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])
END
    ! start "$1" nbdkit -f -P "$dir/$1.pid" -i 127.0.0.1 \
      -p "$(cat "$1.port")" file "$1" || return 0
    echo "bench: no port at try $try" >>server.log
  done
  return 1
}

tcp_uri ()
{
  echo "nbd://127.0.0.1:$(cat "$1.port")"
}

# serve SETTING WHO: on server.sock.
serve ()
{
  case $1 in
    far) far_leg disk1 && far_leg disk2 && far_leg disk3 ;;
    limited) limited_leg disk1 && limited_leg disk2 && limited_leg disk3 ;;
    tcp) tcp_leg disk1 && tcp_leg disk2 ;;
  esac || return 1

  case $1/$2 in
    md*/ours) nbdkit_on server "$MIRROR_SO" md1 md2 ;;
    md*/plain) nbdkit_on server "$MIRROR_SO" plain1 plain2 ;;

    cached/ours | sync/ours) nbdkit_on server "$MIRROR_SO" disk1 disk2 ;;
    cached/one | sync/one) nbdkit_on server file disk3 ;;
    cached/quorum-* | sync/quorum-*)
      qemu_on server --image-opts \
        "$(quorum "${2#*-}" "$(qemu_file disk1)" "$(qemu_file disk2)")" ;;

    cached/null) nbdkit_on server null "$size" ;;

    # nbdkit's file plugin has no O_DIRECT (its cache=none is something else),
    # so here the one disk is qemu-nbd's.
    direct/ours) nbdkit_on server "$MIRROR_SO" disk1 disk2 cache=none ;;
    direct/ours-t1) nbdkit_on server -t 1 "$MIRROR_SO" disk1 disk2 cache=none ;;
    direct/one) qemu_on server --image-opts "$(qemu_direct disk3)" ;;
    direct/quorum-*)
      qemu_on server --image-opts \
        "$(quorum "${2#*-}" "$(qemu_direct disk1)" "$(qemu_direct disk2)")" ;;

    tcp/ours)
      nbdkit_on server "$MIRROR_SO" "$(tcp_uri disk1)" "$(tcp_uri disk2)" ;;
    tcp/nbd) nbdkit_on server nbd "$(tcp_uri disk1)" ;;
    tcp/servers) ;;
    tcp/quorum-*)
      qemu_on server --image-opts \
        "$(quorum "${2#*-}" "$(qemu_tcp_leg disk1)" "$(qemu_tcp_leg disk2)")" ;;

    */ours)
      nbdkit_on server "$MIRROR_SO" "$(leg_uri disk1)" "$(leg_uri disk2)" ;;
    */one) nbdkit_on server nbd socket=disk3.sock ;;
    */quorum-*)
      qemu_on server --image-opts \
        "$(quorum "${2#*-}" "$(qemu_leg disk1)" "$(qemu_leg disk2)")" ;;
  esac
}

# The server first, so that it can still write to its disks.
stop_all ()
{
  local name
  for name in server disk1 disk2 disk3; do
    if test -s "$name.pid"; then
      kill -TERM "$(cat "$name.pid")" 2>/dev/null || :
      wait "$(cat "$name.pid")" || :
      rm -f "$name.pid"
    fi
  done
}
