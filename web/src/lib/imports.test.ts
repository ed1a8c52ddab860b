import { describe, expect, it } from "vitest";
import type { ProgramName } from "../api/client.ts";
import { importOutfmt, needsProgram, recognize, titleOf, unnamedColumns } from "./imports.ts";

const programs: ProgramName[] = ["blastn", "blastp", "tblastn"];
const row = (cells: number, by = "\t") => `${Array.from({ length: cells }, (_, i) => `c${i}`).join(by)}\n`;
const of = (head: string) => recognize(head, programs);

describe("results to import", () => {
  it("are known by their beginning", () => {
    expect(of('<?xml version="1.0"?>\n<BlastOutput>')).toEqual({ kind: "xml" });
    expect(of("Blast4-archive ::= {")).toEqual({ kind: "archive" });
    expect(of(`# TBLASTN 2.12.0+\n# Query: a\n# Fields: …\n${row(3)}`)).toEqual({ kind: "tabular", format: "7", program: "tblastn", columns: null });
    expect(of(row(12))).toEqual({ kind: "tabular", format: "6", program: null, columns: 12 });
    expect(of(row(13, ","))).toEqual({ kind: "tabular", format: "10", program: null, columns: 13 });
    expect(of("one line without an end\tb")).toMatchObject({ columns: null });
  });

  it("are refused before they are sent when the server could not read them", () => {
    for (const head of ["", "PK\u0003\u0004", "BLASTP 2.12.0+\n\n\nReference", '{"BlastOutput2": []}', ">a\nMKV\n"]) expect(of(head).kind, head).toBe("none");
  });

  it("need a program where they do not tell it", () => {
    expect(needsProgram(of("<a>"))).toBe(false);
    expect(needsProgram(of("Blast4-archive"))).toBe(true);
    expect(needsProgram(of("# BLASTN 2.12.0+\n"))).toBe(false);
    expect(needsProgram(of("# made by hand\na\tb\n"))).toBe(true);
    expect(needsProgram(of(row(12)))).toBe(true);
  });

  it("need names for columns beyond the usual ones", () => {
    expect(unnamedColumns(of(row(12)))).toBeNull();
    expect(unnamedColumns(of(row(14)))).toBe(14);
    expect(unnamedColumns(of(`# BLASTP 2\n${row(14)}`))).toBeNull();
    expect(importOutfmt(of(row(14)), " std qlen slen ")).toBe("6 std qlen slen");
    expect(importOutfmt(of(row(12)), "")).toBe("");
    expect(importOutfmt(of(row(12, ",")), "")).toBe("10");
    expect(importOutfmt({ kind: "xml" }, "std")).toBe("");
  });

  it("are called by their file", () => {
    expect(titleOf("my hits.blastp.xml")).toBe("my hits.blastp");
    expect(titleOf("my hits.tsv.gz")).toBe("my hits");
    expect(titleOf("hits")).toBe("hits");
  });
});
