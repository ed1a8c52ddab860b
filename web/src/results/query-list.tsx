import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { count } from "../lib/format.ts";
import type { QueryInfo } from "../lib/tabular.ts";
import { strings } from "../strings.ts";

const say = strings.results.queries;
export type QueryOrder = "hits" | "file" | "evalue";

export function ordered(queries: QueryInfo[], order: QueryOrder, words: string): QueryInfo[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = wanted.length === 0 ? [...queries] : queries.filter(({ title }) => wanted.every((word) => title.toLowerCase().includes(word)));
  if (order === "file") return found;
  const none = (query: QueryInfo) => Number(query.hits === 0);
  if (order === "hits") return found.sort((a, b) => none(a) - none(b) || a.index - b.index);
  return found.sort((a, b) => none(a) - none(b) || Number(a.evalue) - Number(b.evalue) || a.index - b.index);
}

interface Props {
  queries: QueryInfo[];
  order: QueryOrder;
  words: string;
  chosen: number;
  onChoose: (query: number) => void;
  onOrder: (order: QueryOrder) => void;
  onWords: (words: string) => void;
}

export function QueryList({ queries, order, words, chosen, onChoose, onOrder, onWords }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [text, setText] = useState(words);
  useEffect(() => {
    if (text === words) return;
    const timer = setTimeout(() => onWords(text), 200);
    return () => clearTimeout(timer);
  }, [text, words, onWords]);
  const shown = useMemo(() => ordered(queries, order, words), [queries, order, words]);
  const withHits = useMemo(() => queries.reduce((n, { hits }) => n + Number(hits > 0), 0), [queries]);
  const rows = useVirtualizer({ count: shown.length, getScrollElement: () => scroller.current, estimateSize: () => 44, overscan: 8 });
  const at = shown.findIndex(({ index }) => index === chosen);
  useEffect(() => {
    if (at >= 0) rows.scrollToIndex(at, { align: "auto" });
  }, [at]);
  return (
    <aside className="queries noprint" aria-label={say.title}>
      <div className="stack tight top-part">
        <div className="row spread">
          <h2>{say.title}</h2>
          <span className="muted small">{say.counts(count(withHits), count(queries.length))}</span>
        </div>
        <input type="search" data-search className="input" aria-label={say.find} placeholder={say.find} value={text} onChange={(event) => setText(event.target.value)} />
        <select className="select" aria-label={say.orderLabel} value={order} onChange={(event) => onOrder(event.target.value as QueryOrder)}>
          {(["hits", "file", "evalue"] as const).map((one) => (
            <option key={one} value={one}>
              {say.order[one]}
            </option>
          ))}
        </select>
      </div>
      <div ref={scroller} className="scroller" tabIndex={-1}>
        {shown.length === 0 && <p className="muted small pad">{say.noMatch(words)}</p>}
        <div role="list" style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((row) => {
            const query = shown[row.index]!;
            const [name = "", ...rest] = query.title.split(" ");
            return (
              <div key={row.key} role="listitem" className="slot" style={{ transform: `translateY(${row.start}px)`, height: row.size }}>
                <button type="button" className={query.index === chosen ? "query chosen" : "query"} aria-current={query.index === chosen || undefined} title={query.title} onClick={() => onChoose(query.index)}>
                  <span className="name">
                    <span className="mono">{name || say.unnamed(query.index + 1)}</span>
                    {rest.length > 0 && <span className="muted small">{rest.join(" ")}</span>}
                  </span>
                  <span className="num small">
                    {query.hits > 0 ? (
                      <>
                        {count(query.hits)}
                        <br />
                        <span className="muted">{query.evalue}</span>
                      </>
                    ) : (
                      <span className="muted">{say.noHits}</span>
                    )}
                  </span>
                </button>
              </div>
            );
          })}
        </div>
      </div>
    </aside>
  );
}
