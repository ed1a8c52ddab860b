import { useState } from "react";
import type { Job } from "../api/client.ts";
import { type Asked, resultsPath } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { saveFromServer } from "../lib/save.ts";
import { strings } from "../strings.ts";
import { say as toast } from "../ui/toast.tsx";
import type { Selection } from "./hit-table.tsx";

const say = strings.results.download;
const formats = ["tsv", "csv", "jsonl", "fasta", "aligned", "gff3", "gff3-query", "bed", "bed-query", "sam"] as const;
/** How a format is asked for, where its name is not all. */
const asking: Partial<Record<Format, Asked>> = {
  aligned: { format: "fasta", region: "aligned" },
  "gff3-query": { format: "gff3", on: "query" },
  "bed-query": { format: "bed", on: "query" },
};
const isTable = (format: Format) => format === "tsv" || format === "csv" || format === "jsonl";
type Format = (typeof formats)[number];
type What = "selected" | "shown" | "all";

interface Props {
  job: Job;
  /** What the table shows now. */
  request: Asked;
  total: number | null;
  selected: Selection;
}

/** Which hits, and in which format. What is selected comes first. */
export function HitDownload({ job, request, total, selected }: Props) {
  const [chosen, setChosen] = useState<What>("shown");
  const [format, setFormat] = useState<Format>("tsv");
  const [columns, setColumns] = useState("std stitle");
  const what: What = selected.size > 0 && chosen === "shown" ? "selected" : chosen === "selected" && selected.size === 0 ? "shown" : chosen;
  const save = () => {
    const { query, sort, ...filter } = request;
    const which: Asked = what === "selected" ? { select: [...selected.keys()].join(",") } : what === "shown" ? { query, sort, ...filter } : filter;
    const asked: Asked = { format, ...asking[format], ...which, ...(isTable(format) && { columns, header: true }) };
    saveFromServer(resultsPath(job.id, "export", asked)).catch((reason: unknown) => toast(reason instanceof Error ? reason.message : String(reason)));
  };
  const words = { selected: say.selected(selected.size, count(selected.size)), shown: say.shown(total === null ? "" : count(total)), all: Object.keys(request).some((name) => name === "where" || name === "words") ? say.allFiltered : say.all };
  return (
    <details className="menu">
      <summary className="button">{selected.size > 0 ? say.titleSelected(count(selected.size)) : say.title}</summary>
      <div className="menubody stack tight">
        <fieldset>
          <legend className="label">{say.what}</legend>
          {(["selected", "shown", "all"] as const).map((one) => (
            <label key={one}>
              <input type="radio" name="what" disabled={one === "selected" && selected.size === 0} checked={what === one} onChange={() => setChosen(one)} />
              <span>{words[one]}</span>
            </label>
          ))}
        </fieldset>
        <div className="field">
          <label htmlFor="hit-format">{say.format}</label>
          <select id="hit-format" className="select" value={format} onChange={(event) => setFormat(event.target.value as Format)}>
            {formats.filter((one) => one !== "sam" || job.program === "blastn").map((one) => (
              <option key={one} value={one}>
                {say.formats[one]}
              </option>
            ))}
          </select>
        </div>
        {isTable(format) && (
          <div className="field">
            <label htmlFor="hit-columns">{say.columns}</label>
            <input id="hit-columns" className="input mono" value={columns} onChange={(event) => setColumns(event.target.value)} />
            <span className="muted small">{say.columnsHelp}</span>
          </div>
        )}
        <button type="button" className="button primary" onClick={save}>
          {say.save}
        </button>
      </div>
    </details>
  );
}
