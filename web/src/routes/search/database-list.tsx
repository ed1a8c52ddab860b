import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Database } from "../../api/client.ts";
import { databases as api } from "../../api/databases.ts";
import { bytes, count, short } from "../../lib/format.ts";
import { strings } from "../../strings.ts";
import { Fault, Link, Skeleton } from "../../ui/basics.tsx";

const say = strings.search.database;

interface Props {
  databases: Database[] | undefined;
  error: unknown;
  retry: () => void;
  chosen: string;
  onChoose: (name: string) => void;
}

export function matches(database: Database, words: string): boolean {
  const text = `${database.name} ${database.title}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export function DatabaseList({ databases, error, retry, chosen, onChoose }: Props) {
  const [words, setWords] = useState("");
  const shown = useMemo(() => databases?.filter((database) => database.name === chosen || matches(database, words)), [databases, words, chosen]);
  return (
    <section className="stack tight" aria-labelledby="database-title">
      <div className="row spread">
        <h2 id="database-title">{say.title}</h2>
        {databases && databases.length > 5 && (
          <input
            type="search"
            className="input"
            aria-label={say.filter}
            placeholder={say.filter}
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        )}
      </div>
      {!databases && error ? <Fault error={error} retry={retry} /> : null}
      {!databases && !error && <Skeleton lines={4} height={32} />}
      {databases && databases.length === 0 && (
        <div className="note warn">
          <strong>{say.none}</strong>
          {say.noneHelp}
        </div>
      )}
      {shown && databases && databases.length > 0 && (
        <div className="databases">
          {(["protein", "nucleotide"] as const).map((molecule) => {
            const group = shown.filter((database) => database.molecule === molecule);
            return (
              <fieldset key={molecule} className="panel">
                <legend className="hidden">{say.group[molecule]}</legend>
                <div className="grouptitle" aria-hidden="true">
                  <span>{say.group[molecule]}</span>
                  <span>{say.columns}</span>
                </div>
                {group.length === 0 && <p className="muted small pad">{words ? say.noMatch : say.noneOf[molecule]}</p>}
                <div className="list">
                  {group.map((database) => (
                    <label key={database.name} className={database.name === chosen ? "database chosen" : "database"}>
                      <input type="radio" name="database" value={database.name} checked={database.name === chosen} onChange={() => onChoose(database.name)} />
                      <span className="name">
                        <span>{database.name}</span>
                        {database.title !== database.name && <span className="muted small">{database.title}</span>}
                        {database.kind === "profiles" && <span className="muted small">{say.profiles}</span>}
                      </span>
                      <span className="num muted" title={say.exact(count(database.sequences), count(database.letters), database.date)}>
                        {short(database.sequences)} · {short(database.letters)}
                      </span>
                    </label>
                  ))}
                </div>
              </fieldset>
            );
          })}
        </div>
      )}
      {shown?.filter(({ name }) => name === chosen).map((database) => <Chosen key={database.name} database={database} />)}
    </section>
  );
}

/** What is worth knowing of the chosen one, and whether its first search will wait for the disk. */
function Chosen({ database }: { database: Database }) {
  const { data } = useQuery({ queryKey: ["database", database.name, "residency"], queryFn: ({ signal }) => api.residency(database.name, signal), staleTime: 30_000, retry: false });
  const share = data && data.bytes > 0 && data.unknown_bytes === 0 ? data.resident_bytes / data.bytes : null;
  return (
    <p className="muted small">
      {say.exact(count(database.sequences), count(database.letters), database.date)}; {bytes(database.bytes)}
      {share !== null && `, ${share > 0.98 ? say.warm : say.cold(Math.floor(share * 100))}`}.{" "}
      <Link place="databases" params={{ name: database.name }}>
        {say.more}
      </Link>
    </p>
  );
}
