import type { Hit, Hsp, QueryInfo } from "../lib/tabular.ts";
import { strings } from "../strings.ts";

/** Score classes as NCBI's graphic summary has them. */
export const scoreSteps = [40, 50, 80, 200] as const;
export const scoreClass = (bits: number) => scoreSteps.filter((step) => bits >= step).length;
export const scorePaints = ["--score-0", "--score-1", "--score-2", "--score-3", "--score-4"] as const;

export const best = (hit: Hit): Hsp => hit.hsps.reduce((top, hsp) => (Number(hsp.bits) > Number(top.bits) ? hsp : top));

/** −log10 of an E-value; BLAST prints 0.0 below about 1e-180. */
export const lowest = 180;
export function exponent(evalue: string): number {
  const value = Number(evalue);
  return value > 0 ? Math.min(lowest, -Math.log10(value)) : lowest;
}

/** What can be plotted and brushed: one number for each hit. */
export const measures = {
  evalue: (hit: Hit) => exponent(hit.evalue),
  identity: (hit: Hit) => Number(hit.pident),
  length: (hit: Hit) => best(hit).length,
  cover: (hit: Hit) => hit.cover,
} as const;
export type Measure = keyof typeof measures;
export type Ranges = Partial<Record<Measure, readonly [number, number]>>;

export function filterHits(hits: Hit[], words: string, ranges: Ranges): Hit[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const limits = Object.entries(ranges) as [Measure, readonly [number, number]][];
  if (wanted.length === 0 && limits.length === 0) return hits;
  return hits.filter((hit) => {
    if (wanted.length > 0) {
      const text = `${hit.accession} ${hit.title} ${hit.sciname}`.toLowerCase();
      if (!wanted.every((word) => text.includes(word))) return false;
    }
    return limits.every(([measure, [low, high]]) => {
      const value = measures[measure](hit);
      return value >= low && value <= high;
    });
  });
}

/** "5..180" -> [5, 180] */
export function parseRange(text: string | null): readonly [number, number] | undefined {
  const found = /^(-?[\d.]+)\.\.(-?[\d.]+)$/.exec(text ?? "");
  if (!found) return undefined;
  const [low, high] = [Number(found[1]), Number(found[2])];
  return low <= high ? [low, high] : undefined;
}

export interface Column {
  id: string;
  /** Shown at first. */
  usual: boolean;
  numeric: boolean;
  text: (hit: Hit) => string;
  /** What it is sorted by. */
  value: (hit: Hit) => number | string;
  width: string;
}

const range = (a: number, b: number) => `${a}–${b}`;
const word = (id: string, usual: boolean, width: string, text: (hit: Hit) => string): Column => ({ id, usual, numeric: false, text, value: (hit) => text(hit).toLowerCase(), width });
const number = (id: string, usual: boolean, width: string, text: (hit: Hit) => string, value = (hit: Hit) => Number(text(hit))): Column => ({ id, usual, numeric: true, text, value, width });

/** NCBI's columns in NCBI's order, then whatever else BLAST told. */
export const columns: Column[] = [
  word("title", true, "minmax(140px, 1fr)", (hit) => hit.title || hit.accession),
  word("sciname", true, "128px", (hit) => hit.sciname),
  number("maxScore", true, "76px", (hit) => hit.maxScore),
  number("totalScore", true, "56px", (hit) => hit.totalScore),
  number("cover", true, "52px", (hit) => `${hit.cover}%`, (hit) => hit.cover),
  number("evalue", true, "76px", (hit) => hit.evalue),
  number("pident", true, "72px", (hit) => `${hit.pident}%`, (hit) => Number(hit.pident)),
  number("slen", true, "60px", (hit) => String(hit.slen)),
  word("accession", true, "104px", (hit) => hit.accession),
  number("hsps", false, "64px", (hit) => String(hit.hsps.length)),
  number("length", false, "72px", (hit) => String(best(hit).length)),
  number("nident", false, "80px", (hit) => String(best(hit).nident)),
  number("positive", false, "80px", (hit) => String(best(hit).positive)),
  number("mismatch", false, "88px", (hit) => String(best(hit).mismatch)),
  number("gaps", false, "64px", (hit) => String(best(hit).gaps)),
  number("score", false, "80px", (hit) => String(best(hit).score)),
  number("qrange", false, "104px", (hit) => range(best(hit).qstart, best(hit).qend), (hit) => Math.min(best(hit).qstart, best(hit).qend)),
  number("srange", false, "104px", (hit) => range(best(hit).sstart, best(hit).send), (hit) => Math.min(best(hit).sstart, best(hit).send)),
  number("frames", false, "80px", (hit) => `${best(hit).qframe}/${best(hit).sframe}`, (hit) => best(hit).qframe),
  word("taxids", false, "88px", (hit) => hit.taxids),
];

/** Columns that say the same of every hit, because BLAST does not know it, are left out. */
export function usualColumns(hits: Hit[]): string[] {
  return columns.filter(({ id, usual }) => usual && (id !== "sciname" || hits.some(({ sciname }) => sciname !== ""))).map(({ id }) => id);
}

/** One row for each alignment, with BLAST's own column names. */
export function toTsv(query: QueryInfo, hits: Hit[]): string {
  const head = ["query", "accession", "title", "sciname", "pident", "length", "mismatch", "gapopen", "qstart", "qend", "sstart", "send", "evalue", "bitscore", "score", "nident", "positive", "gaps", "qlen", "slen", "qcovs"];
  const name = query.title.split(/\s/, 1)[0] ?? "";
  const rows = hits.flatMap((hit) =>
    hit.hsps.map((h) =>
      [name, hit.accession, hit.title, hit.sciname, h.pident, h.length, h.mismatch, h.gapopen, h.qstart, h.qend, h.sstart, h.send, h.evalue, h.bits, h.score, h.nident, h.positive, h.gaps, query.length, hit.slen, hit.cover].join("\t"),
    ),
  );
  return [head.join("\t"), ...rows, ""].join("\n");
}

/** The aligned parts of the sequences found, without gaps. */
export function toFasta(hits: Hit[]): string {
  let text = "";
  for (const hit of hits)
    for (const hsp of hit.hsps) {
      text += `>${hit.accession}:${hsp.sstart}-${hsp.send} ${hit.title}\n`;
      text += hsp.sseq.replaceAll("-", "").replace(/.{1,60}/g, "$&\n");
    }
  return text;
}

/** How many letters of the sequence a column stands for, by program: 3 where it was translated. */
export function steps(program: string): { query: number; subject: number } {
  return {
    query: program === "blastx" || program === "tblastx" || program === "rpstblastn" ? 3 : 1,
    subject: program === "tblastn" || program === "tblastx" ? 3 : 1,
  };
}

export interface Block {
  qfrom: number;
  quntil: number;
  sfrom: number;
  suntil: number;
  qseq: string;
  sseq: string;
  /** The letter where both are the same (a bar for nucleotides), "+" where they are alike. */
  middle: string;
}

/** An alignment in lines of `width` columns, with the coordinates of each. */
export function blocks(hsp: Hsp, width: number, program: string, alike: ((a: string, b: string) => boolean) | null, limit = Infinity): Block[] {
  const step = steps(program);
  const nucleotide = program === "blastn";
  const qstep = (hsp.qend < hsp.qstart ? -1 : 1) * step.query;
  const sstep = (hsp.send < hsp.sstart ? -1 : 1) * step.subject;
  let q = hsp.qstart;
  let s = hsp.sstart;
  const found: Block[] = [];
  for (let at = 0; at < Math.min(hsp.qseq.length, limit); at += width) {
    const qseq = hsp.qseq.slice(at, at + width);
    const sseq = hsp.sseq.slice(at, at + width);
    let middle = "";
    let qletters = 0;
    let sletters = 0;
    for (let i = 0; i < qseq.length; i++) {
      const a = qseq[i]!;
      const b = sseq[i]!;
      if (a !== "-") qletters += 1;
      if (b !== "-") sletters += 1;
      middle += a === b && a !== "-" ? (nucleotide ? "|" : a) : !nucleotide && alike?.(a.toUpperCase(), b.toUpperCase()) ? "+" : " ";
    }
    const end = (from: number, letters: number, by: number) => (letters === 0 ? from : from + by * letters - Math.sign(by));
    found.push({ qfrom: q, quntil: end(q, qletters, qstep), sfrom: s, suntil: end(s, sletters, sstep), qseq, sseq, middle });
    q += qstep * qletters;
    s += sstep * sletters;
  }
  return found;
}

/** "+1", "-3" */
export const signed = (frame: number) => (frame > 0 ? `+${frame}` : String(frame));

export const hspWords = (hsp: Hsp, program: string): string[] => {
  const say = strings.results.alignment;
  const percent = (n: number) => `${Math.round((100 * n) / hsp.length)}%`;
  const words = [
    say.score(hsp.bits, hsp.score),
    say.expect(hsp.evalue),
    say.identities(`${hsp.nident}/${hsp.length}`, `${hsp.pident}%`),
  ];
  if (program !== "blastn") words.push(say.positives(`${hsp.positive}/${hsp.length}`, percent(hsp.positive)));
  words.push(say.gaps(`${hsp.gaps}/${hsp.length}`, percent(hsp.gaps)));
  if (program === "blastn") words.push(say.strand(hsp.qend >= hsp.qstart, hsp.send >= hsp.sstart));
  else {
    const { query, subject } = steps(program);
    if (query === 3 && subject === 3) words.push(say.frame(`${signed(hsp.qframe)}/${signed(hsp.sframe)}`));
    else if (query === 3) words.push(say.frame(signed(hsp.qframe)));
    else if (subject === 3) words.push(say.frame(signed(hsp.sframe)));
  }
  return words;
};
