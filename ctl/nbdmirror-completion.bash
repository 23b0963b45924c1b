# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of nbdmirror for bash: commands, options, their values, disks.
# No disk is asked, so that it is as fast on a machine whose disks hang.  For
# members the array's server is, which never waits for a disk, either.

# _nbdmirror_options COMMAND: its options; those of all commands are added.
_nbdmirror_options ()
{
  case $1 in
    create)
      echo --level --layout --chunk --metadata --name --bitmap \
        --bitmap-chunk --size --spares --assume-clean --force
      ;;
    adopt) echo --name --assume-clean --discard --backup-dir ;;
    examine) echo --bitmap --badblocks --compare --mdadm --raw ;;
    assemble) echo --on-split-brain --degraded --metadata ;;
    erase) echo --metadata --backup-dir --no-backup --error-if-unchanged ;;
    restore-metadata | stop) echo --force ;;
    status) echo --unhealthy --check --mdstat --watch ;;
    wait) echo --for --progress ;;
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
    set,write-mostly) echo yes no ;;
    set,*-rate-*) echo 1M 10M 100M 1G ;;
    set,spare-delay) echo 0 60 600 ;;
    wait,--for) echo healthy sync idle clean clients=0 slot= leg= ;;
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

# _nbdmirror_members PROGRAM ARRAY: the slots and disks of an array; names that
# bash would break are left out.
_nbdmirror_members ()
{
  "$1" --json --timeout 2 status "$2" 2>/dev/null |
    awk -F '"' '/"members" : \[/ { inside = 1 }
      !inside { next }
      $2 == "slot" { gsub (/[^0-9]/, "", $3); if ($3 != "") print $3 }
      $2 == "disk" && $4 ~ /^[^][:space:]:=\\]+$/ { print $4 }' | sort -u
}

# _nbdmirror_on_members PROGRAM COMMAND WORD...: for a command about a member,
# after these words.
_nbdmirror_on_members ()
{
  local program=$1 command=$2 arrays word
  shift 2
  arrays=$(_nbdmirror_arrays)
  if [[ $command == whatif ]]; then
    if (($# == 0)); then
      echo fail remove
      return
    fi
    shift
  fi
  for word; do
    # The array was named: or this is the member.
    if grep -qxF -e "$word" <<<"$arrays"; then
      _nbdmirror_members "$program" "$word"
    fi
    [[ $command != set ]] || echo "$_nbdmirror_keys"
    [[ $command != get ]] || echo "${_nbdmirror_keys//=/}"
    return
  done
  echo "$arrays"
  if [[ -n $arrays && $arrays != *$'\n'* ]]; then
    _nbdmirror_members "$program" "$arrays"
  fi
  [[ $command != set ]] || echo "$_nbdmirror_keys"
  [[ $command != get ]] || echo "${_nbdmirror_keys//=/}"
}

# What set knows.
_nbdmirror_keys="rebuild-rate-min= rebuild-rate-max= event-program= \
spare-delay= write-mostly="

_nbdmirror ()
{
  local commands="create adopt examine assemble erase restore-metadata status \
    detail events history explain whatif slowest metrics rebuild \
    get set fail remove add readd replace spare write-mostly read-as-others \
    grow bitmap rename wait stop"
  local cur=${COMP_WORDS[COMP_CWORD]} prev="" command="" values i given=()

  COMPREPLY=()
  ((COMP_CWORD == 0)) || prev=${COMP_WORDS[COMP_CWORD - 1]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) ;;
      *)
        if [[ -z $command ]]; then
          command=${COMP_WORDS[i]}
        else
          given+=("${COMP_WORDS[i]}")
        fi
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
  elif [[ " rebuild status detail events history slowest metrics grow bitmap rename wait stop " == *" $command "* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_nbdmirror_arrays)" -- "$cur")
  elif [[ " fail remove readd replace explain whatif write-mostly read-as-others get set " == *" $command "* ]] &&
    [[ $command != replace || ${#given[@]} -lt 2 ]]; then
    [[ $command != set ]] || compopt -o nospace 2>/dev/null || :
    mapfile -t COMPREPLY < <(compgen -W "$(_nbdmirror_on_members \
      "${COMP_WORDS[0]}" "$command" "${given[@]}")" -- "$cur")
    if [[ $command == replace && ${#given[@]} -gt 0 ]]; then
      mapfile -t COMPREPLY < <({
        printf '%s\n' "${COMPREPLY[@]}"
        compgen -f -- "$cur"
      } | grep . | sort -u)
    fi
  else
    compopt -o filenames 2>/dev/null || :
    mapfile -t COMPREPLY < <(
      if [[ " add spare " == *" $command "* && ${#given[@]} == 0 ]]; then
        compgen -W "$(_nbdmirror_arrays)" -- "$cur"
      fi
      compgen -f -- "$cur"
    )
    if [[ " create adopt " == *" $command "* && missing == "$cur"* ]]; then
      COMPREPLY+=(missing)
    fi
  fi
}

complete -F _nbdmirror nbdmirror
