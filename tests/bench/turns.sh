# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# turns.sh: which measurements the rows of a table need, and fio's part of one.
# Sourced by run.sh and, inside the guest, by kernel.sh.
#
# A row:  setting | fio's rw, bs, iodepth, numjobs | figure | limits
# where a limit is who ours is compared with, and the target if there is one.
# The limit "quorum" is the better of quorum-1 and quorum-2.

# take_turns ROWS ROUNDS: measure SETTING WHO FILE RW BS IODEPTH NUMJOBS for
# all who are in a row, one after the other; the caller has that function.
take_turns ()
{
  local round setting job limits who file
  for ((round = 1; round <= $2; round++)); do
    while IFS='|' read -r setting job _ limits; do
      read -r setting <<<"$setting"
      read -ra job <<<"$job"
      for who in ours $(everybody "$limits"); do
        file="$setting.${job[*]}.$who.$round.json"
        # Two rows may need the same measurement.
        test -f "$file" ||
          measure "$setting" "$who" "$file" "${job[@]}" </dev/null
      done
    done <"$1"
    echo "bench: round $round of $2" >&2
  done
}

# everybody LIMITS: the names only.
everybody ()
{
  local limit who
  local -a limits
  IFS=, read -ra limits <<<"$1"
  for limit in "${limits[@]}"; do
    read -r who _ <<<"$limit"
    test "$who" != quorum || who="quorum-1 quorum-2"
    echo "$who"
  done
}

# load RW BS IODEPTH NUMJOBS OPTION...: fio's JSON in out.json.  The options
# begin with those of all jobs.
load ()
{
  local rw=$1 bs=$2 depth=$3 jobs=$4
  shift 4
  timeout $((seconds + 30)) fio --output-format=json --output=out.json \
    --name=global --rw="$rw" --bs="$bs" --iodepth="$depth" \
    --numjobs="$jobs" --size="$size" --norandommap --randrepeat=0 \
    --time_based --ramp_time=0.5 --runtime="$seconds" --group_reporting "$@"
}
