import type { Program } from "../../api/client.ts";
import { find, type OptionValues } from "../../lib/options.ts";
import { strings } from "../../strings.ts";

export interface Preset {
  label: string;
  help: string;
  options: OptionValues;
}

/** Some ways to search that people ask for by name. Only what the program knows is offered. */
export function presets(program: Program): Preset[] {
  const say = strings.search.presets;
  const has = (task: string) => find(program, "task")?.choices?.includes(task) ?? false;
  const found: Preset[] = [{ ...say.standard, options: {} }, { ...say.strict, options: { evalue: "1e-10" } }];
  if (program.name === "blastn") found.push({ ...say.distantNucleotide, options: { task: "blastn" } });
  else if (has(`${program.name}-fast`) && find(program, "word_size")) found.push({ ...say.fast, options: { task: `${program.name}-fast` } });
  const short = `${program.name}-short`;
  if (has(short)) found.push({ ...say.short, options: { task: short } });
  if (find(program, "max_target_seqs")) found.push({ ...say.best, options: { max_target_seqs: "5", evalue: "1e-5" } });
  return found;
}
