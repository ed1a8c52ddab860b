import type { Event, Task } from "../api/client.ts";

export interface Span {
  task: number;
  /** Milliseconds of the clock. */
  from: number;
  until: number;
  /** What runs at once lies in different lanes. */
  lane: number;
  running: boolean;
}

/** When each task ran. A finished one ended with its event, and took its wall time before that; a running one began with its lease. */
export function spans(tasks: Task[], events: Event[], now: number): Span[] {
  const ends = new Map<number, number>();
  const starts = new Map<number, number>();
  for (const { kind, task, at } of events) {
    if (task === undefined) continue;
    if (kind === "task_done") ends.set(task, Date.parse(at));
    else if (kind === "leased") starts.set(task, Date.parse(at));
  }
  const found: Span[] = [];
  for (const { index, status, metrics } of tasks) {
    const end = ends.get(index);
    const start = starts.get(index);
    if (status === "leased" && start !== undefined) found.push({ task: index, from: start, until: Math.max(start, now), lane: 0, running: true });
    else if (status === "done" && end !== undefined && metrics) found.push({ task: index, from: end - metrics.wall_seconds * 1000, until: end, lane: 0, running: false });
  }
  found.sort((a, b) => a.from - b.from);
  const free: number[] = [];
  for (const span of found) {
    // Two clocks measured it; a few milliseconds of overlap are none.
    let lane = free.findIndex((until) => until <= span.from + 100);
    if (lane < 0) lane = free.length;
    free[lane] = span.until;
    span.lane = lane;
  }
  return found;
}
