import type { Option, Program } from "../api/client.ts";
import { strings } from "../strings.ts";

/** By name, as BLAST+ is given them; a flag is "true". What is not there has its default. */
export type OptionValues = Record<string, string>;

/** Given by other parts of the page, decided by the server, or naming a file of the machine. */
const elsewhere = new Set(["query", "db", "out", "num_threads", "mt_mode", "remote", "entrez_query", "subject", "subject_loc", "task"]);

export function offered(program: Program): Settled[] {
  return program.options.filter(
    (option) =>
      !elsewhere.has(option.name) && !option.refers && option.type !== "input_file" && option.type !== "output_file",
  );
}

export function groups(program: Program): { title: string; options: Settled[] }[] {
  const found = new Map<string, Settled[]>();
  for (const option of offered(program)) found.set(option.group, [...(found.get(option.group) ?? []), option]);
  return [...found].map(([title, options]) => ({ title, options }));
}

/** What the server's index of hits holds; a search in this format need not be run again to be looked at. */
export const pageOutfmt = "7 std qlen slen score nident positive gaps qframe sframe staxids sscinames qseq sseq stitle";

export const find = (program: Program, name: string) => program.options.find((option) => option.name === name);

const whole = /^[+-]?\d+$/;
const real = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** An option with the default that it has among the others, and what decides that. */
export interface Settled extends Option {
  setBy?: "task" | "matrix";
}

/** What BLAST+ takes from another matrix, instead of from the task. */
const ofMatrix = new Set(["gapopen", "gapextend", "window_size", "threshold"]);

/** `program` with the defaults that its options have in the chosen task. */
export function inTask(program: Program, values: OptionValues): Omit<Program, "options"> & { options: Settled[] } {
  const usual = find(program, "task")?.default ?? program.name;
  const task = values.task ?? usual;
  const defaults = (name: string) => program.tasks.find((one) => one.name === name)?.defaults ?? {};
  const [own, before] = [defaults(task), defaults(usual)];
  const otherMatrix = values.matrix !== undefined && values.matrix.toUpperCase() !== own.matrix;
  const settle = (option: Option): Settled => {
    // A fast task keeps its threshold, whatever the matrix.
    if (otherMatrix && own[option.name] !== undefined && ofMatrix.has(option.name) && !(option.name === "threshold" && task.endsWith("-fast")))
      return { ...option, setBy: "matrix" };
    const value = own[option.name];
    if (value === undefined) return option;
    return value === before[option.name] ? { ...option, default: value } : { ...option, default: value, setBy: "task" };
  };
  return { ...program, options: program.options.map(settle) };
}

/** What is wrong with `value`, in words; null when nothing is. */
export function check(option: Option, value: string): string | null {
  const say = strings.options;
  const text = value.trim();
  if (text === "") return option.type === "flag" ? null : say.empty;
  if (option.type === "integer" || option.type === "integer64") {
    if (!whole.test(text)) return say.notWhole;
    const most = option.type === "integer" ? 2_147_483_647 : 9.2e18;
    if (Math.abs(Number(text)) > most) return say.tooGreat;
  } else if (option.type === "real") {
    if (!real.test(text)) return say.notNumber;
  } else if (option.type === "boolean" || option.type === "flag") {
    return /^(true|false|t|f|yes|no|y|n|1|0)$/i.test(text) ? null : say.notBoolean;
  }
  if (option.choices && !option.choices.includes(text)) return say.notChoice(option.choices.join(", "));
  const { range } = option;
  if (range && option.type !== "text") {
    const number = Number(text);
    const { min, max, exclusive } = range;
    const low = min !== undefined && (exclusive ? number <= min : number < min);
    const high = max !== undefined && (exclusive ? number >= max : number > max);
    if (low || high) return rangeText(option) ?? say.tooGreat;
  }
  return null;
}

/** "at least 2", "0 to 100", "between 0 and 0.5" */
export function rangeText(option: Option): string | null {
  const { range } = option;
  if (!range) return null;
  const say = strings.options;
  const { min, max, exclusive } = range;
  if (min !== undefined && max !== undefined) return exclusive ? say.between(min, max) : say.fromTo(min, max);
  if (min !== undefined) return exclusive ? say.above(min) : say.atLeast(min);
  if (max !== undefined) return exclusive ? say.below(max) : say.atMost(max);
  return null;
}

/** Same thing said otherwise: 10 and 10.0, 1e-5 and 0.00001. */
export function isDefault(option: Option, value: string): boolean {
  if (option.type === "flag") return value !== "true";
  if (value.trim() === (option.default ?? "")) return true;
  if (!option.default || option.type === "text") return false;
  if (option.type === "boolean") return /^(true|t|yes|y|1)$/i.test(value) === /^(true|t|yes|y|1)$/i.test(option.default);
  return value.trim() !== "" && Number(value) === Number(option.default);
}

export interface OptionFault {
  name: string;
  text: string;
}

/** Everything wrong with a whole set: values, unknown names, and pairs that do not go together. */
export function checkAll(program: Program, values: OptionValues): OptionFault[] {
  const faults: OptionFault[] = [];
  const say = strings.options;
  for (const [name, value] of Object.entries(values)) {
    const option = find(program, name);
    if (!option) {
      faults.push({ name, text: say.unknown(name, program.name) });
      continue;
    }
    const wrong = check(option, value);
    if (wrong) faults.push({ name, text: wrong });
    for (const other of option.excludes ?? [])
      if (other !== name && other in values) faults.push({ name, text: say.excludes(other) });
    for (const other of option.needs ?? []) if (!(other in values)) faults.push({ name, text: say.needs(other) });
  }
  return faults;
}

/** Those that another program has too, with values it takes. */
export function carriedOver(program: Program, values: OptionValues): OptionValues {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => {
      const option = find(program, name);
      return option && check(option, value) === null && !isDefault(option, value);
    }),
  );
}

/** The numbers that -outfmt may begin with, from the option's own help. */
export function formats(program: Program): { number: string; title: string }[] {
  const text = find(program, "outfmt")?.description ?? "";
  const found = [...text.matchAll(/(\d+) = ([^,]+)/g)].map(([, number, title]) => ({ number: number!, title: title!.trim() }));
  // 13 and 14 write a file per query, which a server does not serve; 15 and 16 hold the same in one.
  return found.filter(({ number }) => number !== "13" && number !== "14");
}
