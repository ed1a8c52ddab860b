import "../../css/jobs.css";
import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { jobName, useJobActions, useLeaving } from "../../api/actions.ts";
import { api, type Job, type JobFilter, type JobPage, type JobStatus } from "../../api/client.ts";
import { useDatabases, usePrograms, useRights } from "../../api/hooks.ts";
import { useEvents, useLiveState, usePolling } from "../../api/live.ts";
import { ago, clock, count, duration } from "../../lib/format.ts";
import { active, applyEvent, ended, took } from "../../lib/jobs.ts";
import { setParams, useLocation } from "../../router.ts";
import { strings } from "../../strings.ts";
import { Bar, Fault, Heading, Link, Skeleton, State } from "../../ui/basics.tsx";
import { throttled, useNow } from "../../ui/clock.ts";
import { usePrinting } from "../../ui/printing.ts";
import { ImportDialog } from "./import.tsx";

const say = strings.jobs;
const statuses: JobStatus[] = ["queued", "running", "merging", "completed", "failed", "cancelled"];
const shortestText = 3;

function useFilter(): JobFilter {
  const { params } = useLocation();
  const get = (name: string) => params.get(name) || undefined;
  const text = get("text");
  const filter = {
    status: statuses.find((status) => status === get("status")),
    program: get("program"),
    database: get("database"),
    owner: get("owner"),
    text: text && text.length >= shortestText ? text : undefined,
    since: get("since"),
  };
  return useMemo(() => filter, [JSON.stringify(filter)]);
}

function useJobs(filter: JobFilter) {
  const client = useQueryClient();
  const polling = usePolling(3000);
  const queryKey = useMemo(() => ["jobs", filter], [filter]);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => api.jobs(filter, pageParam, 50, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: polling,
  });
  const refresh = useMemo(() => throttled(() => void client.invalidateQueries({ queryKey }), 1000), [client, queryKey]);
  useEvents((event) => {
    let known = false;
    client.setQueryData<InfiniteData<JobPage>>(queryKey, (data) => {
      if (!data) return data;
      const pages = data.pages.map((page) => {
        const at = page.jobs.findIndex(({ id }) => id === event.job);
        if (at < 0) return page;
        known = true;
        const job = applyEvent(page.jobs[at]!, event);
        return job === page.jobs[at] ? page : { ...page, jobs: page.jobs.with(at, job) };
      });
      return known ? { ...data, pages } : data;
    });
    // A job that is new here, or may have come into or out of the filter.
    if (!known || event.kind === "moved" || event.kind === "measured") refresh();
  });
  return query;
}

export default function Jobs() {
  const filter = useFilter();
  const live = useLiveState();
  const query = useJobs(filter);
  const leaving = useLeaving();
  const jobs = useMemo(() => query.data?.pages.flatMap((page) => page.jobs).filter(({ id }) => !leaving.has(id)), [query.data, leaving]);
  const filtered = Object.values(filter).some((value) => value !== undefined);
  const now = useNow(1000, jobs?.some((job) => active(job.status)) ?? false);
  const minute = useNow(20_000);
  const owners = new Set(jobs?.map(({ owner }) => owner));
  const [importing, setImporting] = useState(false);
  const { change } = useRights();
  return (
    <div className="stack jobs">
      <Heading
        title={say.title}
        right={
          <>
            {change && (
              <>
                <Link place="search" className="button primary">
                  {say.newSearch}
                </Link>
                <button type="button" className="button" onClick={() => setImporting(true)}>
                  {say.import.open}
                </button>
              </>
            )}
          </>
        }
      >
        {live === "polling" && <span className="note warn small">{strings.live.explain.polling}</span>}
      </Heading>
      <Filters />
      {query.error && !jobs ? <Fault error={query.error} retry={() => void query.refetch()} /> : null}
      {!jobs && !query.error && <Skeleton lines={8} height={40} />}
      {jobs && jobs.length === 0 && (
        <div className="panel empty">
          <h2>{filtered ? say.noMatch : say.none}</h2>
          <p>
            {filtered ? (
              <button type="button" className="link" onClick={() => setParams({ status: null, program: null, database: null, owner: null, text: null, since: null })}>
                {say.clearFilter}
              </button>
            ) : (
              say.noneHelp
            )}
          </p>
        </div>
      )}
      {jobs && jobs.length > 0 && (
        <div className="panel flush scroll">
          <table className="table joblist">
            <thead>
              <tr>
                <th>{say.column.state}</th>
                <th>{say.column.job}</th>
                {owners.size > 1 && <th>{say.column.owner}</th>}
                <th className="num">{say.column.queries}</th>
                <th>{say.column.progress}</th>
                <th>{say.column.created}</th>
                <th>
                  <span className="hidden">{say.column.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <Row key={job.id} job={job} now={now} minute={minute} owner={owners.size > 1} change={change} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage && (
        <div>
          <button type="button" className="button" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {say.more}
          </button>
        </div>
      )}
      {importing && <ImportDialog onClose={() => setImporting(false)} />}
    </div>
  );
}

function Row({ job, now, minute, owner, change }: { job: Job; now: number; minute: number; owner: boolean; change: boolean }) {
  const actions = useJobActions();
  const printing = usePrinting();
  return (
    <tr>
      <td>
        <State status={job.status} />
      </td>
      <td className="what">
        <Link place="job" params={{ id: job.id }}>
          {jobName(job)}
        </Link>
        {job.title && (
          <div className="muted small">
            {[job.program, job.database].filter(Boolean).join(" · ")}
          </div>
        )}
        {job.status === "failed" && job.failure && <div className="fault">{job.failure.message}</div>}
      </td>
      {owner && <td>{job.owner}</td>}
      <td className="num">{count(job.queries)}</td>
      <td className="progress">
        <Progress job={job} now={now} />
      </td>
      <td className="when" title={clock(job.created)}>
        {printing ? clock(job.created) : ago(job.created, minute)}
      </td>
      <td>
        <div className="row actions">
          {change && !ended(job.status) && (
            <button type="button" className="button" onClick={() => void actions.cancel(job)}>
              {strings.common.cancel}
            </button>
          )}
          {change && (job.status === "failed" || job.status === "cancelled") && (
            <button type="button" className="button" onClick={() => void actions.retry(job)}>
              {say.retry}
            </button>
          )}
          {change && !job.imported && (
            <Link place="search" params={{ from: job.id }} className="button" title={say.duplicateHelp}>
              {say.duplicate}
            </Link>
          )}
          {change && ended(job.status) && (
            <button type="button" className="button quiet" aria-label={say.removeNamed(jobName(job))} onClick={() => actions.remove(job)}>
              {say.remove}
            </button>
          )}
        </div>
      </td>
    </tr>
  );
}

function Progress({ job, now }: { job: Job; now: number }) {
  const { progress, status } = job;
  const seconds = took(job, now);
  if (status === "completed") return <span className="muted">{seconds === null ? "" : say.took(duration(seconds))}</span>;
  if (status === "queued") return <span className="muted">{progress.tasks_done > 0 ? say.tasks(progress.tasks_done, progress.tasks_total) : say.waits}</span>;
  if (!active(status)) return progress.tasks_total > 0 ? <span className="muted">{say.tasks(progress.tasks_done, progress.tasks_total)}</span> : null;
  return (
    <div className="stack bars">
      <Bar fraction={progress.fraction} label={say.progressOf(jobName(job))} />
      <span className="muted small">
        {say.tasks(progress.tasks_done, progress.tasks_total)}
        {seconds !== null && `, ${duration(seconds)}`}
      </span>
    </div>
  );
}

function Filters() {
  const { params } = useLocation();
  const programs = usePrograms();
  const databases = useDatabases();
  const [text, setText] = useState(params.get("text") ?? "");
  const inAddress = params.get("text") ?? "";
  useEffect(() => setText(inAddress), [inAddress]);
  useEffect(() => {
    if (text === inAddress) return;
    const timer = setTimeout(() => setParams({ text }), 300);
    return () => clearTimeout(timer);
  }, [text, inAddress]);
  const status = params.get("status") ?? "";
  const pick = (name: string, label: string, all: string, values: string[] | undefined) => (
    <select className="select" aria-label={label} value={params.get(name) ?? ""} onChange={(event) => setParams({ [name]: event.target.value })}>
      <option value="">{all}</option>
      {values?.map((value) => (
        <option key={value}>{value}</option>
      ))}
    </select>
  );
  return (
    <div className="row filters noprint">
      <input
        type="search"
        data-search
        className="input"
        aria-label={say.filter.text}
        aria-describedby="text-help"
        placeholder={say.filter.text}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <select className="select" aria-label={say.column.state} value={status} onChange={(event) => setParams({ status: event.target.value })}>
        <option value="">{say.filter.anyState}</option>
        {statuses.map((one) => (
          <option key={one} value={one}>
            {strings.status[one]}
          </option>
        ))}
      </select>
      {pick("program", say.filter.program, say.filter.anyProgram, programs.data?.map(({ name }) => name))}
      {pick("database", say.filter.database, say.filter.anyDatabase, databases.data?.map(({ name }) => name))}
      <span id="text-help" className="muted small">
        {text.length > 0 && text.length < shortestText ? say.filter.tooShort : ""}
      </span>
    </div>
  );
}
