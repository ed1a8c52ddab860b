import type { ProgramName } from "../api/client.ts";
import { strings } from "../strings.ts";

/** What a file of BLAST results is, by its beginning; as the server recognizes it. */
export type Recognized =
  | { kind: "xml" }
  | { kind: "archive" }
  /** `program`: as its comments name it. `columns`: of its first row, if that is whole. */
  | { kind: "tabular"; format: "6" | "7" | "10"; program: ProgramName | null; columns: number | null }
  /** No file that can be imported. */
  | { kind: "none"; why: string };

/** More than any comment before the first row has, however many columns it names. */
export const headBytes = 16_384;
const usualColumns = 12;

export function recognize(head: string, programs: readonly ProgramName[]): Recognized {
  const say = strings.jobs.import.not;
  const text = head.trimStart();
  if (text === "") return { kind: "none", why: say.empty };
  if (head.startsWith("PK\u0003")) return { kind: "none", why: say.zip };
  if (text.startsWith("<")) return { kind: "xml" };
  if (text.startsWith("Blast4-archive")) return { kind: "archive" };
  if (/^(\{|>|T?BLAST[NPX] |PSIBLAST |RPS)/.test(text) || head.includes("\u0000")) return { kind: "none", why: say.other };
  const first = head.split("\n").slice(0, -1).find((line) => line.trim() !== "" && !line.startsWith("#"));
  if (text.startsWith("#")) {
    const named = /^# (\w+)/.exec(text)?.[1]?.toLowerCase();
    return { kind: "tabular", format: "7", program: programs.find((program) => program === named) ?? null, columns: null };
  }
  const commas = first !== undefined && !first.includes("\t") && first.includes(",");
  return { kind: "tabular", format: commas ? "10" : "6", program: null, columns: first?.split(commas ? "," : "\t").length ?? null };
}

/** Which program made it must be told. */
export const needsProgram = (file: Recognized) => file.kind === "archive" || (file.kind === "tabular" && file.program === null);

/** Its columns are not the usual ones, and nothing in it names them: how many there are. */
export const unnamedColumns = (file: Recognized): number | null =>
  file.kind === "tabular" && file.format !== "7" && file.columns !== null && file.columns !== usualColumns ? file.columns : null;

/** The -outfmt to tell with the file; empty: it tells itself, or has the usual columns. */
export function importOutfmt(file: Recognized, columns: string): string {
  if (file.kind !== "tabular") return "";
  const named = columns.trim();
  return named ? `${file.format} ${named}` : file.format === "10" ? "10" : "";
}

/** A title of the file's name: "my hits.xml" as "my hits". */
export const titleOf = (file: string) => file.replace(/\.gz$/i, "").replace(/\.(xml|asn1?|tsv|csv|txt|out|tab|blast\w*)$/i, "");
