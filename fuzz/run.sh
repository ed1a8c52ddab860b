#!/usr/bin/env bash
# Runs one fuzz target over its seeds: once each (replay), or with random inputs too (fuzz), as many or as long as
# LOOM_TEST_LEVEL (or LOOM_FUZZ_SECONDS) says. New inputs that reach new code, and those that fail, stay in WORK.
# Below the full level the random inputs are the same each time and on each machine, so that a change is judged by
# itself.
#   run.sh replay|fuzz PROGRAM SEEDS WORK
set -euo pipefail
mode=$1 program=$2 seeds=$3 work=$4
[ -n "$(ls -A "$seeds" 2>/dev/null)" ] || { echo "error: no seeds in $seeds; add at least one input" >&2; exit 1; }

if [ "$mode" = replay ]; then
  exec "$program" "$seeds"
fi
runs='' seconds=${LOOM_FUZZ_SECONDS:-120} corpus=$work/corpus
case ${LOOM_TEST_LEVEL:-default} in
  quick) runs=1000 ;;
  default) runs=5000 ;;
  full) ;;
  *) echo "error: LOOM_TEST_LEVEL is '$LOOM_TEST_LEVEL'; use quick, default or full" >&2; exit 2 ;;
esac
if [ -n "$runs" ] && [ -z "${LOOM_FUZZ_SECONDS:-}" ]; then
  limit=(-runs="$runs" -seed=1)
  corpus=$work/corpus-begun
  rm -rf "$corpus"
else
  limit=(-max_total_time="$seconds")
fi
mkdir -p "$corpus" "$work/failed"
exec "$program" "${limit[@]}" -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
  -artifact_prefix="$work/failed/" "$corpus" "$seeds"
