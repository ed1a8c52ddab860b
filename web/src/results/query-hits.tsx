import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError, type Job } from "../api/client.ts";
import { type Hit, type HitRequest, hitsAtOnce, hitsOf, hspsInTable, type Page, queryOf, type QueryRow, results } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { setParams, useLocation } from "../router.ts";
import { strings } from "../strings.ts";
import { Fault, Skeleton } from "../ui/basics.tsx";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { usePrinting } from "../ui/printing.ts";
import { say as toast } from "../ui/toast.tsx";
import { Alignment } from "./alignment.tsx";
import { HitDownload } from "./hit-download.tsx";
import { ColumnChooser, HitTable, PrintedHits, type Selection } from "./hit-table.tsx";
import { allMeasures, asked, columns, parseRange, type Ranges, shownName, usualColumns } from "./hits.ts";
import { useHotkeys } from "./hotkeys.ts";
import { kept } from "./kept.ts";
import { type Pages, usePages } from "./pages.ts";
import { summary } from "./pictures.ts";
import { Plots } from "./plots.tsx";

const say = strings.results;
const mostDrawn = 100;
const mostSelected = 10_000;
const mostPrinted = 1000;
const none: never[] = [];

interface Props {
  job: Job;
  query: QueryRow;
  step: (by: number) => void;
  selected: Selection;
  onSelect: (selected: Selection) => void;
}

/** What the address says is shown of a query's hits. */
function useShown() {
  const { params } = useLocation();
  const text = params.get("words") ?? "";
  const rangeText = allMeasures.map((measure) => params.get(measure) ?? "").join("|");
  const ranges = useMemo<Ranges>(() => {
    const found: Ranges = {};
    for (const measure of allMeasures) {
      const range = parseRange(params.get(measure));
      if (range) found[measure] = range;
    }
    return found;
  }, [rangeText]);
  const sort = columns.find((column) => column.sort && column.sort === params.get("sort"))?.sort ?? "";
  return { text, ranges, sort, filter: useMemo(() => asked(text, ranges), [text, ranges]), hit: params.get("hit"), columns: params.get("columns") };
}

/** The filter's text settles into the address when typing rests. */
function useSettled(text: string): [string, (text: string) => void] {
  const [typed, setTyped] = useState(text);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => setParams({ words: typed }), 250);
    return () => clearTimeout(timer);
  }, [typed, text]);
  return [typed, setTyped];
}

export const noFilter = Object.fromEntries(["words", ...allMeasures].map((name) => [name, null]));

export function QueryHits({ job, query, step, selected, onSelect }: Props) {
  const shown = useShown();
  const filtered = shown.text.trim() !== "" || Object.keys(shown.ranges).length > 0;
  const [typed, setTyped] = useSettled(shown.text);
  const request = { query: query.index, ...shown.filter, sort: shown.sort };
  const { key, read } = hitsOf(job.id, request);
  const hits = usePages<Hit>(key, hitsAtOnce, read);
  // Counting behind a filter may take longer than the first page.
  const counted = useQuery({
    queryKey: [...key, "total"],
    queryFn: ({ signal }) => results.hits(job.id, { ...request, limit: 0 }, signal),
    enabled: hits.first !== undefined && hits.total === null,
    staleTime: Infinity,
  });
  const total = hits.total ?? counted.data?.total ?? null;
  const refused = hits.error instanceof ApiError && hits.error.status === 400 ? hits.error : null;
  const list = { ...hits, total };
  return (
    <>
      {hits.error && !refused ? <Fault error={hits.error} retry={hits.retry} /> : null}
      <Hits job={job} query={query} hits={list} shown={shown} step={step} selected={selected} onSelect={onSelect} request={request}>
        <div className="row">
          <h2>{say.table.label}</h2>
          <span className="muted small" role="status">
            {filtered && total !== null && !refused ? say.table.filtered(count(total), count(query.hits)) : ""}
          </span>
          {filtered && (
            <button
              type="button"
              className="link small"
              onClick={() => {
                setTyped("");
                setParams(noFilter);
              }}
            >
              {say.table.clear}
            </button>
          )}
        </div>
        <div className="row grow">
          <div className="filterbox">
            <input
              type="search"
              className="input"
              aria-label={say.table.filter}
              aria-describedby="filter-help"
              aria-invalid={refused !== null}
              title={say.table.filterHelp}
              placeholder={say.table.filterHint}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
            <span id="filter-help" className={refused ? "fault" : "hidden"} role="status">
              {refused ? refused.message : say.table.filterHelp}
            </span>
          </div>
        </div>
      </Hits>
    </>
  );
}

interface HitsProps extends Props {
  hits: Pages<Hit>;
  shown: ReturnType<typeof useShown>;
  request: HitRequest;
  children: React.ReactNode;
}

/** Which hit is in focus. The address names its sequence, so that it survives another sort. */
function useFocus({ hits, shown }: Pick<HitsProps, "hits" | "shown">) {
  const [place, setPlace] = useState<number | null>(null);
  const [name, setName] = useState(shown.hit);
  useEffect(() => setPlace(null), [shown.filter, shown.sort]);
  // The address follows when the focus rests; browsers refuse to write it at every key press.
  useEffect(() => {
    const timer = setTimeout(() => setParams({ hit: name === hits.row(0)?.accession ? null : name }), 250);
    return () => clearTimeout(timer);
  }, [name]);
  const found = name === null ? 0 : hits.find(({ accession }) => accession === name);
  // Out of sight, the focus is still where it was.
  const at = found >= 0 ? found : (place ?? -1);
  const waiting = place !== null && found !== place ? hits.row(place) : undefined;
  useEffect(() => {
    if (waiting) setName(waiting.accession);
  }, [waiting]);
  const focus = (next: number) => {
    setPlace(next);
    const hit = hits.row(next);
    if (hit) setName(hit.accession);
    else hits.see(next, next);
  };
  return { at, name, focus };
}

function Hits({ job, query, hits, shown, step, selected, onSelect, request, children }: HitsProps) {
  const usual = useMemo(() => usualColumns(hits.first ?? []), [hits.first]);
  const visible = useMemo(() => shown.columns?.split(",") ?? usual, [shown.columns, usual]);
  const { at, name, focus } = useFocus({ hits, shown });
  const printing = usePrinting();
  const [plotsOpen, setPlotsOpen] = useState(() => Object.keys(shown.ranges).length > 0);
  const [fit, setFit] = useState(kept.get("fit") === "1");
  const [dots, setDots] = useState(kept.get("dots") === "1");
  const [ref, width] = useWidth<HTMLDivElement>(800);
  const walk = (by: number) => {
    if (hits.count > 0) focus(Math.min(hits.count - 1, Math.max(0, at + by)));
  };
  const toggle = (hit: Hit | undefined) => {
    if (!hit) return;
    const next = new Map(selected);
    if (!next.delete(hit.id)) next.set(hit.id, shownName(hit));
    onSelect(next);
  };
  const toggleAll = async () => {
    if (selected.size > 0) return onSelect(new Map());
    const rows = await firstHits(job, request, 0, mostSelected);
    if (rows.length >= mostSelected) toast(say.table.firstSelected(count(rows.length)));
    onSelect(new Map(rows.map((hit) => [hit.id, shownName(hit)])));
  };
  const [sheet, setSheet] = useState<Hit[] | null>(null);
  const print = async () => {
    const { sort } = request;
    const which = selected.size > 0 ? { query: query.index, sort, select: [...selected.keys()].join(",") } : request;
    setSheet(await firstHits(job, which, hspsInTable, mostPrinted));
  };
  useEffect(() => {
    if (!sheet) return;
    window.addEventListener("afterprint", () => setSheet(null), { once: true });
    window.print();
  }, [sheet]);
  useHotkeys({
    ArrowDown: () => walk(1), j: () => walk(1), ArrowUp: () => walk(-1), k: () => walk(-1), PageDown: () => walk(12), PageUp: () => walk(-12),
    Home: () => walk(-Infinity), End: () => walk(Infinity), x: () => toggle(hits.row(at)), "[": () => step(-1), "]": () => step(1),
  });
  const drawn = hits.first ?? none;
  const details = useQuery(queryOf(job.id, { query: query.index }));
  const depth = details.data?.depth ?? none;
  const fileName = (query.name || `query-${query.index + 1}`).replaceAll(/[^\w.-]+/g, "_");
  const scene = useMemo(() => summary(query, drawn, width, mostDrawn, depth), [query, drawn, width, depth]);
  const hit = useFocusedHit(job, query, hits.row(at), name);
  return (
    <>
      <details open className="part">
        <summary>{say.summary}</summary>
        <div className="row spread small noprint">
          <span className="muted">{hits.count > mostDrawn ? say.summaryFirst(mostDrawn, count(hits.total ?? hits.count)) : ""}</span>
          <SavePicture scene={() => scene} name={say.summaryName(fileName)} />
        </div>
        <div ref={ref} className="summaryscroll" tabIndex={0} role="region" aria-label={say.summary}>
          <Picture scene={scene} onPick={focus} marked={at} />
        </div>
      </details>
      {query.hits > 2 && (
        <details className="part noprint" open={plotsOpen} onToggle={(event) => setPlotsOpen(event.currentTarget.open)}>
          <summary>{say.plots.heading}</summary>
          {plotsOpen && <Distributions job={job} request={request} ranges={shown.ranges} />}
        </details>
      )}
      <div className="stack tight">
        <div className="row spread noprint">
          {children}
          <div className="row">
            <ColumnChooser shown={visible} onChange={(next) => setParams({ columns: next.join(",") === usual.join(",") ? null : next.join(",") })} />
            <HitDownload job={job} request={request} total={hits.total} selected={selected} />
            <button type="button" className="button" title={say.table.printHelp(count(mostPrinted))} onClick={() => void print().catch((reason: unknown) => toast(reason instanceof Error ? reason.message : String(reason)))}>
              {say.table.print}
            </button>
          </div>
        </div>
        {hits.first?.length === 0 ? (
          <div className="panel empty">
            <p>{say.table.nothing}</p>
          </div>
        ) : hits.first || !hits.error ? (
          hits.first && printing ? (
            <>
              <PrintedHits hits={sheet ?? hits.first} shown={visible} />
              <NotPrinted printed={sheet ?? hits.first} selected={sheet ? selected.size : 0} hits={hits} />
            </>
          ) : hits.first ? (
            <HitTable hits={hits} shown={visible} sort={shown.sort} onSort={(sort) => setParams({ sort })} at={at} onFocus={focus} selected={selected} onToggle={toggle} onToggleAll={() => void toggleAll()} />
          ) : (
            <Skeleton lines={10} height={24} />
          )
        ) : null}
      </div>
      {hit && hits.first && hits.first.length > 0 && (
        <Alignment
          key={hit.id}
          job={job}
          query={query}
          hit={hit}
          fit={fit}
          dots={dots}
          onFit={(on) => {
            setFit(on);
            kept.set("fit", on ? "1" : "0");
          }}
          onDots={(on) => {
            setDots(on);
            kept.set("dots", on ? "1" : "0");
          }}
        />
      )}
    </>
  );
}

/** The first hits, up to `most` of them. */
async function firstHits(job: Job, request: HitRequest, hsps: number, most: number): Promise<Hit[]> {
  const found: Hit[] = [];
  for (let cursor: string | null = ""; cursor !== null && found.length < most; ) {
    const page: Page<Hit> = await results.hits(job.id, { ...request, hsps, limit: Math.min(1000, most), cursor });
    found.push(...page.rows);
    cursor = page.next;
  }
  return found.slice(0, most);
}

/** Paper says what it lacks. */
function NotPrinted({ printed, selected, hits }: { printed: Hit[]; selected: number; hits: Pages<Hit> }) {
  const all = selected || hits.total;
  if (all === null ? hits.count <= printed.length : all <= printed.length) return null;
  const shown = count(printed.length);
  return <p className="small">{selected ? say.table.selectedPrinted(shown, count(selected)) : say.table.firstPrinted(shown, all === null ? null : count(all))}</p>;
}

/** The hit in focus: a row that is here, else the one the address names. It settles while keys walk over hits. */
function useFocusedHit(job: Job, query: QueryRow, row: Hit | undefined, name: string | null): Hit | undefined {
  const elsewhere = useQuery({
    queryKey: ["results", job.id, "hit", query.index, name],
    queryFn: ({ signal }) => results.hits(job.id, { query: query.index, subject: name, hsps: hspsInTable, limit: 1 }, signal),
    enabled: !row && name !== null,
    staleTime: Infinity,
  });
  const hit = row ?? elsewhere.data?.rows[0];
  const [settled, setSettled] = useState(hit);
  const rested = useRef(0);
  useEffect(() => {
    const wait = Date.now() - rested.current < 250 ? 150 : 0;
    rested.current = Date.now();
    const timer = setTimeout(() => setSettled(hit), wait);
    return () => clearTimeout(timer);
  }, [hit?.id]);
  return settled;
}

/** Of all hits of the query, and of those that the filter allows. */
function Distributions({ job, request, ranges }: { job: Job; request: HitRequest; ranges: Ranges }) {
  const { sort: _, ...filter } = request;
  const all = useQuery(queryOf(job.id, { query: request.query }));
  const filtered = useQuery({ ...queryOf(job.id, filter), placeholderData: keepPreviousData });
  // What is wrong with a filter stands beside it.
  const shown = filtered.data ?? all.data;
  if (all.error) return <Fault error={all.error} retry={() => void all.refetch()} />;
  if (!shown) return <Skeleton lines={3} height={36} />;
  return <Plots of={shown.distributions ?? {}} ranges={ranges} onRange={(measure, range) => setParams({ [measure]: range ? `${range[0]}..${range[1]}` : null })} />;
}
