import { type Hit, TabularIndex } from "../lib/tabular.ts";
import type { Loading, Overview } from "./source.ts";

export type Ask =
  | { kind: "load"; url: string; headers: Record<string, string>; limit: number }
  | { kind: "hits"; id: number; query: number };

export type Answer =
  | { kind: "progress"; loading: Loading }
  | { kind: "loaded"; overview: Overview }
  | { kind: "failed"; message: string }
  | { kind: "hits"; id: number; hits: Hit[] }
  | { kind: "nothits"; id: number; message: string };

const index = new TabularIndex();
const answer = (message: Answer) => postMessage(message);
const words = (reason: unknown) => (reason instanceof Error ? reason.message : String(reason));

async function explained(reply: Response): Promise<Error> {
  const body = (await reply.json().catch(() => ({}))) as { detail?: string };
  return new Error(body.detail ?? `status ${reply.status}`);
}

/** The rendering is made on demand: 202 says that it is under way. */
async function rendered(url: string, headers: Record<string, string>): Promise<Response> {
  for (;;) {
    const reply = await fetch(url, { headers });
    if (reply.status === 200) return reply;
    if (reply.status !== 202 && reply.status !== 503 && reply.status !== 429) throw await explained(reply);
    answer({ kind: "progress", loading: { state: "waiting" } });
    const seconds = Math.min(30, Number(reply.headers.get("Retry-After") ?? 2) || 2);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

async function load({ url, headers, limit }: Ask & { kind: "load" }) {
  const waits = setTimeout(() => answer({ kind: "progress", loading: { state: "waiting" } }), 300);
  const reply = await rendered(url, headers);
  clearTimeout(waits);
  const reader = reply.body?.getReader();
  if (!reader) throw new Error("the answer has no body");
  let told = 0;
  let cut = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    index.push(value);
    if (index.bytes > limit) {
      index.dropLast();
      cut = true;
      await reader.cancel();
      break;
    }
    const now = performance.now();
    if (now - told < 200) continue;
    told = now;
    answer({ kind: "progress", loading: { state: "reading", bytes: index.bytes, queries: index.queries.length } });
  }
  answer({ kind: "loaded", overview: { queries: index.queries, bytes: index.bytes, cut } });
}

onmessage = (event: MessageEvent<Ask>) => {
  const ask = event.data;
  if (ask.kind === "load") {
    load(ask).catch((reason: unknown) => answer({ kind: "failed", message: words(reason) }));
    return;
  }
  try {
    answer({ kind: "hits", id: ask.id, hits: index.hits(ask.query) });
  } catch (reason) {
    answer({ kind: "nothits", id: ask.id, message: words(reason) });
  }
};
