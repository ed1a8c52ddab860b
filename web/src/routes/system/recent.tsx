import { useState } from "react";
import type { Event, Job } from "../../api/client.ts";
import { jobName } from "../../api/actions.ts";
import { useEvents } from "../../api/live.ts";
import { ago, clock } from "../../lib/format.ts";
import { strings } from "../../strings.ts";
import { Link } from "../../ui/basics.tsx";
import { useNow } from "../../ui/clock.ts";

const say = strings.system;

/** Jobs that failed last, each with its reason. */
export function Failures({ jobs }: { jobs: Job[] }) {
  const now = useNow(30_000);
  return (
    <section className="stack tight" aria-labelledby="failures-title">
      <div className="row spread">
        <h2 id="failures-title">{say.failures.title}</h2>
        {jobs.length > 0 && (
          <Link place="jobs" params={{ status: "failed" }} className="small">
            {say.failures.all}
          </Link>
        )}
      </div>
      {jobs.length === 0 ? (
        <p className="panel muted">{say.failures.none}</p>
      ) : (
        <ul className="panel flush feed">
          {jobs.map((job) => (
            <li key={job.id}>
              <span className="muted small" title={job.finished && clock(job.finished)}>
                {job.finished && ago(job.finished, now)}
              </span>
              <span>
                <Link place="job" params={{ id: job.id }}>
                  {jobName(job)}
                </Link>
                {job.failure && (
                  <div className="small">
                    <b>{strings.job.failed[job.failure.kind] ?? strings.job.failedAtAll}.</b> {job.failure.message}
                  </div>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const most = 40;

/** What happens, as it happens. */
export function Feed() {
  const [events, setEvents] = useState<Event[]>([]);
  useEvents((event) => setEvents((now) => [event, ...now].slice(0, most)));
  return (
    <section className="stack tight" aria-labelledby="feed-title">
      <h2 id="feed-title">{say.feed.title}</h2>
      {events.length === 0 ? (
        <p className="panel muted">{say.feed.none}</p>
      ) : (
        <ul className="panel flush feed tall scroll" tabIndex={0}>
          {events.map((event) => (
            <li key={`${event.job} ${event.seq}`}>
              <span className="mono small">{new Date(event.at).toLocaleTimeString("en-GB")}</span>
              <span className="small">
                <Link place="job" params={{ id: event.job }} className="mono">
                  {event.job.slice(0, 8)}
                </Link>{" "}
                {strings.job.history.event(event.kind, strings.status[event.status], event.task === undefined ? "" : String(event.task + 1))}
                {event.failure && <span className="fault"> {event.failure.message}</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
