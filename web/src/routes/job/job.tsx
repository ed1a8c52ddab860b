import "../../css/job.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { jobName, useJobActions, useLeaving } from "../../api/actions.ts";
import { api, ApiError, type Job } from "../../api/client.ts";
import { useRights } from "../../api/hooks.ts";
import { useEvents, usePolling } from "../../api/live.ts";
import { jobOf } from "../../api/results.ts";
import { clock, count, duration, short } from "../../lib/format.ts";
import { active, announced, applyEvent, ended, took } from "../../lib/jobs.ts";
import { results } from "../../pages.ts";
import { base, to, useLocation } from "../../router.ts";
import { strings } from "../../strings.ts";
import { Bar, Copy, Fault, Heading, Link, Skeleton, State } from "../../ui/basics.tsx";
import { throttled, useNow } from "../../ui/clock.ts";
import { Downloads } from "./downloads.tsx";
import { History } from "./history.tsx";

const say = strings.job;
// With this place's own code, so that it is there before a job is: after a submit it would be in the way of its first words.
results.load().catch(() => undefined);

export default function JobPlace() {
  const { params } = useLocation();
  const id = params.get("id") ?? "";
  return <JobPage key={id} id={id} />;
}

/** The job as it is now: what events tell at once, and what only the job itself tells (its ETA) a little later. */
function useJob(id: string) {
  const client = useQueryClient();
  const polling = usePolling(1500);
  const query = useQuery({
    ...jobOf(client, id),
    // Its first events may have come before its page.
    refetchOnMount: "always",
    retry: (failures, error) => failures < 2 && error instanceof ApiError && error.passing && error.status !== 0,
    refetchInterval: ({ state }) => (state.data && ended(state.data.status) ? false : state.status === "error" ? 3000 : polling || 10_000),
  });
  const refresh = useMemo(
    () =>
      throttled(() => {
        void client.invalidateQueries({ queryKey: ["job", id] });
        void client.invalidateQueries({ queryKey: ["job-part", id] });
      }, 1000),
    [client, id],
  );
  useEvents((event) => {
    if (event.job !== id) return;
    client.setQueryData<Job>(["job", id], (job) => job && applyEvent(job, event));
    refresh();
  });
  return query;
}

function JobPage({ id }: { id: string }) {
  const query = useJob(id);
  const leaving = useLeaving();
  const job = query.data;
  if (leaving.has(id)) return <Gone />;
  if (!job) {
    if (query.error instanceof ApiError && (query.error.status === 404 || query.error.status === 400)) return <Gone />;
    if (query.error) return <Fault error={query.error} retry={() => void query.refetch()} />;
    return <Skeleton lines={6} />;
  }
  return <Loaded job={job} />;
}

function Gone() {
  return (
    <div className="empty">
      <Heading title={say.gone} />
      <p>{say.goneHelp}</p>
      <Link place="jobs">{say.toJobs}</Link>
    </div>
  );
}

function Loaded({ job }: { job: Job }) {
  const actions = useJobActions();
  const { change } = useRights();
  const title = jobName(job);
  useProgressTitle(job, title);
  return (
    <div className="stack jobpage">
      <Heading
        title={title}
        right={
          <>
            <Copy label={say.copyLink} text={() => new URL(to("job", { id: job.id }), base()).href} />
            {!job.imported && change && (
              <Link place="search" params={{ from: job.id }} className="button">
                {say.edit}
              </Link>
            )}
            {change && (job.status === "failed" || job.status === "cancelled") && (
              <button type="button" className="button primary" onClick={() => void actions.retry(job)}>
                {strings.jobs.retry}
              </button>
            )}
            {!change ? null : ended(job.status) ? (
              <button type="button" className="button danger" onClick={() => actions.remove(job)}>
                {strings.jobs.remove}
              </button>
            ) : (
              <button type="button" className="button danger" onClick={() => void actions.cancel(job)}>
                {say.cancel}
              </button>
            )}
          </>
        }
      >
        <State status={job.status} />
      </Heading>
      <Facts job={job} />
      {job.status !== "completed" && <Standing job={job} />}
      {job.status === "completed" && (
        <>
          <Downloads job={job} />
          <results.Part job={job} fallback={<Skeleton lines={8} height={32} />} />
        </>
      )}
      <History job={job} />
      <p className="hidden" role="status">
        {announced(job)}
      </p>
    </div>
  );
}

/** The tab tells how far a running job is. */
function useProgressTitle(job: Job, title: string) {
  const percent = active(job.status) ? `${Math.floor(job.progress.fraction * 100)} % ` : "";
  useEffect(() => {
    document.title = `${percent}${title} · ${strings.common.product}`;
  }, [percent, title]);
}

function Facts({ job }: { job: Job }) {
  const seconds = took(job, Date.now());
  const options = Object.entries(job.options).filter(([name]) => name !== "db" && name !== "outfmt");
  return (
    <div className="jobfacts">
      <span>
        <span className="mono">{job.program}</span>
        {job.database && ` ${say.against} `}
        {/* What an imported result searched need not be here. */}
        {job.imported ? (
          <span className="mono">{job.database}</span>
        ) : (
          <Link place="databases" params={{ name: job.database }} className="mono">
            {job.database}
          </Link>
        )}
      </span>
      <span>
        {strings.common.queries(job.queries, count(job.queries))}, {strings.common.letters(job.letters, count(job.letters))}
      </span>
      <span title={clock(job.created)}>{job.imported ? say.imported(clock(job.created)) : say.submitted(clock(job.created))}</span>
      {ended(job.status) && !job.imported && seconds !== null && <span>{strings.jobs.took(duration(seconds))}</span>}
      {job.reused && <span>{say.reused}</span>}
      {job.metrics && !job.reused && !job.imported && ended(job.status) && <span>{say.cpu(duration(job.metrics.cpu_seconds))}</span>}
      {job.owner !== "local" && <span>{say.owner(job.owner)}</span>}
      {options.map(([name, value]) => (
        <span key={name} className="chip mono">
          {name}
          {value !== true && value !== "" && ` = ${value}`}
        </span>
      ))}
    </div>
  );
}

function useExplanation(job: Job) {
  return useQuery({
    queryKey: ["job-part", job.id, "explain", job.status],
    queryFn: ({ signal }) => api.explain(job.id, signal),
    refetchInterval: ended(job.status) ? false : 5000,
  });
}

/** How a job stands that is not completed: waiting and why, running and how far, or failed and what to do. */
function Standing({ job }: { job: Job }) {
  const { data } = useExplanation(job);
  const now = useNow(1000, active(job.status));
  if (job.status === "failed")
    return (
      <div className="note bad standing" role="alert">
        <strong>{say.failed[job.failure?.kind ?? ""] ?? say.failedAtAll}</strong>
        <p>{job.failure?.message ?? data?.summary}</p>
        {data?.advice && (
          <p>
            <b>{say.whatToDo}</b> {data.advice}
          </p>
        )}
        {data?.reasons.filter((reason) => !reason.includes(job.failure?.message ?? "\n")).map((reason) => <p key={reason} className="small">{reason}</p>)}
      </div>
    );
  if (job.status === "cancelled")
    return (
      <div className="note standing">
        <strong>{say.cancelled}</strong>
        <p>{job.progress.tasks_done > 0 ? say.cancelledKept(job.progress.tasks_done, job.progress.tasks_total) : say.cancelledHelp}</p>
      </div>
    );
  const seconds = took(job, now);
  const eta = data?.eta_seconds ?? job.eta_seconds;
  const rate = seconds && seconds > 1 ? job.progress.letters_done / seconds : 0;
  if (job.status === "queued")
    return (
      <div className="panel stack tight standing">
        <strong>{data?.summary ?? say.queued}</strong>
        {data?.position !== undefined && <p>{say.position(data.position)}</p>}
        {data?.reasons.map((reason) => <p key={reason} className="muted">{reason}</p>)}
        {eta !== undefined && <p className="muted">{say.etaQueued(duration(eta))}</p>}
      </div>
    );
  return (
    <div className="panel stack tight standing">
      <div className="row spread">
        <strong>{job.status === "merging" ? say.merging : job.progress.tasks_total === 0 ? say.planning : say.percent(Math.floor(job.progress.fraction * 100))}</strong>
        <span className="muted">{eta !== undefined && job.status === "running" && job.progress.tasks_total > 0 && etaWords(eta, data?.eta_error)}</span>
      </div>
      <Bar fraction={job.status === "merging" ? 1 : job.progress.fraction} label={say.progress} />
      <div className="row spread small muted">
        <span>
          {strings.jobs.tasks(job.progress.tasks_done, job.progress.tasks_total)}, {say.lettersDone(short(job.progress.letters_done), short(job.progress.letters_total))}
          {rate > 0 && `, ${say.rate(short(Math.round(rate)))}`}
        </span>
        {seconds !== null && <span>{say.since(duration(seconds))}</span>}
      </div>
    </div>
  );
}

/** With its range, when the server knows how wrong it has been. */
function etaWords(seconds: number, error: number | undefined): string {
  if (error === undefined || error <= 0.05) return say.eta(duration(seconds));
  return say.etaRange(duration(seconds / (1 + error)), duration(seconds * (1 + error)));
}
