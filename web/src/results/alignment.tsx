import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Fragment, memo, useMemo, useState } from "react";
import type { Job } from "../api/client.ts";
import { type Hit, type QueryRow, results } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { strings } from "../strings.ts";
import { Copy, Fault, Skeleton } from "../ui/basics.tsx";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { usePrinting } from "../ui/printing.ts";
import { type Aligned, type Block, blocks, hspWords, isAligned, shownName } from "./hits.ts";
import { pairs } from "./pictures.ts";

const say = strings.results.alignment;
const letterWidth = 7.9;
const firstColumns = 6000;
const atOnce = 20;
const mostPolygons = 1000;

interface Props {
  job: Job;
  query: QueryRow;
  hit: Hit;
  fit: boolean;
  dots: boolean;
  onFit: (fit: boolean) => void;
  onDots: (dots: boolean) => void;
}

function useAlignments(job: Job, query: QueryRow, hit: Hit) {
  const one = { query: query.index, subject: hit.accession };
  const key = ["results", job.id, "alignments", query.index, hit.accession];
  const aligned = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => results.alignments(job.id, { ...one, limit: atOnce, cursor: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  // The table knows the first HSPs of a hit only.
  const whole = useQuery({
    queryKey: [...key, "whole"],
    queryFn: ({ signal }) => results.hits(job.id, { ...one, hsps: mostPolygons, limit: 1 }, signal),
    enabled: hit.hsps.length < hit.hsps_total,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const hsps = useMemo(() => aligned.data?.pages.flatMap(({ rows }) => rows.filter(isAligned)), [aligned.data]);
  return { aligned, hsps, whole: whole.data?.rows[0] ?? hit };
}

/** The alignments of the query with one sequence of the database, best first. */
export function Alignment({ job, query, hit, fit, dots, onFit, onDots }: Props) {
  const { aligned, hsps, whole } = useAlignments(job, query, hit);
  const [ref, width] = useWidth<HTMLDivElement>(800);
  const [picked, setPicked] = useState(-1);
  const printing = usePrinting();
  const scene = useMemo(() => pairs(query, whole, width, picked), [query, whole, width, picked]);
  const gutter = 2 * (String(Math.max(query.length ?? 0, hit.slen ?? 0, 999)).length + 1) + 8;
  const perLine = fit && !printing ? Math.max(20, Math.floor(width / letterWidth) - gutter) : 60;
  const name = shownName(hit);
  const pick = (i: number) => {
    setPicked(i);
    requestAnimationFrame(() => document.getElementById(`hsp-${i}`)?.scrollIntoView({ block: "nearest" }));
  };
  return (
    <section className="alignment" aria-label={say.title(name)}>
      <div className="row spread">
        <h2 className="mono">{name}</h2>
        <div className="row noprint">
          <label className="row small">
            <input type="checkbox" checked={fit} onChange={(event) => onFit(event.target.checked)} />
            {say.fit}
          </label>
          <label className="row small">
            <input type="checkbox" checked={dots} onChange={(event) => onDots(event.target.checked)} />
            {say.dots}
          </label>
          {hsps && hsps.length > 0 && <Copy label={say.copy} text={() => plainText(query, hit, hsps, job.program)} />}
        </div>
      </div>
      <p className="subject">
        {hit.title}
        <span className="muted">
          {" "}
          {hit.slen !== null && say.length(count(hit.slen))}
          {hit.sciname && `, ${hit.sciname}`}
          {hit.taxids && `, ${say.taxid(hit.taxids)}`}
        </span>
      </p>
      <div ref={ref}>
        {whole.hsps.some(({ qstart }) => qstart !== null) && (
          <>
            <Picture scene={scene} onPick={pick} />
            <SavePicture scene={() => pairs(query, whole, width, picked)} name={say.pictureName(name)} />
          </>
        )}
        {aligned.error ? <Fault error={aligned.error} retry={() => void aligned.refetch()} /> : null}
        {aligned.isPending && !aligned.error && <Skeleton lines={5} />}
        {hsps?.length === 0 && <p className="note">{say.lettersUnknown}</p>}
        {hsps?.map((hsp, i) => <One key={hsp.id} n={i} of={hit.hsps_total} hsp={hsp} program={job.program} perLine={perLine} dots={dots} picked={i === picked} />)}
        {aligned.hasNextPage && hsps && (
          <button type="button" className="button" disabled={aligned.isFetchingNextPage} onClick={() => void aligned.fetchNextPage()}>
            {say.more(Math.min(atOnce, hit.hsps_total - hsps.length))}
          </button>
        )}
      </div>
    </section>
  );
}

interface OneProps {
  n: number;
  of: number;
  hsp: Aligned;
  program: string;
  perLine: number;
  dots: boolean;
  picked: boolean;
}

const One = memo(function One({ n, of, hsp, program, perLine, dots, picked }: OneProps) {
  const [limit, setLimit] = useState(firstColumns);
  const lines = useMemo(() => blocks(hsp, perLine, program, limit), [hsp, perLine, program, limit]);
  const digits = Math.max(...lines.flatMap(({ qfrom, quntil, sfrom, suntil }) => [qfrom, quntil, sfrom, suntil])).toString().length;
  return (
    <article id={`hsp-${n}`} className={picked ? "hsp picked" : "hsp"}>
      <h3>
        {of > 1 && <span className="muted">{say.number(n + 1, of)} </span>}
        <span className="facts">
          {hspWords(hsp, program).map((words) => (
            <span key={words}>{words}</span>
          ))}
        </span>
      </h3>
      <pre tabIndex={0} aria-label={say.number(n + 1, of)}>
        {lines.map((line, i) => (
          <Fragment key={i}>
            <span className="lines">
              <Line line={line} digits={digits} dots={dots} />
            </span>
            {"\n"}
          </Fragment>
        ))}
      </pre>
      {hsp.qseq.length > limit && (
        <button type="button" className="button" onClick={() => setLimit(limit * 10)}>
          {say.longer(count(limit), count(hsp.qseq.length))}
        </button>
      )}
    </article>
  );
});

/** Runs of letters that are the same, alike, different or against a gap. */
function runs(line: Block): { text: string; kind: "same" | "alike" | "other" | "gap" }[] {
  const found: { text: string; kind: "same" | "alike" | "other" | "gap" }[] = [];
  for (let i = 0; i < line.sseq.length; i++) {
    const [a, b, m] = [line.qseq[i], line.sseq[i]!, line.middle[i]];
    const kind = a === "-" || b === "-" ? "gap" : m === "+" ? "alike" : m === " " ? "other" : "same";
    const last = found.at(-1);
    if (last?.kind === kind) last.text += b;
    else found.push({ text: b, kind });
  }
  return found;
}

function Line({ line, digits, dots }: { line: Block; digits: number; dots: boolean }) {
  const blank = " ".repeat(digits);
  return (
    <>
      <span className="muted">{say.query} </span>
      <span className="muted">{String(line.qfrom).padStart(digits)}</span> {line.qseq} <span className="muted">{line.quntil}</span>
      {"\n"}
      {" ".repeat(say.query.length + 1)}
      {blank} <span className="middle">{line.middle}</span>
      {"\n"}
      <span className="muted">{say.subject} </span>
      <span className="muted">{String(line.sfrom).padStart(digits)}</span>{" "}
      {runs(line).map(({ text, kind }, i) =>
        kind === "same" ? <Fragment key={i}>{dots ? ".".repeat(text.length) : text}</Fragment> : <span key={i} className={kind}>{text}</span>,
      )}{" "}
      <span className="muted">{line.suntil}</span>
      {"\n"}
    </>
  );
}

function plainText(query: QueryRow, hit: Hit, hsps: Aligned[], program: string): string {
  const parts = hsps.map((hsp) => {
    const lines = blocks(hsp, 60, program);
    const digits = Math.max(...lines.flatMap(({ qfrom, quntil, sfrom, suntil }) => [qfrom, quntil, sfrom, suntil])).toString().length;
    const text = lines.map(
      (line) =>
        `Query  ${String(line.qfrom).padEnd(digits)}  ${line.qseq}  ${line.quntil}\n${" ".repeat(digits + 9)}${line.middle}\nSbjct  ${String(line.sfrom).padEnd(digits)}  ${line.sseq}  ${line.suntil}\n`,
    );
    return `${hspWords(hsp, program).join(", ")}\n\n${text.join("\n")}`;
  });
  return `Query= ${query.title}\n\n>${hit.accession} ${hit.title}\nLength=${hit.slen}\n\n${parts.join("\n")}`;
}
