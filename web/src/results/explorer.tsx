import "../css/results.css";
import type { SortingState } from "@tanstack/react-table";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Job } from "../api/client.ts";
import { bytes, count } from "../lib/format.ts";
import { saveText } from "../lib/save.ts";
import type { Hit, QueryInfo } from "../lib/tabular.ts";
import { setParams, useLocation } from "../router.ts";
import { strings } from "../strings.ts";
import { Fault, Skeleton } from "../ui/basics.tsx";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { Alignment } from "./alignment.tsx";
import { ColumnChooser, HitTable } from "./hit-table.tsx";
import { columns, filterHits, type Measure, parseRange, type Ranges, toFasta, toTsv, usualColumns } from "./hits.ts";
import { summary } from "./pictures.ts";
import { Plots } from "./plots.tsx";
import { ordered, QueryList, type QueryOrder } from "./query-list.tsx";
import { byteLimit, type HitSource, type Loading, OutputSource, type Overview } from "./source.ts";

const say = strings.results;
const allMeasures: Measure[] = ["evalue", "identity", "length", "cover"];

type Loaded = { source: HitSource; overview: Overview };

/** Loads the hits of a job. A new job is a new component (see its key), so there is one source for its life. */
function useSource(job: Job): { loaded: Loaded | null; loading: Loading | null; error: unknown; retry: () => void } {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [loading, setLoading] = useState<Loading | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const source: HitSource = new OutputSource(job.id);
    let gone = false;
    setError(null);
    source.load(setLoading).then(
      (overview) => !gone && setLoaded({ source, overview }),
      (reason: unknown) => !gone && setError(reason),
    );
    return () => {
      gone = true;
      source.close();
    };
  }, [job.id, attempt]);
  return { loaded, loading, error, retry: () => setAttempt(attempt + 1) };
}

export default function Explorer({ job }: { job: Job }) {
  const { loaded, loading, error, retry } = useSource(job);
  if (error) return <Fault error={error} retry={retry} />;
  if (!loaded)
    return (
      <div className="stack">
        <p className="muted" role="status">
          {loading?.state === "reading" ? say.reading(bytes(loading.bytes), count(loading.queries)) : loading ? say.waiting : say.opening}
        </p>
        <Skeleton lines={8} height={28} />
      </div>
    );
  const { overview, source } = loaded;
  const hits = overview.queries.reduce((sum, query) => sum + query.hits, 0);
  return (
    <div className="stack">
      {overview.cut && <div className="note warn">{say.cut(count(overview.queries.length), bytes(byteLimit))}</div>}
      {hits === 0 && !overview.cut ? (
        <div className="panel empty">
          <h2>{say.noHits(String(job.options.evalue ?? "10"))}</h2>
          <p>{say.noHitsHelp}</p>
        </div>
      ) : (
        <Browser job={job} queries={overview.queries} source={source} />
      )}
    </div>
  );
}

function Browser({ job, queries, source }: { job: Job; queries: QueryInfo[]; source: HitSource }) {
  const { params } = useLocation();
  const order = (["hits", "file", "evalue"] as const).find((one) => one === params.get("order")) ?? "hits";
  const words = params.get("find") ?? "";
  const sorted = useMemo(() => ordered(queries, order, words), [queries, order, words]);
  const asked = Number(params.get("q")) - 1;
  const query = queries[asked] ?? ordered(queries, order, "")[0];
  const choose = useCallback((index: number) => setParams({ q: index + 1, hit: null, words: null, ...Object.fromEntries(allMeasures.map((m) => [m, null])) }, "push"), []);
  const step = useCallback(
    (by: number) => {
      const at = sorted.findIndex(({ index }) => index === query?.index);
      const next = sorted[at + by];
      if (next) choose(next.index);
    },
    [sorted, query, choose],
  );
  if (!query) return null;
  return (
    <div className={queries.length > 1 ? "results" : "results alone"}>
      {queries.length > 1 && (
        <QueryList
          queries={queries}
          order={order}
          words={words}
          chosen={query.index}
          onChoose={choose}
          onOrder={(next: QueryOrder) => setParams({ order: next === "hits" ? null : next })}
          onWords={(find) => setParams({ find })}
        />
      )}
      <QueryHits key={query.index} job={job} query={query} source={source} step={step} />
    </div>
  );
}

function QueryHits({ job, query, source, step }: { job: Job; query: QueryInfo; source: HitSource; step: (by: number) => void }) {
  const [hits, setHits] = useState<Hit[] | null>(query.hits === 0 ? [] : null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (query.hits === 0) return;
    let gone = false;
    source.hits(query.index).then(
      (found) => !gone && setHits(found),
      (reason: unknown) => !gone && setError(reason),
    );
    return () => {
      gone = true;
    };
  }, [source, query]);
  const none = hits?.length === 0;
  return (
    <section className="hits stack" aria-label={say.hitsOf(query.title)}>
      <header className="querytitle">
        <h2>
          <span className="mono">{query.title.split(/\s/, 1)[0] || say.queries.unnamed(query.index + 1)}</span> <span className="rest">{query.title.split(/\s+/).slice(1).join(" ")}</span>
        </h2>
        <p className="muted small">
          {query.length > 0 && `${count(query.length)} ${say.lettersLong}, `}
          {say.hits(query.hits, count(query.hits))}
          {query.hsps > query.hits && `, ${say.alignments(count(query.hsps))}`}
        </p>
      </header>
      {error ? <Fault error={error} /> : null}
      {!hits && !error && <Skeleton lines={10} height={24} />}
      {none && (
        <div className="panel empty">
          <h2>{say.noHits(String(job.options.evalue ?? "10"))}</h2>
          <p>{say.noHitsQuery}</p>
        </div>
      )}
      {hits && !none && <Hits job={job} query={query} hits={hits} step={step} />}
      {none && <Keys step={step} />}
    </section>
  );
}

/** "[" and "]" go to the query before and after. */
function Keys({ step }: { step: (by: number) => void }) {
  useHotkeys({ "[": () => step(-1), "]": () => step(1) });
  return null;
}

function useHotkeys(keys: Record<string, () => void>) {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) || (target instanceof HTMLInputElement && !/^(checkbox|radio)$/.test(target.type));
      if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const run = latest.current[event.key];
      if (!run || (target instanceof HTMLInputElement && target.type === "radio")) return;
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}

function readSorting(text: string | null): SortingState {
  const desc = text?.startsWith("-") ?? false;
  const id = desc ? text!.slice(1) : (text ?? "");
  return columns.some((column) => column.id === id) ? [{ id, desc }] : [];
}

const kept = {
  get(name: string) {
    try {
      return localStorage.getItem(`blastloom.${name}`);
    } catch {
      return null;
    }
  },
  set(name: string, value: string) {
    try {
      localStorage.setItem(`blastloom.${name}`, value);
    } catch {
      // It lives as long as the page then.
    }
  },
};

function Hits({ job, query, hits, step }: { job: Job; query: QueryInfo; hits: Hit[]; step: (by: number) => void }) {
  const { params } = useLocation();
  const words = params.get("words") ?? "";
  const [text, setText] = useState(words);
  useEffect(() => {
    if (text === words) return;
    const timer = setTimeout(() => setParams({ words: text }), 200);
    return () => clearTimeout(timer);
  }, [text, words]);
  const rangeText = allMeasures.map((measure) => params.get(measure) ?? "").join("|");
  const ranges = useMemo<Ranges>(() => {
    const found: Ranges = {};
    for (const measure of allMeasures) {
      const range = parseRange(params.get(measure));
      if (range) found[measure] = range;
    }
    return found;
  }, [rangeText]);
  const passed = useMemo(() => filterHits(hits, words, ranges), [hits, words, ranges]);
  const sortText = params.get("sort");
  const sorting = useMemo(() => readSorting(sortText), [sortText]);
  const columnText = params.get("columns");
  const shown = useMemo(() => columnText?.split(",") ?? usualColumns(hits), [columnText, hits]);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [focused, setFocused] = useState(() => hits[Number(params.get("hit")) - 1]?.index ?? hits[0]!.index);
  const [plotsOpen, setPlotsOpen] = useState(() => Object.keys(ranges).length > 0);
  const [fit, setFit] = useState(kept.get("fit") === "1");
  const [dots, setDots] = useState(kept.get("dots") === "1");
  const order = useRef<number[]>([]);
  const onOrder = useCallback((next: number[]) => void (order.current = next), []);
  const [ref, width] = useWidth<HTMLDivElement>(800);
  const most = 100;

  // The address follows the focus when it rests; browsers refuse to write it at every key press.
  useEffect(() => {
    const timer = setTimeout(() => setParams({ hit: focused === hits[0]!.index ? null : focused + 1 }), 250);
    return () => clearTimeout(timer);
  }, [focused, hits]);
  useEffect(() => {
    if (passed.length > 0 && !passed.some(({ index }) => index === focused)) setFocused(passed[0]!.index);
  }, [passed, focused]);
  const walk = (by: number) => {
    const at = order.current.indexOf(focused);
    const next = order.current[Math.min(order.current.length - 1, Math.max(0, at + by))];
    if (next !== undefined) setFocused(next);
  };
  const toggle = () => {
    const next = new Set(selected);
    if (!next.delete(focused)) next.add(focused);
    setSelected(next);
  };
  useHotkeys({
    ArrowDown: () => walk(1), j: () => walk(1), ArrowUp: () => walk(-1), k: () => walk(-1), PageDown: () => walk(12), PageUp: () => walk(-12),
    Home: () => walk(-Infinity), End: () => walk(Infinity), x: toggle, "[": () => step(-1), "]": () => step(1),
  });

  const scene = useMemo(() => summary(query, passed, width, most, focused), [query, passed, width, focused]);
  const hit = hits[focused];
  const chosen = selected.size > 0 ? hits.filter(({ index }) => selected.has(index)) : passed;
  const name = (query.title.split(/\s/, 1)[0] || `query-${query.index + 1}`).replaceAll(/[^\w.-]+/g, "_");
  const filtered = words !== "" || Object.keys(ranges).length > 0;
  const matrix = String(job.options.matrix ?? "BLOSUM62").toUpperCase();
  return (
    <>
      <details open className="part">
        <summary>{say.summary}</summary>
        <div className="row spread small noprint">
          <span className="muted">{passed.length > most ? say.summaryFirst(most, count(passed.length)) : ""}</span>
          <SavePicture scene={() => summary(query, passed, width, most, -1)} name={say.summaryName(name)} />
        </div>
        <div ref={ref} className="summaryscroll" tabIndex={0} role="region" aria-label={say.summary}>
          <Picture scene={scene} onPick={setFocused} />
        </div>
      </details>
      {hits.length > 2 && (
        <details className="part noprint" open={plotsOpen} onToggle={(event) => setPlotsOpen(event.currentTarget.open)}>
          <summary>{say.plots.heading}</summary>
          {plotsOpen && <Plots hits={hits} passed={passed} ranges={ranges} onRange={(measure, range) => setParams({ [measure]: range ? `${range[0]}..${range[1]}` : null })} />}
        </details>
      )}
      <div className="stack tight">
        <div className="row spread noprint">
          <div className="row">
            <h2>{say.table.label}</h2>
            <span className="muted small" role="status">
              {filtered ? say.table.filtered(count(passed.length), count(hits.length)) : ""}
            </span>
            {filtered && (
              <button
                type="button"
                className="link small"
                onClick={() => {
                  setText("");
                  setParams({ words: null, ...Object.fromEntries(allMeasures.map((measure) => [measure, null])) });
                }}
              >
                {say.table.clear}
              </button>
            )}
          </div>
          <div className="row">
            <input type="search" className="input" aria-label={say.table.filter} placeholder={say.table.filter} value={text} onChange={(event) => setText(event.target.value)} />
            <ColumnChooser shown={shown} onChange={(next) => setParams({ columns: next.join(",") === usualColumns(hits).join(",") ? null : next.join(",") })} />
            <button type="button" className="button" onClick={() => saveText(toTsv(query, chosen), `${name}.tsv`, "text/tab-separated-values")}>
              {say.table.tsv(selected.size)}
            </button>
            <button type="button" className="button" title={say.table.fastaHelp} onClick={() => saveText(toFasta(chosen), `${name}.aligned.fasta`)}>
              {say.table.fasta(selected.size)}
            </button>
          </div>
        </div>
        {passed.length === 0 ? (
          <div className="panel empty">
            <p>{say.table.nothing}</p>
          </div>
        ) : (
          <HitTable
            hits={passed}
            shown={shown}
            sorting={sorting}
            onSort={([first]) => setParams({ sort: first ? `${first.desc ? "-" : ""}${first.id}` : null })}
            focused={focused}
            onFocus={setFocused}
            selected={selected}
            onSelect={setSelected}
            onOrder={onOrder}
          />
        )}
      </div>
      {hit && passed.length > 0 && (
        <Alignment
          key={hit.index}
          query={query}
          hit={hit}
          program={job.program}
          blosum62={job.program !== "blastn" && matrix === "BLOSUM62"}
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
