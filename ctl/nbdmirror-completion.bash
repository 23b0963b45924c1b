# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of nbdmirror for bash: commands, options, their values, disks.
# It asks nobody, so that it is as fast on a machine whose disks hang.

# _nbdmirror_options COMMAND: its options; those of all commands are added.
_nbdmirror_options ()
{
  case $1 in
    create)
      echo --level --layout --chunk --metadata --name --bitmap \
        --bitmap-chunk --size --assume-clean --force
      ;;
    adopt) echo --name --assume-clean --discard --backup-dir ;;
    examine) echo --bitmap --badblocks --compare --mdadm --raw ;;
    assemble) echo --on-split-brain --degraded --metadata ;;
    erase) echo --metadata --backup-dir --no-backup --error-if-unchanged ;;
    restore-metadata | stop) echo --force ;;
    status) echo --unhealthy --check --mdstat --watch ;;
    wait) echo --for ;;
    set) echo --error-if-unchanged ;;
    metrics) echo --textfile ;;
    rebuild) echo --min --max ;;
    add | replace | spare) echo --discard ;;
    readd) echo --discard --disk ;;
    grow) echo --legs --size --disk --discard ;;
    bitmap) echo --none --internal --chunk ;;
    "") echo --version ;;
  esac
  echo --json --yes --dry-run --timeout --help
}

# _nbdmirror_values COMMAND OPTION: what it may be, or "-": it takes a value
# that nobody can guess; nothing: it takes none.
_nbdmirror_values ()
{
  case $1,$2 in
    *,--timeout) echo 5 30 60 ;;
    create,--level | create,-l) echo raid1 raid10 ;;
    create,--layout | create,-p) echo n2 n3 f2 f3 o2 o3 ;;
    create,--chunk | create,-c) echo 64K 128K 256K 512K 1M ;;
    create,--metadata | create,-e) echo 1.0 1.1 1.2 ;;
    create,--bitmap | create,-b) echo internal none ;;
    create,--bitmap-chunk) echo 64K 1M 64M ;;
    create,--name | create,-N | create,--size | create,-z) echo - ;;
    adopt,--name | adopt,-N | adopt,--backup-dir) echo - ;;
    assemble,--on-split-brain) echo leg:0 leg:1 leg:2 leg:3 ;;
    assemble,--degraded) echo yes no wait:30 ;;
    assemble,--metadata) echo auto md none ;;
    erase,--metadata | erase,-e) echo 0.90 1.0 1.1 1.2 ;;
    erase,--backup-dir) echo - ;;
    metrics,--textfile | rebuild,--min | rebuild,--max) echo - ;;
    readd,--disk | grow,--disk | grow,--legs) echo - ;;
    grow,--size) echo max ;;
    bitmap,--chunk) echo 64K 1M 64M ;;
    wait,--for) echo healthy sync idle clean clients=0 slot= ;;
  esac
}

# Arrays that are served, by their sockets.
_nbdmirror_arrays ()
{
  local socket
  for socket in "${XDG_RUNTIME_DIR:-/nowhere}"/nbdmirror/*.sock \
    /run/nbdmirror/*.sock; do
    [[ -S $socket ]] || continue
    socket=${socket##*/}
    echo "${socket%.sock}"
  done
}

_nbdmirror ()
{
  local commands="create adopt examine assemble erase restore-metadata status \
    detail events history explain whatif slowest metrics rebuild \
    get set fail remove add readd replace spare write-mostly read-as-others \
    grow bitmap rename wait stop"
  local cur=${COMP_WORDS[COMP_CWORD]} prev="" command="" values i

  COMPREPLY=()
  ((COMP_CWORD == 0)) || prev=${COMP_WORDS[COMP_CWORD - 1]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) ;;
      *)
        command=${COMP_WORDS[i]}
        break
        ;;
    esac
  done

  # --option=value comes as three words, the = being one of them; the colon
  # of leg:N and of URIs makes more.
  if [[ $prev == : ]] && ((COMP_CWORD > 2)); then
    return
  fi
  if [[ $cur == = ]]; then
    cur=""
  elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi

  if [[ -z $command ]]; then
    if [[ $cur == -* ]]; then
      mapfile -t COMPREPLY < <(compgen -W "$(_nbdmirror_options "")" -- "$cur")
    else
      mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    fi
    return
  fi

  values=$(_nbdmirror_values "$command" "$prev")
  if [[ $prev == --backup-dir ]]; then
    compopt -o filenames 2>/dev/null || :
    mapfile -t COMPREPLY < <(compgen -d -- "$cur")
  elif [[ -n $values && $values != - ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
  elif [[ -n $values ]]; then
    return
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_nbdmirror_options "$command")" \
      -- "$cur")
  elif [[ $command == rebuild && $prev == rebuild ]]; then
    mapfile -t COMPREPLY < <(compgen -W "pause resume rate" -- "$cur")
  elif [[ " rebuild status detail events history slowest metrics get wait stop " == *" $command "* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_nbdmirror_arrays)" -- "$cur")
  else
    compopt -o filenames 2>/dev/null || :
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    if [[ " create adopt " == *" $command "* && missing == "$cur"* ]]; then
      COMPREPLY+=(missing)
    fi
  fi
}

complete -F _nbdmirror nbdmirror
