"""What the tests of databases that a server keeps share."""
import os
import subprocess

import support as st


def blast_at(folder, text, options):
    """What BLAST+ prints when BLASTDB is that snapshot."""
    before = os.environ["BLASTDB"]
    os.environ["BLASTDB"] = str(folder)
    try:
        return st.blast("blastp", "mine", text, options)
    finally:
        os.environ["BLASTDB"] = before


class KeptDatabases(st.ServerTest):
    """A data folder of its own, and a server on it that is not started yet."""

    started = False

    def db(self, *args, code=0, text=None):
        run = subprocess.run([st.BINARY, "db", *args, "--data", self.data], input=text, capture_output=True)
        self.assertEqual(run.returncode, code, run.stderr.decode())
        return run.stdout.decode() if code == 0 else run.stderr.decode()
