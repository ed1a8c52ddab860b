import { authorization, outputPath } from "../api/client.ts";
import type { Hit, QueryInfo } from "../lib/tabular.ts";
import { outfmt } from "../lib/tabular.ts";
import { serverUrl } from "../router.ts";
import type { Answer, Ask } from "./worker.ts";

export interface Overview {
  queries: QueryInfo[];
  bytes: number;
  /** The output went past the limit: only its first queries are here. */
  cut: boolean;
}

export type Loading = { state: "waiting" } | { state: "reading"; bytes: number; queries: number };

/** Where the results page gets hits from. A server that pages hits can take the place of the worker. */
export interface HitSource {
  load(onProgress: (loading: Loading) => void): Promise<Overview>;
  /** All hits of a query, best first. */
  hits(query: number): Promise<Hit[]>;
  close(): void;
}

export const byteLimit = 200_000_000;

/** Streams one tabular rendering into a worker, which keeps its bytes and answers for single queries. */
export class OutputSource implements HitSource {
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  readonly #job: string;
  readonly #asked = new Map<number, { resolve: (hits: Hit[]) => void; reject: (reason: Error) => void }>();
  #next = 1;
  #progress: (loading: Loading) => void = () => undefined;
  #loaded: { resolve: (overview: Overview) => void; reject: (reason: Error) => void } | undefined;

  constructor(job: string) {
    this.#job = job;
    this.#worker.onmessage = (event: MessageEvent<Answer>) => this.#take(event.data);
    this.#worker.onerror = (event) => this.#loaded?.reject(new Error(event.message || "the worker could not start"));
  }

  load(onProgress: (loading: Loading) => void): Promise<Overview> {
    this.#progress = onProgress;
    return new Promise((resolve, reject) => {
      this.#loaded = { resolve, reject };
      this.#ask({ kind: "load", url: serverUrl(outputPath(this.#job, outfmt)), headers: authorization(), limit: byteLimit });
    });
  }

  hits(query: number): Promise<Hit[]> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#ask({ kind: "hits", id, query });
    });
  }

  close() {
    this.#worker.terminate();
    for (const { reject } of this.#asked.values()) reject(new Error("closed"));
    this.#asked.clear();
  }

  #ask(message: Ask) {
    this.#worker.postMessage(message);
  }

  #take(answer: Answer) {
    if (answer.kind === "progress") this.#progress(answer.loading);
    else if (answer.kind === "loaded") this.#loaded?.resolve(answer.overview);
    else if (answer.kind === "failed") this.#loaded?.reject(new Error(answer.message));
    else {
      const asked = this.#asked.get(answer.id);
      this.#asked.delete(answer.id);
      if (answer.kind === "hits") asked?.resolve(answer.hits);
      else asked?.reject(new Error(answer.message));
    }
  }
}
