import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Job } from "../api/client.ts";
import { type HitSummary, type QueryRow, results, type SubjectTotal } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { setParams } from "../router.ts";
import { strings } from "../strings.ts";
import { Fault, Link, Skeleton } from "../ui/basics.tsx";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { shownName } from "./hits.ts";
import { type Cell, distribution, matrix, mostSubjects } from "./overview-pictures.ts";

const say = strings.results.overview;
const mostQueries = 30;

/** The result as a whole: how its alignments are distributed, which sequences most queries found, and which found which. */
export function Overview({ job, summary }: { job: Job; summary: HitSummary }) {
  const subjects = useQuery({ queryKey: ["results", job.id, "top subjects"], queryFn: ({ signal }) => results.subjects(job.id, { sort: "hits", limit: mostSubjects }, signal), staleTime: Infinity });
  return (
    <div className="stack">
      <p>{say.words(count(summary.with_hits), count(summary.queries), count(summary.subjects), count(summary.hits), count(summary.hsps))}</p>
      <div className="plots">
        {(["evalue", "pident", "length"] as const).map((one) => (
          <Distribution key={one} name={one} bins={summary.histograms[one]} />
        ))}
      </div>
      {subjects.error ? <Fault error={subjects.error} retry={() => void subjects.refetch()} /> : !subjects.data ? <Skeleton lines={8} /> : (
        <>
          <Subjects job={job} subjects={subjects.data.rows} />
          {summary.queries > 1 && <Matrix job={job} subjects={subjects.data.rows} />}
        </>
      )}
    </div>
  );
}

function Distribution({ name, bins }: { name: "evalue" | "pident" | "length"; bins: HitSummary["histograms"]["evalue"] }) {
  const [ref, width] = useWidth<HTMLDivElement>(280);
  const scene = useMemo(() => distribution(bins, width, say.histogram[name], name), [bins, width, name]);
  return (
    <figure className="plot">
      <figcaption className="row spread small">
        <span>{say.histogram[name]}</span>
        <SavePicture scene={() => scene} name={say.histogramFile[name]} />
      </figcaption>
      <div ref={ref}>
        <Picture scene={scene} />
      </div>
    </figure>
  );
}

function Subjects({ job, subjects }: { job: Job; subjects: SubjectTotal[] }) {
  return (
    <section className="stack tight" aria-labelledby="subjects-title">
      <h2 id="subjects-title">{say.subjects}</h2>
      <div className="panel flush scroll">
        <table className="table dblist">
          <thead>
            <tr>
              <th className="num">{say.column.number}</th>
              <th>{say.column.subject}</th>
              <th className="num">{say.column.queries}</th>
              <th className="num">{say.column.hsps}</th>
              <th className="num">{say.column.evalue}</th>
              <th className="num">{say.column.score}</th>
            </tr>
          </thead>
          <tbody>
            {subjects.map((subject, i) => (
              <tr key={subject.id}>
                <td className="num">{i + 1}</td>
                <td>
                  <Link place="databases" params={{ name: job.database, ids: subject.accession }} className="mono">
                    {shownName(subject)}
                  </Link>
                  <div className="muted small">
                    {subject.title}
                    {subject.sciname && `, ${subject.sciname}`}
                  </div>
                </td>
                <td className="num">{count(subject.queries)}</td>
                <td className="num">{count(subject.hsps)}</td>
                <td className="num">{evalueText(subject.evalue)}</td>
                <td className="num">{subject.max_score}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** As BLAST prints them in tables. */
const evalueText = (value: number) => (value === 0 ? "0.0" : value < 1e-3 ? value.toExponential(2).replace(/-(\d)$/, "-0$1") : value.toPrecision(2));

const quoted = (text: string) => (text.includes("'") ? `"${text}"` : `'${text}'`);

/** Queries with most hits against the sequences that most queries found. */
function Matrix({ job, subjects }: { job: Job; subjects: SubjectTotal[] }) {
  const [ref, width] = useWidth<HTMLDivElement>(800);
  const queries = useQuery({ queryKey: ["results", job.id, "top queries"], queryFn: ({ signal }) => results.queries(job.id, { sort: "hits", limit: mostQueries }, signal), staleTime: Infinity });
  const rows: QueryRow[] = queries.data?.rows.filter(({ hits }) => hits > 0) ?? [];
  const where = subjects.map(({ accession }) => `subject=${quoted(accession)}`).join(" or ");
  const cells = useQueries({
    queries: rows.map((query) => ({
      queryKey: ["results", job.id, "matrix", query.index],
      queryFn: ({ signal }: { signal: AbortSignal }) => results.hits(job.id, { query: query.index, where, hsps: 0, limit: mostSubjects }, signal),
      staleTime: Infinity,
    })),
    combine: (answers) => ({
      error: answers.find(({ error }) => error)?.error,
      ready: answers.filter(({ data }) => data).length,
      cells: answers.flatMap(({ data }, row) =>
        (data?.rows ?? []).map((hit): Cell => ({ row, column: subjects.findIndex(({ accession }) => accession === hit.accession), bits: Number(hit.max_score), evalue: hit.evalue, pident: hit.pident })),
      ),
    }),
  });
  if (queries.error ?? cells.error) return <Fault error={queries.error ?? cells.error} />;
  if (!queries.data) return <Skeleton lines={6} />;
  const scene = matrix(rows.map(({ name, index }) => name || String(index + 1)), subjects.map(shownName), cells.cells, width);
  const pick = (key: number) => {
    const [row, column] = [Math.floor(key / mostSubjects), key % mostSubjects];
    setParams({ view: null, q: rows[row]!.index + 1, hit: subjects[column]!.accession }, "push");
  };
  return (
    <section className="panel stack tight" aria-labelledby="matrix-title">
      <div className="row spread">
        <h2 id="matrix-title">{say.matrix}</h2>
        <SavePicture scene={() => scene} name={say.matrixFile} />
      </div>
      <p className="muted small">{say.matrixHelp(rows.length, subjects.length)}</p>
      <div ref={ref} className="scroll" tabIndex={0} role="region" aria-label={scene.title} aria-busy={cells.ready < rows.length}>
        <Picture scene={scene} onPick={pick} />
      </div>
    </section>
  );
}
