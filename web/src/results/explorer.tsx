import "../css/results.css";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import type { Job } from "../api/client.ts";
import { type HitSummary, queriesAtOnce, queriesOf, type QueryRow, results, summaryOf } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { setParams, useLocation } from "../router.ts";
import { strings } from "../strings.ts";
import { Fault, Skeleton } from "../ui/basics.tsx";
import { CompareView } from "./compare-view.tsx";
import type { Selection } from "./hit-table.tsx";
import { useHotkeys } from "./hotkeys.ts";
import { Overview } from "./overview.tsx";
import { usePages } from "./pages.ts";
import { noFilter, QueryHits } from "./query-hits.tsx";
import { QueryList, queryOrders, queryTitle } from "./query-list.tsx";
import { TaxonomyView } from "./taxonomy-view.tsx";

const say = strings.results;
const views = ["hits", "overview", "taxonomy", "compare"] as const;

export default function Explorer({ job }: { job: Job }) {
  const { data, error, refetch } = useQuery(summaryOf(job.id));
  if (error) return <Fault error={error} retry={() => void refetch()} />;
  if (!data) return <Opening />;
  if (data.hits > 0) return <Browser job={job} overview={data} />;
  return (
    <div className="panel empty">
      <h2>{say.noHits(String(job.options.evalue ?? "10"))}</h2>
      <p>{say.noHitsHelp}</p>
    </div>
  );
}

/** The first look at a result makes its index, which takes a while when it is large. */
function Opening() {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 500);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="stack">
      <p className="muted" role="status">
        {slow ? say.indexing : say.opening}
      </p>
      <Skeleton lines={8} height={28} />
    </div>
  );
}

function Browser({ job, overview }: { job: Job; overview: HitSummary }) {
  const { params } = useLocation();
  const order = queryOrders.find((one) => one === params.get("order")) ?? "hits";
  const words = params.get("find") ?? "";
  const [selected, setSelected] = useState<Selection>(new Map());
  const list = queriesOf(job.id, order, words);
  const queries = usePages<QueryRow>(list.key, queriesAtOnce, list.read);
  const asked = params.get("q") === null ? undefined : Number(params.get("q")) - 1;
  const named = useQuery({
    queryKey: ["results", job.id, "summary", asked],
    queryFn: ({ signal }) => results.summary(job.id, { query: asked! }, signal),
    enabled: asked !== undefined && Number.isInteger(asked) && asked >= 0 && asked < overview.queries,
    staleTime: Infinity,
  });
  const choose = useCallback((index: number) => setParams({ q: index + 1, hit: null, ...noFilter }, "push"), []);
  // A list that is being filtered does not change which query is shown.
  const [first, setFirst] = useState<QueryRow>();
  useEffect(() => {
    if (!first && queries.first?.[0]) setFirst(queries.first[0]);
  }, [first, queries.first]);
  const inList = queries.find(({ index }) => index === asked);
  const query = (inList >= 0 ? queries.row(inList) : named.data?.query) ?? (asked === undefined || named.isError || !named.isEnabled ? first : undefined);
  const step = (by: number) => {
    const at = queries.find(({ index }) => index === query?.index);
    const next = at < 0 ? undefined : queries.row(at + by);
    if (next) choose(next.index);
  };
  const view = views.find((one) => one === params.get("view")) ?? "hits";
  const tabs = (
    <div className="segments noprint" role="radiogroup" aria-label={say.view.label}>
      {views.map((one) => (
        <label key={one} className={one === view ? "segment chosen" : "segment"}>
          <input type="radio" name="view" checked={one === view} onChange={() => setParams({ view: one === "hits" ? null : one }, "push")} />
          {say.view[one]}
        </label>
      ))}
    </div>
  );
  if (view === "overview" || view === "taxonomy")
    return (
      <div className="stack">
        {tabs}
        {view === "overview" ? <Overview job={job} summary={overview} /> : <TaxonomyView job={job} />}
      </div>
    );
  const many = overview.queries > 1;
  return (
    <div className="stack">
      {tabs}
      <div className={many ? "results" : "results alone"}>
        {many && (
          <QueryList
            queries={queries}
            withHits={overview.with_hits}
            all={overview.queries}
            order={order}
            words={words}
            chosen={query?.index ?? -1}
            onChoose={choose}
            onOrder={(next) => setParams({ order: next === "hits" ? null : next })}
            onWords={(find) => setParams({ find })}
          />
        )}
        {queries.error && !query ? <Fault error={queries.error} retry={queries.retry} /> : null}
        {query ? <OneQuery key={query.index} job={job} query={query} view={view} step={step} selected={selected} onSelect={setSelected} /> : !queries.error && <Skeleton lines={10} height={24} />}
      </div>
    </div>
  );
}

interface OneProps {
  job: Job;
  query: QueryRow;
  view: "hits" | "compare";
  step: (by: number) => void;
  selected: Selection;
  onSelect: (selected: Selection) => void;
}

function OneQuery({ job, query, view, step, selected, onSelect }: OneProps) {
  const [name = "", ...rest] = queryTitle(query).split(/\s+/);
  return (
    <section className="hits stack" aria-label={say.hitsOf(query.title)}>
      <header className="querytitle">
        <h2>
          <span className="mono">{name || say.queries.unnamed(query.index + 1)}</span> <span className="rest">{rest.join(" ")}</span>
        </h2>
        <p className="muted small">
          {query.length !== null && `${count(query.length)} ${say.lettersLong}, `}
          {say.hits(query.hits, count(query.hits))}
          {query.hsps > query.hits && `, ${say.alignments(count(query.hsps))}`}
        </p>
      </header>
      {view === "compare" ? (
        <>
          <CompareView job={job} query={query} />
          <Keys step={step} />
        </>
      ) : query.hits > 0 ? (
        <QueryHits job={job} query={query} step={step} selected={selected} onSelect={onSelect} />
      ) : (
        <div className="panel empty">
          <h2>{say.noHits(String(job.options.evalue ?? "10"))}</h2>
          <p>{say.noHitsQuery}</p>
          <Keys step={step} />
        </div>
      )}
    </section>
  );
}

/** "[" and "]" go to the query before and after. */
function Keys({ step }: { step: (by: number) => void }) {
  useHotkeys({ "[": () => step(-1), "]": () => step(1) });
  return null;
}
