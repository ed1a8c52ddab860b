import "../../css/system.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ApiError } from "../../api/client.ts";
import { useReady } from "../../api/hooks.ts";
import { useEvents, useLiveState } from "../../api/live.ts";
import { token } from "../../api/token.ts";
import { ago, clock, count, duration, measured, short } from "../../lib/format.ts";
import { type Beat, machineOf, standing, verdict, worries } from "../../lib/health.ts";
import { type Metrics, parseMetrics, quantileBound, total } from "../../lib/metrics.ts";
import { serverUrl } from "../../router.ts";
import { strings } from "../../strings.ts";
import { Fault, Heading, Link, Skeleton, State } from "../../ui/basics.tsx";
import { throttled, useNow } from "../../ui/clock.ts";
import { MachineLoad, remember, Throughput } from "./machine.tsx";
import { Failures, Feed } from "./recent.tsx";

const say = strings.system;
const every = 5000;

export default function System() {
  const health = useQuery({ queryKey: ["health"], queryFn: ({ signal }) => api.health(signal), refetchInterval: every, retry: false });
  const ready = useReady(every);
  const metrics = useQuery({ queryKey: ["metrics"], queryFn: ({ signal }) => api.metrics(signal).then(parseMetrics), refetchInterval: every, retry: false });
  const beat = useQuery({ queryKey: ["beat"], queryFn: ({ signal }) => api.beat(signal) as Promise<Beat>, refetchInterval: every, retry: false });
  const failed = useQuery({ queryKey: ["jobs", "failed lately"], queryFn: ({ signal }) => api.jobs({ status: "failed" }, "", 5, signal), refetchInterval: 30_000, retry: false });
  const client = useQueryClient();
  const refresh = useMemo(() => throttled(() => void client.invalidateQueries({ queryKey: ["jobs", "failed lately"] }), 2000), [client]);
  useEvents((event) => event.status === "failed" && refresh());
  const live = useLiveState();
  const now = useNow(30_000);
  const worried = worries({ ready: ready.data, metrics: metrics.data, beat: beat.data, failed: failed.data?.jobs }, now);
  const version = metrics.data?.get("blastloom_build_info")?.[0]?.labels.version;
  return (
    <div className="stack">
      <Heading
        title={say.title}
        right={
          <>
            {!token.get() && (
              <a className="button quiet" href={serverUrl("/metrics")}>
                {say.metricsLink}
              </a>
            )}
            <a className="button quiet" href={serverUrl("/openapi.yaml")}>
              {say.apiLink}
            </a>
          </>
        }
      >
        {version && <span className="muted small">{say.version(version)}</span>}
      </Heading>
      <section className="panel stack tight" aria-labelledby="health-title">
        <h2 id="health-title">{say.health.title}</h2>
        {health.isError ? (
          <Verdict good={false} text={say.health.bad} />
        ) : !health.data || !ready.data ? (
          <Skeleton lines={1} />
        ) : standing(ready.data) === "good" && worried.length > 0 ? (
          <Verdict good={false} text={say.health.look} />
        ) : (
          <Verdict {...verdict(ready.data)} />
        )}
        {!health.isError && worried.length > 0 && (
          <ul className="reasons">
            {worried.map((clause) => (
              <li key={clause}>{clause}</li>
            ))}
          </ul>
        )}
        {live !== "live" && <Verdict good={false} text={strings.live.explain[live]} />}
      </section>
      {metrics.error instanceof ApiError && metrics.error.status === 403 ? (
        <p className="note">{say.adminOnly}</p>
      ) : metrics.error && !metrics.data ? (
        <Fault error={metrics.error} retry={() => void metrics.refetch()} />
      ) : metrics.data ? (
        <Figures metrics={metrics.data} at={metrics.dataUpdatedAt} />
      ) : (
        <Skeleton lines={5} />
      )}
      <div className="halves">
        {failed.data && <Failures jobs={failed.data.jobs} />}
        <Feed />
      </div>
      <section className="stack tight" aria-labelledby="beat-title">
        <h2 id="beat-title">{say.beat.title}</h2>
        {beat.error && !beat.data ? (
          beat.error instanceof ApiError && beat.error.status === 404 ? <p className="note">{beat.error.message}</p> : <Fault error={beat.error} />
        ) : beat.data ? (
          <BeatTable beat={beat.data} />
        ) : (
          <Skeleton lines={3} />
        )}
      </section>
    </div>
  );
}

function Verdict({ good, text }: { good: boolean; text: string }) {
  return (
    <p className={good ? "verdict good" : "verdict bad"}>
      <span aria-hidden="true">{good ? "✓" : "✕"}</span> {text}
    </p>
  );
}

function Figures({ metrics, at }: { metrics: Metrics; at: number }) {
  const of = (name: string, labels?: Record<string, string>) => total(metrics, `blastloom_${name}`, labels) ?? 0;
  const requests = of("http_requests_total");
  const errors = (metrics.get("blastloom_http_requests_total") ?? []).filter(({ labels }) => labels.status?.startsWith("5")).reduce((sum, { value }) => sum + value, 0);
  const bound = quantileBound(metrics, "blastloom_http_request_duration_seconds", 0.95);
  const states = ["queued", "running", "merging", "completed", "failed", "cancelled"] as const;
  const machine = machineOf(metrics);
  remember(metrics, at);
  return (
    <>
      <section className="panel stack" aria-labelledby="now-title">
        <h2 id="now-title">{say.now.title}</h2>
        <p>{say.now.words(of("active_jobs"), of("waiting_jobs"), of("cores_busy"))}</p>
        {metrics.has("blastloom_jobs") && (
          <ul className="figures">
            {states.map((status) => (
              <li key={status}>
                <Link place="jobs" params={{ status }}>
                  <span className="num">{count(of("jobs", { state: status }))}</span>
                </Link>
                <State status={status} />
              </li>
            ))}
          </ul>
        )}
        {machine && <MachineLoad machine={machine} busy={of("cores_busy")} />}
        <Throughput at={at} cores={machine?.cores ?? 1} />
      </section>
      <section className="panel stack tight" aria-labelledby="since-title">
        <h2 id="since-title">{say.since.title}</h2>
        <ul className="sentences">
          <li>{say.since.tasks(count(of("tasks_total", { outcome: "done" })), count(of("tasks_total", { outcome: "failed" })), count(of("tasks_total", { outcome: "lost" })))}</li>
          <li>{say.since.runs(count(of("engine_runs_total")), duration(of("engine_cpu_seconds_total")))}</li>
          <li>{say.since.coalesced(count(of("coalesced_jobs_total")))}</li>
          <li>{say.since.requests(short(requests), errors, bound === undefined ? null : bound === Infinity ? say.since.slow : measuredBound(bound))}</li>
        </ul>
      </section>
    </>
  );
}

const measuredBound = (seconds: number) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds} s`);

function BeatTable({ beat }: { beat: Beat }) {
  const now = useNow(1000);
  return (
    <>
      <p className="muted small">{beat.leader === false ? say.beat.follower : say.beat.help}</p>
      <div className="panel flush scroll">
        <table className="table dblist">
          <thead>
            <tr>
              <th>{say.beat.task}</th>
              <th>{say.beat.every}</th>
              <th>{say.beat.last}</th>
              <th className="num">{say.beat.took}</th>
              <th className="num">{say.beat.runs}</th>
              <th className="num">{say.beat.failures}</th>
            </tr>
          </thead>
          <tbody>
            {beat.tasks.map((task) => (
              <tr key={task.name}>
                <td>
                  {say.beat.name[task.name] ?? task.name.replaceAll("_", " ")}
                  {task.last_error && <div className="fault">{task.last_error}</div>}
                </td>
                <td>{say.beat.everyTime(duration(task.every_seconds))}</td>
                <td title={task.last_run && clock(task.last_run)}>{task.last_run ? ago(task.last_run, now) : say.beat.never}</td>
                <td className="num">{task.last_seconds === undefined ? "–" : task.last_seconds < 0.01 ? say.beat.instant : measured(task.last_seconds)}</td>
                <td className="num">{count(task.runs)}</td>
                <td className="num">{task.failures > 0 ? <span className="fault">{count(task.failures)}</span> : 0}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
