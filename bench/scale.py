#!/usr/bin/env python3
"""Measures what several threads and machines share: hits of the client pool, beside a mutex and a map; and how well the
scheduler fills a cluster, by a simulation in virtual time."""
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


def scheduling(report, options):
    """Real choices of the scheduler over made-up nodes and tasks: predicted 90 s down to 10 s, really off by a factor of
    1.6 either way. The bound is the work over what is up of the nodes: nobody can be faster. Losses waste work, and
    count."""
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "sched_bench"], check=True, stdout=subprocess.DEVNULL)

    def simulate(tasks, jobs, nodes, losses):
        out, runs = harness.OUT / "sched_bench.json", []
        for _ in range(options.rounds):
            harness.run([BUILD / "sched_bench", tasks, jobs, nodes, losses], stdout=out)
            runs.append(json.loads(out.read_text()))
        return min(runs, key=lambda run: run["cpu_us_per_task"])  # the rest is the same in every run

    for jobs in (1, 100):
        for losses in (0, 200):
            one = simulate(100_000, jobs, 1000, losses)
            report.add(f"100,000 tasks of {jobs} job{'s' if jobs > 1 else ''} on 1,000 nodes, {losses} losses: makespan",
                       one["ratio"], "× bound", "≤ 1.05", one["ratio"] <= 1.05,
                       f"{one['makespan']:.0f} s; {one['lost_tasks']} tasks run again")
            report.add(f"100,000 tasks of {jobs} job{'s' if jobs > 1 else ''}, {losses} losses: CPU per task",
                       one["cpu_us_per_task"], "µs", "≤ 50", one["cpu_us_per_task"] <= 50, "")
    costs = {tasks: simulate(tasks, 100, 1000, 0)["cpu_us_per_task"] for tasks in (1_000, 10_000, 100_000, 1_000_000)}
    growth = max(costs.values()) / min(costs.values())
    report.add("CPU per task from 1,000 to 1,000,000 tasks of 100 jobs: most over least", growth, "×", "≤ 2", growth <= 2,
               ", ".join(f"{tasks:,}: {cost:.1f} µs" for tasks, cost in costs.items()))
    many = simulate(1_000_000, 1000, 1000, 0)
    report.add("1,000,000 tasks of 1,000 jobs at once: CPU per task", many["cpu_us_per_task"], "µs", "≤ 50",
               many["cpu_us_per_task"] <= 50, "")


if __name__ == "__main__":
    harness.main("scale", __doc__, {"pool": pool, "scheduling": scheduling})
