import type { Database, Program, ProgramName, Recommendation } from "../api/client.ts";
import { strings } from "../strings.ts";
import type { Molecule } from "./fasta.ts";

export interface Choice {
  program: Program;
  /** Why it cannot be used; null when it can. */
  why: string | null;
  /** It may still not fit, which only the server can tell. */
  note: string | null;
}

/** The usual one of several that fit comes first. */
const usual: ProgramName[] = ["blastp", "blastn", "blastx", "tblastn", "tblastx", "psiblast", "deltablast", "rpsblast", "rpstblastn"];

const rank = (name: ProgramName) => usual.indexOf(name);

/** All programs, those that fit first. An unknown molecule fits everything. */
export function choices(programs: Program[], query: Molecule | null, database: Database | undefined): Choice[] {
  const say = strings.programs;
  const judged = programs.map((program): Choice => {
    const needs = program.database === "profile" ? "protein" : program.database;
    const wrongQuery = query !== null && program.query !== query;
    const wrongDatabase = database !== undefined && needs !== database.molecule;
    const why = wrongQuery
      ? say.wrongQuery(program.name, program.query, query)
      : wrongDatabase
        ? say.wrongDatabase(program.name, needs, database.molecule)
        : database?.kind === "sequences" && program.database === "profile"
          ? say.profile(program.name)
          : null;
    return { program, why, note: program.name === "deltablast" ? say.delta : null };
  });
  // A database of profiles holds a sequence of each too; it is there for its profiles.
  const meant = ({ program }: Choice) => (database?.kind === "profiles" && program.database === "profile" ? 0 : 1);
  return judged.sort((a, b) => Number(a.why !== null) - Number(b.why !== null) || meant(a) - meant(b) || rank(a.program.name) - rank(b.program.name));
}

/** What query × database implies; undefined while one of them is unknown. */
export function implied(programs: Program[], query: Molecule | null, database: Database | undefined): ProgramName | undefined {
  if (!query || !database) return undefined;
  return choices(programs, query, database).find((choice) => choice.why === null)?.program.name;
}

/** Of what the server recommends, best first: one search of each program. */
export function offers(recommended: Recommendation[]): Recommendation[] {
  return recommended.filter(({ program }, i) => recommended.findIndex((one) => one.program === program) === i);
}
