/**
 * The columns the results page asks for, and searches from the page are submitted with. The description comes last, for a database's own titles may hold tabs. Kept
 * short: a server names the rendering after it.
 */
const fields = [
  "qaccver", "saccver", "pident", "length", "mismatch", "gapopen", "qstart", "qend", "sstart", "send", "evalue", "bitscore",
  "qlen", "slen", "score", "nident", "positive", "gaps", "qframe", "sframe", "staxids", "sscinames", "qseq", "sseq", "stitle",
] as const;
export const outfmt = `7 std ${fields.slice(12).join(" ")}`;

/** One local alignment. Text fields hold the digits BLAST printed. */
export interface Hsp {
  qstart: number;
  qend: number;
  sstart: number;
  send: number;
  evalue: string;
  bits: string;
  pident: string;
  length: number;
  score: number;
  nident: number;
  positive: number;
  mismatch: number;
  gapopen: number;
  gaps: number;
  qframe: number;
  sframe: number;
  qseq: string;
  sseq: string;
}

/** All alignments of a query with one sequence of the database, best first. */
export interface Hit {
  /** From 0, in BLAST's order. */
  index: number;
  accession: string;
  title: string;
  sciname: string;
  taxids: string;
  slen: number;
  hsps: Hsp[];
  maxScore: string;
  totalScore: string;
  /** Percent of the query that some alignment covers. */
  cover: number;
  evalue: string;
  pident: string;
}

export interface QueryInfo {
  /** From 0, in the order of the query file. */
  index: number;
  /** The whole definition line. */
  title: string;
  /** 0 while no hit tells it. */
  length: number;
  hits: number;
  hsps: number;
  /** Of the best hit, as printed; empty without hits. */
  evalue: string;
}

interface Range {
  first: number;
  last: number;
}

const hash = 35;
const newline = 10;
const tab = 9;

/**
 * Reads tabular output with comment lines (outfmt 7) as it comes, keeps its bytes, and notes where the rows of each
 * query are. Rows become objects only when a query is looked at, so memory is the bytes and little more.
 */
export class TabularIndex {
  readonly queries: QueryInfo[] = [];
  bytes = 0;
  #ranges: Range[] = [];
  #chunks: { at: number; bytes: Uint8Array }[] = [];
  #line = new Uint8Array(0); // The beginning of a line that goes on in the next chunk.
  #lineAt = 0;
  #iteration = "";
  #subject = "";
  readonly #text = new TextDecoder();

  push(chunk: Uint8Array) {
    this.#chunks.push({ at: this.bytes, bytes: chunk });
    let at = 0;
    for (;;) {
      const end = chunk.indexOf(newline, at);
      if (end < 0) break;
      let line = chunk.subarray(at, end);
      if (this.#line.length > 0) {
        line = joined(this.#line, line);
        this.#line = new Uint8Array(0);
      }
      this.#take(line, this.bytes + end + 1);
      this.#lineAt = this.bytes + end + 1;
      at = end + 1;
    }
    if (at < chunk.length) this.#line = joined(this.#line, chunk.subarray(at));
    this.bytes += chunk.length;
  }

  /** Drops a query that was cut in its middle; for an output that is not read to its end. */
  dropLast() {
    this.queries.pop();
    this.#ranges.pop();
  }

  hits(query: number): Hit[] {
    const range = this.#ranges[query];
    const info = this.queries[query];
    if (!range || !info) return [];
    return parseRows(this.#text.decode(this.#slice(range)), info.length);
  }

  /** The rows of a query as they came. */
  rows(query: number): string {
    const range = this.#ranges[query];
    return range ? this.#text.decode(this.#slice(range)) : "";
  }

  #take(line: Uint8Array, next: number) {
    if (line.length === 0) return;
    if (line[0] === hash) {
      const text = this.#text.decode(line);
      if (text.startsWith("# Iteration: ")) this.#iteration = text.slice("# Iteration: ".length);
      else if (text.startsWith("# Query:")) this.#begin(text.slice("# Query:".length).trim(), next);
      return;
    }
    const info = this.queries.at(-1);
    const range = this.#ranges.at(-1);
    if (!info || !range) return;
    if (info.hsps === 0) {
      range.first = this.#lineAt;
      const columns = this.#text.decode(line).split("\t", 13);
      info.evalue = columns[10] ?? "";
      info.length = Number(columns[12]);
      this.#subject = "";
    }
    range.last = next;
    info.hsps += 1;
    const first = line.indexOf(tab) + 1;
    const subject = this.#text.decode(line.subarray(first, line.indexOf(tab, first)));
    if (subject !== this.#subject) info.hits += 1;
    this.#subject = subject;
  }

  #begin(title: string, next: number) {
    const name = this.#iteration && this.#iteration !== "1" ? `${title} (iteration ${this.#iteration})` : title;
    this.#iteration = "";
    this.queries.push({ index: this.queries.length, title: name, length: 0, hits: 0, hsps: 0, evalue: "" });
    this.#ranges.push({ first: next, last: next });
  }

  #slice({ first, last }: Range): Uint8Array {
    const out = new Uint8Array(last - first);
    // The last chunk that begins at or before `first`.
    let low = 0;
    let high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#chunks[middle]!.at <= first) low = middle;
      else high = middle;
    }
    for (let i = low; i < this.#chunks.length; i++) {
      const { at, bytes } = this.#chunks[i]!;
      if (at >= last) break;
      const from = Math.max(first - at, 0);
      const until = Math.min(last - at, bytes.length);
      out.set(bytes.subarray(from, until), at + from - first);
    }
    return out;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

export function parseRows(text: string, queryLength: number): Hit[] {
  const hits: Hit[] = [];
  let subject = ""; // As BLAST names it: rows of one subject follow each other.
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const c = line.split("\t");
    if (c.length < fields.length) throw new Error(`a row of ${c.length} columns where ${fields.length} are due`);
    const hsp: Hsp = {
      pident: c[2]!, length: Number(c[3]), mismatch: Number(c[4]), gapopen: Number(c[5]), qstart: Number(c[6]), qend: Number(c[7]),
      sstart: Number(c[8]), send: Number(c[9]), evalue: c[10]!.trim(), bits: c[11]!.trim(), score: Number(c[14]),
      nident: Number(c[15]), positive: Number(c[16]), gaps: Number(c[17]), qframe: Number(c[18]), sframe: Number(c[19]),
      qseq: c[22]!, sseq: c[23]!,
    };
    const last = hits.at(-1);
    if (last && subject === c[1]) {
      last.hsps.push(hsp);
      continue;
    }
    subject = c[1]!;
    const title = c.slice(24).join(" ").trim();
    hits.push({
      index: hits.length, accession: shownAccession(subject, title), title, sciname: named(c[21]!), taxids: named(c[20]!),
      slen: Number(c[13]), hsps: [hsp], maxScore: "", totalScore: "", cover: 0, evalue: hsp.evalue, pident: hsp.pident,
    });
  }
  for (const hit of hits) summarize(hit, queryLength);
  return hits;
}

const named = (text: string) => (text === "N/A" || text === "0" ? "" : text);

/** A database without parsed names calls its sequences BL_ORD_ID:7; the first word of the title says more. */
function shownAccession(accession: string, title: string): string {
  return /BL_ORD_ID/.test(accession) ? (title.split(/\s/, 1)[0] ?? accession) : accession;
}

function summarize(hit: Hit, queryLength: number) {
  let best = hit.hsps[0]!;
  let total = 0;
  for (const hsp of hit.hsps) {
    total += Number(hsp.bits);
    if (Number(hsp.bits) > Number(best.bits)) best = hsp;
  }
  hit.maxScore = best.bits;
  hit.totalScore = hit.hsps.length === 1 ? best.bits : bitsText(total);
  hit.evalue = hit.hsps.reduce((least, hsp) => (Number(hsp.evalue) < Number(least) ? hsp.evalue : least), hit.evalue);
  hit.pident = best.pident;
  hit.cover = coverage(hit.hsps.map((hsp) => [hsp.qstart, hsp.qend]), queryLength);
}

/** A sum of bit scores with the digits BLAST would print (NCBI C++ Toolkit, CAlignFormatUtil::GetScoreString). */
export function bitsText(bits: number): string {
  if (bits > 99_999) return bits.toExponential(3).replace(/e\+(\d)$/, "e+0$1");
  return bits > 99.9 ? String(Math.trunc(bits + 1e-9)) : bits.toFixed(1);
}

/** Length of the union of closed ranges, either end first. */
export function union(ranges: (readonly [number, number])[]): number {
  const sorted = ranges.map(([a, b]) => (a < b ? [a, b] : [b, a]) as [number, number]).sort((x, y) => x[0] - y[0]);
  let covered = 0;
  let end = -Infinity;
  for (const [from, until] of sorted) {
    covered += Math.max(0, until - Math.max(from - 1, end));
    end = Math.max(end, until);
  }
  return covered;
}

/** In whole percent as BLAST's qcovs: rounded, but 100 only when all is covered. */
export function coverage(ranges: (readonly [number, number])[], length: number): number {
  if (length <= 0) return 0;
  const percent = (100 * union(ranges)) / length;
  return percent < 99 ? Math.round(percent) : Math.floor(percent);
}
