import { Fragment, memo, useMemo, useState } from "react";
import { isPositive } from "../lib/blosum62.ts";
import { count } from "../lib/format.ts";
import type { Hit, Hsp, QueryInfo } from "../lib/tabular.ts";
import { strings } from "../strings.ts";
import { Copy } from "../ui/basics.tsx";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { type Block, blocks, hspWords } from "./hits.ts";
import { pairs } from "./pictures.ts";

const say = strings.results.alignment;
const letterWidth = 7.9;
const firstColumns = 6000;
const firstAlignments = 20;

interface Props {
  query: QueryInfo;
  hit: Hit;
  program: string;
  /** Marks similar letters with "+": only with the matrix the page knows. */
  blosum62: boolean;
  fit: boolean;
  dots: boolean;
  onFit: (fit: boolean) => void;
  onDots: (dots: boolean) => void;
}

export function Alignment({ query, hit, program, blosum62, fit, dots, onFit, onDots }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>(800);
  const [picked, setPicked] = useState(-1);
  const [all, setAll] = useState(false);
  const scene = useMemo(() => pairs(query, hit, width, picked), [query, hit, width, picked]);
  const gutter = 2 * (String(Math.max(query.length, hit.slen)).length + 1) + 8;
  const perLine = fit ? Math.max(20, Math.floor(width / letterWidth) - gutter) : 60;
  const shown = all ? hit.hsps : hit.hsps.slice(0, firstAlignments);
  const pick = (i: number) => {
    setPicked(i);
    setAll(all || i >= firstAlignments);
    requestAnimationFrame(() => document.getElementById(`hsp-${i}`)?.scrollIntoView({ block: "nearest" }));
  };
  return (
    <section className="alignment" aria-label={say.title(hit.accession)}>
      <div className="row spread">
        <h2 className="mono">{hit.accession}</h2>
        <div className="row noprint">
          <label className="row small">
            <input type="checkbox" checked={fit} onChange={(event) => onFit(event.target.checked)} />
            {say.fit}
          </label>
          <label className="row small">
            <input type="checkbox" checked={dots} onChange={(event) => onDots(event.target.checked)} />
            {say.dots}
          </label>
          <Copy label={say.copy} text={() => plainText(query, hit, program, blosum62)} />
        </div>
      </div>
      <p className="subject">
        {hit.title}
        <span className="muted">
          {" "}
          {say.length(count(hit.slen))}
          {hit.sciname && `, ${hit.sciname}`}
          {hit.taxids && `, ${say.taxid(hit.taxids)}`}
        </span>
      </p>
      <div ref={ref}>
        <Picture scene={scene} onPick={pick} />
        <SavePicture scene={() => pairs(query, hit, width, picked)} name={say.pictureName(hit.accession)} />
        {shown.map((hsp, i) => (
          <One key={i} n={i} of={hit.hsps.length} hsp={hsp} program={program} blosum62={blosum62} perLine={perLine} dots={dots} picked={i === picked} />
        ))}
        {shown.length < hit.hsps.length && (
          <button type="button" className="button" onClick={() => setAll(true)}>
            {say.more(hit.hsps.length - shown.length)}
          </button>
        )}
      </div>
    </section>
  );
}

interface OneProps {
  n: number;
  of: number;
  hsp: Hsp;
  program: string;
  blosum62: boolean;
  perLine: number;
  dots: boolean;
  picked: boolean;
}

const One = memo(function One({ n, of, hsp, program, blosum62, perLine, dots, picked }: OneProps) {
  const [limit, setLimit] = useState(firstColumns);
  const lines = useMemo(() => blocks(hsp, perLine, program, blosum62 ? isPositive : null, limit), [hsp, perLine, program, blosum62, limit]);
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
            <Line line={line} digits={digits} dots={dots} />
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

function plainText(query: QueryInfo, hit: Hit, program: string, blosum62: boolean): string {
  const parts = hit.hsps.map((hsp) => {
    const lines = blocks(hsp, 60, program, blosum62 ? isPositive : null);
    const digits = Math.max(...lines.flatMap(({ qfrom, quntil, sfrom, suntil }) => [qfrom, quntil, sfrom, suntil])).toString().length;
    const text = lines.map(
      (line) =>
        `Query  ${String(line.qfrom).padEnd(digits)}  ${line.qseq}  ${line.quntil}\n${" ".repeat(digits + 9)}${line.middle}\nSbjct  ${String(line.sfrom).padEnd(digits)}  ${line.sseq}  ${line.suntil}\n`,
    );
    return `${hspWords(hsp, program).join(", ")}\n\n${text.join("\n")}`;
  });
  return `Query= ${query.title}\n\n>${hit.accession} ${hit.title}\nLength=${hit.slen}\n\n${parts.join("\n")}`;
}
