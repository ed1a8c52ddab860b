#!/usr/bin/env bash
# Runs searches split by blastloom and unsplit by BLAST+, on real sequences; shows that the bytes agree and what
# the split gained. Ends with 1 when any output differs. Takes about a minute on two cores.
#   demo.sh BLASTLOOM
set -euo pipefail
loom=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
jobs=$(nproc)
"$root/test/data/make_databases.sh" "$root/build/testdata" "$root/build/data"
cd "$root/build/testdata"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# timed FILE COMMAND...: runs it with its output in FILE, and prints the wall seconds.
timed() {
  local out=$1 start
  shift
  start=$(date +%s%N)
  "$@" >"$out" 2>"$work/words" || { cat "$work/words" >&2; echo "error: failed: $*" >&2; return 1; }
  awk -v from="$start" -v to="$(date +%s%N)" 'BEGIN {printf "%.2f", (to - from) / 1e9}'
}

times_as_fast() { awk -v theirs="$1" -v ours="$2" 'BEGIN {printf "%.1f", theirs / ours}'; }

differing=0
same() {
  if cmp -s "$1" "$2"; then
    echo "    bytes      identical ($(stat -c %s "$1") bytes)"
  else
    differing=1
    echo "    bytes      DIFFERENT, first at: $(cmp "$1" "$2" 2>&1 | head -n 1)"
  fi
}

# compare TITLE PROGRAM FLAGS...: one search, three ways.
compare() {
  local title=$1 one many ours
  shift
  echo
  echo "$title"
  echo "    \$ blastloom search $* --jobs $jobs"
  one=$(timed "$work/one" "$@")
  echo "    BLAST+     $one s with one thread"
  many=$(timed "$work/many" "$@" -num_threads "$jobs")
  echo "    BLAST+     $many s with -num_threads $jobs"
  ours=$(timed "$work/ours" "$loom" search "$@" --jobs "$jobs")
  echo "    blastloom  $ours s: $(times_as_fast "$one" "$ours") x and $(times_as_fast "$many" "$ours") x as fast"
  same "$work/one" "$work/ours"
}

echo "Searches split over $jobs workers by blastloom, and unsplit by $(blastp -version | head -n 1), one after the other:"
compare "100 proteins against 20,000 proteins, as a table" \
  blastp -query query/proteins_100.fa -db db/proteins -outfmt 6
compare "20 of them, as a report for people" \
  blastp -query query/proteins_20.fa -db db/proteins
compare "2,000 amplicon reads of which 50 are distinct, as a table" \
  blastn -query query/reads_repeats.fa -db db/nucleotides_500 -outfmt 6 -max_target_seqs 10

echo
if [ "$differing" = 1 ]; then
  echo "An output differs from BLAST+'s: that is a defect of blastloom; please report it with the command."
  exit 1
fi
echo "Every output is byte-identical to BLAST+'s."
