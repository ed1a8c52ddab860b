import { call, json, upload } from "./client.ts";
import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];
export type Snapshot = Schemas["Snapshot"];
export type DatabaseWork = Schemas["DatabaseWork"];
export type Metadata = Schemas["DatabaseMetadata"];
export type Residency = { bytes: number; resident_bytes: number; unknown_bytes: number };

const path = (name: string, rest = "") => `/api/blast/databases/${encodeURIComponent(name)}${rest}`;
const post = <T>(address: string) => json<T>(address, { method: "POST" });
const gone = (address: string) => call(address, { method: "DELETE" }).then(() => undefined);
const of = (snapshot?: string) => (snapshot ? `?${new URLSearchParams({ snapshot })}` : "");

export interface Build {
  name: string;
  molecule: "protein" | "nucleotide";
  title: string;
  parse_ids: boolean;
  taxid: string;
  file: File;
}

/** `asked` are parameters of the build; empty ones are left out. */
function send(asked: Record<string, string>, file: File, sent: (fraction: number) => void, signal: AbortSignal) {
  const given = Object.entries({ ...asked, source: file.name.slice(0, 60) }).filter(([, value]) => value !== "");
  return upload<DatabaseWork>(`/api/blast/databases?${new URLSearchParams(given)}`, file, { "Content-Type": "application/octet-stream" }, sent, signal);
}

/** What can be done to databases; all of it but looking is for administrators. */
export const databases = {
  kept: (name: string, signal?: AbortSignal) => json<Schemas["KeptDatabase"]>(path(name), { signal }),
  metadata: (name: string, signal?: AbortSignal) => json<Metadata>(path(name, "/metadata"), { signal }),
  residency: (name: string, signal?: AbortSignal) => json<Residency>(path(name, "/residency"), { signal }),
  works: (signal?: AbortSignal) => json<{ works: DatabaseWork[] }>("/api/blast/database-works", { signal }).then(({ works }) => works),
  cancelWork: (id: string) => post<DatabaseWork>(`/api/blast/database-works/${id}/cancel`),
  build: ({ file, parse_ids, ...rest }: Build, sent: (fraction: number) => void, signal: AbortSignal) => send({ ...rest, parse_ids: String(parse_ids) }, file, sent, signal),
  append: ({ file, ...rest }: Pick<Build, "name" | "taxid" | "file">, sent: (fraction: number) => void, signal: AbortSignal) => send({ ...rest, append: "true" }, file, sent, signal),
  verify: (name: string, snapshot?: string) => post<DatabaseWork>(path(name, "/verify") + of(snapshot)),
  warm: (name: string) => post<DatabaseWork>(path(name, "/warm")),
  fetch: (name: string) => post<DatabaseWork>(path(name, "/fetch")),
  makeCurrent: (name: string, snapshot: string) => post<Snapshot>(path(name, `/snapshots/${snapshot}/current`)),
  removeSnapshot: (name: string, snapshot: string) => gone(path(name, `/snapshots/${snapshot}`)),
  remove: (name: string) => gone(path(name)),
  sequencesPath: (name: string, asked: { ids: string; range: string; strand: string }) =>
    path(name, `/sequences?${new URLSearchParams(Object.entries({ ...asked, missing: "skip" }).filter(([, value]) => value !== ""))}`),
};
