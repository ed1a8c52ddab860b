import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, archivePath, filePath, type Job, outputPath } from "../../api/client.ts";
import { usePrograms } from "../../api/hooks.ts";
import { resultsPath } from "../../api/results.ts";
import { bytes } from "../../lib/format.ts";
import { formats } from "../../lib/options.ts";
import { saveFromServer } from "../../lib/save.ts";
import { strings } from "../../strings.ts";
import { Fault } from "../../ui/basics.tsx";
import { say as toast } from "../../ui/toast.tsx";

const say = strings.job.download;
const words = (reason: unknown) => (reason instanceof Error ? reason.message : String(reason));

export function Downloads({ job }: { job: Job }) {
  const programs = usePrograms();
  const program = programs.data?.find(({ name }) => name === job.program);
  const [outfmt, setOutfmt] = useState(job.outfmt);
  const [waiting, setWaiting] = useState(false);
  const abort = useRef<AbortController>(null);
  const all = program ? formats(program) : [];
  // BLAST+ writes other formats of an archive, but of no other imported result.
  const others = job.imported && job.imported !== "archive" ? [] : all.filter(({ number }) => number !== job.outfmt);
  const own = job.outfmt.split(" ")[0];

  const save = async () => {
    const controller = new AbortController();
    abort.current = controller;
    const slow = setTimeout(() => setWaiting(true), 300);
    try {
      await saveFromServer(outputPath(job.id, outfmt), { waiting: () => setWaiting(true), signal: controller.signal });
    } catch (reason) {
      if (!controller.signal.aborted) toast(words(reason));
    } finally {
      clearTimeout(slow);
      setWaiting(false);
    }
  };
  return (
    <div className="stack tight noprint">
      <div className="row">
        <label htmlFor="format" className="label">
          {say.title}
        </label>
        <select id="format" className="select" value={outfmt} onChange={(event) => setOutfmt(event.target.value)}>
          <option value={job.outfmt}>
            {all.find(({ number }) => number === own)?.title ?? job.outfmt} ({own}, {say.own})
          </option>
          {others.map(({ number, title }) => (
            <option key={number} value={number}>
              {title} ({number})
            </option>
          ))}
        </select>
        <button type="button" className="button primary" disabled={waiting} onClick={() => void save()}>
          {say.button}
        </button>
        <button type="button" className="button" onClick={() => void saveFromServer(archivePath(job.id)).catch((reason: unknown) => toast(words(reason)))}>
          {say.zip}
        </button>
        <Provenance job={job} />
        {waiting && (
          <span className="small muted" role="status">
            {say.making}{" "}
            <button type="button" className="link" onClick={() => abort.current?.abort()}>
              {say.stop}
            </button>
          </span>
        )}
      </div>
    </div>
  );
}

/** Those that make a result again, which cannot be done with an imported one. */
const scripts: readonly string[] = ["sh", "nextflow", "snakemake"];
const provenanceFiles = { methods: "methods.txt", bibtex: "references.bib", sh: "search.sh", nextflow: "search.nf", snakemake: "Snakefile", json: "provenance.json" } as const;

/** How the result came to be: to cite it, and to make it again. */
function Provenance({ job }: { job: Job }) {
  return (
    <details className="menu">
      <summary className="button">{say.cite}</summary>
      <ul className="menubody">
        {(Object.keys(provenanceFiles) as (keyof typeof provenanceFiles)[]).filter((format) => !job.imported || !scripts.includes(format)).map((format) => (
          <li key={format}>
            <button type="button" className="link" onClick={() => void saveFromServer(resultsPath(job.id, "provenance", { format }), { name: provenanceFiles[format] }).catch((reason: unknown) => toast(words(reason)))}>
              {say.provenance[format]}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Every file of the job with its size and checksum. */
export function Files({ job }: { job: Job }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["job-part", job.id, "results", job.status],
    queryFn: ({ signal }) => api.results(job.id, signal),
    refetchInterval: ({ state }) => state.data?.files.some((file) => file.sha256_pending) && 5000,
  });
  if (error) return <Fault error={error} retry={() => void refetch()} />;
  if (!data) return null;
  return (
    <div className="scroll">
      <table className="table">
        <thead>
          <tr>
            <th>{say.file}</th>
            <th>{say.kind}</th>
            <th className="num">{say.size}</th>
            <th>{say.sha256}</th>
          </tr>
        </thead>
        <tbody>
          {data.files.map((file) => (
            <tr key={file.name}>
              <td>
                <button type="button" className="link mono" onClick={() => void saveFromServer(filePath(job.id, file.name)).catch((reason: unknown) => toast(words(reason)))}>
                  {file.name}
                </button>
              </td>
              <td>
                {say.kinds[file.kind]}
                {file.outfmt && <span className="muted"> ({file.outfmt})</span>}
              </td>
              <td className="num">{bytes(file.size_bytes)}</td>
              <td className="mono small sha">{file.sha256 ?? say.hashing}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
