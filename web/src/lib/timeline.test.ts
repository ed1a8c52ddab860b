import { describe, expect, it } from "vitest";
import type { Event, Task } from "../api/client.ts";
import { spans } from "./timeline.ts";

const start = Date.parse("2026-01-31T12:00:00.000Z");
const task = (index: number, status: Task["status"], wall?: number): Task => ({
  index, status, first_query: index, queries: 1, shard: 0, letters: 100, attempts: 1,
  ...(wall !== undefined && { metrics: { wall_seconds: wall, cpu_seconds: wall, peak_bytes: 1 } }),
}) as Task;
const event = (kind: Event["kind"], index: number | undefined, second: number) => ({ kind, task: index, at: new Date(start + second * 1000).toISOString() }) as Event;

describe("spans", () => {
  it("are of finished and of running tasks, side by side", () => {
    const events = [event("leased", 0, 0), event("leased", 1, 0), event("task_done", 0, 4), event("leased", 2, 4), event("leased", undefined, 4)];
    const found = spans([task(0, "done", 4), task(1, "leased"), task(2, "leased"), task(3, "ready")], events, start + 10_000);
    expect(found).toEqual([
      { task: 0, from: start, until: start + 4000, lane: 0, running: false },
      { task: 1, from: start, until: start + 10_000, lane: 1, running: true },
      { task: 2, from: start + 4000, until: start + 10_000, lane: 0, running: true },
    ]);
  });

  it("begin again with a task that is tried again, and never end before they begin", () => {
    const events = [event("leased", 0, 0), event("task_released", 0, 3), event("leased", 0, 5)];
    expect(spans([task(0, "leased")], events, start + 2000)).toMatchObject([{ from: start + 5000, until: start + 5000 }]);
    expect(spans([task(0, "ready")], events.slice(0, 2), start + 4000)).toEqual([]);
  });
});
