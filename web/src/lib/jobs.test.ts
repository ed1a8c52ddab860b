import { describe, expect, it } from "vitest";
import type { Event, Job } from "../api/client.ts";
import { announced, applyEvent, took } from "./jobs.ts";

const id = "0".repeat(32);
const job: Job = {
  id, status: "queued", program: "blastp", database: "d", title: "", owner: "local", priority: 0, options: {}, outfmt: "0", queries: 2,
  letters: 100, created: "2026-01-31T12:00:00.000Z", version: 1,
  progress: { tasks_done: 0, tasks_total: 0, letters_done: 0, letters_total: 0, fraction: 0 },
  links: { self: "", events: "", tasks: "", results: "", explain: "" },
};
const event = (seq: number, more: Partial<Event>): Event => ({
  order: seq, job: id, owner: "local", seq, at: `2026-01-31T12:00:0${seq}.000Z`, kind: "moved", status: "running",
  tasks_done: 0, tasks_total: 4, letters_done: 0, letters_total: 100, ...more,
});

describe("applyEvent", () => {
  it("follows a job to its end", () => {
    let now = applyEvent(job, event(2, {}));
    expect(now).toMatchObject({ status: "running", started: "2026-01-31T12:00:02.000Z", version: 2 });
    now = applyEvent(now, event(3, { kind: "task_done", tasks_done: 1, letters_done: 40 }));
    expect(now.progress).toMatchObject({ tasks_done: 1, fraction: 0.4 });
    now = applyEvent(now, event(4, { status: "completed", tasks_done: 4, letters_done: 100 }));
    expect(now).toMatchObject({ status: "completed", finished: "2026-01-31T12:00:04.000Z" });
    expect(took(now, 0)).toBe(2);
  });

  it("ignores what is old or of another job", () => {
    const later = { ...job, version: 9 };
    expect(applyEvent(later, event(3, {}))).toBe(later);
    expect(applyEvent(job, event(2, { job: "1".repeat(32) }))).toBe(job);
  });

  it("forgets a failure when the job is tried again", () => {
    const failed = applyEvent(job, event(2, { status: "failed", failure: { kind: "memory", message: "m" } }));
    expect(failed.failure?.kind).toBe("memory");
    const again = applyEvent(failed, event(3, { status: "queued" }));
    expect(again.failure).toBeUndefined();
    expect(again.finished).toBeUndefined();
  });
});

it("is announced at each quarter, not at each task", () => {
  const at = (fraction: number) => announced({ status: "running", progress: { ...job.progress, fraction } });
  expect([0, 0.2, 0.25, 0.49, 0.5, 0.99].map(at)).toEqual(["Running", "Running", "Running: 25 %", "Running: 25 %", "Running: 50 %", "Running: 75 %"]);
  expect(announced({ status: "completed", progress: job.progress })).toBe("Completed");
});
