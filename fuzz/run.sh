#!/usr/bin/env bash
# Runs one fuzz target over its seeds: once each (replay), or with random inputs too (fuzz), as long as
# LOOM_TEST_LEVEL (or LOOM_FUZZ_SECONDS) says. New inputs that reach new code, and those that fail, stay in WORK.
# Below the full level the random inputs are the same each time, and as many on a fast machine as on a slow one, so
# that a change is judged by itself.
#   run.sh replay|fuzz PROGRAM SEEDS WORK
set -euo pipefail
mode=$1 program=$2 seeds=$3 work=$4 seed=1 runs=20000
[ -n "$(ls -A "$seeds" 2>/dev/null)" ] || { echo "error: no seeds in $seeds; add at least one input" >&2; exit 1; }

if [ "$mode" = replay ]; then
  exec "$program" "$seeds"
fi
case ${LOOM_TEST_LEVEL:-default} in
  quick) seconds=2 ;;
  default) seconds=10 ;;
  full) seconds=120 seed=0 runs=-1 ;;
  *) echo "error: LOOM_TEST_LEVEL is '$LOOM_TEST_LEVEL'; use quick, default or full" >&2; exit 2 ;;
esac
[ -z "${LOOM_FUZZ_SECONDS:-}" ] || seconds=$LOOM_FUZZ_SECONDS seed=0 runs=-1
mkdir -p "$work/corpus" "$work/failed"
exec "$program" -max_total_time="$seconds" -runs="$runs" -seed="$seed" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
  -artifact_prefix="$work/failed/" "$work/corpus" "$seeds"
