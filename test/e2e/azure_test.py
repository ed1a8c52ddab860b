#!/usr/bin/env python3
"""A server whose objects are in Azure Blob Storage: the real binary, real BLAST+ and a real Azurite.
Usage: azure_test.py BINARY TESTDATA SCRATCH AZURITE [unittest arguments]; AZURITE is its main.js. Exit code 77: it is
not installed."""
import base64
import os
import signal
import secrets
import shutil
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import support as st

AZURITE = Path(sys.argv[4])
KEY = base64.b64encode(secrets.token_bytes(48)).decode()
ACCOUNT = "loomtest"


class Azurite:
    """On a free port of the loopback address; started again it has the same port and data."""

    def __init__(self, folder):
        self.folder, self.port = folder, 0

    def start(self):
        log = self.folder / "azurite.log"
        log.unlink(missing_ok=True)
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                ["node", AZURITE, "--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location",
                 self.folder / "azurite", "--disableTelemetry", "--disableProductStyleUrl"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"})
        until = time.monotonic() + st.PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            _, found, rest = log.read_text().partition("listens on http://127.0.0.1:")
            if found and "\n" in rest:
                self.port = int(rest.split("\n")[0])
                return self
            time.sleep(0.02)
        raise AssertionError(f"Azurite does not start: {log.read_text()}")

    def stop(self):
        """It writes what it keeps."""
        self.process.terminate()
        self.process.wait(timeout=st.PATIENCE)


class AzureTest(unittest.TestCase):
    def setUp(self):
        self.folder = st.SCRATCH / self._testMethodName
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.azurite = Azurite(self.folder).start()
        self.account = self.folder / "account"
        self.account.write_text(f"# of the test\naccount = {ACCOUNT}\nkey = {KEY}\n"
                                f"endpoint = http://127.0.0.1:{self.azurite.port}/{ACCOUNT}\n")
        self.account.chmod(0o600)
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.kill()
        self.azurite.process.kill()
        self.azurite.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def server(self, name="data", container="results"):
        server = st.Server(self.folder / name, "--objects", f"azure:{container}", "--azure-account-file", self.account)
        self.servers.append(server)
        return server

    def refused(self, *flags, env=None):
        """What a server that does not start says."""
        run = subprocess.run([st.BINARY, "serve", "--data", self.folder / "other", "--listen", "127.0.0.1:0", *flags],
                             capture_output=True, timeout=st.PATIENCE, env={**os.environ, **(env or {})})
        self.assertEqual(run.returncode, 1, run.stdout)
        return run.stderr.decode()

    def test_the_bytes_of_a_job_are_those_of_blast(self):
        text, options = st.query("proteins_500.fa"), {"outfmt": "0", "evalue": "1e-5"}
        server = self.server().start()
        job = server.submit("blastp", "proteins_2k", text, options)
        done = server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        expected = st.blast("blastp", "proteins_2k", text, options)
        self.assertEqual(server.output(job), expected)
        path = f"/api/blast/jobs/{job}/results/output"
        status, _, data = server.call("GET", path, headers={"Range": "bytes=-100"})
        self.assertEqual((status, data), (206, expected[-100:]))
        self.assertEqual([one for one in (self.folder / "data/objects").rglob("*") if one.is_file()], [])
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertEqual(server.output(job), expected)
        self.assertEqual(server.call("DELETE", f"/api/blast/jobs/{job}")[0], 204)
        self.assertNotIn(KEY, (self.folder / "data.log").read_text())

    def test_a_store_that_goes_away_for_a_while_costs_no_job(self):
        text, options = st.query("proteins_100.fa"), {"outfmt": "6"}
        server = self.server().start()
        jobs = [server.submit("blastp", "proteins_2k", text, {**options, "evalue": f"1e-{n}"}) for n in range(1, 5)]
        self.azurite.stop()
        status, _, data = server.call("GET", "/readyz", check=False)
        self.assertEqual(status, 503, data)
        self.assertIn("object store", data.decode())
        self.azurite.start()
        for number, job in enumerate(jobs, 1):
            done = server.wait(job)
            self.assertEqual(done["status"], "completed", done)
            self.assertEqual(server.output(job), st.blast("blastp", "proteins_2k", text, {**options, "evalue": f"1e-{number}"}))
        self.assertEqual(server.call("GET", "/readyz")[0], 200)

    def test_downloads_that_hang_hold_up_nobody_else(self):
        server = self.server().start()
        job = server.submit("blastp", "proteins_2k", st.query("proteins_100.fa"), {"outfmt": "6"})
        self.assertEqual(server.wait(job)["status"], "completed")
        seen = server.submit("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "6"})
        self.assertEqual(server.wait(seen)["status"], "completed")
        pages = f"/api/blast/jobs/{seen}/results/hits?sort=evalue"
        until = time.monotonic() + st.PATIENCE
        while server.call("GET", pages)[0] == 202:  # its index is made, and opened
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.azurite.process.send_signal(signal.SIGSTOP)
        ways = ["/output", "", "/output?outfmt=5", "/output?outfmt=0&query=1", "/hits", "/subjects", "/taxonomy", "/alignments?text=true",
                "/provenance", "/export", "/archive.zip"]
        downloads = [threading.Thread(target=server.call, args=("GET", f"/api/blast/jobs/{job}/results{way}"), kwargs={"check": False})
                     for way in ways + ways[:1] * 5 for _ in range(20)]
        try:
            for one in downloads:
                one.start()
            until = time.monotonic() + st.PATIENCE
            while (there := server.metric("blastloom_http_connections")) < 250:
                self.assertLess(time.monotonic(), until, there)
            for _ in range(20):
                self.assertEqual(server.call("GET", "/api/blast/jobs")[0], 200)
                self.assertEqual(server.call("GET", pages)[0], 200)
            status, _, data = server.call("GET", "/readyz", check=False)
            self.assertEqual(status, 503)
            self.assertIn("object store", data.decode())
            self.assertGreaterEqual(server.metric("blastloom_http_connections"), 250, "the downloads wait on")
        finally:
            self.azurite.process.send_signal(signal.SIGCONT)
            for one in downloads:
                one.join()

    def test_a_container_belongs_to_one_data_folder(self):
        self.assertEqual(self.server().start().stop(), 0)
        said = self.refused("--objects", "azure:results", "--azure-account-file", self.account)
        self.assertIn("belongs to another server's data folder", said)
        self.assertEqual(self.server().start().stop(), 0)

    def test_what_is_wrong_is_named_and_no_secret_shown(self):
        said = self.refused("--objects", "azure:results")
        self.assertIn("AZURE_STORAGE_ACCOUNT", said)
        env = {"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY[:-4] + "AAAA",
               "BLASTLOOM_AZURE_ENDPOINT": f"http://127.0.0.1:{self.azurite.port}/{ACCOUNT}"}
        said = self.refused("--objects", "azure:results", env=env)
        self.assertIn("check the key or SAS", said)
        self.assertNotIn(KEY[:20], said)
        self.assertIn("Azure container 'No'", self.refused("--objects", "azure:No", env=env))
        self.assertIn("files:DIR or azure:CONTAINER", self.refused("--objects", "results"))
        self.account.chmod(0o644)
        self.assertIn("chmod 600", self.refused("--objects", "azure:results", "--azure-account-file", self.account))
        self.account.write_text("account = x\nsecret\n")
        self.account.chmod(0o600)
        said = self.refused("--objects", "azure:results", "--azure-account-file", self.account)
        self.assertIn("line 2", said)
        env["BLASTLOOM_AZURE_ENDPOINT"] = "http://storage.example/"
        self.assertIn("unencrypted", self.refused("--objects", "azure:results", env=env))

    def test_children_do_not_get_the_key(self):
        env = {"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY,
               "BLASTLOOM_AZURE_ENDPOINT": f"http://127.0.0.1:{self.azurite.port}/{ACCOUNT}"}
        (self.folder / "bin").mkdir()
        real = shutil.which("blastp")
        (self.folder / "bin/blastp").write_text(f'#!/bin/sh\nenv > "{self.folder}/environment"\nexec {real} "$@"\n')
        (self.folder / "bin/blastp").chmod(0o755)
        before = dict(os.environ)
        os.environ.update(env, PATH=f"{self.folder}/bin:{os.environ['PATH']}")
        try:
            server = st.Server(self.folder / "data", "--objects", "azure:results").start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.servers.append(server)
        job = server.submit("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "6"})
        self.assertEqual(server.wait(job)["status"], "completed")
        environment = (self.folder / "environment").read_text()
        self.assertIn("PATH=", environment)
        self.assertNotIn("AZURE_STORAGE_KEY", environment)


if __name__ == "__main__":
    if not AZURITE.exists():
        print("skipped: Azurite is not installed under build/azurite; ./dev setup installs it")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
