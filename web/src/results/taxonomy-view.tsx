import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Job } from "../api/client.ts";
import { results } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { setParams, useLocation } from "../router.ts";
import { strings } from "../strings.ts";
import { Fault, Skeleton } from "../ui/basics.tsx";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { say as toast } from "../ui/toast.tsx";
import { noFilter } from "./query-hits.tsx";
import { conditionOf, icicle, name, type Node, telling, treesOf } from "./taxonomy.ts";

const say = strings.results.taxonomy;
const tallest = 420;
const mostRows = 100;

/** Hits of all queries by the taxa of what was found: a picture to walk through, and the same as a table. */
export function TaxonomyView({ job }: { job: Job }) {
  const { params } = useLocation();
  const { data, error, refetch } = useQuery({ queryKey: ["results", job.id, "taxonomy"], queryFn: ({ signal }) => results.taxonomy(job.id, signal), staleTime: Infinity });
  const roots = useMemo(() => treesOf(data?.taxa ?? []), [data]);
  if (error) return <Fault error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton lines={8} height={32} />;
  if (data.taxa.length === 0) return <p className="note">{say.none}</p>;
  const asked = Number(params.get("taxon"));
  const find = (nodes: Node[]): Node | undefined => {
    for (const node of nodes) {
      const found = node.taxon.taxid === asked ? node : find(node.children);
      if (found) return found;
    }
    return undefined;
  };
  const chosen = asked ? find(roots) : undefined;
  return (
    <div className="stack">
      {!data.lineages && <p className="note">{say.noLineages}</p>}
      <p className="muted small">
        {say.words(count(data.hits), count(data.total))}
        {data.unassigned > 0 && ` ${say.unassigned(count(data.unassigned))}`}
        {data.total > data.taxa.length && ` ${say.leftOut(count(data.total - data.taxa.length))}`}
      </p>
      <Tree key={asked} job={job} shown={chosen ? [chosen] : roots} chosen={chosen} />
    </div>
  );
}

function Tree({ job, shown, chosen }: { job: Job; shown: Node[]; chosen: Node | undefined }) {
  const [ref, width] = useWidth<HTMLDivElement>(800);
  const { scene, nodes } = useMemo(() => icicle(shown.map(telling), width, Math.min(tallest, Math.max(40, 20 * leaves(shown)))), [shown, width]);
  const [all, setAll] = useState(false);
  const choose = (node: Node | null) => setParams({ taxon: node?.taxon.taxid ?? null }, "push");
  const above: Node[] = [];
  for (let at = chosen; at; at = at.parent ?? undefined) above.unshift(at);
  const top = shown.length === 1 ? telling(shown[0]!) : undefined;
  const rows = top && top.children.length > 0 ? top.children.map(telling) : shown.map(telling);
  const sorted = [...rows].sort((a, b) => b.taxon.hits - a.taxon.hits);
  return (
    <>
      <nav className="row" aria-label={say.above}>
        <button type="button" className="link" disabled={!chosen} onClick={() => choose(null)}>
          {say.everything}
        </button>
        {above.map((node) => (
          <span key={node.taxon.taxid} className="row">
            <span aria-hidden="true">›</span>
            <button type="button" className="link" onClick={() => choose(node)}>
              {name(node.taxon)}
            </button>
          </span>
        ))}
        {chosen && <ShowHits job={job} node={chosen} />}
      </nav>
      <div className="panel stack tight">
        <div ref={ref} className="scroll" tabIndex={0} role="region" aria-label={say.title}>
          <Picture scene={scene} onPick={(key) => choose(nodes[key] ?? null)} />
        </div>
        <SavePicture scene={() => scene} name={say.file} />
      </div>
      {sorted.length > 0 && (
        <div className="panel flush scroll">
          <table className="table dblist">
            <thead>
              <tr>
                <th>{say.column.taxon}</th>
                <th>{say.column.rank}</th>
                <th className="num">{say.column.hits}</th>
                <th className="num">{say.column.subjects}</th>
                <th className="num">{say.column.queries}</th>
                <th className="num">{say.column.evalue}</th>
                <th>
                  <span className="hidden">{strings.jobs.column.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sorted.slice(0, all ? Infinity : mostRows).map((node) => (
                <tr key={node.taxon.taxid}>
                  <td>
                    {node.children.length > 0 ? (
                      <button type="button" className="link" onClick={() => choose(node)}>
                        {name(node.taxon)}
                      </button>
                    ) : (
                      name(node.taxon)
                    )}
                  </td>
                  <td className="muted">{node.taxon.rank}</td>
                  <td className="num">{count(node.taxon.hits)}</td>
                  <td className="num">{count(node.taxon.subjects)}</td>
                  <td className="num">{count(node.taxon.queries)}</td>
                  <td className="num">{node.taxon.evalue}</td>
                  <td>
                    <span className="row actions">
                      <ShowHits job={job} node={node} />
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {!all && sorted.length > mostRows && (
        <div>
          <button type="button" className="button" onClick={() => setAll(true)}>
            {say.more(count(sorted.length))}
          </button>
        </div>
      )}
    </>
  );
}

const leaves = (nodes: Node[]): number => nodes.reduce((sum, { children }) => sum + (children.length === 0 ? 1 : leaves(children)), 0);

/** The hits of a taxon, in the table of hits. */
function ShowHits({ job, node }: { job: Job; node: Node }) {
  const condition = conditionOf(node);
  // The table is of one query: of the first that has such a hit.
  const show = async () => {
    const [first] = (await results.hits(job.id, { where: condition, hsps: 0, limit: 1 })).rows;
    setParams({ ...noFilter, view: null, taxon: null, hit: null, words: condition, ...(first && { q: first.query + 1 }) }, "push");
  };
  return (
    <button type="button" className="button" aria-label={say.showOf(name(node.taxon))} onClick={() => void show().catch((reason: unknown) => toast(String(reason)))}>
      {say.show}
    </button>
  );
}
