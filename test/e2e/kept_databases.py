"""What the tests of databases that a server keeps share."""
import os
import shutil
import subprocess
import unittest

import service_test as st


def blast_at(folder, text, options):
    """What BLAST+ prints when BLASTDB is that snapshot."""
    before = os.environ["BLASTDB"]
    os.environ["BLASTDB"] = str(folder)
    try:
        return st.blast("blastp", "mine", text, options)
    finally:
        os.environ["BLASTDB"] = before


class KeptDatabases(unittest.TestCase):
    """A data folder of its own, and a server on it that is not started yet."""

    def setUp(self):
        self.folder = st.SCRATCH / self._testMethodName
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.data = self.folder / "data"
        self.server = st.Server(self.data)

    def tearDown(self):
        if self.server.process and self.server.process.poll() is None:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def db(self, *args, code=0, text=None):
        run = subprocess.run([st.BINARY, "db", *args, "--data", self.data], input=text, capture_output=True)
        self.assertEqual(run.returncode, code, run.stderr.decode())
        return run.stdout.decode() if code == 0 else run.stderr.decode()
