import { useQuery } from "@tanstack/react-query";
import { api, type Recommendation } from "../../api/client.ts";
import type { Molecule } from "../../lib/fasta.ts";
import { offers } from "../../lib/programs.ts";
import { strings } from "../../strings.ts";
import { useSettled } from "../../ui/clock.ts";

const say = strings.search.recommended;

/** What the server would search with such a query, as long as nothing is chosen; one click takes it. */
export function Recommended({ molecule, longest, onTake }: { molecule: Molecule; longest: number; onTake: (taken: Recommendation) => void }) {
  const settled = useSettled(longest, 400);
  const { data } = useQuery({
    queryKey: ["recommend", molecule, settled],
    queryFn: ({ signal }) => api.recommend(molecule, settled, signal),
    staleTime: 60_000,
    retry: false,
    // What was offered stays while only the length changes.
    placeholderData: (before, query) => (query?.queryKey[1] === molecule ? before : undefined),
  });
  const offered = offers(data ?? []);
  if (offered.length === 0) return null;
  return (
    <section className="note stack tight recommended" aria-labelledby="recommended-title">
      <h2 id="recommended-title">{say.title}</h2>
      <ul className="stack tight">
        {offered.map((one, i) => (
          <li key={one.program}>
            <button type="button" className={i === 0 ? "button primary" : "button"} onClick={() => onTake(one)}>
              {say.take(one.program, one.database)}
            </button>
            <span className="small">{[...one.reasons, ...one.warnings].join("; ")}</span>
          </li>
        ))}
      </ul>
      <p className="small">{say.or}</p>
    </section>
  );
}
