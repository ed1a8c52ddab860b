#!/usr/bin/env python3
"""Measures what several threads and machines share: hits of the client pool, beside a mutex and a map."""
import json
import subprocess

import harness
from harness import ROOT

BUILD = ROOT / "build" / "release"


def pool(report, options):
    """Nanoseconds a hit takes the thread that makes it. The best of the repetitions counts, of both rivals in one run:
    what else the machine does only makes a hit slower. More threads than cores take turns: processor time is what
    compares them."""
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "pool_bench"], check=True, stdout=subprocess.DEVNULL)
    out = harness.OUT / "pool_bench.json"
    harness.run([BUILD / "pool_bench", f"--benchmark_repetitions={5 * options.rounds}", "--benchmark_min_time=0.05",
                 "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"], stdout=out)
    best = {}
    for bench in json.loads(out.read_text())["benchmarks"]:
        if bench["run_type"] == "iteration":
            name = (bench["run_name"].split("/")[0], bench["threads"])
            best[name] = min(best.get(name, bench["cpu_time"]), bench["cpu_time"])
    for threads in (1, 2, 4):
        hit, rival = best["pool_hit", threads], best["mutex_hit", threads]
        report.add(f"client pool: a hit, {threads} thread{'s' if threads > 1 else ''}", hit, "ns", "≤ 20", hit <= 20,
                   f"mutex + map {rival:.0f} ns")


if __name__ == "__main__":
    harness.main("scale", __doc__, {"pool": pool})
