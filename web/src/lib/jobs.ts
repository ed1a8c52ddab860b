import type { Event, Job, JobStatus } from "../api/client.ts";
import { strings } from "../strings.ts";

export const ended = (status: JobStatus) => status === "completed" || status === "failed" || status === "cancelled";
export const active = (status: JobStatus) => status === "running" || status === "merging";

/** A job after `event`; the same object when the event is older than what is known. */
export function applyEvent(job: Job, event: Event): Job {
  if (event.job !== job.id || event.seq <= job.version) return job;
  const { tasks_done, tasks_total, letters_done, letters_total } = event;
  // As the server counts: letters tell more than tasks, which differ in size.
  const fraction = letters_total > 0 ? letters_done / letters_total : tasks_total > 0 ? tasks_done / tasks_total : 0;
  const next: Job = {
    ...job,
    status: event.status,
    version: event.seq,
    progress: { tasks_done, tasks_total, letters_done, letters_total, fraction: Math.min(1, fraction) },
  };
  if (event.kind === "moved") {
    if (event.status === "running" && !job.started) next.started = event.at;
    if (ended(event.status)) next.finished = event.at;
    if (event.status === "queued") {
      delete next.finished;
      delete next.failure;
    }
  }
  if (event.status === "failed" && event.failure) next.failure = event.failure;
  return next;
}

/** Seconds a job has been at work, or was. */
export function took(job: Job, now: number): number | null {
  if (!job.started) return null;
  const end = job.finished ? Date.parse(job.finished) : active(job.status) ? now : NaN;
  const seconds = (end - Date.parse(job.started)) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

/** How a job stands, for those who hear the page: it changes with the state and at each quarter, not with each task. */
export function announced({ status, progress }: Pick<Job, "status" | "progress">): string {
  const quarter = Math.floor(progress.fraction * 4) * 25;
  return status === "running" && quarter > 0 ? strings.job.announced(strings.status[status], quarter) : strings.status[status];
}
