import { strings } from "../strings.ts";

export type Molecule = "nucleotide" | "protein";

export interface LineFault {
  /** From 1. */
  line: number;
  /** An error keeps the search from being submitted; BLAST+ goes on after what a warning tells. */
  level: "error" | "warning";
  text: string;
}

export interface FastaFacts {
  records: number;
  letters: number;
  shortest: number;
  longest: number;
  /** Of most records; null while there is too little to tell. */
  molecule: Molecule | null;
  faults: LineFault[];
  /** More faults were found than are kept. */
  more: number;
  firstName: string;
}

const mostFaults = 50;
const mostNames = 100_000;

const kinds = new Uint8Array(128); // 1 a letter of a sequence, 2 blank or digit, 4 ACGTU, 8 N, X or gap
for (const c of "ABCDEFGHIKLMNOPQRSTUVWXYZJ*-") {
  kinds[c.charCodeAt(0)]! |= 1;
  kinds[c.toLowerCase().charCodeAt(0)]! |= 1;
}
for (const c of " \t\r0123456789") kinds[c.charCodeAt(0)]! |= 2;
for (const c of "ACGTUacgtu") kinds[c.charCodeAt(0)]! |= 4;
for (const c of "NXnx-") kinds[c.charCodeAt(0)]! |= 8;

/** Ten letters or more that are not N, X or a gap; above nine tenths of ACGTU it is nucleotide. */
export function guess(acgtu: number, telling: number): Molecule | null {
  if (telling < 10) return null;
  return acgtu > 0.9 * telling ? "nucleotide" : "protein";
}

/**
 * Reads FASTA as BLAST+ does: letters in any case, blanks and digits skipped, a first sequence without a name
 * allowed. `cut` says that the text is only the beginning of a file, whose last record may go on.
 */
export function examine(text: string, cut = false): FastaFacts {
  const say = strings.fasta;
  const faults: LineFault[] = [];
  let more = 0;
  const report = (line: number, level: LineFault["level"], words: string) => {
    if (faults.length < mostFaults) faults.push({ line, level, text: words });
    else more += 1;
  };

  const facts: FastaFacts = { records: 0, letters: 0, shortest: Infinity, longest: 0, molecule: null, faults, more: 0, firstName: "" };
  const names = new Map<string, number>();
  const seen: { line: number; molecule: Molecule; letters: number }[] = [];
  const telling = { nucleotide: 0, protein: 0 };
  let allAcgtu = 0;
  let allTelling = 0;

  let open = false;
  let start = 0;
  let length = 0;
  let acgtu = 0;
  let tellingLetters = 0;
  let named = false;

  const close = (last: boolean) => {
    if (!open) return;
    facts.records += 1;
    facts.letters += length;
    allAcgtu += acgtu;
    allTelling += tellingLetters;
    if (!(last && cut)) {
      facts.shortest = Math.min(facts.shortest, length);
      if (length === 0) report(start, "warning", say.emptyRecord);
    }
    facts.longest = Math.max(facts.longest, length);
    const molecule = guess(acgtu, tellingLetters);
    if (molecule) {
      telling[molecule] += length;
      seen.push({ line: start, molecule, letters: length });
    }
  };
  const begin = (line: number, withName: boolean) => {
    close(false);
    open = true;
    named = withName;
    start = line;
    length = acgtu = tellingLetters = 0;
  };

  let line = 0;
  let at = 0;
  let firstWords = true;
  while (at <= text.length) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    line += 1;
    const first = text.charCodeAt(at);
    if (at < end) {
      if (firstWords && text.slice(at, end).trim() !== "") {
        firstWords = false;
        if (first === 64 && /^@[^\n]*\n[^\n]*\n\+/.test(text.slice(at, at + 100_000))) {
          report(line, "error", say.fastq);
          break;
        }
        if (first === 0 || text.slice(at, at + 4).startsWith("%PDF") || text.slice(at, at + 2) === "PK") {
          report(line, "error", say.binary);
          break;
        }
      }
      if (first === 62) {
        begin(line, true);
        const name = text.slice(at + 1, end).trim().split(/\s/, 1)[0] ?? "";
        if (facts.records === 0) facts.firstName = name;
        const before = name ? names.get(name) : undefined;
        if (before !== undefined) report(line, "warning", say.sameName(name, before));
        else if (name && names.size < mostNames) names.set(name, line);
      } else if (first !== 59) {
        let bad = "";
        let badColumn = 0;
        let count = 0;
        let acgtuLine = 0;
        let tellingLine = 0;
        for (let i = at; i < end; i++) {
          const code = text.charCodeAt(i);
          const kind = code < 128 ? kinds[code]! : 0;
          if (kind & 1) {
            count += 1;
            if (kind & 4) acgtuLine += 1;
            if (!(kind & 8)) tellingLine += 1;
          } else if (!(kind & 2) && bad === "") {
            bad = String.fromCodePoint(text.codePointAt(i) ?? 0);
            badColumn = i - at + 1;
          }
        }
        if ((count > 0 || bad) && !open) begin(line, false);
        length += count;
        acgtu += acgtuLine;
        tellingLetters += tellingLine;
        if (bad) report(line, "warning", say.badLetter(bad, badColumn));
      }
    }
    at = end + 1;
  }
  const unnamedOnly = open && !named && facts.records === 0;
  close(true);
  if (facts.records > 1 && names.size > 0 && text.trimStart()[0] !== ">" && !unnamedOnly && faults.every((f) => f.level !== "error"))
    faults.unshift({ line: 1 + text.slice(0, text.search(/\S/)).split("\n").length - 1, level: "warning", text: say.beforeFirst });

  facts.molecule =
    telling.nucleotide + telling.protein > 0
      ? telling.nucleotide >= telling.protein
        ? "nucleotide"
        : "protein"
      : facts.records > 1
        ? guess(allAcgtu, allTelling)
        : null;
  if (telling.nucleotide > 0 && telling.protein > 0)
    for (const one of seen)
      if (one.molecule !== facts.molecule) report(one.line, "warning", say.mixed(one.molecule, facts.molecule ?? "protein"));
  if (facts.shortest === Infinity) facts.shortest = facts.longest;
  faults.sort((a, b) => a.line - b.line);
  facts.more = more;
  return facts;
}

export interface FileFacts extends FastaFacts {
  bytes: number;
  gzip: boolean;
  /** The share of the file that was read, 0 to 1. Below 1 the numbers are of that share. */
  share: number;
}

export const sniffBytes = 1_000_000;

/** Reads the first megabyte, never more. */
export async function sniff(file: File): Promise<FileFacts> {
  const { text: whole, gzip, cut } = await headOf(file, sniffBytes);
  let text = whole;
  // A name or line cut in two would look like a fault.
  if (cut) text = text.slice(0, text.lastIndexOf("\n") + 1);
  return { ...examine(text, cut), bytes: file.size, gzip, share: cut ? Math.min(1, sniffBytes / file.size) : 1 };
}

/** What the first bytes of a file say, unpacked if they are gzip data; `cut`: there is more. */
export async function headOf(file: File, bytes: number): Promise<{ text: string; gzip: boolean; cut: boolean }> {
  const head = new Uint8Array(await file.slice(0, bytes).arrayBuffer());
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  if (!gzip) return { text: new TextDecoder("latin1").decode(head), gzip, cut: file.size > bytes };
  const { text, cut } = await gunzipHead(head, bytes);
  return { text, gzip, cut: cut || file.size > bytes };
}

async function gunzipHead(head: Uint8Array<ArrayBuffer>, most: number): Promise<{ text: string; cut: boolean }> {
  const reader = new Blob([head]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const decoder = new TextDecoder("latin1");
  let text = "";
  try {
    while (text.length < most) {
      const { done, value } = await reader.read();
      if (done) return { text, cut: false };
      text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
  } catch {
    // The end of the head is not the end of the archive.
  }
  return { text, cut: true };
}
