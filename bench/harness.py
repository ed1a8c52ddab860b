"""What every bench/NAME.py shares: runs commands and measures them, alternates two rivals, reports.

Wall seconds are from start to end of the command. CPU seconds are user + system of the command and of all
children that were waited for. Peak memory is the anonymous memory of the whole process tree, sampled from a
cgroup (v1 memory controller); without one it is the largest single process's ru_maxrss, and reports say which.
Database files are mapped: their pages are shared by all workers, the kernel can drop them, and they are not
counted as anonymous memory.
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "bench"
CORES = len(os.sched_getaffinity(0))


@dataclass
class Run:
    """What one command cost."""
    wall_s: float
    cpu_s: float
    peak_bytes: int
    read_bytes: int  # from the disk, the page cache's hits left out


class Cgroup:
    """A cgroup of its own for one command, under this process's own groups (v1: memory and blkio).

    Controllers that cannot be had are left out; `controllers` holds the folders of those that can.
    """

    def __init__(self, name):
        self.controllers = {}
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, place = line.split(":", 2)
            if names in ("memory", "blkio"):
                folder = Path("/sys/fs/cgroup", names, place.lstrip("/"), f"blastloom-bench-{os.getpid()}-{name}")
                with contextlib.suppress(OSError):
                    folder.mkdir()
                    self.controllers[names] = folder

    def write(self, controller, key, value):
        (self.controllers[controller] / key).write_text(str(value))

    def enter(self):
        """Moves the calling process in; for a child between fork and exec."""
        for folder in self.controllers.values():
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def anonymous_bytes(self):
        for line in (self.controllers["memory"] / "memory.stat").read_text().splitlines():
            if line.startswith("total_rss "):
                return int(line.split()[1])
        return 0

    def read_bytes(self):
        text = (self.controllers["blkio"] / "blkio.throttle.io_service_bytes").read_text()
        return sum(int(line.split()[2]) for line in text.splitlines() if " Read " in line)

    def close(self):
        for folder in self.controllers.values():
            if "memory" == folder.parts[4]:
                with contextlib.suppress(OSError):
                    (folder / "memory.force_empty").write_text("0")
            # The kernel may need a moment to see that the last process has left.
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.02)


class Limits:
    """What a command may use: bytes of memory (page cache included), and bytes read per second of one disk."""

    def __init__(self, memory_bytes, disk_of=None, read_bytes_per_s=None):
        self.memory_bytes = memory_bytes
        self.disk_of = disk_of
        self.read_bytes_per_s = read_bytes_per_s

    def apply(self, group):
        group.write("memory", "memory.limit_in_bytes", self.memory_bytes)
        if self.read_bytes_per_s:
            group.write("blkio", "blkio.throttle.read_bps_device", f"{disk(self.disk_of)} {self.read_bytes_per_s}")


def disk(path):
    """major:minor of the whole disk that holds `path`: blkio throttles disks, not partitions."""
    number = os.stat(path).st_dev
    at = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()
    if (at / "partition").exists():
        at = at.parent
    return (at / "dev").read_text().strip()


@contextlib.contextmanager
def usual_read_ahead(path):
    """The disk of `path` reads ahead 128 KiB meanwhile, the kernel's default: some machines are set to megabytes, and
    then each page of a database brings them."""
    setting = Path(f"/sys/dev/block/{disk(path)}/queue/read_ahead_kb")
    before = setting.read_text()
    setting.write_text("128")
    try:
        yield
    finally:
        setting.write_text(before)


def can_limit():
    """Whether memory and disk reads of a command can be limited here."""
    group = Cgroup("probe")
    able = set(group.controllers) == {"memory", "blkio"}
    group.close()
    return able


def memory_source():
    group = Cgroup("probe")
    able = "memory" in group.controllers
    group.close()
    return "anonymous memory of all its processes" if able else "largest single process (no memory cgroup here)"


def sample_peak(group, stop, peak):
    while not stop.wait(0.05):
        peak[0] = max(peak[0], group.anonymous_bytes())


_run_count = 0


def run(argv, stdout=os.devnull, limits=None, env=None):
    """Runs argv and returns its Run. A command that fails ends the bench with its words."""
    global _run_count
    _run_count += 1
    group = Cgroup(str(_run_count))
    stop, peak = threading.Event(), [0]
    sampler = threading.Thread(target=sample_peak, args=(group, stop, peak))
    try:
        if limits:
            limits.apply(group)
        with open(stdout, "wb") as out, open(OUT / "stderr", "w+b") as err:
            start = time.perf_counter()
            child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                     env={**os.environ, **(env or {})}, preexec_fn=group.enter)
            if "memory" in group.controllers:
                sampler.start()
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            stop.set()
            if child.returncode != 0:
                err.seek(0)
                sys.exit(f"error: exit code {child.returncode} of: {' '.join(map(str, argv))}\n"
                         f"{err.read().decode(errors='replace')}")
        read = group.read_bytes() if "blkio" in group.controllers else usage.ru_inblock * 512
        return Run(wall, usage.ru_utime + usage.ru_stime, peak[0] or usage.ru_maxrss * 1024, read)
    finally:
        stop.set()
        if sampler.ident:
            sampler.join()
        group.close()


def alternate(rivals, rounds, **options):
    """Runs every rival once per round, in turn, so that what else the machine does falls on all of them.

    rivals: name -> argv. Returns name -> [Run of each round]. Each rival's last output is in OUT/NAME.out.
    """
    runs = {name: [] for name in rivals}
    for number in range(rounds):
        order = list(rivals.items())
        for name, argv in order if number % 2 == 0 else reversed(order):
            runs[name].append(run(argv, stdout=OUT / f"{name}.out", **options))
    return runs


def median(runs, what="wall_s"):
    return statistics.median(getattr(one, what) for one in runs)


def median_ratio(runs, against, what="wall_s"):
    """The median over the rounds of runs / against: rounds are compared with themselves."""
    return statistics.median(getattr(a, what) / getattr(b, what) for a, b in zip(runs, against))


def drop_from_page_cache(paths):
    """Makes the next read of these files come from the disk."""
    os.sync()
    for path in paths:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Report:
    """The rows of one bench; printed as they come, and written to build/bench/NAME.json at the end."""

    def __init__(self, name):
        self.name = name
        self.rows = []

    def add(self, name, value, unit, goal=None, met=None, against=""):
        """One row. goal: what was wanted, in words; met: True, False, or None where there is no goal."""
        self.rows.append({"name": name, "value": round(value, 4), "unit": unit, "goal": goal, "met": met,
                          "against": against})
        print(self.line(self.rows[-1]), flush=True)

    HEAD = "| what | value | goal | met | against |\n|---|---:|---|---|---|"

    @staticmethod
    def line(row):
        met = {True: "yes", False: "**no**", None: ""}[row["met"]]
        return f"| {row['name']} | {row['value']:g} {row['unit']} | {row['goal'] or ''} | {met} | {row['against']} |"

    def begin(self):
        print(self.HEAD, flush=True)

    def finish(self, write_doc):
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f"{self.name}.json").write_text(json.dumps(self.rows, indent=1) + "\n")
        print(f"\nwritten: build/bench/{self.name}.json")
        if write_doc:
            self.write_doc(ROOT / "doc" / "performance.md")

    def write_doc(self, page):
        """Puts the table between this bench's markers in the page, which must have them."""
        begin, end = f"<!-- bench {self.name}: begin -->", f"<!-- bench {self.name}: end -->"
        text = page.read_text()
        if begin not in text or end not in text:
            sys.exit(f"error: doc/performance.md lacks the lines '{begin}' and '{end}'")
        head, rest = text.split(begin, 1)
        tail = rest.split(end, 1)[1]
        about = f"Measured {time.strftime('%Y-%m-%d')} on {CORES} cores. Peak memory: {memory_source()}."
        table = "\n".join([self.HEAD, *map(self.line, self.rows)])
        page.write_text(f"{head}{begin}\n{about}\n\n{table}\n{end}{tail}")
        print("written: doc/performance.md")


def main(name, doc, cases, add_options=lambda parser: None):
    """The command line of a bench: cases is name -> function(report, options)."""
    parser = argparse.ArgumentParser(prog=f"./dev bench {name}", description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=list(cases), help="only this case; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds of each comparison")
    parser.add_argument("--write-doc", action="store_true", help="update the table in doc/performance.md")
    add_options(parser)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.case and options.write_doc:
        parser.error("--write-doc replaces the whole table: run it without --case")
    OUT.mkdir(parents=True, exist_ok=True)
    report = Report(name)
    report.begin()
    for case, function in cases.items():
        if not options.case or case in options.case:
            function(report, options)
    report.finish(options.write_doc)
