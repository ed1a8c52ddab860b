import { useEffect, useMemo, useState } from "react";
import type { Database } from "../api/client.ts";
import { useDatabases } from "../api/hooks.ts";
import { bytes, count } from "../lib/format.ts";
import { setParams, useLocation } from "../router.ts";
import { strings } from "../strings.ts";
import { Fault, Heading, Link, Skeleton } from "../ui/basics.tsx";
import { matches } from "./search/database-list.tsx";

const say = strings.databases;

export default function Databases() {
  const { params } = useLocation();
  const query = useDatabases();
  const words = params.get("find") ?? "";
  const named = params.get("name");
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
        right={query.data && query.data.length > 0 && (
          <input type="search" data-search className="input" aria-label={say.filter} placeholder={say.filter} value={text} onChange={(event) => setText(event.target.value)} />
        )}
      >
        {query.data && query.data.length > 0 && <span className="muted small">{say.summary(query.data.length, count(letters))}</span>}
      </Heading>
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
        return group.length > 0 && <Group key={molecule} title={strings.search.database.group[molecule]} databases={group} named={named} />;
      })}
    </div>
  );
}

function Group({ title, databases, named }: { title: string; databases: Database[]; named: string | null }) {
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
              <tr key={database.name} className={database.name === named ? "marked" : undefined} aria-current={database.name === named || undefined}>
                <td>
                  <span className="mono">{database.name}</span>
                  {database.title !== database.name && <div className="muted small">{database.title}</div>}
                </td>
                <td className="num">{count(database.sequences)}</td>
                <td className="num">{count(database.letters)}</td>
                <td className="num">{bytes(database.bytes)}</td>
                <td>{database.date}</td>
                <td className="num">{database.version}</td>
                <td>
                  <span className="row actions">
                    <Link place="search" params={{ db: database.name }} className="button">
                      {say.search}
                    </Link>
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
