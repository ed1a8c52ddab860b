import { File } from "node:buffer"; // Node 18 has no global one.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { examine, sniff as sniffFile } from "./fasta.ts";

const sniff = (file: File) => sniffFile(file as unknown as globalThis.File);

const protein = ">p1 one\nMKVLAAGIVGLCAKAYMKLV\n>p2\nMALWMRLLPLLALLALWGPD\nPAAA\n";
const reads = ">r1\nACGTACGTACGTNNNN\n>r2\nGGGTTTAAACCCACGT\n";

describe("examine", () => {
  it("counts records and letters, and guesses the molecule", () => {
    expect(examine(protein)).toMatchObject({ records: 2, letters: 44, shortest: 20, longest: 24, molecule: "protein", faults: [], firstName: "p1" });
    expect(examine(reads)).toMatchObject({ records: 2, molecule: "nucleotide" });
  });

  it("takes a bare sequence, CRLF, digits and blanks", () => {
    expect(examine("MKVLAAGIVG LCAKAYMKLV")).toMatchObject({ records: 1, letters: 20, faults: [] });
    expect(examine("\r\n>a\r\n1 acgtacgtac 10\r\n")).toMatchObject({ records: 1, letters: 10, molecule: "nucleotide", faults: [] });
  });

  it("does not guess from a few letters", () => {
    expect(examine(">a\nMKV\n").molecule).toBeNull();
    expect(examine(">a\nNNNNNNNNNNNNNNNN\n").molecule).toBeNull();
  });

  it("guesses from many short records together", () => {
    expect(examine(">a\nACGTACGA\n>b\nGGTTAACC\n").molecule).toBe("nucleotide");
  });

  it("names the line of what is wrong", () => {
    const faults = examine(">a\nMKVLAAGIVG#LCAKAYMKLV\n>b\n>a\nMKVLAAGIVG\n").faults;
    expect(faults.map(({ line, level }) => [line, level])).toEqual([[2, "warning"], [3, "warning"], [4, "warning"]]);
    expect(faults[0]?.text).toContain("“#” in column 11");
  });

  it("refuses FASTQ and binaries", () => {
    expect(examine("@read1\nACGT\n+\nIIII\n").faults).toMatchObject([{ line: 1, level: "error" }]);
    expect(examine("\n\n@read1\nACGT\n+\nIIII\n").faults).toMatchObject([{ line: 3, level: "error" }]);
    expect(examine("PK\u0003\u0004...").faults).toMatchObject([{ level: "error" }]);
  });

  it("points at the record that is of another kind", () => {
    const { faults, molecule } = examine(`${protein}>n\nACGTACGTACGTACGTACGT\n`);
    expect(molecule).toBe("protein");
    expect(faults).toMatchObject([{ line: 6, level: "warning" }]);
  });

  it("says that text stands before the first record", () => {
    expect(examine("hello world\n>a\nMKVLAAGIVGLCAKAYMKLV\n").faults[0]).toMatchObject({ line: 1, level: "warning" });
  });

  it("keeps a bounded number of faults", () => {
    const facts = examine(">a\n>a\n".repeat(1000));
    expect(facts.faults.length).toBe(50);
    expect(facts.more).toBeGreaterThan(1000);
  });

  it("reads a megabyte fast enough to do it while typing", () => {
    const text = `>a\n${"MKVLAAGIVGLCAKAYMKLVMKVLAAGIVGLCAKAYMKLV\n".repeat(25_000)}`;
    const start = performance.now();
    expect(examine(text).letters).toBe(1_000_000);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe("sniff", () => {
  it("knows all of a small file", async () => {
    expect(await sniff(new File([protein], "a.fa"))).toMatchObject({ records: 2, share: 1, gzip: false });
  });

  it("reads only the first megabyte of a large one, and does not call its last record broken", async () => {
    const file = new File([">a\n".concat("ACGTACGTAC\n".repeat(200_000))], "big.fa");
    const facts = await sniff(file);
    expect(facts.share).toBeCloseTo(0.4545, 3);
    expect(facts).toMatchObject({ records: 1, molecule: "nucleotide", faults: [] });
  });

  it("looks into gzip", async () => {
    expect(await sniff(new File([gzipSync(protein)], "a.fa.gz"))).toMatchObject({ records: 2, gzip: true, share: 1 });
  });
});
