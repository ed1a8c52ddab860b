import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Event, type Job, type Task } from "../../api/client.ts";
import { usePolling } from "../../api/live.ts";
import { bytes, clock, count, duration, measured } from "../../lib/format.ts";
import { ended } from "../../lib/jobs.ts";
import { type Scene, ticks } from "../../lib/scene.ts";
import { type Span, spans } from "../../lib/timeline.ts";
import { strings } from "../../strings.ts";
import { Fault, Skeleton } from "../../ui/basics.tsx";
import { useNow } from "../../ui/clock.ts";
import { Picture, useWidth } from "../../ui/picture.tsx";
import { Files } from "./downloads.tsx";

const say = strings.job.history;
/** Of each kind; a job of more is told in numbers. */
const most = 2000;

async function allTasks(id: string, signal: AbortSignal): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let first: number | undefined = 0; first !== undefined && tasks.length < most; ) {
    const page = await api.tasks(id, first, signal);
    tasks.push(...page.tasks);
    first = page.next_first;
  }
  return tasks;
}

async function allEvents(id: string, signal: AbortSignal): Promise<Event[]> {
  const events: Event[] = [];
  for (let after: number | undefined = 0; after !== undefined && events.length < most; ) {
    const page = await api.events(id, after, signal);
    events.push(...page.events);
    after = page.next_after;
  }
  return events;
}

/** How the job came to where it is: its tasks in time, its log, its files. Open while there is no result to read. */
export function History({ job }: { job: Job }) {
  const [part, setPart] = useState<"tasks" | "log" | "files">(job.status === "failed" ? "log" : "tasks");
  const [open, setOpen] = useState(job.status !== "completed");
  return (
    <details className="panel history" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say.title}</summary>
      {open && (
        <div className="stack">
          <div className="segments" role="radiogroup" aria-label={say.title}>
            {(["tasks", "log", "files"] as const).map((one) => (
              <label key={one} className={one === part ? "segment chosen" : "segment"}>
                <input type="radio" name="history" checked={one === part} onChange={() => setPart(one)} />
                {say.part[one]}
              </label>
            ))}
          </div>
          {part === "files" ? <Files job={job} /> : <TasksAndLog job={job} part={part} />}
        </div>
      )}
    </details>
  );
}

function TasksAndLog({ job, part }: { job: Job; part: "tasks" | "log" }) {
  const polling = usePolling(3000);
  const refetchInterval = ended(job.status) ? false : polling;
  const tasks = useQuery({ queryKey: ["job-part", job.id, "tasks"], queryFn: ({ signal }) => allTasks(job.id, signal), refetchInterval });
  const events = useQuery({ queryKey: ["job-part", job.id, "events"], queryFn: ({ signal }) => allEvents(job.id, signal), refetchInterval });
  const error = tasks.error ?? events.error;
  if (error && (!tasks.data || !events.data)) return <Fault error={error} />;
  if (!tasks.data || !events.data) return <Skeleton lines={4} />;
  return part === "tasks" ? <Tasks tasks={tasks.data} events={events.data} /> : <Log events={events.data} />;
}

function Tasks({ tasks, events }: { tasks: Task[]; events: Event[] }) {
  const now = useNow(1000, tasks.some(({ status }) => status === "leased"));
  if (tasks.length === 0) return <p className="muted">{say.noTasks}</p>;
  const counts = { ready: 0, leased: 0, done: 0, failed: 0 };
  for (const task of tasks) counts[task.status] += 1;
  const ran = spans(tasks, events, now);
  const shards = Math.max(...tasks.map(({ shard }) => shard)) + 1;
  return (
    <div className="stack">
      <p className="small">
        {(Object.keys(counts) as (keyof typeof counts)[])
          .filter((status) => counts[status] > 0)
          .map((status) => `${count(counts[status])} ${say.taskStatus[status]}`)
          .join(", ")}
      </p>
      {ran.length > 1 && <Timeline ran={ran} />}
      <div className="scroll tall" tabIndex={0} role="region" aria-label={say.part.tasks}>
        <table className="table">
          <thead>
            <tr>
              <th className="num">{say.column.task}</th>
              <th>{say.column.status}</th>
              <th>{say.column.queries}</th>
              {shards > 1 && <th className="num">{say.column.shard}</th>}
              <th className="num">{say.column.letters}</th>
              <th className="num">{say.column.wall}</th>
              <th className="num">{say.column.cpu}</th>
              <th className="num">{say.column.memory}</th>
              <th className="num">{say.column.attempts}</th>
            </tr>
          </thead>
          <tbody>
            {tasks.slice(0, 500).map((task) => (
              <tr key={task.index}>
                <td className="num">{task.index + 1}</td>
                <td>
                  {say.taskStatus[task.status]}
                  {task.failure && <div className="fault">{task.failure.message}</div>}
                </td>
                <td className="mono">
                  {count(task.first_query + 1)}–{count(task.first_query + task.queries)}
                </td>
                {shards > 1 && <td className="num">{task.shard + 1}</td>}
                <td className="num">{count(task.letters)}</td>
                <td className="num">{task.metrics ? measured(task.metrics.wall_seconds) : "–"}</td>
                <td className="num">{task.metrics ? measured(task.metrics.cpu_seconds) : "–"}</td>
                <td className="num">{task.metrics && task.metrics.peak_bytes > 0 ? bytes(task.metrics.peak_bytes) : "–"}</td>
                <td className="num">{task.attempts}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {tasks.length > 500 && <p className="muted small">{say.firstTasks(count(500), count(tasks.length))}</p>}
    </div>
  );
}

function Timeline({ ran }: { ran: Span[] }) {
  const [ref, width] = useWidth<HTMLDivElement>(800);
  return (
    <div ref={ref}>
      <Picture scene={timeline(ran, width)} />
    </div>
  );
}

function timeline(all: Span[], width: number): Scene {
  const start = Math.min(...all.map(({ from }) => from));
  const seconds = Math.max(0.001, (Math.max(...all.map(({ until }) => until)) - start) / 1000);
  const lanes = Math.max(...all.map(({ lane }) => lane)) + 1;
  const pitch = lanes > 16 ? 8 : 16;
  const left = 8;
  const right = 48;
  const x = (s: number) => left + (s / seconds) * (width - left - right);
  const height = lanes * pitch + 28;
  const items: Scene["items"] = [];
  for (const tick of ticks(seconds, Math.max(2, Math.floor(width / 140)))) {
    items.push({ kind: "line", x1: x(tick), y1: 0, x2: x(tick), y2: lanes * pitch + 4, stroke: "--line" });
    items.push({ kind: "text", x: x(tick), y: height - 6, text: tick === 0 ? "0 s" : tick < 1 ? `${tick} s` : duration(tick), fill: "--muted", size: 11, anchor: tick === 0 ? "start" : "middle" });
  }
  for (const span of all)
    items.push({
      kind: "rect", x: x((span.from - start) / 1000), y: span.lane * pitch + 2, width: Math.max(2, x((span.until - start) / 1000) - x((span.from - start) / 1000) - 1),
      height: pitch - 4, radius: 2, fill: "--plot", ...(span.running && { opacity: 0.45 }), title: (span.running ? say.runningSpan : say.span)(span.task + 1, measured((span.until - span.from) / 1000)),
    });
  return { width, height, title: say.timeline(all.length, lanes), items };
}

function Log({ events }: { events: Event[] }) {
  return (
    <div className="scroll tall" tabIndex={0} role="region" aria-label={say.part.log}>
      <table className="table log">
        <tbody>
          {events.map((event) => (
            <tr key={event.seq}>
              <td className="mono small">{clock(event.at)}</td>
              <td>
                {say.event(event.kind, strings.status[event.status], event.task === undefined ? "" : String(event.task + 1))}
                {event.failure && (
                  <div className="fault">
                    {say.kind[event.failure.kind] ?? event.failure.kind}: {event.failure.message}
                  </div>
                )}
              </td>
              <td className="num muted">{event.tasks_total > 0 ? `${event.tasks_done}/${event.tasks_total}` : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
