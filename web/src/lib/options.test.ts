import { describe, expect, it } from "vitest";
import type { Database, Option, Program } from "../api/client.ts";
import { commandLine, curl, python, quoted } from "./commands.ts";
import { carriedOver, check, checkAll, formats, groups, inTask, isDefault } from "./options.ts";
import { choices, implied, offers } from "./programs.ts";

const option = (name: string, type: Option["type"], more: Partial<Option> = {}): Option => ({
  name, type, group: "General search options", description: "", forbids: "nothing", ...more,
});

const blastp: Program = {
  name: "blastp", query: "protein", database: "protein",
  tasks: [
    { name: "blastp", defaults: { word_size: "3", gapopen: "11", matrix: "BLOSUM62", threshold: "11" } },
    { name: "blastp-fast", defaults: { word_size: "6", gapopen: "11", matrix: "BLOSUM62", threshold: "21" } },
    { name: "blastp-short", defaults: { word_size: "2", gapopen: "9", matrix: "PAM30", threshold: "16" } },
  ],
  options: [
    option("query", "input_file"), option("db", "text", { refers: "database" }), option("seqidlist", "text", { refers: "file" }),
    option("task", "text", { default: "blastp", choices: ["blastp", "blastp-short"] }),
    option("evalue", "real", { default: "10" }),
    option("word_size", "integer", { range: { min: 2, exclusive: false } }),
    option("best_hit_overhang", "real", { range: { min: 0, max: 0.5, exclusive: true }, excludes: ["culling_limit"] }),
    option("culling_limit", "integer", { range: { min: 0, exclusive: false }, excludes: ["best_hit_overhang"] }),
    option("ungapped", "flag"), option("soft_masking", "boolean", { default: "false" }),
    option("outfmt", "text", { default: "0", description: "alignment view options: 0 = Pairwise, 6 = Tabular, 13 = Multiple-file BLAST JSON, 18 = Organism Report" }),
  ],
};
const program = (name: Program["name"], query: Program["query"], database: Program["database"]): Program => ({ name, query, database, tasks: [], options: [] });
const all = [
  program("blastn", "nucleotide", "nucleotide"), blastp, program("blastx", "nucleotide", "protein"), program("tblastn", "protein", "nucleotide"),
  program("tblastx", "nucleotide", "nucleotide"), program("psiblast", "protein", "protein"), program("rpsblast", "protein", "profile"),
];
const database = (molecule: Database["molecule"], kind: Database["kind"] = "sequences"): Database => ({ name: "d", title: "", molecule, kind, sequences: 1, letters: 1, bytes: 1, date: "", version: 5 });
const of = (name: string) => blastp.options.find((one) => one.name === name)!;

describe("programs", () => {
  it.each([
    ["protein", "protein", "blastp"], ["protein", "nucleotide", "tblastn"],
    ["nucleotide", "nucleotide", "blastn"], ["nucleotide", "protein", "blastx"],
  ] as const)("%s against %s is %s", (query, molecule, want) => expect(implied(all, query, database(molecule))).toBe(want));

  it("is not implied while one side is unknown", () => {
    expect(implied(all, null, database("protein"))).toBeUndefined();
    expect(implied(all, "protein", undefined)).toBeUndefined();
  });

  it("says of each other one why not", () => {
    const judged = choices(all, "protein", database("protein"));
    expect(judged.filter(({ why }) => !why).map(({ program: { name } }) => name)).toEqual(["blastp", "psiblast"]);
    expect(judged.find(({ program: { name } }) => name === "blastn")?.why).toContain("takes a nucleotide query");
    expect(judged.find(({ program: { name } }) => name === "tblastn")?.why).toContain("searches nucleotide databases");
    expect(judged.find(({ program: { name } }) => name === "rpsblast")?.why).toContain("plain sequences");
  });

  it("takes profiles for what they are", () => {
    expect(implied(all, "protein", database("protein", "profiles"))).toBe("rpsblast");
    expect(implied(all, "nucleotide", database("protein", "profiles"))).toBe("blastx");
  });
});

describe("tasks", () => {
  const more: Program = { ...blastp, options: [...blastp.options, option("gapopen", "integer"), option("matrix", "text"), option("threshold", "real")] };
  const told = (values: Record<string, string>) =>
    Object.fromEntries(inTask(more, values).options.filter(({ name }) => name in more.tasks[0]!.defaults).map((one) => [one.name, [one.default, one.setBy]]));
  it("set defaults, and those that differ from the usual task's are marked", () => {
    expect(told({}).word_size).toEqual(["3", undefined]);
    expect(told({ task: "blastp-short" })).toEqual({ word_size: ["2", "task"], gapopen: ["9", "task"], matrix: ["PAM30", "task"], threshold: ["16", "task"] });
    expect(told({ task: "blastp-fast" }).gapopen).toEqual(["11", undefined]);
    expect(isDefault(inTask(more, { task: "blastp-fast" }).options.find(({ name }) => name === "word_size")!, "6")).toBe(true);
  });
  it("leave to another matrix what comes from it", () => {
    expect(told({ matrix: "PAM70" })).toMatchObject({ gapopen: [undefined, "matrix"], threshold: [undefined, "matrix"], word_size: ["3", undefined] });
    expect(told({ matrix: "blosum62" }).gapopen).toEqual(["11", undefined]);
    expect(told({ task: "blastp-fast", matrix: "PAM70" }).threshold).toEqual(["21", "task"]);
  });
  it("say nothing of a program whose defaults are not known", () => expect(inTask(program("deltablast", "protein", "protein"), {}).options).toEqual([]));
});

describe("options", () => {
  it("are not offered when they name files or are given elsewhere", () => {
    const names = groups(blastp).flatMap(({ options }) => options.map(({ name }) => name));
    expect(names).toEqual(["evalue", "word_size", "best_hit_overhang", "culling_limit", "ungapped", "soft_masking", "outfmt"]);
  });

  it.each([
    ["evalue", "1e-5", true], ["evalue", ".5", true], ["evalue", "x", false], ["evalue", "", false],
    ["word_size", "2", true], ["word_size", "1", false], ["word_size", "2.5", false], ["word_size", "99999999999", false],
    ["best_hit_overhang", "0.1", true], ["best_hit_overhang", "0.5", false], ["best_hit_overhang", "0", false],
    ["task", "blastp-short", true], ["task", "megablast", false], ["soft_masking", "true", true], ["soft_masking", "maybe", false],
  ])("%s = %j: %s", (name, value, good) => expect(check(of(name), value) === null).toBe(good));

  it("knows the default however it is written", () => {
    expect(isDefault(of("evalue"), "10.0")).toBe(true);
    expect(isDefault(of("evalue"), "1e1")).toBe(true);
    expect(isDefault(of("evalue"), "1")).toBe(false);
    expect(isDefault(of("soft_masking"), "F")).toBe(true);
    expect(isDefault(of("word_size"), "3")).toBe(false);
  });

  it("names pairs that do not go together, and what is unknown", () => {
    expect(checkAll(blastp, { best_hit_overhang: "0.1", culling_limit: "1" })).toHaveLength(2);
    expect(checkAll(blastp, { reward: "1" })).toMatchObject([{ name: "reward" }]);
    expect(checkAll(blastp, { evalue: "1", ungapped: "true" })).toEqual([]);
  });

  it("carries over to another program what that has", () => {
    expect(carriedOver(blastp, { evalue: "1e-3", reward: "1", task: "megablast", word_size: "3" })).toEqual({ evalue: "1e-3", word_size: "3" });
  });

  it("reads the output formats from the help", () => {
    expect(formats(blastp).map(({ number }) => number)).toEqual(["0", "6", "18"]);
  });
});

describe("commands", () => {
  const told = {
    program: "blastp", database: "swiss prot", options: { evalue: "1e-5", outfmt: "6 std qlen", ungapped: "true" },
    title: "it's mine", file: "q.fa", server: "http://127.0.0.1:8080", token: false,
  };
  it("are quoted for the shell", () => {
    expect(quoted("it's")).toBe(`'it'\\''s'`);
    expect(commandLine(told)).toBe("blastloom search blastp -query q.fa -db 'swiss prot' -evalue 1e-5 -outfmt '6 std qlen' -ungapped");
    expect(curl(told)).toContain(`--form-string 'option.outfmt=6 std qlen'`);
    expect(curl({ ...told, token: true })).toContain("$BLASTLOOM_TOKEN");
    expect(python(told)).toContain(`"evalue":"1e-5"`);
  });
});

it("offers the best search of each program that the server recommends", () => {
  const one = (program: string, database: string) => ({ program, database, reasons: [], warnings: [] });
  const best = [one("blastp", "large"), one("tblastn", "genomes")];
  expect(offers([best[0]!, one("blastp", "small"), best[1]!, one("tblastn", "reads")])).toEqual(best);
  expect(offers([])).toEqual([]);
});
