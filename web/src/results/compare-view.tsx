import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { jobName } from "../api/actions.ts";
import { api, type Job } from "../api/client.ts";
import { type Hit, type QueryRow, results } from "../api/results.ts";
import { clock, count } from "../lib/format.ts";
import { setParams, useLocation } from "../router.ts";
import { strings } from "../strings.ts";
import { Fault, Link, Skeleton } from "../ui/basics.tsx";
import { compareHits, kindOf, type Pair, type PairKind } from "./compare.ts";
import { shownName } from "./hits.ts";

const say = strings.results.compare;
const most = 1000;
const kinds = ["shared", "moved", "here", "there"] as const;

/** The hits of the chosen query beside those that another job found for the query of the same name. */
export function CompareView({ job, query }: { job: Job; query: QueryRow }) {
  const { params } = useLocation();
  const other = params.get("with") ?? "";
  const jobs = useQuery({ queryKey: ["jobs", "to compare"], queryFn: ({ signal }) => api.jobs({ status: "completed" }, "", 100, signal) });
  const offered = jobs.data?.jobs.filter(({ id }) => id !== job.id) ?? [];
  // Jobs of the same program first: they are most alike.
  const sorted = [...offered].sort((a, b) => Number(b.program === job.program) - Number(a.program === job.program));
  return (
    <div className="stack">
      <div className="field">
        <label htmlFor="compare-with">{say.with}</label>
        <select id="compare-with" className="select" value={other} onChange={(event) => setParams({ with: event.target.value })}>
          <option value="">{say.choose}</option>
          {other && !sorted.some(({ id }) => id === other) && <option value={other}>{other.slice(0, 8)}</option>}
          {sorted.map((one) => (
            <option key={one.id} value={one.id}>
              {say.option(jobName(one), `${one.program}, ${one.database}`, clock(one.created))}
            </option>
          ))}
        </select>
      </div>
      {jobs.error ? <Fault error={jobs.error} /> : null}
      {other ? <Compared key={`${other} ${query.index}`} job={job} other={other} query={query} /> : <p className="muted">{say.help}</p>}
    </div>
  );
}

async function sameQuery(job: string, wanted: QueryRow, signal: AbortSignal): Promise<{ query: QueryRow; hits: Hit[] } | null> {
  const found = await results.queries(job, { find: wanted.name, limit: 200 }, signal);
  const query = found.rows.find(({ name, iteration }) => name === wanted.name && (iteration ?? 1) === (wanted.iteration ?? 1));
  if (!query) return null;
  return { query, hits: (await results.hits(job, { query: query.index, hsps: 0, limit: most }, signal)).rows };
}

function Compared({ job, other, query }: { job: Job; other: string; query: QueryRow }) {
  const here = useQuery({
    queryKey: ["results", job.id, "compared", query.index],
    queryFn: ({ signal }) => results.hits(job.id, { query: query.index, hsps: 0, limit: most }, signal).then(({ rows }) => rows),
    staleTime: Infinity,
  });
  const there = useQuery({ queryKey: ["results", other, "compared to", job.id, query.index], queryFn: ({ signal }) => sameQuery(other, query, signal), staleTime: Infinity });
  const [kind, setKind] = useState<PairKind | "">("");
  const pairs = useMemo(() => (here.data && there.data ? compareHits(here.data, there.data.hits) : []), [here.data, there.data]);
  const error = here.error ?? there.error;
  if (error) return <Fault error={error} />;
  if (!here.data || there.data === undefined) return <Skeleton lines={8} height={24} />;
  if (there.data === null) return <p className="note">{say.noQuery(query.name)}</p>;
  const counts = Object.fromEntries(kinds.map((one) => [one, pairs.filter((pair) => kindOf(pair) === one).length]));
  const shown = kind ? pairs.filter((pair) => kindOf(pair) === kind) : pairs;
  return (
    <div className="stack tight">
      <div className="segments" role="radiogroup" aria-label={say.show}>
        {(["", ...kinds] as const).map((one) => (
          <label key={one} className={one === kind ? "segment chosen" : "segment"}>
            <input type="radio" name="pairs" checked={one === kind} onChange={() => setKind(one)} />
            {one === "" ? say.all(count(pairs.length)) : say.kinds[one](count(counts[one] ?? 0))}
          </label>
        ))}
      </div>
      {Math.max(query.hits, there.data.query.hits) > most && <p className="muted small">{say.cut(count(most))}</p>}
      <div className="panel flush scroll">
        <table className="table dblist">
          <thead>
            <tr>
              <th>{say.column.hit}</th>
              <th>{say.column.what}</th>
              <th className="num">{say.column.evalueHere}</th>
              <th className="num">{say.column.evalueThere}</th>
              <th className="num">{say.column.scoreHere}</th>
              <th className="num">{say.column.scoreThere}</th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, 500).map((pair) => (
              <PairRow key={pair.accession} pair={pair} other={other} otherQuery={there.data!.query.index} />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length > 500 && <p className="muted small">{say.first}</p>}
    </div>
  );
}

function PairRow({ pair, other, otherQuery }: { pair: Pair; other: string; otherQuery: number }) {
  const kind = kindOf(pair);
  return (
    <tr>
      <td>
        {pair.here ? (
          <button type="button" className="link mono" onClick={() => setParams({ view: null, hit: pair.accession }, "push")}>
            {shownName(pair)}
          </button>
        ) : (
          <Link place="job" params={{ id: other, q: otherQuery + 1, hit: pair.accession }} className="mono">
            {shownName(pair)}
          </Link>
        )}
        <div className="muted small">{pair.title}</div>
      </td>
      <td>{kind === "moved" ? say.rise(pair.rise) : say.kind[kind]}</td>
      <td className="num">{pair.here?.evalue ?? "–"}</td>
      <td className="num">{pair.there?.evalue ?? "–"}</td>
      <td className="num">{pair.here?.max_score ?? "–"}</td>
      <td className="num">{pair.there?.max_score ?? "–"}</td>
    </tr>
  );
}
