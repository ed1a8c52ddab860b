"""Measures the job service beside what it is made of, in one run.

coalescing  single-read megablast jobs submitted at once against 712 Mbases (the markers of metaphlan2-data): CPU
            seconds of the whole server beside one BLAST+ process per job, and the wait of a lone job
submits     durable submits a second at 64 clients beside SQLite's own rate of one commit per insert on this disk
list        GET /api/blast/jobs?limit=50 with 1,000 and with 1,000,000 stored jobs, whole and as 304, beside nginx
            serving the same bytes from a file: requests per CPU second of the server, and the slowest of a hundred
events      5,000 listeners of /api/blast/events: memory of each, and how late the last of them hears of a job
idle        resident memory of an idle server, and its start with an empty store and with 1,000,000 jobs
"""
import concurrent.futures
import http.client
import json
import os
import re
import resource
import selectors
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

import harness
from search import BENCHDATA, markers, reads

ROOT = harness.ROOT
BINARY = ROOT / "build/release/blastloom"
TICKS = os.sysconf("SC_CLK_TCK")
IDLE_S = 0.5  # before a lone job and before BLAST+ beside it: blastn takes up to 50 ms longer after a rest


class Server:
    """A server on a folder of its own under the bench's output; `keep` goes on with the folder of the one before."""

    def __init__(self, name, *flags, keep=False):
        self.data = harness.OUT / name
        self.keep = keep
        self.token = None
        if not keep:
            shutil.rmtree(self.data, ignore_errors=True)
        began = time.perf_counter()
        self.process = subprocess.Popen([BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--db-path",
                                         BENCHDATA, "--log-level", "error", *flags], stdout=subprocess.PIPE, text=True)
        self.host = self.process.stdout.readline().strip().removeprefix("http://")
        self.start_s = time.perf_counter() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        if not self.keep:
            shutil.rmtree(self.data, ignore_errors=True)

    def call(self, method, path, body=None, connection=None):
        own = connection or http.client.HTTPConnection(self.host)
        headers = {"Content-Type": "application/json"} if body else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        own.request(method, path, body and json.dumps(body), headers)
        reply = own.getresponse()
        data = reply.read()
        if reply.status >= 400:
            sys.exit(f"error: {method} {path}: {reply.status} {data[:300]}")
        return json.loads(data)

    def cpu_s(self):
        """Of the server and its children that have ended."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / TICKS

    def busy(self, seconds):
        """Whether it runs a program, or uses the processor, in that time."""
        before, until, ran = self.cpu_s(), time.monotonic() + seconds, False
        while time.monotonic() < until:
            ran = ran or bool(self.engines())
            time.sleep(0.01)
        return ran or self.cpu_s() - before > 0.02

    def settle(self):
        """Waits for the end of what it does at its start: it asks the engines for their versions, looks for databases."""
        while self.busy(0.5):
            pass

    def engines(self):
        """Process ids of what it runs now."""
        return [int(pid) for task in Path(f"/proc/{self.process.pid}/task").iterdir()
                for pid in (task / "children").read_text().split()]

    def resident_bytes(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ended(server, ids, rest_s=0.02):
    for job in ids:
        while (now := server.call("GET", f"/api/blast/jobs/{job}"))["status"] not in ("completed", "failed", "cancelled"):
            time.sleep(rest_s)
        if now["status"] != "completed":
            sys.exit(f"error: job {job}: {now}")


def coalescing(report, options):
    database = markers()
    single_reads = [">" + one for one in reads(2000).read_text().split(">")[1:options.jobs + 1]]
    wish = {"program": "blastn", "database": database.name, "options": {"outfmt": "6", "task": "megablast"}}
    alone = ["blastn", "-task", "megablast", "-db", database, "-outfmt", "6", "-query", harness.OUT / "one.fa"]

    def single(read):
        (harness.OUT / "one.fa").write_text(read)
        return harness.run(alone, stdout=harness.OUT / "one.out")

    harness.OUT.mkdir(parents=True, exist_ok=True)
    single(single_reads[0])  # the database comes into the page cache
    os.sync()  # so that no commit waits for what the cases before have written
    with Server("service-coalescing", "--reuse-size", "0") as server:
        waits, own = [], []
        server.settle()
        for read in single_reads[:10]:
            time.sleep(IDLE_S)
            began = time.perf_counter()
            job = server.call("POST", "/api/blast/jobs", {**wish, "query": read})["id"]
            ended(server, [job], 0.002)
            took = time.perf_counter() - began
            time.sleep(IDLE_S)
            waits.append(took - single(read).wall_s)
            own.append(took - server.call("GET", f"/api/blast/jobs/{job}")["metrics"]["wall_seconds"])
        before, began = server.cpu_s(), time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            ids = list(pool.map(lambda read: server.call("POST", "/api/blast/jobs", {**wish, "query": read})["id"], single_reads))
        ended(server, ids)
        wall, cpu = time.perf_counter() - began, server.cpu_s() - before
        same = True
        each = []
        for number in range(0, len(single_reads), max(1, len(single_reads) // 20)):
            each.append(single(single_reads[number]))
            connection = http.client.HTTPConnection(server.host)
            connection.request("GET", f"/api/blast/jobs/{ids[number]}/results/output")
            same = same and connection.getresponse().read() == (harness.OUT / "one.out").read_bytes()
    cpu_each = statistics.mean(run.cpu_s for run in each)
    report.add("single reads: output bytes equal", int(same), "", "equal", same, f"BLAST+, {len(each)} of {len(single_reads)} jobs")
    report.add("single reads: CPU seconds in all", cpu, "s", against=f"{cpu_each * len(single_reads):.0f} s, a process per job")
    ratio = cpu_each * len(single_reads) / cpu
    report.add("single reads: times less CPU", ratio, "×", "≥ 30", ratio >= 30, "a BLAST+ process per job")
    report.add("single reads: wall for all", wall, "s", against=f"{cpu_each * len(single_reads) / harness.CORES:.0f} s at best, a process per job")
    report.add("a lone job: median of 10 over BLAST+", statistics.median(waits) * 1000, "ms", against="blastn itself")
    report.add("a lone job: slowest of 10 outside of its own engine's run", max(own) * 1000, "ms", against="median %.0f ms" % (statistics.median(own) * 1000))
    worst = max(waits) * 1000
    report.add("a lone job: slowest of 10 over BLAST+", worst, "ms", "≤ 50", worst <= 50, "blastn itself")


def plain_inserts(journal):
    """Rows of 500 bytes a second that SQLite makes durable, one commit for each, from one thread."""
    place = harness.OUT / "inserts.sqlite"
    place.unlink(missing_ok=True)
    store = sqlite3.connect(place, isolation_level=None)
    store.execute(f"PRAGMA journal_mode={journal}")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE jobs(id TEXT, body TEXT)")
    began, rows = time.perf_counter(), 0
    while time.perf_counter() - began < 3:
        store.execute("INSERT INTO jobs VALUES(?, ?)", (str(rows), "x" * 500))
        rows += 1
    rate = rows / (time.perf_counter() - began)
    store.close()
    return rate


def submits(report, options):
    database = markers()
    wish = {"program": "blastn", "database": database.name, "options": {"outfmt": "6"}, "query": ">q\nACGTACGTACGTACGTACGTACGTACGTACGT\n"}
    plain, rollback = plain_inserts("WAL"), plain_inserts("DELETE")
    script = harness.OUT / "submit.lua"
    data = harness.OUT / "service-submits"
    shutil.rmtree(data, ignore_errors=True)
    # Ten callers: of one, a server takes 10,000 unfinished jobs.
    tokens = [subprocess.run([BINARY, "token", "create", f"caller{i}", "--role", "admin", "--data", data],
                             capture_output=True, text=True, check=True).stdout.strip() for i in range(10)]
    with Server("service-submits", "--cores", "1", "--reuse-size", "0", keep=True) as server:
        server.keep = False
        server.token = tokens[0]
        script.write_text(f'''local tokens = {{{", ".join(map(json.dumps, tokens))}}}
            local n, requests = 0, {{}}
            init = function()
              for i, token in ipairs(tokens) do
                requests[i] = wrk.format("POST", "/api/blast/jobs", {{["Content-Type"] = "application/json",
                                         ["Authorization"] = "Bearer " .. token}}, {json.dumps(json.dumps(wish))})
              end
            end
            request = function() n = n % #tokens + 1; return requests[n] end''')
        # What is measured is taking jobs in, so nothing is searched: the only core is held by a search that is stopped.
        long = {"program": "blastn", "database": database.name, "options": {"outfmt": "5", "task": "blastn"},
                "query": reads(2000).read_text()}
        server.settle()
        held = server.call("POST", "/api/blast/jobs", long)["id"]
        while not (engine := server.engines()):
            time.sleep(0.01)
        os.kill(engine[0], signal.SIGSTOP)
        loads = [Load(server.host, "/api/blast/jobs", 64, server.cpu_s, "-s", script, seconds=3) for _ in range(options.rounds)]
        stored = server.call("GET", "/api/blast/jobs?limit=1")
        os.kill(engine[0], signal.SIGCONT)
        server.call("POST", f"/api/blast/jobs/{held}/cancel")
    refused = sum(load.refused for load in loads)
    if refused or not stored["jobs"]:
        sys.exit(f"error: {refused} submits were refused")
    rate = statistics.median(load.rate for load in loads)
    report.add("durable submits, 64 clients", rate, "/s")
    report.add("durable submits / plain inserts", rate / plain, "×", "≥ 8", rate / plain >= 8,
               f"SQLite, one commit per insert, WAL as the server's ({plain:.0f}/s)")
    report.add("durable submits / plain inserts with a rollback journal", rate / rollback, "×", None, None,
               f"SQLite as it comes ({rollback:.0f}/s)")


class Load:
    """wrk's clients on one path for five seconds. rate: a second; per_cpu_s: of the server that cpu_s() tells of."""

    def __init__(self, host, path, clients, cpu_s, *more, seconds=5):
        before = cpu_s()
        told = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", *more, f"http://{host}{path}"],
                              capture_output=True, text=True, check=True).stdout
        cpu = cpu_s() - before
        requests = int(re.search(r"(\d+) requests in", told)[1])
        self.refused = int((re.search(r"Non-2xx or 3xx responses: (\d+)", told) or [0, 0])[1])
        self.rate = requests / seconds
        self.per_cpu_s = requests / cpu
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", told).groups()
        self.p99_ms = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


class Nginx:
    """nginx with a worker per core, serving one file."""

    def __init__(self, body):
        self.folder = harness.OUT / "nginx"
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "www").mkdir(parents=True)
        (self.folder / "www/jobs").write_bytes(body)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; worker_processes {harness.CORES}; pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{ access_log off; sendfile on; keepalive_requests 100000000; default_type application/json;
                    client_body_temp_path {self.folder}/a; proxy_temp_path {self.folder}/b; fastcgi_temp_path {self.folder}/c;
                    uwsgi_temp_path {self.folder}/d; scgi_temp_path {self.folder}/e;
                    server {{ listen {self.host}; root {self.folder}/www; }} }}""")
        os.chmod(self.folder, 0o755)
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.folder, "-c", self.folder / "nginx.conf"],
                                        stderr=subprocess.DEVNULL)
        while True:
            try:
                connection = http.client.HTTPConnection(self.host)
                connection.request("GET", "/jobs")
                reply = connection.getresponse()
                if reply.read() != body:
                    sys.exit(f"error: nginx answers {reply.status}; see {self.folder}/error.log")
                self.etag = reply.getheader("ETag")
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    sys.exit(f"error: nginx did not start; see {self.folder}/error.log")
                time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def cpu_s(self):
        workers = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sum(sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])) for pid in workers) / TICKS


def stored(name, jobs):
    """A server's folder with that many completed jobs in its store. The server made the first itself."""
    wish = {"program": "blastn", "database": markers().name, "options": {"outfmt": "6"}, "title": "reads of sample 1",
            "query": ">q\nACGTACGTACGTACGTACGTACGTACGTACGT\n"}
    with Server(name) as server:
        server.keep = True
        ended(server, [server.call("POST", "/api/blast/jobs", wish)["id"]])
    store = sqlite3.connect(server.data / "jobs.sqlite")
    columns = [row[1] for row in store.execute("PRAGMA table_info(jobs)") if row[1] not in ("number", "id", "created", "owner")]
    names = ", ".join(columns)
    store.execute(f"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {jobs - 1})
        INSERT INTO jobs(id, owner, created, {names})
        SELECT lower(hex(randomblob(16))), 'owner' || (i % 100), created - i * 1000, {names} FROM jobs, n WHERE number = 1""")
    store.commit()
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return server.data


def list_get(report, options):
    path = "/api/blast/jobs?limit=50"
    cost = {}
    for jobs in (1_000, 1_000_000):
        stored("service-list", jobs)
        os.sync()
        with Server("service-list", keep=True) as server:
            server.keep = False
            server.settle()
            connection = http.client.HTTPConnection(server.host)
            connection.request("GET", path)
            reply = connection.getresponse()
            body, etag = reply.read(), reply.getheader("ETag")
            # Each request with a query string of its own: none is answered from the cache of replies.
            fresh = harness.OUT / "fresh.lua"
            fresh.write_text(f'''local n = 0
                request = function()
                  n = n + 1
                  return wrk.format("GET", "{path}&since=" .. os.date("!%Y-%m-%dT%H:%M:%SZ", 1000000000 + n))
                end''')
            with Nginx(body) as nginx:
                for clients in (32, 256):
                    rivals = {"ours": (server, path, None), "nginx": (nginx, "/jobs", None),
                              "ours, 304": (server, path, etag), "nginx, 304": (nginx, "/jobs", nginx.etag)}
                    loads = {name: [] for name in rivals}
                    for _ in range(options.rounds):
                        for name, (rival, place, known) in rivals.items():
                            told = ["-H", f"If-None-Match: {known}"] if known else []
                            loads[name].append(Load(rival.host, place, clients, rival.cpu_s, *told, seconds=3))
                    middle = {name: sorted(runs, key=lambda run: run.per_cpu_s)[len(runs) // 2] for name, runs in loads.items()}
                    cost[jobs, clients] = middle["ours"]
                    what = f"list of 50 of {jobs:,} jobs, {clients} connections"
                    for kind, goal in (("", 0.7), (", 304", 0.9)):
                        mine, other = middle["ours" + kind], middle["nginx" + kind]
                        ratio = mine.per_cpu_s / other.per_cpu_s
                        report.add(what + kind, ratio, "×", f"≥ {goal}", ratio >= goal,
                                   f"nginx, requests per CPU second ({mine.per_cpu_s:.0f}/s; p99 {mine.p99_ms:.1f} ms, nginx {other.p99_ms:.1f} ms)")
            cost[jobs, "fresh"] = Load(server.host, path, 32, server.cpu_s, "-s", fresh)
    for what, name in ((32, "32 connections"), (256, "256 connections"), ("fresh", "each read from the store")):
        few, many = cost[1_000, what], cost[1_000_000, what]
        ratio = few.per_cpu_s / many.per_cpu_s
        report.add(f"list: cost with 1,000,000 jobs, {name}", ratio, "×", "≤ 1.1", ratio <= 1.1,
                   f"with 1,000 jobs ({many.per_cpu_s:.0f} and {few.per_cpu_s:.0f} requests per CPU second; p99 {many.p99_ms:.1f} ms)")


def events(report, options):
    count = 5000
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wish = {"program": "blastn", "database": markers().name, "options": {"outfmt": "6"}, "query": ">q\nACGTACGTACGTACGTACGTACGTACGTACGT\n"}
    with Server("service-events") as server:
        host, port = server.host.split(":")
        ended(server, [server.call("POST", "/api/blast/jobs", wish)["id"]])
        before = server.resident_bytes()
        ready = selectors.DefaultSelector()
        sockets = []
        for _ in range(count):
            one = socket.create_connection((host, int(port)))
            one.sendall(b"GET /api/blast/events HTTP/1.1\r\nHost: " + server.host.encode() + b"\r\nAccept: text/event-stream\r\n\r\n")
            sockets.append(one)
        for one in sockets:
            if b"200 OK" not in one.recv(65536):
                sys.exit("error: an event stream was refused")
            ready.register(one, selectors.EVENT_READ)
        time.sleep(0.5)
        each = (server.resident_bytes() - before) / count
        for key, _ in ready.select(0):
            key.fileobj.recv(65536)  # comments and history
        late = []
        for _ in range(5):
            began = time.perf_counter()
            job = server.call("POST", "/api/blast/jobs", wish)["id"].encode()
            heard = set()
            while len(heard) < count:
                for key, _ in ready.select(10):
                    if job in key.fileobj.recv(65536) and key.fd not in heard:
                        heard.add(key.fd)
                        late.append(time.perf_counter() - began)
            ended(server, [job.decode()])
            time.sleep(0.5)
            for key, _ in ready.select(0):
                key.fileobj.recv(65536)
        for one in sockets:
            one.close()
    report.add("5,000 listeners: memory of each", each / 1024, "KiB", "≤ 24", each <= 24 * 1024)
    p99 = sorted(late)[len(late) * 99 // 100] * 1000
    report.add("5,000 listeners: a submit is heard, p99", p99, "ms", "≤ 300", p99 <= 300, "from the submit's first byte, read by one Python process")


def idle(report, options):
    with Server("service-idle") as server:
        server.call("GET", "/api/blast/jobs")
        memory = server.resident_bytes() / (1 << 20)
        report.add("idle server: resident memory", memory, "MiB", "≤ 40", memory <= 40)
        report.add("idle server: start", server.start_s * 1000, "ms", "≤ 150", server.start_s <= 0.15, "an empty store")
    stored("service-full", 1_000_000)
    with Server("service-full", keep=True) as server:
        server.keep = False
        report.add("idle server: start with 1,000,000 jobs", server.start_s * 1000, "ms", "≤ 150", server.start_s <= 0.15)


if __name__ == "__main__":
    harness.main("service", __doc__, {"idle": idle, "submits": submits, "list": list_get, "events": events, "coalescing": coalescing},
                 lambda parser: parser.add_argument("--jobs", type=int, default=1000, help="single-read jobs"))
