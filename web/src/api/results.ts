import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, call, jobPath } from "./client.ts";
import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];
export type QueryRow = Schemas["HitQueryRow"];
export type Hit = Schemas["Hit"];
export type Hsp = Schemas["Hsp"];
export type SubjectTotal = Schemas["SubjectTotal"];
export type HitSummary = Schemas["HitSummary"];
export type Distribution = Schemas["HitDistribution"];
export type HitTaxon = Schemas["HitTaxon"];
export type Alignment = Schemas["Alignment"];

/** Rows of a list that goes on under `next`. The total is told on the first page, if counting did not take long. */
export interface Page<Row> {
  rows: Row[];
  total: number | null;
  next: string | null;
}

export type Asked = Record<string, string | number | boolean | null | undefined>;

/** With ids of hits that were chosen, an address may be long: a server takes 10,000 of them. */
export function resultsPath(id: string, part: string, asked: Asked = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  return `${jobPath(id)}/results/${part}${query.size > 0 ? `?${query}` : ""}`;
}

export async function pause(seconds: number, signal?: AbortSignal) {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  signal?.throwIfAborted();
}

/** An answer made from the index of the hits. The first question makes the index: 202 until it is there. */
async function ask<T>(id: string, part: string, asked: Asked, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const reply = await call(resultsPath(id, part, asked), { signal });
    if (reply.status !== 202) return (await reply.json()) as T;
    await pause(Number(reply.headers.get("Retry-After") ?? 2) || 2, signal);
  }
}

export const results = {
  summary: (id: string, asked: { query?: number; where?: string; words?: string } = {}, signal?: AbortSignal) => ask<HitSummary>(id, "summary", asked, signal),
  async queries(id: string, asked: Asked, signal?: AbortSignal): Promise<Page<QueryRow>> {
    const page = await ask<Schemas["HitQueries"]>(id, "queries", asked, signal);
    return { rows: page.queries, total: page.total, next: page.next_cursor };
  },
  async hits(id: string, asked: Asked, signal?: AbortSignal): Promise<Page<Hit>> {
    const page = await ask<Schemas["Hits"]>(id, "hits", asked, signal);
    return { rows: page.hits, total: page.total, next: page.next_cursor };
  },
  async alignments(id: string, asked: Asked, signal?: AbortSignal): Promise<Page<Alignment>> {
    const page = await ask<Schemas["Alignments"]>(id, "alignments", asked, signal);
    return { rows: page.alignments, total: page.total, next: page.next_cursor };
  },
  async subjects(id: string, asked: Asked, signal?: AbortSignal): Promise<Page<SubjectTotal>> {
    const page = await ask<Schemas["Subjects"]>(id, "subjects", asked, signal);
    return { rows: page.subjects, total: page.total, next: page.next_cursor };
  },
  taxonomy: (id: string, signal?: AbortSignal) => ask<Schemas["HitTaxonomy"]>(id, "taxonomy", {}, signal),
};

export const queriesAtOnce = 200;
export const summaryOf = (id: string) => queryOptions({ queryKey: ["results", id, "summary"], queryFn: ({ signal }) => results.summary(id, {}, signal), staleTime: Infinity });
/** A query with its coverage, and how the hits that pass a filter are spread. */
export const queryOf = (id: string, asked: { query: number; where?: string; words?: string }) =>
  queryOptions({ queryKey: ["results", id, "summary", asked], queryFn: ({ signal }) => results.summary(id, asked, signal), staleTime: Infinity });
export const queriesOf = (id: string, sort: string, find: string) => ({
  key: ["results", id, "queries", sort, find],
  read: (cursor: string, signal?: AbortSignal) => results.queries(id, { sort, find, limit: queriesAtOnce, cursor }, signal),
});

export const hitsAtOnce = 100;
/** Of each hit, in the table; its alignments show all. */
export const hspsInTable = 20;
/** What is asked of the hits of a query: a filter, a sort. */
export type HitRequest = { query: number; words?: string; where?: string; select?: string; sort?: string };
export const hitsOf = (id: string, request: HitRequest) => ({
  key: ["results", id, "hits", request],
  read: (cursor: string, signal?: AbortSignal) => results.hits(id, { ...request, hsps: hspsInTable, limit: hitsAtOnce, cursor }, signal),
});

const keepFor = 15_000;
/** One page, from 0, of the list that `key` names. Its rows are let go some seconds after they went out of sight. */
export const pageOf = <Row>(key: readonly unknown[], read: (cursor: string, signal: AbortSignal) => Promise<Page<Row>>, page = 0, cursor = "") =>
  queryOptions({ queryKey: [...key, "page", page], queryFn: ({ signal }) => read(cursor, signal), staleTime: Infinity, gcTime: keepFor });

/** Asks for what the place of a result shows first, while that place's code is still on its way. */
async function lookAhead(client: QueryClient, id: string) {
  void client.prefetchQuery(summaryOf(id));
  const { key, read } = queriesOf(id, "hits", "");
  const page = pageOf(key, read);
  const asked = new URLSearchParams(window.location.search);
  const named = Number(asked.get("q")) - 1;
  await client.prefetchQuery(page);
  const query = named >= 0 ? named : client.getQueryData<Page<QueryRow>>(page.queryKey)?.rows[0]?.index;
  // A filter or another view shows other hits.
  if (query === undefined || [...asked.keys()].some((name) => name !== "id" && name !== "q" && name !== "hit")) return;
  const hits = hitsOf(id, { query, sort: "" });
  void client.prefetchQuery(pageOf(hits.key, hits.read));
}

export const jobOf = (client: QueryClient, id: string) =>
  queryOptions({
    queryKey: ["job", id],
    async queryFn({ signal }) {
      const job = await api.job(id, signal);
      if (job.status === "completed") void lookAhead(client, id);
      return job;
    },
  });
