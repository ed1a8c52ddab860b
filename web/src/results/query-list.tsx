import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import type { QueryRow } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { strings } from "../strings.ts";
import type { Pages } from "./pages.ts";

const say = strings.results.queries;
/** Most hits first, as in the file, least E-value first. */
export const queryOrders = ["hits", "blast", "evalue"] as const;
export type QueryOrder = (typeof queryOrders)[number];

interface Props {
  queries: Pages<QueryRow>;
  withHits: number;
  all: number;
  order: QueryOrder;
  words: string;
  chosen: number;
  onChoose: (query: number) => void;
  onOrder: (order: QueryOrder) => void;
  onWords: (words: string) => void;
}

export function QueryList({ queries, withHits, all, order, words, chosen, onChoose, onOrder, onWords }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [text, setText] = useState(words);
  useEffect(() => {
    if (text === words) return;
    const timer = setTimeout(() => onWords(text), 200);
    return () => clearTimeout(timer);
  }, [text, words, onWords]);
  const virtual = useVirtualizer({ count: queries.count, getScrollElement: () => scroller.current, estimateSize: () => 44, overscan: 4 });
  const rows = virtual.getVirtualItems();
  const [first, last] = [rows[0]?.index ?? 0, rows.at(-1)?.index ?? 0];
  const { see } = queries;
  useEffect(() => see(first, last + 20), [first, last, see]);
  const at = queries.find(({ index }) => index === chosen);
  useEffect(() => {
    // As in the table of hits: nothing is asked of a list that stands at its beginning.
    if (at > 0 || (at === 0 && (virtual.scrollOffset ?? 0) > 0)) virtual.scrollToIndex(at, { align: "auto" });
  }, [at]);
  return (
    <aside className="queries noprint" aria-label={say.title}>
      <div className="stack tight top-part">
        <div className="row spread">
          <h2>{say.title}</h2>
          <span className="muted small">{say.counts(count(withHits), count(all))}</span>
        </div>
        <input type="search" data-search className="input" aria-label={say.find} placeholder={say.find} value={text} onChange={(event) => setText(event.target.value)} />
        <select className="select" aria-label={say.orderLabel} value={order} onChange={(event) => onOrder(event.target.value as QueryOrder)}>
          {queryOrders.map((one) => (
            <option key={one} value={one}>
              {say.order[one]}
            </option>
          ))}
        </select>
      </div>
      <div ref={scroller} className="scroller" tabIndex={-1}>
        {queries.first?.length === 0 && <p className="muted small pad">{say.noMatch(words)}</p>}
        <div role="list" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {rows.map((slot) => {
            const query = queries.row(slot.index);
            return (
              <div key={slot.index} role="listitem" className="slot" style={{ transform: `translateY(${slot.start}px)`, height: slot.size }}>
                {query ? <Row query={query} chosen={query.index === chosen} onChoose={onChoose} /> : <div className="skeleton" style={{ height: 28, margin: 8 }} />}
              </div>
            );
          })}
        </div>
      </div>
    </aside>
  );
}

/** The whole definition line; of PSI-BLAST with its round. */
export const queryTitle = ({ title, iteration }: QueryRow) => (iteration && iteration > 1 ? `${title} ${say.iteration(iteration)}` : title);

function Row({ query, chosen, onChoose }: { query: QueryRow; chosen: boolean; onChoose: (query: number) => void }) {
  const [name = "", ...rest] = queryTitle(query).split(" ");
  return (
    <button type="button" className={chosen ? "query chosen" : "query"} aria-current={chosen || undefined} title={query.title} onClick={() => onChoose(query.index)}>
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
  );
}
