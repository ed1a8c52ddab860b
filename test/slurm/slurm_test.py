#!/usr/bin/env python3
"""A server whose tasks run in a real Slurm of three nodes: the real binary and real BLAST+.
Usage: slurm_test.py BINARY TESTDATA SCRATCH AZURITE [unittest arguments]; AZURITE is its main.js. Exit code 77: Slurm is
not installed."""
import functools
import http.client
import http.server
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "e2e")]
import cluster as slurm  # noqa: E402
import support as st  # noqa: E402

AZURITE = Path(sys.argv[4])
PATH = os.environ["PATH"]


def setUpModule():
    global CLUSTER, FOLDER
    FOLDER = Path(tempfile.mkdtemp(prefix="loom-slurm-"))
    CLUSTER = slurm.Cluster(FOLDER)
    os.environ.update(CLUSTER.env)
    unittest.addModuleCleanup(shutil.rmtree, FOLDER, ignore_errors=True)
    unittest.addModuleCleanup(CLUSTER.stop)
    CLUSTER.start()


def until(met, what):
    end = time.monotonic() + st.PATIENCE
    while not met():
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.05)


@functools.cache
def expected(program, database, text, options):
    return st.blast(program, database, text, dict(options))


def put_before(program, lines, folder):
    """Puts a script in front of `program`, in PATH, that does `lines` before it starts the real one."""
    real, place = shutil.which(program, path=PATH), folder / program
    folder.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\n{lines}\nexec {real} \"$@\"\n")
    place.chmod(0o755)
    os.environ["PATH"] = f"{folder}:{PATH}"


FLAGS = ("--slurm", "--slurm-poll", "1", "--slurm-outstanding", "6", "--slurm-memory", "100M")


class SlurmTest(st.ServerTest):
    flags = FLAGS
    started = False  # a program in front of BLAST+ must be in PATH before

    def setUp(self):
        super().setUp()
        self.gate = self.folder / "gate"

    def tearDown(self):
        os.environ["PATH"] = PATH
        self.gate.touch()
        until(lambda: not CLUSTER.elements("PENDING", "RUNNING", "COMPLETING"), "no job of ours is left in Slurm")
        super().tearDown()

    def engine(self, program, lines):
        put_before(program, lines, self.folder / "bin")

    def gated(self, program):
        """Its searches in Slurm wait for self.gate, and leave a mark before."""
        self.engine(program, f'[ -z "$SLURM_JOB_ID" ] || {{ : > {self.folder}/at-gate.$SLURMD_NODENAME.$SLURM_JOB_ID; '
                             f'while [ ! -e {self.gate} ]; do sleep 0.05; done; }}')

    def at_gate(self):
        """Nodes of the searches that wait. One that Slurm calls RUNNING may not have begun."""
        return [mark.name.split(".")[1] for mark in self.folder.glob("at-gate.*")]

    def metric(self, name):
        return self.server.metric(f"blastloom_slurm_{name}")

    def submit(self, text="proteins_100.fa", program="blastp", database="proteins_2k", **options):
        """The job, and what check() asks BLAST+ for."""
        asked = program, database, st.query(text), tuple((options or {"outfmt": "6"}).items())
        return self.server.submit(*asked[:3], dict(asked[3])), asked

    def check(self, submitted):
        job, asked = submitted
        done = self.server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        self.assertEqual(self.server.output(job), expected(*asked))
        return done

    def running(self):
        return CLUSTER.elements("RUNNING")

    def test_bytes_are_those_of_blast(self):
        self.server.start()
        jobs = [self.submit(outfmt=fmt) for fmt in ("0", "5", "7 std staxid", "11", "15")]
        jobs.append(self.submit("contigs_10.fa", "blastx", outfmt="7"))
        jobs.append(self.submit("reads_500.fa", "blastn", "nucleotides_500", outfmt="6"))
        jobs.append(self.submit(outfmt="6", evalue="1e-20", max_target_seqs="3"))
        done = [self.check(job) for job in jobs]
        self.assertGreater(sum(one["progress"]["tasks_total"] for one in done), len(done), "some were cut")
        self.assertGreater(done[0]["metrics"]["cpu_seconds"], 0)
        self.assertGreater(self.metric("tasks_total"), len(jobs))
        self.assertLess(self.metric("arrays_total"), self.metric("tasks_total"))

    def test_shards_are_searched_on_nodes(self):
        self.server = st.Server(self.data, *FLAGS, "--memory", "960K").start()
        for options in ({"outfmt": "6"}, {"outfmt": "5"}, {"outfmt": "0", "max_target_seqs": "20"}):
            done = self.check(self.submit("proteins_100.fa", **options))
            self.assertGreater(done["progress"]["tasks_total"], 2)

    def test_a_node_that_dies_costs_time_and_no_job(self):
        self.gated("blastp")
        self.server.start()
        jobs = [self.submit(evalue=f"1e-{n}", outfmt="6") for n in range(1, 4)]
        until(lambda: len(self.at_gate()) >= 3, "tasks run")
        node = self.at_gate()[0]
        CLUSTER.kill_node(node)
        self.gate.touch()
        try:
            for job in jobs:
                self.check(job)
        finally:
            CLUSTER.start_node(node)
        self.assertGreaterEqual(self.metric("lost_total"), 1)
        until(lambda: CLUSTER.idle_nodes() == 3, "the node is back")

    def test_a_task_that_slurm_holds_back_is_made_to_start(self):
        self.server.start()
        CLUSTER.pause_node("n1")
        try:
            jobs = [self.submit(evalue=f"1e-{n}", outfmt="6") for n in range(1, 7)]
            until(lambda: "COMPLETING n1" in CLUSTER.run("squeue", "-h", "-r", "-o", "%T %N"), "Slurm gives up a start on n1")
        finally:
            CLUSTER.go_on_node("n1")
        for job in jobs:
            self.check(job)
        self.assertIn("event=slurm.held", (self.folder / "data.log").read_text())

    def test_a_controller_killed_after_a_submit_is_not_believed(self):
        self.gated("blastp")
        self.server.start()
        job = self.submit()
        until(lambda: self.metric("tasks_total") > 0, "Slurm took the tasks")
        CLUSTER.kill_controller()
        self.gate.touch()
        until(lambda: self.metric("up") == 0, "the server notices")
        status, _, data = self.server.call("GET", "/readyz")
        self.assertEqual(status, 200)
        self.assertIn("Slurm does not answer", json.loads(data)["degraded"][0])
        CLUSTER.begin_controller()
        self.check(job)
        until(lambda: self.metric("up") == 1, "the server notices")

    def test_a_partition_that_is_down_is_waited_for_and_one_that_is_none_refused(self):
        self.server.start()
        CLUSTER.run("scontrol", "update", "partitionname=main", "state=inactive")
        try:
            job = self.submit("proteins_20.fa")
            until(lambda: "Required partition not available" in (self.folder / "data.log").read_text(), "the server says so")
        finally:
            CLUSTER.run("scontrol", "update", "partitionname=main", "state=up")
        self.check(job)
        run = subprocess.run([st.BINARY, "serve", "--data", self.folder / "other", "--listen", "127.0.0.1:0", *FLAGS,
                              "--slurm-partition", "nosuch"], capture_output=True, text=True, timeout=st.PATIENCE)
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertIn("nosuch", run.stderr)

    def test_a_killed_server_goes_on_with_what_runs(self):
        self.gated("blastp")
        self.server.start()
        job = self.submit()
        until(self.running, "a task runs")
        sent = self.metric("tasks_total")
        self.server.kill()
        self.server.start()
        self.gate.touch()
        self.check(job)
        self.assertGreaterEqual(self.metric("adopted_total"), 1)
        self.assertLess(self.metric("tasks_total"), sent + 1)

    def test_a_cancel_reaches_every_element(self):
        self.gated("blastp")
        self.server.start()
        jobs = [self.submit(outfmt="6", evalue=f"1e-{n}")[0] for n in range(1, 10)]
        until(lambda: len(self.running()) >= 4, "tasks run")
        explained = json.loads(self.server.call("GET", f"/api/blast/jobs/{jobs[0]}/explain")[2])
        self.assertIn("summary", explained)
        for job in jobs:
            self.assertEqual(self.server.call("POST", f"/api/blast/jobs/{job}/cancel")[0], 200)
        until(lambda: not CLUSTER.elements("PENDING", "RUNNING", "COMPLETING"), "Slurm has no element left")
        until(lambda: not CLUSTER.processes(), "no process is left on the nodes")

    def test_a_task_short_of_memory_gets_more(self):
        self.engine("blastp", '[ -z "$SLURM_MEM_PER_NODE" ] || [ "$SLURM_MEM_PER_NODE" -ge 300 ] || '
                              '{ echo "std::bad_alloc" >&2; exit 4; }')
        self.server.start()
        self.check(self.submit("proteins_20.fa"))
        self.assertGreaterEqual(self.metric("grown_total"), 2)

    def test_databases_are_copied_once_to_a_node_and_read_there(self):
        stage = self.folder / "stage"
        self.server = st.Server(self.data, *FLAGS, "--slurm-stage", stage, "--memory", "960K").start()
        self.check(self.submit("proteins_20.fa"))  # over shards, too
        copies = [place for place in stage.iterdir() if place.is_dir()]
        self.assertEqual(len(copies), 1)
        sequences = next(copies[0].glob("*.psq"))
        made = sequences.stat().st_mtime_ns
        self.check(self.submit("proteins_20.fa", outfmt="0"))
        self.assertEqual(sequences.stat().st_mtime_ns, made)
        os.truncate(sequences, 1000)
        job, _ = self.submit("proteins_20.fa", outfmt="7")
        self.assertEqual(self.server.wait(job)["status"], "failed", "it is the copy that is read")

    def test_why_a_node_has_no_copy_is_told(self):
        stage = self.folder / "stage"
        self.server = st.Server(self.data, *FLAGS, "--slurm-stage", stage, "--slurm-stage-size", "1K").start()
        submitted = self.submit("proteins_20.fa")
        self.check(submitted)
        small = [">" + record for record in st.query("reads_500.fa").split(">")[1:3]]
        riding = [self.server.submit("blastn", "nucleotides_500", read, {"outfmt": "6"}) for read in small]
        self.assertEqual([self.server.wait(job)["status"] for job in riding], ["completed"] * 2)
        self.server.kill()
        self.server.start()
        for job in (submitted[0], *riding):
            told = json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/explain")[2])["reasons"]
            note = next((one for one in told if "could not copy the database" in one), "")
            self.assertRegex(note, r"^Node n\d could not copy .*: there was no room for it\. It read the shared files")
            self.assertNotIn(str(stage), " ".join(told), "folders are for the log")
        self.assertIn(f"{stage}: no room for", (self.folder / "data.log").read_text())

    def test_a_server_without_slurm_ends_what_one_with_it_left(self):
        self.gated("blastp")
        self.server.start()
        job = self.submit()
        until(lambda: len(self.at_gate()) >= 2, "tasks run")
        self.server.kill()
        elsewhere = self.folder / "slurm.conf"  # where no controller answers
        elsewhere.write_text(re.sub(r"(?m)^SlurmctldPort=.*", "SlurmctldPort=1", (FOLDER / "slurm.conf").read_text()))
        with unittest.mock.patch.dict(os.environ, SLURM_CONF=str(elsewhere)):
            alone = st.Server(self.data).start()
        self.assertRegex((self.folder / "data.log").read_text(), r"event=slurm\.left .*scancel --name=blastloom-")
        self.assertTrue(self.running(), "nobody could end them")
        alone.kill()
        self.server = st.Server(self.data).start()
        until(lambda: not CLUSTER.elements("PENDING", "RUNNING", "COMPLETING"), "Slurm has no element left")
        until(lambda: not CLUSTER.processes(), "no process is left on the nodes")
        self.check(job)

    def test_a_node_copies_the_shards_that_it_searches(self):
        stage = self.folder / "stage"
        self.gated("blastp")  # on a busy machine one node alone could be as fast as the tasks come
        self.server = st.Server(self.data, *FLAGS, "--slurm-stage", f"{stage}/%N", "--memory", "960K",
                                "--slurm-outstanding", "60").start()
        submitted = self.submit(database="proteins_2k_vols")
        until(lambda: set(self.at_gate()) == set(CLUSTER.names), "no node stands still")
        self.gate.touch()
        self.check(submitted)
        read = list((self.data / "objects" / "slurm" / "warm").rglob("n?"))
        self.assertEqual(len({mark.parent for mark in read}), 4, "there are four shards")
        self.assertLessEqual(len(read), 10, "of the 12 pairs of a shard and a node")
        self.assertTrue(list(stage.glob("n?/*/*.psq")))

    def test_small_searches_ride_together(self):
        self.gated("blastn")
        self.server = st.Server(self.data, "--slurm", "--slurm-poll", "1", "--slurm-outstanding", "1").start()
        reads = [">" + record for record in st.query("reads_500.fa").split(">")[1:9]]
        options = {"outfmt": "6", "task": "megablast"}
        jobs = [self.server.submit("blastn", "nucleotides_500", read, options) for read in reads]
        self.gate.touch()
        for job, read in zip(jobs, reads):
            self.check((job, ("blastn", "nucleotides_500", read, tuple(options.items()))))
        self.assertLess(self.metric("tasks_total"), len(jobs))


@unittest.skipIf(slurm.Accounting.missing(), f"not installed: {', '.join(slurm.Accounting.missing())}")
class AccountingTest(st.ServerTest):
    """A cluster of its own, which keeps accounts in a real slurmdbd and MariaDB."""

    flags = FLAGS
    started = False

    def setUp(self):
        super().setUp()
        place = Path(tempfile.mkdtemp(prefix="loom-slurm-"))  # a socket's path has at most 107 bytes
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        self.cluster = slurm.Cluster(place / "slurm", nodes=1, accounting=True)
        accounting = slurm.Accounting(place / "accounting")
        self.addCleanup(accounting.stop)
        accounting.start(self.cluster)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.enterContext(unittest.mock.patch.dict(os.environ, self.cluster.env))

    def burned(self):
        """CPU seconds of what runs on the nodes now."""
        seconds = 0
        for pid in self.cluster.processes():
            try:
                words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            seconds += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        return seconds

    def test_what_a_lost_task_took_is_filled_in_when_slurm_tells_it(self):
        begun = self.folder / "begun"
        put_before("blastp", f'[ -z "$SLURM_JOB_ID" ] || [ -e {begun} ] || {{ : > {begun}; while :; do :; done; }}',
                   self.folder / "bin")
        self.server.start()
        job = self.server.submit("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "6"})
        until(lambda: begun.exists() and self.burned() > 3, "the task burns time")
        element, = self.cluster.elements("RUNNING")
        self.cluster.run("scancel", element)
        done = self.server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        self.assertLess(done["metrics"]["cpu_seconds"], 2, "of the attempt that succeeded")
        self.assertEqual(self.server.stop(), 0)
        until(lambda: "CANCELLED" in self.cluster.run("sacct", "-n", "-P", "-j", element, "-o", "State"), "it is accounted")
        self.server.start()  # the backfill works at once, and then each five minutes
        until(lambda: self.server.job(job)["metrics"]["cpu_seconds"] > done["metrics"]["cpu_seconds"] + 1, "it is filled in")
        now = self.server.job(job)["metrics"]
        self.assertGreater(now["wall_seconds"], done["metrics"]["wall_seconds"] + 2)
        self.assertGreater(now["peak_bytes"], 0)
        log = (self.folder / "data.log").read_text()
        self.assertRegex(log, rf"event=slurm\.accounted .*job={job} state=\"?CANCELLED.* exit=\S+ node=n1 .*peak_bytes=[1-9]")
        self.assertEqual(list((self.data / "objects" / "slurm").rglob("lost/*")), [], "it is counted once")


class Unreliable(http.server.ThreadingHTTPServer):
    """Stands before a service: answers every 9th request itself, with 503, and breaks off every 7th body that it passes on."""

    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind, self.requests, self.bodies = port, itertools.count(1), itertools.count(1)
        self.refused = self.cut = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """One that went away."""


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pass_on(self):
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if next(server.requests) % 9 == 0:
            server.refused += 1
            self.send_response_only(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.close_connection = True
        behind = http.client.HTTPConnection("127.0.0.1", server.behind, timeout=st.PATIENCE)
        try:
            behind.request(self.command, self.path, body, dict(self.headers))
            reply = behind.getresponse()
            data = reply.read()
        except (OSError, http.client.HTTPException):
            return
        finally:
            behind.close()
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", reply.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        if len(data) > 1 and next(server.bodies) % 7 == 0:
            server.cut += 1
            data = data[:len(data) // 2]
        self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on


@unittest.skipUnless(AZURITE.exists() and shutil.which("redis-server") and shutil.which("redis-cli"),
                     "Azurite or redis-server is not installed; ./dev setup installs them")
class TogetherTest(unittest.TestCase):
    """Slurm, Azure Blob Storage and Redis at once."""

    def setUp(self):
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
        import azure_test
        self.folder = st.SCRATCH / "together"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.azurite = azure_test.Azurite(self.folder).start()
        self.addCleanup(lambda: self.azurite.process.wait())  # it is started again
        self.addCleanup(lambda: self.azurite.process.kill())
        self.between = Unreliable(self.azurite.port)
        self.addCleanup(self.between.server_close)
        self.addCleanup(self.between.shutdown)
        self.account = self.folder / "account"
        self.account.write_text(f"account = {azure_test.ACCOUNT}\nkey = {azure_test.KEY}\n"
                                f"endpoint = http://127.0.0.1:{self.between.server_port}/{azure_test.ACCOUNT}\n")
        self.account.chmod(0o600)
        self.key = azure_test.KEY
        self.socket = f"{FOLDER}/redis.sock"  # a socket's path has at most 107 bytes
        self.start_redis()
        self.server = st.Server(self.folder / "data", *FLAGS, "--objects", "azure:results", "--azure-account-file",
                                self.account, "--redis", f"unix:{self.socket}").start()
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.kill())

    def start_redis(self):
        self.redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", ""],
                                      cwd=self.folder, stdout=subprocess.DEVNULL)
        self.addCleanup(self.redis.wait)
        self.addCleanup(self.redis.kill)

    def ends(self):
        """Jobs whose end stands in the stream."""
        run = subprocess.run(["redis-cli", "-s", self.socket, "--json", "XRANGE", "blastloom:events", "-", "+"],
                             capture_output=True)
        entries = json.loads(run.stdout) if run.returncode == 0 and run.stdout.startswith(b"[") else []
        fields = [dict(zip(one[::2], one[1::2])) for _, one in entries]
        return {one["job"] for one in fields if one["state"] == "completed"}

    def test_every_job_ends_with_the_bytes_of_blast_though_all_three_and_a_node_fail(self):
        cases = [("blastp", "proteins_2k", "proteins_100.fa", {"outfmt": fmt}) for fmt in ("0", "5", "6", "11")]
        cases.append(("blastn", "nucleotides_500", "reads_500.fa", {"outfmt": "6"}))
        cases.append(("blastx", "proteins_2k", "contigs_10.fa", {"outfmt": "7"}))
        jobs = [self.server.submit(program, database, st.query(text), options) for program, database, text, options in cases]
        until(lambda: CLUSTER.elements("RUNNING", "COMPLETED"), "Slurm has tasks")
        node = (CLUSTER.run("squeue", "-h", "-r", "-t", "RUNNING", "-o", "%N").split() or ["n1"])[0]
        CLUSTER.kill_node(node)
        CLUSTER.kill_controller()
        self.redis.kill()
        self.redis.wait()
        self.azurite.stop()
        self.azurite.start()
        CLUSTER.begin_controller()
        CLUSTER.start_node(node)
        self.start_redis()
        for job, (program, database, text, options) in zip(jobs, cases):
            done = self.server.wait(job)
            self.assertEqual(done["status"], "completed", done)
            self.assertEqual(self.server.output(job), expected(program, database, st.query(text), tuple(options.items())))
        until(lambda: set(jobs) <= self.ends(), "the stream tells every end")
        self.assertGreater(self.between.refused, 0)
        self.assertGreater(self.between.cut, 0)
        until(lambda: CLUSTER.idle_nodes() == 3, "the node is back")
        self.assertEqual(self.server.stop(), 0)
        self.expect_no_secrets()

    @unittest.skipUnless(st.LEVEL == "full", "takes minutes: left to the full level")
    def test_all_listed_searches_give_the_bytes_of_blast(self):
        """The quick level of the differential suite, each search as a job, four at once."""
        self.assertEqual(self.server.stop(), 0)
        self.server = st.Server(self.folder / "data", *self.server.flags, "--memory", "960K").start()
        env = {**os.environ, "BLASTLOOM_SERVER": self.server.url, "LOOM_TEST_LEVEL": "quick", "GTEST_TOTAL_SHARDS": "4"}
        chosen = "--gtest_filter=*SearchTest*:Server*"
        runs = [subprocess.Popen([st.BINARY.parent / "differential_search_test", chosen],
                                 env={**env, "GTEST_SHARD_INDEX": str(i)}, stdout=subprocess.PIPE, text=True) for i in range(4)]
        told = [run.communicate()[0] for run in runs]
        self.assertEqual([run.returncode for run in runs], [0] * 4, "\n".join(told))
        self.assertGreaterEqual(sum(text.count("[       OK ]") for text in told), 30)
        self.assertEqual(self.server.stop(), 0)

    def expect_no_secrets(self):
        for place in [*FOLDER.rglob("*"), self.folder / "data.log"]:
            if place.is_file():
                self.assertNotIn(self.key.encode(), place.read_bytes(), f"{place}: the account key")


if __name__ == "__main__":
    if absent := slurm.missing():
        print(f"skipped: {', '.join(absent)} not installed; ./dev setup installs Slurm")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
