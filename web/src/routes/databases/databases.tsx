import "../../css/databases.css";
import { useEffect, useMemo, useState } from "react";
import type { Database } from "../../api/client.ts";
import { databases as api } from "../../api/databases.ts";
import { useDatabases, useRights } from "../../api/hooks.ts";
import { bytes, count } from "../../lib/format.ts";
import { setParams, useLocation } from "../../router.ts";
import { strings } from "../../strings.ts";
import { Fault, Heading, Link, Skeleton } from "../../ui/basics.tsx";
import { Field, FormDialog } from "../../ui/form-dialog.tsx";
import { matches } from "../search/database-list.tsx";
import { BuildDialog } from "./build.tsx";
import { DatabasePage } from "./database.tsx";
import { useOrdered, Works } from "./works.tsx";

const say = strings.databases;

export default function Databases() {
  const { params } = useLocation();
  const name = params.get("name");
  return name ? <DatabasePage key={name} name={name} ids={params.get("ids") ?? ""} /> : <All />;
}

function FetchDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const ordered = useOrdered();
  return (
    <FormDialog title={say.fetch.title} submit={say.fetch.submit} ready={name !== ""} run={() => api.fetch(name).then(() => ordered())} onClose={onClose}>
      <Field label={say.fetch.name} name="name" help={say.fetch.help}>
        {(control) => <input {...control} className="input mono" value={name} placeholder="swissprot" onChange={(event) => setName(event.target.value.trim())} />}
      </Field>
    </FormDialog>
  );
}

function All() {
  const { params } = useLocation();
  const [asked, setAsked] = useState<"build" | "fetch" | null>(null);
  const query = useDatabases();
  const { manage } = useRights();
  const words = params.get("find") ?? "";
  const [text, setText] = useState(words);
  useEffect(() => {
    if (text === words) return;
    const timer = setTimeout(() => setParams({ find: text }), 200);
    return () => clearTimeout(timer);
  }, [text, words]);
  const shown = useMemo(() => query.data?.filter((database) => !words || matches(database, words)), [query.data, words]);
  const letters = query.data?.reduce((sum, database) => sum + database.letters, 0) ?? 0;
  return (
    <div className="stack">
      <Heading
        title={say.title}
        right={
          <>
            {query.data && query.data.length > 0 && (
              <input type="search" data-search className="input" aria-label={say.filter} placeholder={say.filter} value={text} onChange={(event) => setText(event.target.value)} />
            )}
            {manage && (
              <>
                <button type="button" className="button" onClick={() => setAsked("build")}>
                  {say.build.open}
                </button>
                <button type="button" className="button" onClick={() => setAsked("fetch")}>
                  {say.fetch.open}
                </button>
              </>
            )}
          </>
        }
      >
        {query.data && query.data.length > 0 && <span className="muted small">{say.summary(query.data.length, count(letters))}</span>}
      </Heading>
      <Works />
      {query.error && !query.data ? <Fault error={query.error} retry={() => void query.refetch()} /> : null}
      {!query.data && !query.error && <Skeleton lines={8} height={32} />}
      {query.data?.length === 0 && (
        <div className="panel empty">
          <h2>{strings.search.database.none}</h2>
          <p>{strings.search.database.noneHelp}</p>
        </div>
      )}
      {shown && query.data && query.data.length > 0 && shown.length === 0 && (
        <div className="panel empty">
          <h2>{say.noMatch(words)}</h2>
        </div>
      )}
      {(["protein", "nucleotide"] as const).map((molecule) => {
        const group = shown?.filter((database) => database.molecule === molecule) ?? [];
        return group.length > 0 && <Group key={molecule} title={strings.search.database.group[molecule]} databases={group} />;
      })}
      {asked === "build" && <BuildDialog onClose={() => setAsked(null)} />}
      {asked === "fetch" && <FetchDialog onClose={() => setAsked(null)} />}
    </div>
  );
}

function Group({ title, databases }: { title: string; databases: Database[] }) {
  const { change } = useRights();
  return (
    <section className="stack tight" aria-label={title}>
      <h2>{title}</h2>
      <div className="panel flush scroll">
        <table className="table dblist">
          <thead>
            <tr>
              <th>{say.column.name}</th>
              <th className="num">{say.column.sequences}</th>
              <th className="num">{say.column.letters}</th>
              <th className="num">{say.column.size}</th>
              <th>{say.column.date}</th>
              <th className="num">{say.column.version}</th>
              <th>
                <span className="hidden">{strings.jobs.column.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {databases.map((database) => (
              <tr key={database.name}>
                <td>
                  <Link place="databases" params={{ name: database.name }} className="mono">
                    {database.name}
                  </Link>
                  {database.title !== database.name && <div className="muted small">{database.title}</div>}
                  {database.kind === "profiles" && <div className="muted small">{strings.search.database.profiles}</div>}
                </td>
                <td className="num">{count(database.sequences)}</td>
                <td className="num">{count(database.letters)}</td>
                <td className="num">{bytes(database.bytes)}</td>
                <td>{database.date}</td>
                <td className="num">{database.version}</td>
                <td>
                  <span className="row actions">
                    {change && (
                      <Link place="search" params={{ db: database.name }} className="button">
                        {say.search}
                      </Link>
                    )}
                    <Link place="jobs" params={{ database: database.name }} className="button quiet">
                      {say.jobs}
                    </Link>
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
