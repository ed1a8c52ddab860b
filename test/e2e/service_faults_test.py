#!/usr/bin/env python3
"""The job service when the machine around it fails: full and read-only disks, a store cut short, a clock that jumps.
Usage: as service_test.py."""
import email.utils
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import support as st

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def when_closed(connection):
    """When the other side let go of it, by the monotonic clock."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return time.monotonic()


class FaultsTest(st.ServerTest):
    started = False

    def setUp(self):
        super().setUp()
        self.text, self.options = st.query("proteins_20.fa"), {"outfmt": "0"}
        self.mounted = None

    def tearDown(self):
        if self.server.process and self.server.process.poll() is None:
            self.server.kill()
        if self.mounted:
            subprocess.run(["umount", self.mounted], check=True)
        super().tearDown()

    def mount(self, size):
        """A small disk of its own for the server's data."""
        (self.folder / "data").mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.folder / "data"], capture_output=True)
        if done.returncode != 0:
            self.skipTest("no file system can be mounted here: " + done.stderr.decode().strip())
        self.mounted = self.folder / "data"

    def refused_start(self, data="data", *flags):
        """The words of a server that does not start."""
        run = subprocess.run([st.BINARY, "serve", "--data", self.folder / data, "--listen", "127.0.0.1:0", *flags],
                             capture_output=True, text=True, timeout=st.PATIENCE)
        self.assertEqual((run.returncode, run.stdout), (1, ""), run.stderr)
        return run.stderr

    def test_a_full_disk_fails_the_job_in_words_and_a_retry_mends_it(self):
        self.mount("24m")
        self.server.start()
        self.text, self.options, room = st.query("proteins_100.fa"), {"outfmt": "0", "evalue": "1e-3"}, 600_000
        wanted = st.blast("blastp", "proteins_2k", self.text, self.options)
        first = self.server.submit("blastp", "proteins_2k", self.text, self.options)
        self.assertEqual(self.server.wait(first)["status"], "completed")
        filler = self.folder / "data/filler"
        free = os.statvfs(filler.parent).f_bavail * os.statvfs(filler.parent).f_frsize
        filler.write_bytes(bytes(free - room))  # for the job itself, not for its output
        self.assertGreater(len(wanted), room)
        job = self.server.submit("blastp", "proteins_2k", self.text, self.options)
        failed = self.server.wait(job)
        self.assertEqual((failed["status"], failed["failure"]["kind"]), ("failed", "disk"), failed)
        self.assertRegex(failed["failure"]["message"], "(?i)space|disk")
        self.assertEqual(self.server.output(first), wanted, "what was there is whole")
        # Now not even a job fits: it is refused, not half taken.
        before = self.jobs()
        self.fill(filler)
        refused = 0
        for _ in range(200):  # the store's own file has some room left
            status, _, data = self.server.call("POST", "/api/blast/jobs", {"program": "blastp", "database": "proteins_2k",
                                                                           "query": self.text, "options": self.options})
            if status != 201:
                self.assertEqual((status, json.loads(data)["code"]), (507, "disk_full"), data)
                refused += 1
                break
            before += 1
        self.assertEqual(refused, 1, "a full disk took 200 jobs")
        self.assertEqual(self.jobs(), before)
        self.assertRegex(str(json.loads(self.server.call("GET", "/readyz")[2])["degraded"]), "disk is nearly full: 0 MiB")
        # With its ballast back (it may have been given up above, and the beat writes now and then) the store can take what makes room.
        os.truncate(filler, filler.stat().st_size - (6 << 20))
        until = time.monotonic() + st.PATIENCE
        while not (self.folder / "data/jobs.sqlite-ballast").exists() and time.monotonic() < until:
            time.sleep(0.05)
        self.fill(filler)
        self.server.kill()
        self.fill(filler)
        self.server.start()
        self.assertEqual(self.server.call("DELETE", f"/api/blast/jobs/{first}")[0], 204, "what makes room works all the same")
        filler.unlink()
        self.assertEqual(self.server.call("POST", f"/api/blast/jobs/{job}/retry")[0], 200)
        self.assertEqual(self.server.wait(job)["status"], "completed")
        self.assertEqual(self.server.output(job), wanted)

    def fill(self, filler):
        with open(filler, "ab", buffering=0) as more:
            try:
                while True:
                    more.write(bytes(4096))
            except OSError:
                pass

    def jobs(self):
        count, cursor = 0, ""
        while cursor is not None:
            page = json.loads(self.server.call("GET", "/api/blast/jobs?limit=100" + (f"&cursor={cursor}" if cursor else ""))[2])
            count += len(page["jobs"])
            cursor = page.get("next_cursor")
        return count

    def test_the_server_may_open_more_files_than_who_starts_it(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard <= 256:
            self.skipTest(f"only {hard} descriptors are allowed here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        try:
            self.server.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        allowed = resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(allowed, (65536 if hard == resource.RLIM_INFINITY else min(hard, 65536), hard))

    def test_who_waits_for_a_search_does_not_keep_the_server_from_stopping(self):
        self.server = st.Server(self.data, "--cores", "1").start()
        for evalue in ("1", "2", "3"):  # a core is busy for longer than the answer may be waited for
            self.server.submit("blastp", "proteins", st.query("proteins_500.fa"), {"outfmt": "0", "evalue": evalue})
        last = self.server.submit("blastp", "proteins_2k", self.text, {"outfmt": "6"}, fresh=True, priority=-10)

        form = f"CMD=Get&RID={last}&FORMAT_TYPE=Text".encode()
        head = (f"POST /Blast.cgi HTTP/1.1\r\nHost: {self.server.host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(form)}\r\nExpect: 100-continue\r\n\r\n").encode()
        asking = []
        for _ in range(4):
            asking.append(socket.create_connection(self.server.host.split(":"), timeout=st.PATIENCE))
            self.addCleanup(asking[-1].close)
            asking[-1].sendall(head)
            self.assertIn(b" 100 ", asking[-1].recv(100), "the server has begun with the request")
            asking[-1].sendall(form)
        self.assertEqual(self.server.job(last)["status"], "queued")
        grace, ends = 2, []
        waiting = [threading.Thread(target=lambda one=one: ends.append(when_closed(one))) for one in asking]
        for one in waiting:
            one.start()
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        for one in waiting:
            one.join()
        self.assertEqual(len(ends), len(asking))
        self.assertGreaterEqual(min(ends) - began, grace, "each waited until it was cut")
        self.assertLess(max(ends) - began, 15, "CMD=Get waits for 20 seconds")

    def test_a_read_only_folder_is_named_at_the_start(self):
        self.mount("16m")
        self.server.start()
        self.server.stop()
        subprocess.run(["mount", "-o", "remount,ro", self.folder / "data"], check=True)
        self.assertRegex(self.refused_start(), f"{self.folder}.*(?i:read-only)")

    def test_a_store_cut_short_is_not_served(self):
        self.server.start()
        for number in range(40):
            self.server.submit("blastp", "proteins_2k", ">q\nMKV\n", {"outfmt": "6"}, title=f"job {number} " + "x" * 200)
        self.server.stop()
        store = self.folder / "data/jobs.sqlite"
        whole = store.read_bytes()
        for left in (len(whole) // 2, len(whole) - 4096, 100, 5):
            store.write_bytes(whole[:left])
            words = self.refused_start()
            self.assertIn(str(store), words)
            self.assertRegex(words, "(?i)restore|backup", words)
            self.assertEqual(store.stat().st_size, left, "what is left is kept for who repairs it")
        store.write_bytes(whole)
        self.server.start()
        self.assertEqual(self.jobs(), 40)

    def test_results_are_not_removed_for_a_store_or_a_folder_that_is_another(self):
        self.server.start()
        text = st.query("proteins_20.fa")
        job = self.server.submit("blastp", "proteins_2k", text, {"outfmt": "6"})
        self.assertEqual(self.server.wait(job)["status"], "completed")
        want = self.server.output(job, "5")
        self.assertEqual(self.server.stop(), 0)
        data = self.folder / "data"
        store, objects = data / "jobs.sqlite", data / "objects"
        whole, kept = store.read_bytes(), sorted(objects.rglob("*"))
        self.assertTrue((objects / "jobs").is_dir())
        (objects / "blastloom-owner").unlink()  # as of a release before owners: who is refused does not claim them
        kept.remove(objects / "blastloom-owner")
        for spoil in (lambda: store.write_bytes(b""), store.unlink):
            spoil()
            for _ in range(2):  # the first makes the file
                words = self.refused_start()
                self.assertIn(f"job store {store}: it is new", words)
                self.assertIn("to begin anew, remove", words)
        self.assertEqual(sorted(objects.rglob("*")), kept)
        store.write_bytes(whole)
        self.server.start()
        self.assertEqual(self.server.output(job, "5"), want)
        self.server.stop()
        of_another = lambda: self.refused_start("other", "--objects", f"files:{objects}")
        self.assertIn("other/jobs.sqlite: it is new", of_another())
        self.assertTrue(set(kept) <= set(objects.rglob("*")))
        store.unlink()
        shutil.rmtree(objects / "jobs")
        self.server.start()
        self.assertEqual(self.jobs(), 0)
        self.assertIn("belongs to another server's data folder", of_another())

    def await_reconcile(self):
        """Until a pass of reconcile, which ends leases, has come after now."""
        def passes():
            tasks = json.loads(self.server.call("GET", "/api/blast/beat")[2])["tasks"]
            reconcile = next(task for task in tasks if task["name"] == "reconcile")
            self.assertEqual(reconcile["failures"], 0, reconcile)
            return reconcile["runs"]

        # One of them may have begun before.
        until, wanted = time.monotonic() + st.PATIENCE, passes() + 2
        while passes() < wanted:
            self.assertLess(time.monotonic(), until, "reconcile does not come")
            time.sleep(0.1)

    def test_a_clock_that_jumps_loses_no_task_and_repeats_none(self):
        stamp = self.folder / "time"
        stamp.write_text("+0\n")
        os.environ.update(LD_PRELOAD=FAKETIME, FAKETIME_TIMESTAMP_FILE=str(stamp), FAKETIME_NO_CACHE="1",
                          FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_RESET="1")
        self.assertTrue(os.path.exists(FAKETIME), "libfaketime is not installed")
        try:
            self.server.start()
        finally:
            for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE", "FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "FAKETIME_DONT_RESET"):
                del os.environ[name]
        text, self.options = st.query("proteins_100.fa"), {"outfmt": "0", "evalue": "1e-5"}
        wanted = st.blast("blastp", "proteins_2k", text, self.options)
        jobs = []
        day = 24 * 3600
        for jump, seconds in (("+2h", 2 * 3600), ("-30d", -30 * day), ("+400d", 400 * day), ("+0", 0)):
            jobs.append(self.server.submit("blastp", "proteins_2k", text, self.options))
            while self.server.job(jobs[-1])["status"] == "queued":
                time.sleep(0.01)
            stamp.write_text(jump + "\n")
            shown = email.utils.parsedate_to_datetime(self.server.call("GET", "/api/blast/beat")[1]["Date"])
            self.assertAlmostEqual(shown.timestamp() - time.time(), seconds, delta=60, msg="the server's clock has jumped")
        self.await_reconcile()
        for job in jobs:
            self.assertEqual(self.server.wait(job)["status"], "completed")
            self.assertEqual(self.server.output(job), wanted)
            tasks = json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/tasks")[2])["tasks"]
            self.assertEqual({task["attempts"] for task in tasks}, {1}, tasks)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
