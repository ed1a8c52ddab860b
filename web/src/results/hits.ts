import type { Hit, Hsp } from "../api/results.ts";
import { strings } from "../strings.ts";

/** Score classes as NCBI's graphic summary has them. */
export const scoreSteps = [40, 50, 80, 200] as const;
export const scoreClass = (bits: number) => scoreSteps.filter((step) => bits >= step).length;
export const scorePaints = ["--score-0", "--score-1", "--score-2", "--score-3", "--score-4"] as const;

export const best = (hit: Hit): Hsp | undefined => hit.hsps.reduce<Hsp | undefined>((top, hsp) => (top && Number(hsp.bits) <= Number(top.bits) ? top : hsp), undefined);

/** A database without parsed names calls its sequences BL_ORD_ID:7; the first word of the title says more. */
export const shownName = ({ accession, title }: { accession: string; title: string }) => (/BL_ORD_ID/.test(accession) ? title.split(/\s/, 1)[0] || accession : accession);

/** The greatest −log10 of an E-value; BLAST prints 0.0 below about 1e-180. */
const lowest = 180;

/** What is plotted and brushed, and the server's names for it. */
export const fields = { evalue: "evalue", identity: "pident", length: "length", cover: "coverage" } as const;
export type Measure = keyof typeof fields;
export const allMeasures = Object.keys(fields) as Measure[];
export type Ranges = Partial<Record<Measure, readonly [number, number]>>;

/** A range as the server's filter language has it. */
function limits(measure: Measure, [low, high]: readonly [number, number]): string[] {
  if (measure === "evalue") {
    const value = (n: number) => (Number.isInteger(n) ? `1e${-n}` : (10 ** -n).toExponential());
    // 0.0 lies beyond every bound.
    return [...(high < lowest ? [`evalue>=${value(high)}`] : []), `evalue<=${value(low)}`];
  }
  return [`${fields[measure]}>=${low}`, `${fields[measure]}<=${high}`];
}

/** Whether a text is meant as a condition rather than as words to be found. */
export const isCondition = (text: string) => /[<>=]|\scontains\s/i.test(text);

/** What the server is asked for: words, or a condition, and ranges. */
export function asked(text: string, ranges: Ranges): { words?: string; where?: string } {
  const conditions = (Object.entries(ranges) as [Measure, readonly [number, number]][]).flatMap(([measure, range]) => limits(measure, range));
  const own = text.trim();
  if (isCondition(own)) conditions.unshift(conditions.length > 0 ? `(${own})` : own);
  return { ...(own && !isCondition(own) && { words: own }), ...(conditions.length > 0 && { where: conditions.join(" and ") }) };
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
  width: string;
  /** What the server calls it in a sort: the best first. */
  sort?: "evalue" | "bitscore" | "pident" | "length" | "coverage";
}

const word = (id: string, usual: boolean, width: string, text: (hit: Hit) => string): Column => ({ id, usual, numeric: false, text, width });
const number = (id: string, usual: boolean, width: string, text: (hit: Hit) => string | number | null | undefined, sort?: Column["sort"]): Column => ({
  id, usual, numeric: true, width, text: (hit) => String(text(hit) ?? ""), sort,
});
const range = (a: number | null | undefined, b: number | null | undefined) => (a == null || b == null ? "" : `${a}–${b}`);

/** NCBI's columns in NCBI's order, then whatever else BLAST told. */
export const columns: Column[] = [
  word("title", true, "minmax(140px, 1fr)", (hit) => hit.title || hit.accession),
  word("sciname", true, "128px", (hit) => hit.sciname),
  number("maxScore", true, "76px", (hit) => hit.max_score, "bitscore"),
  number("totalScore", true, "56px", (hit) => hit.total_score),
  number("cover", true, "60px", (hit) => (hit.cover === null ? "–" : `${hit.cover}%`), "coverage"),
  number("evalue", true, "76px", (hit) => hit.evalue, "evalue"),
  number("pident", true, "76px", (hit) => `${hit.pident}%`, "pident"),
  number("slen", true, "60px", (hit) => hit.slen),
  word("accession", true, "104px", shownName),
  number("hsps", false, "64px", (hit) => hit.hsps_total),
  number("length", false, "72px", (hit) => hit.length, "length"),
  number("nident", false, "80px", (hit) => best(hit)?.nident),
  number("positive", false, "80px", (hit) => best(hit)?.positive),
  number("mismatch", false, "88px", (hit) => best(hit)?.mismatch),
  number("gaps", false, "64px", (hit) => best(hit)?.gaps),
  number("score", false, "80px", (hit) => best(hit)?.score),
  number("qrange", false, "104px", (hit) => range(best(hit)?.qstart, best(hit)?.qend)),
  number("srange", false, "104px", (hit) => range(best(hit)?.sstart, best(hit)?.send)),
  number("frames", false, "80px", (hit) => (best(hit)?.qframe == null ? "" : `${best(hit)?.qframe}/${best(hit)?.sframe}`)),
  word("taxids", false, "88px", (hit) => hit.taxids),
];

/** Columns that say the same of every hit, because BLAST does not know it, are left out. */
export function usualColumns(hits: Hit[]): string[] {
  return columns.filter(({ id, usual }) => usual && (id !== "sciname" || hits.some(({ sciname }) => sciname !== ""))).map(({ id }) => id);
}

/** An alignment whose places and letters are known. */
export type Aligned = { [name in keyof Hsp]: NonNullable<Hsp[name]> } & { qseq: string; sseq: string; midline: string };
export const isAligned = <Some extends Hsp & { midline?: string }>(hsp: Some): hsp is Some & Aligned =>
  hsp.qseq !== undefined && hsp.midline !== undefined && [hsp.qstart, hsp.qend, hsp.sstart, hsp.send, hsp.score, hsp.nident, hsp.positive, hsp.gaps].every((n) => n !== null);

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
export function blocks(hsp: Aligned, width: number, program: string, limit = Infinity): Block[] {
  const step = steps(program);
  const qstep = (hsp.qend < hsp.qstart ? -1 : 1) * step.query;
  const sstep = (hsp.send < hsp.sstart ? -1 : 1) * step.subject;
  let q = hsp.qstart;
  let s = hsp.sstart;
  const found: Block[] = [];
  for (let at = 0; at < Math.min(hsp.qseq.length, limit); at += width) {
    const qseq = hsp.qseq.slice(at, at + width);
    const sseq = hsp.sseq.slice(at, at + width);
    const qletters = qseq.replaceAll("-", "").length;
    const sletters = sseq.replaceAll("-", "").length;
    const end = (from: number, letters: number, by: number) => (letters === 0 ? from : from + by * letters - Math.sign(by));
    found.push({ qfrom: q, quntil: end(q, qletters, qstep), sfrom: s, suntil: end(s, sletters, sstep), qseq, sseq, middle: hsp.midline.slice(at, at + width) });
    q += qstep * qletters;
    s += sstep * sletters;
  }
  return found;
}

/** "+1", "-3" */
export const signed = (frame: number) => (frame > 0 ? `+${frame}` : String(frame));

export const hspWords = (hsp: Aligned, program: string): string[] => {
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
