#!/usr/bin/env python3
"""Measures how fast archives (-outfmt 11) are read, merged and copied, in bytes of archive text per second."""
import json
import subprocess

import harness
from harness import ROOT

BUILD = ROOT / "build" / "release"


def archives(report, options):
    """One core, archives in memory: 100 queries with 50 subjects each, merged from 1, 4 and 16 shards."""
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "merge_bench"], check=True, stdout=subprocess.DEVNULL)
    out = harness.OUT / "merge_bench.json"
    harness.run([BUILD / "merge_bench", f"--benchmark_repetitions={options.rounds}",
                 "--benchmark_report_aggregates_only=true", "--benchmark_format=json"], stdout=out)
    for bench in json.loads(out.read_text())["benchmarks"]:
        if bench["aggregate_name"] == "median":
            rate = bench["bytes_per_second"] / 1e6
            report.add(f"archives: {bench['run_name'].replace('_', ' ')}", rate, "MB/s", "≥ 150", rate >= 150,
                       "absolute, one core")


if __name__ == "__main__":
    harness.main("merge", __doc__, {"archives": archives})
