import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useId, useState } from "react";
import { api } from "../../api/client.ts";
import { type Organism, organismLabel } from "../../lib/organisms.ts";
import { strings } from "../../strings.ts";

const say = strings.search.organisms;
const shortest = 2;

interface Props {
  chosen: Organism[];
  onChange: (next: Organism[]) => void;
}

/** Taxa that the search is limited to, or that it leaves out, found by any of their names. */
export function OrganismPick({ chosen, onChange }: Props) {
  const id = useId();
  const [text, setText] = useState("");
  const [without, setWithout] = useState(false);
  const wanted = useDeferredValue(text.trim());
  // Whether the server has a taxonomy is asked once.
  const there = useQuery({
    queryKey: ["taxa", "there"],
    queryFn: ({ signal }) => api.taxa("a", 1, signal).then(({ imported }) => imported),
    staleTime: 300_000,
  });
  const found = useQuery({
    queryKey: ["taxa", wanted.toLowerCase()],
    queryFn: ({ signal }) => api.taxa(wanted, 12, signal),
    enabled: there.data === true && wanted.length >= shortest,
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
  const names = useQueries({
    queries: chosen.map(({ taxid }) => ({ queryKey: ["taxon", taxid], queryFn: ({ signal }: { signal: AbortSignal }) => api.taxon(taxid, signal), staleTime: Infinity })),
  });
  if (there.data !== true) return there.data === false && chosen.length > 0 ? <p className="note bad">{say.none}</p> : null;

  const taxa = found.data?.taxa ?? [];
  function type(next: string) {
    // A suggestion that is taken comes as its whole label.
    const taken = taxa.find((taxon) => organismLabel(taxon) === next);
    if (!taken) return setText(next);
    setText("");
    if (!chosen.some(({ taxid }) => taxid === taken.taxid)) onChange([...chosen, { taxid: taken.taxid, without }]);
  }
  return (
    <section className="stack tight" aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{say.title}</h3>
      <div className="row">
        <select className="select" aria-label={say.kind} value={without ? "without" : "only"} onChange={(event) => setWithout(event.target.value === "without")}>
          <option value="only">{say.only}</option>
          <option value="without">{say.without}</option>
        </select>
        <input
          className="input organism"
          type="search"
          autoComplete="off"
          aria-label={say.name}
          placeholder={say.hint}
          list={`${id}-taxa`}
          value={text}
          onChange={(event) => type(event.target.value)}
        />
        <datalist id={`${id}-taxa`}>
          {taxa.map((taxon) => (
            <option key={taxon.taxid} value={organismLabel(taxon)}>
              {taxon.matched === taxon.name ? "" : taxon.matched}
            </option>
          ))}
        </datalist>
      </div>
      {wanted.length >= shortest && found.isSuccess && !found.isPlaceholderData && taxa.length === 0 && <p className="muted small">{say.noMatch(wanted)}</p>}
      {chosen.length > 0 && (
        <ul className="chips" aria-label={say.title}>
          {chosen.map(({ taxid, without: out }, index) => {
            const name = names[index]?.data?.name ?? `taxid ${taxid}`;
            return (
              <li key={taxid} className="chip">
                {out ? say.outChip(name) : name}{" "}
                <button type="button" className="link" aria-label={say.remove(name)} onClick={() => onChange(chosen.filter((one) => one.taxid !== taxid))}>
                  ×
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
