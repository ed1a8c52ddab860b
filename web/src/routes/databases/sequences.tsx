import { type FormEvent, useState } from "react";
import { call } from "../../api/client.ts";
import { databases } from "../../api/databases.ts";
import { saveText } from "../../lib/save.ts";
import { strings } from "../../strings.ts";
import { Copy, Fault } from "../../ui/basics.tsx";

const say = strings.databases.sequences;
const mostShown = 100_000;

/** Sequences of a database by their ids, whole or a part. */
export function Sequences({ name, ids: given = "" }: { name: string; ids?: string }) {
  const [ids, setIds] = useState(given);
  const [range, setRange] = useState("");
  const [strand, setStrand] = useState("");
  const [found, setFound] = useState<{ text: string; missing: string } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const wrongRange = range !== "" && !/^(\d+-\d*|-\d+)$/.test(range);
  const fetchThem = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    try {
      const reply = await call(databases.sequencesPath(name, { ids: ids.split(/[\s,]+/).filter(Boolean).join(","), range, strand }));
      setFound({ text: await reply.text(), missing: reply.headers.get("Blastloom-Missing") ?? "" });
    } catch (reason) {
      setFound(null);
      setError(reason);
    }
  };
  return (
    <section className="panel stack" aria-labelledby="sequences-title">
      <h2 id="sequences-title">{say.title}</h2>
      <form className="row bottoms" onSubmit={(event) => void fetchThem(event)}>
        <div className="field wide">
          <label htmlFor="seq-ids">{say.ids}</label>
          <input id="seq-ids" className="input mono" value={ids} placeholder={say.idsHint} onChange={(event) => setIds(event.target.value)} />
        </div>
        <div className="field">
          <label htmlFor="seq-range">{say.range}</label>
          <input id="seq-range" className="input mono" size={10} value={range} placeholder={say.rangeHint} aria-invalid={wrongRange} onChange={(event) => setRange(event.target.value.trim())} />
        </div>
        <div className="field">
          <label htmlFor="seq-strand">{say.strand}</label>
          <select id="seq-strand" className="select" value={strand} onChange={(event) => setStrand(event.target.value)}>
            <option value="">{say.strands.own}</option>
            <option value="minus">{say.strands.minus}</option>
          </select>
        </div>
        <button type="submit" className="button" disabled={!ids.trim() || wrongRange}>
          {say.show}
        </button>
      </form>
      {error ? <Fault error={error} /> : null}
      {found && (
        <div className="stack tight">
          {found.missing && <p className="note warn">{say.missing(found.missing.split(" "))}</p>}
          {found.text && (
            <>
              <pre className="sequence" tabIndex={0} aria-label={say.title}>
                {found.text.slice(0, mostShown)}
              </pre>
              {found.text.length > mostShown && <p className="muted small">{say.cut}</p>}
              <div className="row">
                <Copy text={found.text} />
                <button type="button" className="button" onClick={() => saveText(found.text, `${name}.fasta`)}>
                  {say.save}
                </button>
              </div>
            </>
          )}
        </div>
      )}
    </section>
  );
}
