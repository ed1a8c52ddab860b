import { describe, expect, it } from "vitest";
import { toSvg } from "../lib/scene.ts";
import { readTabular } from "../lib/testdata/read.ts";
import { asked, blocks, columns, hspWords, isAligned, isCondition, parseRange, scoreClass, shownName, usualColumns } from "./hits.ts";
import { histogram, pairs, summary } from "./pictures.ts";

describe.each(["blastp", "blastx", "blastn"])("alignments of %s", (program) => {
  const hsps = readTabular(program).flatMap(({ hits }) => hits.flatMap((hit) => hit.hsps.filter(isAligned)));
  it("end where BLAST+ says, in lines of any width", () => {
    expect(hsps.length).toBeGreaterThan(0);
    for (const hsp of hsps)
      for (const width of [1, 60, 1000]) {
        const lines = blocks(hsp, width, program);
        expect(lines[0]).toMatchObject({ qfrom: hsp.qstart, sfrom: hsp.sstart });
        expect(lines.at(-1)).toMatchObject({ quntil: hsp.qend, suntil: hsp.send });
        expect(lines.map(({ qseq }) => qseq).join("")).toBe(hsp.qseq);
        expect(lines.map(({ middle }) => middle).join("")).toBe(hsp.midline);
      }
  });

  it("tell frame or strand", () => {
    const words = hspWords(hsps[0]!, program).join(", ");
    expect(words).toContain(`Expect ${hsps[0]!.evalue}`);
    expect(/Frame/.test(words)).toBe(program === "blastx");
    expect(/Strand/.test(words)).toBe(program === "blastn");
  });
});

describe("hits", () => {
  const { query, hits } = readTabular("blastp").find(({ hits }) => hits.length > 3)!;

  it("are of NCBI's score classes", () => expect([39.9, 40, 50, 80, 200, 1085].map(scoreClass)).toEqual([0, 1, 2, 3, 4, 4]));

  it("leave out the column of names that BLAST does not know", () => {
    expect(usualColumns(hits)).not.toContain("sciname");
    expect(usualColumns([{ ...hits[0]!, sciname: "Homo sapiens" }])).toContain("sciname");
    for (const column of columns) expect(column.text(hits[0]!)).not.toMatch(/null|undefined|NaN/);
  });

  it("show nothing where an output did not tell it", () => {
    const bare = { ...hits[0]!, slen: null, hsps: [{ ...hits[0]!.hsps[0]!, qstart: null, qend: null, sstart: null, send: null, nident: null, qframe: null }] };
    for (const column of columns) expect(column.text(bare)).not.toMatch(/null|undefined|NaN/);
    expect(toSvg(pairs({ ...query, length: null }, bare, 600, 0), () => "#000")).not.toContain("NaN");
  });

  it("without a name of their own have the first word of their title", () => {
    expect(shownName({ accession: "gnl|BL_ORD_ID|7", title: "contig_8 length 900" })).toBe("contig_8");
    expect(shownName({ accession: "P01308", title: "Insulin" })).toBe("P01308");
  });

  it("are drawn within the picture, coverage above", () => {
    for (const scene of [summary(query, hits, 600, 100), summary(query, hits, 600, 100, [0, 3, 1]), pairs(query, hits[0]!, 600, 0)]) {
      for (const item of scene.items) if (item.kind === "rect") expect(item.x + item.width).toBeLessThanOrEqual(601);
      const svg = toSvg(scene, () => "#000");
      expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
      expect(svg).not.toContain("NaN");
    }
  });
});

describe("a filter", () => {
  it("reads ranges, and nothing else", () => {
    expect(parseRange("5..180")).toEqual([5, 180]);
    expect(parseRange("-10..0.5")).toEqual([-10, 0.5]);
    for (const text of [null, "", "5", "9..5", "a..b"]) expect(parseRange(text)).toBeUndefined();
  });

  it("is words, unless it compares", () => {
    expect(isCondition("kinase human")).toBe(false);
    expect(isCondition("contains kinase")).toBe(false);
    expect(isCondition("title contains kinase")).toBe(true);
    expect(asked(" kinase ", {})).toEqual({ words: "kinase" });
    expect(asked("evalue<1e-5", {})).toEqual({ where: "evalue<1e-5" });
    expect(asked("", {})).toEqual({});
  });

  it("joins ranges in the server's language", () => {
    expect(asked("kinase", { identity: [40, 60] })).toEqual({ words: "kinase", where: "pident>=40 and pident<=60" });
    expect(asked("evalue<1 or taxid=9606", { cover: [50, 100] })).toEqual({ where: "(evalue<1 or taxid=9606) and coverage>=50 and coverage<=100" });
    // On the axis of E-values more is better, and its end is 0.0.
    expect(asked("", { evalue: [5, 50] }).where).toBe("evalue>=1e-50 and evalue<=1e-5");
    expect(asked("", { evalue: [-1, 180] }).where).toBe("evalue<=1e1");
    expect(asked("", { evalue: [0.5, 180] }).where).toMatch(/^evalue<=3\.16\d*e-1$/);
  });
});

describe("a histogram", () => {
  it("draws all hits, and over them those that pass", () => {
    const { items } = histogram({ from: -10, step: 10, hits: [1, 0, 4], passed: [0, 0, 2] }, 240, 112, "E values");
    const bars = items.flatMap((item) => (item.kind === "rect" ? [item] : []));
    expect(bars.map(({ fill }) => fill)).toEqual(["--line-strong", "--line-strong", "--plot"]);
    const [, all, passed] = bars;
    expect(passed!.x).toBe(all!.x);
    expect(all!.height).toBeCloseTo(2 * passed!.height);
    expect(all!.title).toBe("10 to 20: 4");
    expect(items.flatMap((item) => (item.kind === "text" ? [item.text] : []))).toContain("0");
  });
});
