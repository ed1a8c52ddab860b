#!/usr/bin/env python3
"""Measures the database catalogue: hits of the display cache, beside a mutex with an LRU list of the same size; and
the taxonomy at NCBI's size: 2.6 million taxa with 4.2 million names, made up."""
import json
import statistics
import subprocess

import harness
from harness import ROOT

BUILD = ROOT / "build" / "release"


def measure(*arguments):
    """What `catalogue_bench ARGUMENTS` prints: name -> one value per round."""
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "catalogue_bench"], check=True, stdout=subprocess.DEVNULL)
    out = harness.OUT / "catalogue_bench.json"
    harness.run([BUILD / "catalogue_bench", *arguments], stdout=out)
    return json.loads(out.read_text())


def cache(report, options):
    """256 entries, runs of some 10 ms. By the wall the best run counts: what else the machine does only makes a hit slower.
    By processor time the median counts: other programs take nothing away from it, but waiting for a lock is left out,
    which flatters the rival."""
    rounds = measure("cache", 20 * options.rounds)
    for keys in (256, 1):
        what = f"display cache, {keys} hot key{'s' if keys > 1 else ''}"

        def times(rival, threads, clock):
            return rounds[f"{rival}, {keys} keys, {threads} threads, {clock}"]

        def by_processor(rival):
            return statistics.median(2 * a / b for a, b in zip(times(rival, 1, "cpu"), times(rival, 2, "cpu")))

        def by_wall(rival):
            return 2 * min(times(rival, 1, "wall")) / min(times(rival, 2, "wall"))

        hit = min(times("cache", 1, "wall"))
        report.add(f"{what}: a hit, one thread", hit, "ns", "≤ 150", hit <= 150,
                   f"mutex + LRU {min(times('mutex', 1, 'wall')):.0f} ns")
        gain = by_processor("cache")
        report.add(f"{what}: two threads over one, processor time", gain, "×", "≥ 1.8", gain >= 1.8,
                   f"mutex + LRU {by_processor('mutex'):.2f} ×")
        report.add(f"{what}: two threads over one, wall", by_wall("cache"), "×", against=f"mutex + LRU {by_wall('mutex'):.2f} ×")


def scan(report, options):
    """1,000 databases in one folder, links to one of format 4; the best round of each, the files in the page cache."""
    fasta = harness.OUT / "scan.fa"
    fasta.write_text(">a\nMKV\n>b\nMKVLAA\n")
    harness.run(["makeblastdb", "-in", fasta, "-dbtype", "prot", "-blastdb_version", "4", "-out", harness.OUT / "scan"])
    for name, values in sorted(measure("scan", options.rounds, harness.OUT / "scan").items()):
        what = name.removesuffix(", ms")
        goal = 2000 if what == "again" else None
        report.add(f"1,000 databases, looked for {what}", min(values), "ms", goal and f"≤ {goal}", goal and min(values) <= goal)


GOALS = {"import, s": 15, "open, s": 1, "descendants of the root, all, us": None}


def taxonomy(report, options):
    """The best round of each, the dump and the file in the page cache, one thread."""
    for name, values in sorted(measure("taxonomy", options.rounds).items()):
        what, unit = name.rsplit(", ", 1)
        goal = None if unit == "MB" else GOALS.get(name, 100)
        unit = unit.replace("us", "µs")
        report.add(f"taxonomy: {what}", min(values), unit, goal and f"≤ {goal}", goal and min(values) <= goal)


if __name__ == "__main__":
    harness.main("catalogue", __doc__, {"cache": cache, "scan": scan, "taxonomy": taxonomy})
