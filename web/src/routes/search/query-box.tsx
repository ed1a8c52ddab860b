import { type DragEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { FastaFacts, FileFacts, Molecule } from "../../lib/fasta.ts";
import { bytes, count, short } from "../../lib/format.ts";
import { strings } from "../../strings.ts";
import { examples } from "./examples.ts";

export type Query = { kind: "text"; text: string } | { kind: "file"; file: File; facts: FileFacts | null };

/** More than this is kept as a file: no one edits it by hand, and a text box would crawl. */
export const longestText = 1_000_000;
const lineHeight = 20;

const say = strings.search.query;

interface Props {
  query: Query;
  facts: FastaFacts | null;
  molecule: Molecule | null;
  chosenMolecule: Molecule | null;
  fault: string | null;
  onText: (text: string) => void;
  onFile: (file: File) => void;
  onMolecule: (molecule: Molecule | null) => void;
  onSubmit: () => void;
}

export function QueryBox(props: Props) {
  const { query, facts, onText, onFile } = props;
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const empty = query.kind === "text" && query.text === "";

  const drop = (event: DragEvent) => {
    const file = event.dataTransfer.files[0];
    setOver(false);
    if (!file) return;
    event.preventDefault();
    onFile(file);
  };
  const jump = (line: number) => {
    const box = area.current;
    if (!box) return;
    let at = 0;
    for (let i = 1; i < line; i++) at = box.value.indexOf("\n", at) + 1;
    const end = box.value.indexOf("\n", at);
    box.focus();
    box.setSelectionRange(at, end < 0 ? box.value.length : end);
    box.scrollTop = Math.max(0, (line - 3) * lineHeight);
  };

  return (
    <section className="stack tight" aria-labelledby="query-title">
      <div className="row spread">
        <h2 id="query-title">{say.title}</h2>
        <div className="row">
          {examples.map(({ label, text }) => (
            <button key={label} type="button" className="button quiet" onClick={() => onText(text)}>
              {label}
            </button>
          ))}
          <button type="button" className="button" onClick={() => picker.current?.click()}>
            {say.choose}
          </button>
          <button type="button" className="button" disabled={empty} onClick={() => onText("")}>
            {say.clear}
          </button>
          <input
            ref={picker}
            type="file"
            hidden
            aria-label={say.choose}
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file) onFile(file);
              event.target.value = "";
            }}
          />
        </div>
      </div>
      <div
        className={over ? "querybox over" : "querybox"}
        onDragOver={(event) => {
          if (!event.dataTransfer.types.includes("Files")) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        {query.kind === "text" ? (
          <Editor ref={area} text={query.text} facts={facts} onText={onText} onFile={onFile} onSubmit={props.onSubmit} />
        ) : (
          <FileCard file={query.file} facts={query.facts} onRemove={() => onText("")} />
        )}
        {over && <div className="dropnote">{say.dropNow}</div>}
      </div>
      <Facts {...props} />
      {props.fault && (
        <p className="fault" role="alert">
          {props.fault}
        </p>
      )}
      {facts && facts.faults.length > 0 && (
        <ul className="faults" aria-label={say.faults}>
          {facts.faults.slice(0, 6).map((fault) => (
            <li key={`${fault.line} ${fault.text}`} className={fault.level}>
              {query.kind === "text" ? (
                <button type="button" className="link mono" onClick={() => jump(fault.line)}>
                  {say.line(count(fault.line))}
                </button>
              ) : (
                <span className="mono">{say.line(count(fault.line))}</span>
              )}
              <span>
                <span className="hidden">{fault.level === "error" ? say.error : say.warning}: </span>
                {fault.text}
              </span>
            </li>
          ))}
          {facts.faults.length + facts.more > 6 && <li className="muted">{say.more(count(facts.faults.length + facts.more - 6))}</li>}
        </ul>
      )}
    </section>
  );
}

function Facts({ query, facts, molecule, chosenMolecule, onMolecule }: Props): ReactNode {
  const id = useId();
  if (!facts || facts.records === 0) return <p className="row muted small facts">{say.hint}</p>;
  const share = query.kind === "file" && query.facts ? query.facts.share : 1;
  const guess = facts.molecule;
  return (
    <div className="row small facts">
      <span>
        {share < 1
          ? say.estimate(short(Math.round(facts.records / share)), short(Math.round(facts.letters / share)))
          : `${strings.common.sequences(facts.records, count(facts.records))}, ${strings.common.letters(facts.letters, count(facts.letters), molecule ?? undefined)}`}
        {facts.records > 1 && `, ${say.lengths(count(facts.shortest), count(facts.longest))}`}
      </span>
      <label htmlFor={id} className="hidden">
        {say.molecule}
      </label>
      <select id={id} className="select" value={chosenMolecule ?? ""} onChange={(event) => onMolecule((event.target.value || null) as Molecule | null)}>
        <option value="">{guess ? say.looksLike(guess) : say.unclear}</option>
        <option value="nucleotide">{say.isNucleotide}</option>
        <option value="protein">{say.isProtein}</option>
      </select>
    </div>
  );
}

function FileCard({ file, facts, onRemove }: { file: File; facts: FileFacts | null; onRemove: () => void }) {
  return (
    <div className="filecard">
      <div>
        <strong className="mono">{file.name}</strong>
        <div className="muted small">
          {bytes(file.size)}
          {facts?.gzip && `, ${say.gzip}`}
          {facts && facts.share < 1 && `; ${say.sniffed}`}
        </div>
      </div>
      <button type="button" className="button" onClick={onRemove}>
        {say.removeFile}
      </button>
    </div>
  );
}

interface EditorProps {
  ref: React.RefObject<HTMLTextAreaElement | null>;
  text: string;
  facts: FastaFacts | null;
  onText: (text: string) => void;
  onFile: (file: File) => void;
  onSubmit: () => void;
}

/** A text box with line numbers; a line with a fault is marked beside its number. Only lines in sight are drawn. */
function Editor({ ref, text, facts, onText, onFile, onSubmit }: EditorProps) {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(200);
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const observer = new ResizeObserver(() => setHeight(box.clientHeight));
    observer.observe(box);
    return () => observer.disconnect();
  }, [ref]);

  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  const first = Math.floor(top / lineHeight);
  const last = Math.min(lines, first + Math.ceil(height / lineHeight) + 1);
  const levels = new Map<number, string>();
  for (const fault of facts?.faults ?? []) if (levels.get(fault.line) !== "error") levels.set(fault.line, fault.level);

  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    onSubmit();
  };
  return (
    <div className="editor">
      <div className="gutter" aria-hidden="true">
        <div style={{ transform: `translateY(${first * lineHeight - top}px)` }}>
          {Array.from({ length: Math.max(0, last - first) }, (_, i) => {
            const line = first + i + 1;
            return (
              <div key={line} className={levels.get(line)}>
                {levels.has(line) ? "▸ " : ""}
                {line}
              </div>
            );
          })}
        </div>
      </div>
      <textarea
        ref={ref}
        data-search
        aria-labelledby="query-title"
        aria-describedby="query-keys"
        aria-invalid={facts?.faults.some(({ level }) => level === "error") || undefined}
        value={text}
        wrap="off"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        placeholder={say.placeholder}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        onKeyDown={press}
        onPaste={(event) => {
          const pasted = event.clipboardData.getData("text/plain");
          if (pasted.length <= longestText) return;
          event.preventDefault();
          onFile(new File([pasted], "pasted.fasta"));
        }}
        onChange={(event) => onText(event.target.value)}
      />
      <span id="query-keys" className="hidden">
        {say.keys}
      </span>
    </div>
  );
}
