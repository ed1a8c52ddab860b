import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isPositive } from "./blosum62.ts";
import { bitsText, coverage, outfmt, TabularIndex, union } from "./tabular.ts";

const read = (name: string) => readFileSync(new URL(`testdata/${name}`, import.meta.url));

function indexOf(bytes: Uint8Array, size = bytes.length) {
  const index = new TabularIndex();
  for (let at = 0; at < bytes.length; at += size) index.push(bytes.subarray(at, at + size));
  return index;
}

/** What BLAST+ 2.12.0 wrote for `outfmt`, and its own qcovs for the same search. */
describe.each(["blastp", "blastn", "blastx"])("%s output of BLAST+", (program) => {
  const bytes = read(`${program}.txt`);
  const index = indexOf(bytes);
  const rows = bytes.toString().split("\n").filter((line) => line && !line.startsWith("#"));

  it("has every query, hit or none, and every row", () => {
    const titles = [...bytes.toString().matchAll(/^# Query: (.*)$/gm)].map(([, title]) => title);
    expect(index.queries.map(({ title }) => title)).toEqual(titles.map((title) => title?.trim()));
    expect(index.queries.reduce((sum, query) => sum + query.hsps, 0)).toBe(rows.length);
    for (const query of index.queries) {
      const hits = index.hits(query.index);
      expect(hits.length).toBe(query.hits);
      expect(hits.reduce((sum, hit) => sum + hit.hsps.length, 0)).toBe(query.hsps);
    }
  });

  it("has the query coverage that BLAST+ gives", () => {
    const want = read(`${program}.qcovs.txt`).toString().trim().split("\n").map((line) => line.split("\t").slice(1).join(" "));
    const got = index.queries.flatMap((query) => index.hits(query.index).map((hit) => `${hit.accession} ${hit.cover}`));
    expect(got).toEqual(want);
  });

  it("keeps the digits as printed", () => {
    const first = rows[0]!.split("\t");
    const hit = index.queries.filter((query) => query.hits > 0).map((query) => index.hits(query.index)[0]!)[0]!;
    expect(hit.hsps[0]).toMatchObject({ evalue: first[10], bits: first[11], pident: first[2], qseq: first[22] });
  });

  it("is the same however the stream is cut", () => {
    for (const size of [1, 7, 64, 1000]) {
      const other = indexOf(bytes, size);
      expect(other.queries).toEqual(index.queries);
      for (const query of index.queries) expect(other.hits(query.index)).toEqual(index.hits(query.index));
    }
  });

  it("counts identities and positives of the sequences as BLAST+ does", () => {
    for (const query of index.queries)
      for (const hit of index.hits(query.index))
        for (const hsp of hit.hsps) {
          let same = 0;
          let positive = 0;
          for (let i = 0; i < hsp.qseq.length; i++) {
            if (hsp.qseq[i] === hsp.sseq[i]) same += 1;
            if (isPositive(hsp.qseq[i]!, hsp.sseq[i]!)) positive += 1;
          }
          expect(same).toBe(hsp.nident);
          if (program !== "blastn") expect(positive).toBe(hsp.positive);
        }
  });
});

describe("TabularIndex", () => {
  it("asks for a format whose name a server can keep", () => expect(outfmt.length).toBeLessThan(120));

  it("tells the iterations of psiblast apart", () => {
    const text = ["1", "2"].map((n) => `# PSIBLAST 2.12.0+\n# Iteration: ${n}\n# Query: q\n# Database: d\n# 0 hits found\n`).join("");
    expect(indexOf(Buffer.from(text)).queries.map(({ title }) => title)).toEqual(["q", "q (iteration 2)"]);
  });

  it("can leave out a query that was cut", () => {
    const index = indexOf(Buffer.from("# Query: a\n# 0 hits found\n# Query: b\n# 2 hits"));
    index.dropLast();
    expect(index.queries.map(({ title }) => title)).toEqual(["a"]);
  });
});

describe("coverage", () => {
  it.each([
    [[[1, 10], [5, 20]], 20], [[[1, 10], [11, 20]], 20], [[[1, 10], [12, 20]], 19], [[[20, 11], [1, 5]], 15],
    [[[1, 100], [20, 30]], 100], [[], 0],
  ] as [[number, number][], number][])("union of %j is %i", (ranges, want) => expect(union(ranges)).toBe(want));

  it("is 100 only when all is covered", () => {
    expect(coverage([[1, 999]], 1000)).toBe(99);
    expect(coverage([[1, 1000]], 1000)).toBe(100);
    expect(coverage([[1, 985]], 1000)).toBe(99);
    expect(coverage([[1, 10]], 0)).toBe(0);
  });

  it("sums bit scores with BLAST's digits", () => {
    expect([bitsText(41.6), bitsText(99.9), bitsText(424.3), bitsText(123_456)]).toEqual(["41.6", "99.9", "424", "1.235e+05"]);
  });
});
