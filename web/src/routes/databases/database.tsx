import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ApiError } from "../../api/client.ts";
import { useRights } from "../../api/hooks.ts";
import { databases, type Snapshot } from "../../api/databases.ts";
import { bytes, clock, count } from "../../lib/format.ts";
import { goesOn } from "../../lib/works.ts";
import { strings } from "../../strings.ts";
import { Bar, Fault, Heading, Link, Skeleton } from "../../ui/basics.tsx";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { AppendDialog, BuildDialog } from "./build.tsx";
import { Sequences } from "./sequences.tsx";
import { useOrder, useOrdered, useWorks, Works } from "./works.tsx";

const say = strings.databases.one;

/** One database: what it holds, what of it is in memory, its snapshots, and what can be done to it. */
export function DatabasePage({ name, ids }: { name: string; ids: string }) {
  const metadata = useQuery({ queryKey: ["database", name, "metadata"], queryFn: ({ signal }) => databases.metadata(name, signal) });
  const kept = useQuery({ queryKey: ["database", name, "kept"], queryFn: ({ signal }) => databases.kept(name, signal), retry: false });
  const [asked, setAsked] = useState<"build" | "append" | "remove" | null>(null);
  const order = useOrder();
  const ordered = useOrdered();
  const { change, manage } = useRights();
  const isKept = kept.data !== undefined;
  const gone = metadata.error instanceof ApiError && metadata.error.status === 404;
  return (
    <div className="stack">
      <Heading
        title={name}
        right={
          !gone && (
            <>
              {change && (
                <Link place="search" params={{ db: name }} className="button primary">
                  {strings.databases.search}
                </Link>
              )}
              <Link place="jobs" params={{ database: name }} className="button">
                {strings.databases.jobs}
              </Link>
              {manage && (
                <button type="button" className="button" title={say.updateHelp} onClick={() => void order(() => databases.fetch(name), say.updating)}>
                  {say.update}
                </button>
              )}
              {manage && isKept && (
                <>
                  <button type="button" className="button" title={say.appendHelp} onClick={() => setAsked("append")}>
                    {say.append}
                  </button>
                  <button type="button" className="button" onClick={() => setAsked("build")}>
                    {say.rebuild}
                  </button>
                  <button type="button" className="button danger" onClick={() => setAsked("remove")}>
                    {say.remove}
                  </button>
                </>
              )}
            </>
          )
        }
      >
        <Link place="databases">{say.all}</Link>
      </Heading>
      {metadata.error ? <Fault error={metadata.error} retry={() => void metadata.refetch()} /> : !metadata.data ? <Skeleton lines={4} /> : (
        <>
          {metadata.data.warnings.map((warning) => (
            <p key={warning} className="note warn">
              {warning}
            </p>
          ))}
          <section className="panel stack tight" aria-label={say.facts}>
            {metadata.data.title !== name && <p>{metadata.data.title}</p>}
            <dl className="facts">
              <Fact name={say.fact.molecule}>{strings.search.database.group[metadata.data.molecule]}</Fact>
              <Fact name={say.fact.sequences}>{count(metadata.data.sequences)}</Fact>
              <Fact name={say.fact.letters}>{count(metadata.data.letters)}</Fact>
              <Fact name={say.fact.longest}>{count(metadata.data.longest)}</Fact>
              <Fact name={say.fact.size}>
                {bytes(metadata.data.bytes)}
                {metadata.data.volumes > 1 && `, ${say.volumes(metadata.data.volumes)}`}
              </Fact>
              <Fact name={say.fact.date}>{metadata.data.date?.replace("T", " ") ?? "–"}</Fact>
              <Fact name={say.fact.ids}>{metadata.data.has_ids ? say.yes : say.no}</Fact>
              <Fact name={say.fact.taxonomy}>{metadata.data.has_taxonomy === null ? say.unknown : metadata.data.has_taxonomy ? say.yes : say.no}</Fact>
              <Fact name={say.fact.format}>{metadata.data.format_version}</Fact>
            </dl>
          </section>
        </>
      )}
      {!gone && <Memory name={name} />}
      <Works />
      {kept.data ? <Snapshots name={name} snapshots={kept.data.snapshots} /> : kept.error && !gone ? <p className="note">{say.notKept}</p> : null}
      {metadata.data && <Sequences key={ids} name={name} ids={ids} />}
      {asked === "build" && <BuildDialog name={name} onClose={() => setAsked(null)} />}
      {asked === "append" && <AppendDialog name={name} holds={metadata.data?.molecule} onClose={() => setAsked(null)} />}
      {asked === "remove" && (
        <FormDialog title={say.removeTitle(name)} submit={say.remove} danger run={() => databases.remove(name).then(() => ordered(say.removed(name), name))} onClose={() => setAsked(null)}>
          <p>{say.removeHelp}</p>
        </FormDialog>
      )}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="muted small">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How much of it the kernel holds in memory: a search of a warm database does not wait for the disk. */
function Memory({ name }: { name: string }) {
  const works = useWorks();
  const order = useOrder();
  const { manage } = useRights();
  const warming = works.data?.some((work) => work.kind === "warm" && work.database === name && goesOn(work)) ?? false;
  const { data } = useQuery({ queryKey: ["database", name, "residency"], queryFn: ({ signal }) => databases.residency(name, signal), refetchInterval: warming ? 1000 : 30_000, retry: false });
  if (!data) return null;
  const share = data.bytes > 0 ? data.resident_bytes / data.bytes : 0;
  return (
    <section className="panel stack tight" aria-labelledby="memory-title">
      <div className="row spread">
        <h2 id="memory-title">{say.memory}</h2>
        {manage && (
          <button type="button" className="button" disabled={warming || share >= 1} onClick={() => void order(() => databases.warm(name))}>
            {warming ? say.warming : say.warm}
          </button>
        )}
      </div>
      <Bar fraction={share} label={say.memory} />
      <p className="small muted">
        {say.resident(bytes(data.resident_bytes), bytes(data.bytes))}
        {data.unknown_bytes > 0 && ` ${say.residentUnknown(bytes(data.unknown_bytes))}`}
      </p>
    </section>
  );
}

function Snapshots({ name, snapshots }: { name: string; snapshots: Snapshot[] }) {
  const order = useOrder();
  const ordered = useOrdered();
  const { manage } = useRights();
  const [doomed, setDoomed] = useState<Snapshot | null>(null);
  return (
    <section className="stack tight" aria-labelledby="snapshots-title">
      <h2 id="snapshots-title">{say.snapshots}</h2>
      <p className="muted small">{say.snapshotsHelp}</p>
      <div className="panel flush scroll">
        <table className="table dblist">
          <thead>
            <tr>
              <th>{say.column.made}</th>
              <th>{say.column.source}</th>
              <th className="num">{say.column.sequences}</th>
              <th className="num">{say.column.size}</th>
              <th>{say.column.verified}</th>
              <th>
                <span className="hidden">{strings.jobs.column.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {snapshots.map((snapshot) => (
              <tr key={snapshot.id} className={snapshot.current ? "marked" : undefined}>
                <td>
                  {clock(snapshot.created)}
                  {snapshot.current && <div className="small">{say.current}</div>}
                </td>
                <td>
                  {snapshot.source}
                  {snapshot.title !== name && <div className="muted small">{snapshot.title}</div>}
                </td>
                <td className="num">{count(snapshot.sequences)}</td>
                <td className="num">{bytes(snapshot.bytes)}</td>
                <td>
                  {snapshot.fault ? <span className="fault">{snapshot.fault}</span> : snapshot.verified ? say.whole(clock(snapshot.verified)) : say.notVerified}
                </td>
                <td>
                  <span className="row actions" hidden={!manage}>
                    {!snapshot.current && (
                      <button type="button" className="button" title={say.makeCurrentHelp} onClick={() => void order(() => databases.makeCurrent(name, snapshot.id), say.switched(name))}>
                        {say.makeCurrent}
                      </button>
                    )}
                    <button type="button" className="button" onClick={() => void order(() => databases.verify(name, snapshot.id))}>
                      {say.verify}
                    </button>
                    {!snapshot.current && (
                      <button type="button" className="button danger" onClick={() => setDoomed(snapshot)}>
                        {say.remove}
                      </button>
                    )}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {doomed && (
        <FormDialog title={say.removeSnapshotTitle(clock(doomed.created))} submit={say.remove} danger run={() => databases.removeSnapshot(name, doomed.id).then(() => ordered())} onClose={() => setDoomed(null)}>
          <p>{say.removeSnapshotHelp}</p>
        </FormDialog>
      )}
    </section>
  );
}
