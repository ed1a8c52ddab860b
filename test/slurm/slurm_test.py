#!/usr/bin/env python3
"""A server whose tasks run in a real Slurm of three nodes: the real binary and real BLAST+.
Usage: slurm_test.py BINARY TESTDATA SCRATCH AZURITE [unittest arguments]; AZURITE is its main.js. Exit code 77: Slurm is
not installed."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
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


class SlurmTest(unittest.TestCase):
    FLAGS = ("--slurm", "--slurm-poll", "1", "--slurm-outstanding", "6", "--slurm-memory", "100M")

    def setUp(self):
        self.folder = st.SCRATCH / self._testMethodName
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.gate = self.folder / "gate"
        self.server = st.Server(self.folder / "data", *self.FLAGS)

    def tearDown(self):
        os.environ["PATH"] = PATH
        self.gate.touch()
        if self.server.process and self.server.process.poll() is None:
            self.server.kill()
        if sys.exc_info()[0] is None:
            until(lambda: not CLUSTER.run("squeue", "-h", "-o", "%i"), "no job of ours is left in Slurm")

    def engine(self, program, lines):
        """Puts a script in front of `program` that does `lines` before it starts the real one."""
        real, place = shutil.which(program, path=PATH), self.folder / "bin" / program
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{lines}\nexec {real} \"$@\"\n")
        place.chmod(0o755)
        os.environ["PATH"] = f"{place.parent}:{PATH}"

    def gated(self, program):
        """Its searches in Slurm wait for self.gate."""
        self.engine(program, f'[ -z "$SLURM_JOB_ID" ] || while [ ! -e {self.gate} ]; do sleep 0.05; done')

    def metric(self, name):
        text = self.server.call("GET", "/metrics")[2].decode()
        return int(re.search(rf"^blastloom_slurm_{name} (\d+)$", text, re.M)[1])

    def submit(self, text="proteins_100.fa", program="blastp", database="proteins_2k", **options):
        options = options or {"outfmt": "6"}
        text = st.query(text)
        return self.server.submit(program, database, text, options), st.blast(program, database, text, options)

    def check(self, submitted):
        job, expected = submitted
        done = self.server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        self.assertEqual(self.server.output(job), expected)
        return done

    def running(self):
        return CLUSTER.elements("RUNNING")

    def test_bytes_are_those_of_blast(self):
        self.server.start()
        jobs = [self.submit("proteins_500.fa", outfmt=fmt) for fmt in ("0", "5", "7 std staxid", "11", "15")]
        jobs.append(self.submit("contigs_10.fa", "blastx", outfmt="7"))
        jobs.append(self.submit("reads_500.fa", "blastn", "nucleotides_500", outfmt="6"))
        jobs.append(self.submit(outfmt="6", evalue="1e-20", max_target_seqs="3"))
        done = [self.check(job) for job in jobs]
        self.assertGreater(sum(one["progress"]["tasks_total"] for one in done), len(done), "some were cut")
        self.assertGreater(done[0]["metrics"]["cpu_seconds"], 0)
        self.assertGreater(self.metric("tasks_total"), len(jobs))
        self.assertLess(self.metric("arrays_total"), self.metric("tasks_total"))

    def test_shards_are_searched_on_nodes(self):
        self.server = st.Server(self.folder / "data", *self.FLAGS, "--memory", "400K")
        self.server.start()
        for options in ({"outfmt": "6"}, {"outfmt": "5"}, {"outfmt": "0", "max_target_seqs": "20"}):
            done = self.check(self.submit("proteins_100.fa", **options))
            self.assertGreater(done["progress"]["tasks_total"], 2)

    def test_a_node_that_dies_costs_time_and_no_job(self):
        self.gated("blastp")
        self.server.start()
        jobs = [self.submit(evalue=f"1e-{n}", outfmt="6") for n in range(1, 4)]
        until(lambda: len(self.running()) >= 3, "tasks run")
        node = CLUSTER.run("squeue", "-h", "-r", "-t", "R", "-o", "%N").split()[0]
        CLUSTER.kill_node(node)
        self.gate.touch()
        try:
            for job in jobs:
                self.check(job)
        finally:
            CLUSTER.start_node(node)
        self.assertGreaterEqual(self.metric("lost_total"), 1)
        until(lambda: CLUSTER.idle_nodes() == 3, "the node is back")

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
        self.server = st.Server(self.folder / "data", *self.FLAGS, "--slurm-stage", stage, "--memory", "400K")
        self.server.start()
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

    def test_small_searches_ride_together(self):
        self.gated("blastn")
        self.server = st.Server(self.folder / "data", "--slurm", "--slurm-poll", "1", "--slurm-outstanding", "1")
        self.server.start()
        reads = [">" + record for record in st.query("reads_500.fa").split(">")[1:9]]
        options = {"outfmt": "6", "task": "megablast"}
        jobs = [self.server.submit("blastn", "nucleotides_500", read, options) for read in reads]
        self.gate.touch()
        for job, read in zip(jobs, reads):
            self.check((job, st.blast("blastn", "nucleotides_500", read, options)))
        self.assertLess(self.metric("tasks_total"), len(jobs))


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
        self.account = self.folder / "account"
        self.account.write_text(f"account = {azure_test.ACCOUNT}\nkey = {azure_test.KEY}\n"
                                f"endpoint = http://127.0.0.1:{self.azurite.port}/{azure_test.ACCOUNT}\n")
        self.account.chmod(0o600)
        self.key = azure_test.KEY
        self.socket = f"{FOLDER}/redis.sock"  # a socket's path has at most 107 bytes
        self.start_redis()
        self.server = st.Server(self.folder / "data", *SlurmTest.FLAGS, "--objects", "azure:results", "--azure-account-file",
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

    def test_every_job_ends_with_the_bytes_of_blast_though_all_three_fail(self):
        cases = [("blastp", "proteins_2k", "proteins_100.fa", {"outfmt": fmt}) for fmt in ("0", "5", "6", "11")]
        cases.append(("blastn", "nucleotides_500", "reads_500.fa", {"outfmt": "6"}))
        cases.append(("blastx", "proteins_2k", "contigs_10.fa", {"outfmt": "7"}))
        jobs = [self.server.submit(program, database, st.query(text), options) for program, database, text, options in cases]
        until(lambda: CLUSTER.elements("RUNNING", "COMPLETED"), "Slurm has tasks")
        CLUSTER.kill_controller()
        self.redis.kill()
        self.redis.wait()
        self.azurite.stop()
        self.azurite.start()
        CLUSTER.begin_controller()
        self.start_redis()
        for job, (program, database, text, options) in zip(jobs, cases):
            done = self.server.wait(job)
            self.assertEqual(done["status"], "completed", done)
            self.assertEqual(self.server.output(job), st.blast(program, database, st.query(text), options))
        until(lambda: set(jobs) <= self.ends(), "the stream tells every end")
        self.assertEqual(self.server.stop(), 0)
        self.expect_no_secrets()

    @unittest.skipUnless(st.LEVEL == "full", "takes minutes: left to the full level")
    def test_all_listed_searches_give_the_bytes_of_blast(self):
        """The quick level of the differential suite, each search as a job, four at once."""
        self.assertEqual(self.server.stop(), 0)
        self.server = st.Server(self.folder / "data", *self.server.flags, "--memory", "400K").start()
        env = {**os.environ, "BLASTLOOM_SERVER": self.server.url, "LOOM_TEST_LEVEL": "quick", "GTEST_TOTAL_SHARDS": "4"}
        # A list of ids is a file on the server; such a search has no upload.
        runs = [subprocess.Popen([st.BINARY.parent / "differential_search_test", "--gtest_filter=*SearchTest*-*blastp_list"],
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
