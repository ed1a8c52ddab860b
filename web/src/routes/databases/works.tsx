import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { ApiError } from "../../api/client.ts";
import { databases } from "../../api/databases.ts";
import { useRights } from "../../api/hooks.ts";
import { ago, clock } from "../../lib/format.ts";
import { goesOn, shownWorks, worksTitle } from "../../lib/works.ts";
import { go, to } from "../../router.ts";
import { strings } from "../../strings.ts";
import { Bar, Link } from "../../ui/basics.tsx";
import { useNow } from "../../ui/clock.ts";
import { say as toast } from "../../ui/toast.tsx";

const say = strings.databases.works;

/** What is being done to databases. No event tells of it, so it is asked for: often while something is done. */
export function useWorks() {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: ["database-works"],
    queryFn: ({ signal }) => databases.works(signal),
    refetchInterval: ({ state }) => (state.data?.some(goesOn) ? 1000 : 15_000),
    retry: false,
  });
  const active = query.data?.filter(goesOn).length ?? 0;
  const before = useRef(0);
  useEffect(() => {
    if (active < before.current) for (const key of ["databases", "database"]) void client.invalidateQueries({ queryKey: [key] });
    before.current = active;
  }, [active, client]);
  return query;
}

/**
 * After an order was taken: says so, and shows it among the works. A database that is `gone` by it is not asked for again: its
 * page leads to the list.
 */
export function useOrdered() {
  const client = useQueryClient();
  return (done?: string, gone?: string) => {
    if (done) toast(done);
    if (gone !== undefined) {
      go(to("databases"));
      void client.invalidateQueries({ queryKey: ["database", gone], refetchType: "none" });
    }
    for (const key of ["database-works", "databases", ...(gone === undefined ? ["database"] : [])]) void client.invalidateQueries({ queryKey: [key] });
  };
}

/** Runs an order of a button, and says what was refused. */
export function useOrder() {
  const ordered = useOrdered();
  return async (order: () => Promise<unknown>, done?: string) => {
    try {
      await order();
    } catch (reason) {
      toast(reason instanceof Error ? reason.message : String(reason), { seconds: 10 });
      return;
    }
    ordered(done);
  };
}

export function Works() {
  const { data, error } = useWorks();
  const order = useOrder();
  const now = useNow(10_000);
  const { manage } = useRights();
  if (error instanceof ApiError || !data || data.length === 0) return null;
  const shown = shownWorks(data);
  return (
    <section className="stack tight" aria-labelledby="works-title">
      <h2 id="works-title">{worksTitle(shown)}</h2>
      <ul className="panel flush worklist">
        {shown.map((work) => (
          <li key={work.id}>
            <span className={`workstate ${work.status}`}>{say.status[work.status]}</span>
            <span>
              {say.kind[work.kind]}{" "}
              <Link place="databases" params={{ name: work.database }} className="mono">
                {work.database}
              </Link>
              {work.message && <div className={work.status === "failed" ? "fault" : "small"}>{work.message}</div>}
            </span>
            <span className="workbar">{work.status === "running" && work.fraction !== undefined && <Bar fraction={work.fraction} label={say.progress(work.database)} />}</span>
            <span className="muted small" title={clock(work.created)}>
              {ago(work.finished ?? work.created, now)}
            </span>
            {manage && goesOn(work) && (
              <button type="button" className="button" aria-label={say.cancelNamed(work.database)} onClick={() => void order(() => databases.cancelWork(work.id))}>
                {strings.common.cancel}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
