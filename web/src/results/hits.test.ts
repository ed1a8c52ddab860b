import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isPositive } from "../lib/blosum62.ts";
import { toSvg } from "../lib/scene.ts";
import { type Hit, TabularIndex } from "../lib/tabular.ts";
import { blocks, columns, exponent, filterHits, hspWords, parseRange, scoreClass, toFasta, toTsv, usualColumns } from "./hits.ts";
import { bins, pairs, summary } from "./pictures.ts";
import { ordered } from "./query-list.tsx";

function load(program: string) {
  const index = new TabularIndex();
  index.push(readFileSync(new URL(`../lib/testdata/${program}.txt`, import.meta.url)));
  return { queries: index.queries, hits: index.queries.flatMap((query) => index.hits(query.index)), of: (query: number) => index.hits(query) };
}

describe.each(["blastp", "blastx", "blastn"])("alignments of %s", (program) => {
  const { hits } = load(program);
  it("end where BLAST+ says, in lines of any width", () => {
    for (const hit of hits)
      for (const hsp of hit.hsps)
        for (const width of [1, 60, 1000]) {
          const lines = blocks(hsp, width, program, isPositive);
          expect(lines[0]).toMatchObject({ qfrom: hsp.qstart, sfrom: hsp.sstart });
          expect(lines.at(-1)).toMatchObject({ quntil: hsp.qend, suntil: hsp.send });
          expect(lines.map(({ qseq }) => qseq).join("")).toBe(hsp.qseq);
          const middle = lines.map((line) => line.middle).join("");
          expect(middle.replaceAll(/[ +]/g, "").length).toBe(hsp.nident);
          if (program !== "blastn") expect(middle.replaceAll(" ", "").length).toBe(hsp.positive);
        }
  });

  it("tell frame or strand", () => {
    const words = hspWords(hits[0]!.hsps[0]!, program).join(", ");
    expect(words).toContain(`Expect ${hits[0]!.evalue}`);
    expect(/Frame/.test(words)).toBe(program === "blastx");
    expect(/Strand/.test(words)).toBe(program === "blastn");
  });
});

describe("hits", () => {
  const { queries, hits, of } = load("blastp");
  const query = queries.find(({ hits: n }) => n > 3)!;
  const some = of(query.index);

  it("are filtered by words and ranges", () => {
    expect(filterHits(some, "", {})).toBe(some);
    const one = some[1]!;
    expect(filterHits(some, `${one.accession} ${one.title.split(" ")[0]}`, {})).toContain(one);
    expect(filterHits(some, "nosuchword", {})).toEqual([]);
    const half = filterHits(hits, "", { cover: [50, 100] });
    expect(half.length).toBeGreaterThan(0);
    expect(half.every(({ cover }) => cover >= 50)).toBe(true);
    expect(half.length).toBeLessThan(hits.length);
  });

  it("have E-values on a line, zero at its end", () => {
    expect(exponent("0.0")).toBe(180);
    expect(exponent("1e-5")).toBeCloseTo(5);
    expect(exponent("10")).toBeCloseTo(-1);
  });

  it("are of NCBI's score classes", () => expect([39.9, 40, 50, 80, 200, 1085].map(scoreClass)).toEqual([0, 1, 2, 3, 4, 4]));

  it("leave out the column of names that BLAST does not know", () => {
    expect(usualColumns(hits)).not.toContain("sciname");
    expect(usualColumns([{ ...hits[0]!, sciname: "Homo sapiens" } as Hit])).toContain("sciname");
    for (const column of columns) expect(column.text(hits[0]!)).toBeTypeOf("string");
  });

  it("become TSV with a row for each alignment, and FASTA without gaps", () => {
    const lines = toTsv(query, some).trimEnd().split("\n");
    expect(lines.length - 1).toBe(query.hsps);
    expect(new Set(lines.map((line) => line.split("\t").length)).size).toBe(1);
    const fasta = toFasta(some);
    expect(fasta.match(/^>/gm)?.length).toBe(query.hsps);
    expect(fasta.split("\n").filter((line) => line && !line.startsWith(">")).every((line) => /^[A-Z*]{1,60}$/.test(line))).toBe(true);
  });

  it("reads ranges, and nothing else", () => {
    expect(parseRange("5..180")).toEqual([5, 180]);
    expect(parseRange("-10..0.5")).toEqual([-10, 0.5]);
    for (const text of [null, "", "5", "9..5", "a..b"]) expect(parseRange(text)).toBeUndefined();
  });

  it("are drawn within the picture", () => {
    for (const scene of [summary(query, some, 600, 100, 0), pairs(query, some[0]!, 600, 0)]) {
      for (const item of scene.items) if (item.kind === "rect") expect(item.x + item.width).toBeLessThanOrEqual(601);
      const svg = toSvg(scene, () => "#000");
      expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
      expect(svg).not.toContain("NaN");
    }
  });
});

describe("bins", () => {
  it("hold every value once, the greatest too", () => {
    const values = [0, 1, 50, 99, 100, 100];
    const found = bins(values, 20, [0, 100]);
    expect(found).toMatchObject({ low: 0, high: 100 });
    expect(found.counts.reduce((a, b) => a + b, 0)).toBe(values.length);
    expect(bins([7, 7, 7], 20).counts.reduce((a, b) => a + b, 0)).toBe(3);
  });
});

describe("queries", () => {
  const query = (index: number, hits: number, evalue: string) => ({ index, title: `q${index} kinase`, length: 9, hits, hsps: hits, evalue });
  const all = [query(0, 0, ""), query(1, 3, "1e-5"), query(2, 1, "0.0"), query(3, 0, "")];
  it("are ordered and found", () => {
    expect(ordered(all, "file", "").map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(ordered(all, "hits", "").map(({ index }) => index)).toEqual([1, 2, 0, 3]);
    expect(ordered(all, "evalue", "").map(({ index }) => index)).toEqual([2, 1, 0, 3]);
    expect(ordered(all, "file", "KINASE q3").map(({ index }) => index)).toEqual([3]);
  });
});
