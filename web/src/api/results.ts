import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { call, jobPath } from "./client.ts";
import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];
export type QueryRow = Schemas["HitQueryRow"];
export type Hit = Schemas["Hit"];
export type Hsp = Schemas["Hsp"];
export type SubjectTotal = Schemas["SubjectTotal"];
export type HitSummary = Schemas["HitSummary"];
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
  summary: (id: string, asked: { query?: number } = {}, signal?: AbortSignal) => ask<HitSummary>(id, "summary", asked, signal),
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
export const queriesOf = (id: string, sort: string, find: string) => ({
  key: ["results", id, "queries", sort, find],
  read: (cursor: string, signal?: AbortSignal) => results.queries(id, { sort, find, limit: queriesAtOnce, cursor }, signal),
});
/** The key of a page, from 0, of the list that `key` names. */
export const pageKey = (key: readonly unknown[], page: number) => [...key, "page", page];

/** Asks for what the place of a result shows first, while that place's code is still on its way. */
export function lookAhead(client: QueryClient, id: string) {
  void client.prefetchQuery(summaryOf(id));
  const { key, read } = queriesOf(id, "hits", "");
  void client.prefetchQuery({ queryKey: pageKey(key, 0), queryFn: ({ signal }) => read("", signal), staleTime: Infinity });
}
