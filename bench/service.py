"""Measures the job service beside what it is made of, in one run.

coalescing  single-read megablast jobs submitted at once against 712 Mbases (the markers of metaphlan2-data): CPU
            seconds of the whole server beside one BLAST+ process per job, and the wait of a lone job
submits     durable submits a second at 64 clients beside SQLite's own rate of one commit per insert on this disk
idle        resident memory of an idle server, and its start
"""
import concurrent.futures
import http.client
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

import harness
from search import BENCHDATA, markers

ROOT = harness.ROOT
BINARY = ROOT / "build/release/blastloom"
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, name, *flags):
        self.data = harness.OUT / name
        shutil.rmtree(self.data, ignore_errors=True)
        began = time.perf_counter()
        self.process = subprocess.Popen([BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--db-path",
                                         BENCHDATA, *flags], stdout=subprocess.PIPE, text=True)
        self.host = self.process.stdout.readline().strip().removeprefix("http://")
        self.start_s = time.perf_counter() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def call(self, method, path, body=None, connection=None):
        own = connection or http.client.HTTPConnection(self.host)
        own.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"} if body else {})
        reply = own.getresponse()
        data = reply.read()
        if reply.status >= 400:
            sys.exit(f"error: {method} {path}: {reply.status} {data[:300]}")
        return json.loads(data)

    def cpu_s(self):
        """Of the server and its children that have ended."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / TICKS

    def resident_bytes(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ended(server, ids):
    for job in ids:
        while (now := server.call("GET", f"/api/blast/jobs/{job}"))["status"] not in ("completed", "failed", "cancelled"):
            time.sleep(0.02)
        if now["status"] != "completed":
            sys.exit(f"error: job {job}: {now}")


def coalescing(report, options):
    database = markers()
    reads = [">" + one for one in (BENCHDATA / "reads_2000.fa").read_text().split(">")[1:options.jobs + 1]]
    wish = {"program": "blastn", "database": database.name, "options": {"outfmt": "6", "task": "megablast"}}
    alone = ["blastn", "-task", "megablast", "-db", database, "-outfmt", "6", "-query", harness.OUT / "one.fa"]

    def single(read):
        (harness.OUT / "one.fa").write_text(read)
        return harness.run(alone, stdout=harness.OUT / "one.out")

    harness.OUT.mkdir(parents=True, exist_ok=True)
    single(reads[0])  # the database comes into the page cache
    with Server("service-coalescing") as server:
        waits = []
        for read in reads[:10]:
            began = time.perf_counter()
            ended(server, [server.call("POST", "/api/blast/jobs", {**wish, "query": read})["id"]])
            waits.append(time.perf_counter() - began - single(read).wall_s)
        before, began = server.cpu_s(), time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            ids = list(pool.map(lambda read: server.call("POST", "/api/blast/jobs", {**wish, "query": read})["id"], reads))
        ended(server, ids)
        wall, cpu = time.perf_counter() - began, server.cpu_s() - before
        same = True
        each = []
        for number in range(0, len(reads), max(1, len(reads) // 20)):
            each.append(single(reads[number]))
            connection = http.client.HTTPConnection(server.host)
            connection.request("GET", f"/api/blast/jobs/{ids[number]}/results/output")
            same = same and connection.getresponse().read() == (harness.OUT / "one.out").read_bytes()
    cpu_each = statistics.mean(run.cpu_s for run in each)
    report.add("single reads: output bytes equal", int(same), "", "equal", same, f"BLAST+, {len(each)} of {len(reads)} jobs")
    report.add("single reads: CPU seconds in all", cpu, "s", against=f"{cpu_each * len(reads):.0f} s, a process per job")
    ratio = cpu_each * len(reads) / cpu
    report.add("single reads: times less CPU", ratio, "×", "≥ 30", ratio >= 30, "a BLAST+ process per job")
    report.add("single reads: wall for all", wall, "s", against=f"{cpu_each * len(reads) / harness.CORES:.0f} s at best, a process per job")
    worst = max(waits) * 1000
    report.add("a lone job: slowest of 10 over BLAST+", worst, "ms", "≤ 50", worst <= 50, "blastn itself")


def submits(report, options):
    database = markers()
    wish = {"program": "blastn", "database": database.name, "options": {"outfmt": "6"}, "query": ">q\nACGTACGTACGTACGTACGTACGTACGTACGT\n"}
    place = harness.OUT / "inserts.sqlite"
    place.unlink(missing_ok=True)
    store = sqlite3.connect(place, isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE jobs(id TEXT, body TEXT)")
    began, rows = time.perf_counter(), 0
    while time.perf_counter() - began < 3:
        store.execute("INSERT INTO jobs VALUES(?, ?)", (str(rows), "x" * 500))
        rows += 1
    plain = rows / (time.perf_counter() - began)
    store.close()
    with Server("service-submits", "--cores", "1") as server:
        def client(_):
            connection, done = http.client.HTTPConnection(server.host), 0
            until = time.perf_counter() + 5
            while time.perf_counter() < until:
                server.call("POST", "/api/blast/jobs", wish, connection)
                done += 1
            return done
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            rate = sum(pool.map(client, range(64))) / 5
    report.add("durable submits, 64 clients", rate, "/s")
    report.add("durable submits / plain inserts", rate / plain, "×", "≥ 8", rate / plain >= 8,
               f"SQLite, one commit per insert ({plain:.0f}/s)")


def idle(report, options):
    with Server("service-idle") as server:
        server.call("GET", "/api/blast/jobs")
        memory = server.resident_bytes() / (1 << 20)
        report.add("idle server: resident memory", memory, "MiB", "≤ 40", memory <= 40)
        report.add("idle server: start", server.start_s * 1000, "ms", "≤ 150", server.start_s <= 0.15, "an empty store")


if __name__ == "__main__":
    harness.main("service", __doc__, {"idle": idle, "submits": submits, "coalescing": coalescing},
                 lambda parser: parser.add_argument("--jobs", type=int, default=1000, help="single-read jobs"))
