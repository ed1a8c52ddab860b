import { serverUrl } from "../router.ts";
import { strings } from "../strings.ts";
import type { components, operations } from "./schema.d.ts";
import { token } from "./token.ts";

type Schemas = components["schemas"];
export type Job = Schemas["Job"];
export type JobStatus = Schemas["JobStatus"];
export type JobPage = Schemas["JobPage"];
export type Event = Schemas["Event"];
export type EventPage = Schemas["EventPage"];
export type Explanation = Schemas["Explanation"];
export type Task = Schemas["Task"];
export type TaskPage = Schemas["TaskPage"];
export type Results = Schemas["Results"];
export type ResultFile = Schemas["ResultFile"];
export type Preflight = Schemas["Preflight"];
export type Program = Schemas["Programs"]["programs"][number];
export type Option = Schemas["Option"];
export type ProgramName = Schemas["ProgramName"];
export type Database = Schemas["Databases"]["databases"][number];
export type Ready = Schemas["Ready"];
export type Taxa = operations["completeTaxa"]["responses"][200]["content"]["application/json"];
export type Taxon = operations["getTaxon"]["responses"][200]["content"]["application/json"];
export type Recommendation = Schemas["Recommendations"]["recommendations"][number];
export type Problem = Schemas["Problem"];
export type Me = Schemas["Me"];

/** What the server refused, in its words; or that it cannot be reached (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;
  constructor(problem: Partial<Problem> & { status: number }, retryAfter?: number) {
    super(problem.detail ?? strings.error.unknown(problem.status));
    this.status = problem.status;
    this.code = problem.code ?? "";
    this.field = problem.field;
    this.requestId = problem.request_id;
    this.retryAfter = retryAfter;
  }
  /** Worth another try without a change. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export function authorization(): Record<string, string> {
  const secret = token.get();
  return secret ? { Authorization: `Bearer ${secret}` } : {};
}

export async function problemOf(reply: Response): Promise<ApiError> {
  let problem: Partial<Problem> = {};
  if ((reply.headers.get("Content-Type") ?? "").includes("json"))
    problem = await reply.json().then((body: Partial<Problem>) => body).catch(() => ({}));
  const after = Number(reply.headers.get("Retry-After") ?? "");
  return new ApiError({ ...problem, status: reply.status }, after > 0 ? after : undefined);
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(serverUrl(path), init);
  } catch (reason) {
    if (init.signal?.aborted) throw reason;
    throw new ApiError({ status: 0, code: "offline", detail: strings.error.offline });
  }
}

/** A reply that is not an error. A missing token is asked for; an aborted call rejects with its AbortError. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const reply = await reach(path, { ...init, headers: { ...authorization(), ...init.headers } });
  if (reply.status === 401) token.ask();
  if (!reply.ok) throw await problemOf(reply);
  return reply;
}

export async function json<T>(path: string, init?: RequestInit): Promise<T> {
  const reply = await call(path, init);
  return (await reply.json()) as T;
}

const post = (path: string, signal?: AbortSignal) => json<Job>(path, { method: "POST", ...(signal && { signal }) });
export const jobPath = (id: string) => `/api/blast/jobs/${encodeURIComponent(id)}`;

export interface JobFilter {
  status?: JobStatus;
  program?: string;
  database?: string;
  owner?: string;
  text?: string;
  since?: string;
}

export interface Submission {
  program: ProgramName;
  database: string;
  query: string | File;
  options: Record<string, string>;
  organisms?: { include: number[]; exclude: number[] } | undefined;
  title: string;
}

function form(submission: Submission): FormData {
  const data = new FormData();
  data.set("program", submission.program);
  data.set("database", submission.database);
  if (submission.title) data.set("title", submission.title);
  data.set("options", JSON.stringify(submission.options));
  if (submission.organisms) data.set("organisms", JSON.stringify(submission.organisms));
  // Sent from the disk as it is read, never held whole.
  const { query } = submission;
  data.set("query", typeof query === "string" ? new File([query], "query.fasta") : query);
  return data;
}

/** fetch does not tell how far an upload is; the older XMLHttpRequest does. `sent` gets 0 to 1. */
export function upload<T>(path: string, body: File | FormData, headers: Record<string, string>, sent?: (fraction: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", serverUrl(path));
    for (const [name, value] of Object.entries({ ...headers, ...authorization() })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) sent?.(event.loaded / event.total);
    };
    request.onload = () => {
      if (request.status === 401) token.ask();
      let answer: unknown = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // A proxy's own error page.
      }
      if (request.status >= 200 && request.status < 300) resolve(answer as T);
      else reject(new ApiError({ ...(answer as Partial<Problem>), status: request.status }));
    };
    request.onerror = () => reject(new ApiError({ status: 0, code: "offline", detail: strings.error.offline }));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

/** A result of BLAST+ that was made elsewhere. Empty texts are left out: the file tells them. */
export interface Import {
  file: File;
  program: ProgramName | "";
  outfmt: string;
  title: string;
}

function importResult({ file, ...rest }: Import, sent: (fraction: number) => void, signal: AbortSignal) {
  const given = Object.entries(rest).filter(([, value]) => value !== "");
  return upload<Job>(`/api/blast/imports?${new URLSearchParams(given)}`, file, { "Content-Type": "application/octet-stream" }, sent, signal);
}

const submit = (submission: Submission, key: string, sent?: (fraction: number) => void, signal?: AbortSignal) =>
  upload<Job>("/api/blast/jobs", form(submission), { "Idempotency-Key": key }, sent, signal);

export const api = {
  programs: (signal?: AbortSignal) => json<Schemas["Programs"]>("/api/blast/programs", { signal }),
  taxa: (text: string, limit: number, signal?: AbortSignal) => json<Taxa>(`/api/blast/taxonomy?${new URLSearchParams({ text, limit: String(limit) })}`, { signal }),
  taxon: (taxid: number, signal?: AbortSignal) => json<Taxon>(`/api/blast/taxonomy/${taxid}`, { signal }),
  databases: (signal?: AbortSignal) => json<Schemas["Databases"]>("/api/blast/databases", { signal }),
  recommend: (molecule: "protein" | "nucleotide", longest: number, signal?: AbortSignal) =>
    json<Schemas["Recommendations"]>(`/api/blast/recommend?${new URLSearchParams({ molecule, longest: String(longest) })}`, { signal }).then(({ recommendations }) => recommendations),
  jobs(filter: JobFilter, cursor: string, limit: number, signal?: AbortSignal) {
    const query = new URLSearchParams({ limit: String(limit) });
    for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
    if (cursor) query.set("cursor", cursor);
    return json<JobPage>(`/api/blast/jobs?${query}`, { signal });
  },
  job: (id: string, signal?: AbortSignal) => json<Job>(jobPath(id), { signal }),
  explain: (id: string, signal?: AbortSignal) => json<Explanation>(`${jobPath(id)}/explain`, { signal }),
  tasks: (id: string, first: number, signal?: AbortSignal) =>
    json<TaskPage>(`${jobPath(id)}/tasks?first=${first}&limit=500`, { signal }),
  events: (id: string, after: number, signal?: AbortSignal) =>
    json<EventPage>(`${jobPath(id)}/events?after=${after}&limit=500`, {
      signal,
      headers: { Accept: "application/json" },
    }),
  results: (id: string, signal?: AbortSignal) => json<Results>(`${jobPath(id)}/results`, { signal }),
  /** Opens the download of `path` without the token, for a minute. */
  downloadLink: (path: string, signal?: AbortSignal) =>
    json<Schemas["DownloadLink"]>("/api/blast/download-links", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ path }), signal: signal ?? null }).then(({ href }) => href),
  cancel: (id: string) => post(`${jobPath(id)}/cancel`),
  retry: (id: string) => post(`${jobPath(id)}/retry`),
  // Goes out even when the page is being left.
  remove: (id: string) => call(jobPath(id), { method: "DELETE", keepalive: true }).then(() => undefined),
  submit,
  importResult,
  preflight: (submission: Submission, signal?: AbortSignal) =>
    json<Preflight>("/api/blast/preflight", { method: "POST", body: form(submission), signal }),
  me: (signal?: AbortSignal) => json<Me>("/api/blast/me", { signal }),
  health: (signal?: AbortSignal) => json<{ status: string }>("/healthz", { signal }),
  /** 503 is an answer too: what is lacking. */
  async ready(signal?: AbortSignal): Promise<Ready> {
    const reply = await reach("/readyz", { ...(signal && { signal }) });
    if (!reply.ok && reply.status !== 503) throw await problemOf(reply);
    const body = (await reply.json().catch(() => ({}))) as Partial<Ready> & { detail?: string };
    return { status: body.status ?? "not_ready", lacking: body.lacking ?? [body.detail ?? strings.error.unknown(reply.status)], degraded: body.degraded ?? [] };
  },
  beat: (signal?: AbortSignal) => json<unknown>("/api/blast/beat", { signal }),
  metrics: (signal?: AbortSignal) => call("/metrics", { signal }).then((reply) => reply.text()),
};

export const outputPath = (id: string, outfmt: string) =>
  `${jobPath(id)}/results/output?${new URLSearchParams({ outfmt })}`;
export const filePath = (id: string, name: string) => `${jobPath(id)}/results/files/${encodeURIComponent(name)}`;
export const archivePath = (id: string) => `${jobPath(id)}/results/archive.zip`;
