#!/usr/bin/env python3
"""Measures what several threads and machines share: hits of the client pool, beside a mutex and a map; events over a real
redis-server; and how well the scheduler fills a cluster, by a simulation in virtual time."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

import harness
from harness import ROOT

BUILD = ROOT / "build" / "release"


def build(program):
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", program], check=True, stdout=subprocess.DEVNULL)


def pool(report, options):
    """Nanoseconds a hit takes the thread that makes it. The best of the repetitions counts, of both rivals in one run:
    what else the machine does only makes a hit slower. More threads than cores take turns: processor time is what
    compares them."""
    build("pool_bench")
    out = harness.OUT / "pool_bench.json"
    harness.run([BUILD / "pool_bench", f"--benchmark_repetitions={5 * options.rounds}", "--benchmark_min_time=0.05",
                 "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"], stdout=out)
    best = {}
    for bench in json.loads(out.read_text())["benchmarks"]:
        if bench["run_type"] == "iteration":
            name = (bench["run_name"].split("/")[0], bench["threads"])
            best[name] = min(best.get(name, bench["cpu_time"]), bench["cpu_time"])
    names = {1: "1 thread", 2: "2 threads", 4: "4 threads", 16: "16 submits at once, each of 1 thread",
             64: "16 submits at once, each fanned out to 4 threads"}
    for threads, name in names.items():
        hit, rival = best["pool_hit", threads], best["mutex_hit", threads]
        report.add(f"client pool: a hit, {name}", hit, "ns", "≤ 20", hit <= 20, f"mutex + map {rival:.0f} ns")
    slower = {name: best[name, 64] / best[name, 16] for name in ("pool_hit", "mutex_hit")}
    report.add("client pool: a hit of 16 submits, fan-out to 4 threads over 1", slower["pool_hit"], "×", "≤ 1.1",
               slower["pool_hit"] <= 1.1, f"mutex + map {slower['mutex_hit']:.2f} ×")


class Redis:
    """A real redis-server on a free port of the loopback address; its data are in memory only."""

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=harness.OUT, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise
                time.sleep(0.01)

    def send(self, number):
        os.kill(self.process.pid, number)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def events(report, options):
    """A count of the emitter costs the thread that makes it processor time, and must never wait: the kernel tells how often
    the thread gave its core away by itself. The events of jobs go from the store's log through Redis to a hub that has
    nothing else: a backlog, as after a restart of Redis, and how much later than the server's own listeners it is told at
    a rate that is far from the most."""
    build("events_bench")
    out = harness.OUT / "events_bench.json"

    def bench(*words):
        harness.run([BUILD / "events_bench", *words], stdout=out)
        return json.loads(out.read_text())

    def emit(redis, threads):
        return bench("emit", redis.port, threads)

    with Redis() as redis:
        up = {threads: emit(redis, threads) for threads in (1, 4)}
        redis.send(signal.SIGSTOP)
        hangs = emit(redis, 1)
        redis.send(signal.SIGCONT)
    down = emit(redis, 1)
    for name, one, goal in (("1 thread", up[1], 20), ("4 threads on one counter", up[4], None),
                            ("1 thread, Redis hangs", hangs, 20), ("1 thread, Redis is down", down, 20)):
        report.add(f"emitter: a count, {name}", one["ns"], "ns", goal and f"≤ {goal}", goal and one["ns"] <= goal)
    waits = sum(one["waits"] for one in (*up.values(), hangs, down))
    report.add("emitter: times that one who counts waited, in all of these", waits, "", "0", waits == 0)

    runs = []
    for _ in range(options.rounds):
        with Redis() as redis, tempfile.TemporaryDirectory(dir=harness.OUT) as folder:
            runs.append(bench("stream", redis.port, folder))
    best = max(run["per_second"] for run in runs)
    report.add("job events: a backlog of 20,000 through Redis", best, "events/s")
    calm = min(runs, key=lambda run: run["p50_ms"])
    for name in ("p50", "p99"):
        report.add(f"job events: later than the server's own listeners, {name}", calm[f"{name}_ms"], "ms",
                   against=f"at {calm['steady_per_second']:.0f} events/s")


def scheduling(report, options):
    """Real choices of the scheduler over made-up nodes and tasks: predicted 90 s down to 10 s, really off by a factor of
    1.6 either way. The bound is the work over what is up of the nodes: nobody can be faster. Losses waste work, and
    count."""
    build("sched_bench")

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
    harness.main("scale", __doc__, {"pool": pool, "events": events, "scheduling": scheduling})
