import { useQuery } from "@tanstack/react-query";
import { api, type Recommendation } from "../../api/client.ts";
import type { Molecule } from "../../lib/fasta.ts";
import { offers } from "../../lib/programs.ts";
import { strings } from "../../strings.ts";
import { useSettled } from "../../ui/clock.ts";

const say = strings.search.recommended;
/** The panel keeps the place of so many, so that the list of databases below it never moves. */
const most = 3;

interface Props {
  /** Null: there is no query to recommend a search for. */
  query: { molecule: Molecule; longest: number } | null;
  taken: (offer: Recommendation) => boolean;
  onTake: (offer: Recommendation) => void;
}

/** What the server would search with such a query; one click takes it. */
export function Recommended({ query, taken, onTake }: Props) {
  const settled = useSettled(query?.longest ?? 0, 400);
  const { data, isError } = useQuery({
    queryKey: ["recommend", query?.molecule, settled],
    queryFn: ({ signal }) => api.recommend(query!.molecule, settled, signal),
    enabled: query !== null && settled > 0,
    staleTime: 60_000,
    retry: false,
    // What was offered stays while only the length changes.
    placeholderData: (before, asked) => (asked?.queryKey[1] === query?.molecule ? before : undefined),
  });
  const offered = query ? offers(data ?? []).slice(0, most) : [];
  return (
    <section className="note recommended" aria-labelledby="recommended-title">
      <h2 id="recommended-title">{say.title}</h2>
      {offered.length === 0 && <p className="muted small">{!query ? say.needQuery : data || isError ? say.nothing : say.asking}</p>}
      <ul>
        {offered.map((one, i) => {
          const why = [...one.warnings, ...one.reasons].join("; ");
          return (
            <li key={one.program}>
              <button type="button" className={i === 0 ? "button primary" : "button"} aria-pressed={taken(one)} onClick={() => onTake(one)}>
                {say.take(one.program, one.database)}
              </button>
              <span className="small" title={why}>
                {why}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
