import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, ApiError, type Database, type Preflight, type Submission } from "../../api/client.ts";
import { count, duration, short } from "../../lib/format.ts";
import { strings } from "../../strings.ts";
import { useSettled } from "../../ui/clock.ts";

const say = strings.search.submit;

/** Asks the server what a search would do. Null while something is missing, or the query is too large to send twice. */
export function usePreflight(submission: Submission | null) {
  const settled = useSettled(submission, 400);
  const { query = "", ...rest } = settled ?? {};
  const identity = typeof query === "string" ? query : `${query.name} ${query.size} ${query.lastModified}`;
  return useQuery({
    queryKey: ["preflight", rest, identity],
    queryFn: ({ signal }) => api.preflight(settled!, signal),
    enabled: settled !== null && settled === submission,
    staleTime: 60_000,
    gcTime: 60_000,
    retry: false,
    // The plan before stays in sight, greyed, until the new one is there.
    placeholderData: keepPreviousData,
  });
}

/** "312 queries × 1.0 M sequences: 16 tasks, about 40 s on 8 cores" */
export function planWords(plan: Preflight, database: Database): string {
  const queries = strings.common.queries(plan.queries, count(plan.queries));
  const sequences = strings.common.sequences(database.sequences, short(database.sequences));
  return say.plan(queries, sequences, plan.tasks, count(plan.tasks), duration(plan.wall_seconds), plan.workers);
}

interface Props {
  missing: string | null;
  database: Database | undefined;
  program: string | undefined;
  preflight: ReturnType<typeof usePreflight>;
  /** The plan is not asked for: the query is too large. */
  unplanned: boolean;
  busy: boolean;
  sent: number;
  error: unknown;
  onSubmit: () => void;
  onCancel: () => void;
}

export function SubmitBar({ missing, database, program, preflight, unplanned, busy, sent, error, onSubmit, onCancel }: Props) {
  const plan = preflight.data;
  const wrong = error ?? (missing ? null : preflight.error);
  const final = wrong instanceof ApiError && !wrong.passing;
  return (
    <div className="submitbar">
      <div className="words" aria-live="polite">
        {busy ? (
          <span>{sent < 1 ? say.sending(Math.floor(sent * 100)) : say.checking}</span>
        ) : wrong ? (
          <span className="fault" role="alert">
            {wrong instanceof Error ? wrong.message : String(wrong)}
          </span>
        ) : missing ? (
          <span className="muted">{missing}</span>
        ) : unplanned ? (
          <span className="muted">{say.unplanned}</span>
        ) : plan && database ? (
          <>
            <span className={preflight.isPlaceholderData ? "muted" : "plan"}>{planWords(plan, database)}</span>
            {plan.warnings.map((warning) => (
              <span key={warning} className="warning">
                {warning}
              </span>
            ))}
            {plan.tasks > 1 || plan.shards > 1 ? (
              <details className="small">
                <summary>{say.why}</summary>
                <ul className="reasons">
                  {plan.reasons.map((reason) => (
                    <li key={reason}>{reason}</li>
                  ))}
                </ul>
              </details>
            ) : null}
          </>
        ) : (
          <span className="muted">{say.planning}</span>
        )}
      </div>
      {busy && (
        <button type="button" className="button" onClick={onCancel}>
          {strings.common.cancel}
        </button>
      )}
      <button type="button" className="button primary run" disabled={missing !== null || busy || (final && !error)} title={say.keys} onClick={onSubmit}>
        {program ? say.run(program) : say.runUnknown}
      </button>
    </div>
  );
}
