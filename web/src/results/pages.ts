import { useQueries } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { type Page, pageOf } from "../api/results.ts";

/** A long list of which only the pages in sight are held. Rows stand at places from 0. */
export interface Pages<Row> {
  /** Places that may be shown now: those passed already, and one page more. */
  count: number;
  /** Of the whole list, when it is known. */
  total: number | null;
  row: (place: number) => Row | undefined;
  /** The place of a row in sight; -1 when it is elsewhere. */
  find: (wanted: (row: Row) => boolean) => number;
  /** Says which places are in sight. */
  see: (first: number, last: number) => void;
  first: Row[] | undefined;
  error: unknown;
  retry: () => void;
}

/**
 * A page's cursor is known when the page before was read, so a list is walked from its beginning; cursors are kept,
 * rows are let go some seconds after they went out of sight. `key` names the list; another key is another list.
 */
export function usePages<Row>(key: readonly unknown[], size: number, read: (cursor: string, signal: AbortSignal) => Promise<Page<Row>>): Pages<Row> {
  const name = JSON.stringify(key);
  const [known, setKnown] = useState<{ name: string; cursors: string[]; end?: number }>({ name, cursors: [""] });
  const [sight, setSight] = useState({ name, first: 0, last: 0 });
  const { cursors, end } = known.name === name ? known : { cursors: [""] };
  const seen = sight.name === name ? sight : { first: 0, last: 0 };
  const wanted = useMemo(() => {
    const pages = new Set([0]);
    for (let page = Math.max(0, seen.first); page <= Math.min(seen.last, cursors.length - 1); page++) pages.add(page);
    return [...pages];
  }, [seen.first, seen.last, cursors.length]);
  const answers = useQueries({
    queries: wanted.map((page) => pageOf(key, read, page, cursors[page])),
  });
  const held = new Map(wanted.map((page, i) => [page, answers[i]!.data]));
  const last = held.get(cursors.length - 1);
  const passed = (cursors.length - 1) * size;
  useEffect(() => {
    if (last && end === undefined) setKnown(last.next ? { name, cursors: [...cursors, last.next] } : { name, cursors, end: passed + last.rows.length });
    // Only what the last page says about the one after it matters.
  }, [name, last, cursors.length]);
  const total = held.get(0)?.total ?? end ?? null;
  const count = end ?? (held.get(0) ? Math.min(passed + (last?.rows.length ?? size), total ?? Infinity) : 0);
  const see = useCallback(
    (first: number, until: number) => {
      const pages = { name, first: Math.floor(first / size), last: Math.floor(until / size) };
      setSight((now) => (now.name === name && now.first === pages.first && now.last === pages.last ? now : pages));
    },
    [name, size],
  );
  const failed = answers.find(({ error }) => error);
  return {
    count,
    total,
    row: (place) => held.get(Math.floor(place / size))?.rows[place % size],
    find(fits) {
      for (const [page, data] of held) {
        const at = data?.rows.findIndex(fits) ?? -1;
        if (at >= 0) return page * size + at;
      }
      return -1;
    },
    see,
    first: held.get(0)?.rows,
    error: failed?.error ?? null,
    retry: () => void failed?.refetch(),
  };
}
