import { describe, expect, it } from "vitest";
import type { Job } from "../api/client.ts";
import { strings } from "../strings.ts";
import { machineOf, rates, standing, verdict, worries } from "./health.ts";
import { parseMetrics } from "./metrics.ts";

const figures = (free: number, memory: number) =>
  parseMetrics(`blastloom_machine_cores 8\nblastloom_machine_load 2.5\nblastloom_machine_memory_bytes 1000\nblastloom_machine_memory_available_bytes ${memory}
blastloom_storage_bytes 1000000000\nblastloom_storage_free_bytes ${free}\n`);
const now = Date.parse("2026-01-31T12:00:00Z");
const failedAt = (finished: string) => ({ finished }) as Job;

describe("health", () => {
  it("is silent when all is well", () => {
    const facts = { ready: { status: "ready" as const, lacking: [] }, metrics: figures(900_000_000, 900), beat: { tasks: [{ name: "reconcile", every_seconds: 10, runs: 1, failures: 3 }] }, failed: [failedAt("2026-01-31T10:00:00Z")] };
    expect(worries(facts, now)).toEqual([]);
    expect(worries({}, now)).toEqual([]);
  });

  it("tells each worry once, what stops searches first", () => {
    const found = worries(
      { ready: { status: "not_ready", lacking: ["the job store: gone"] }, metrics: figures(1_000_000, 10), beat: { tasks: [{ name: "reconcile", every_seconds: 10, runs: 1, failures: 1, last_error: "no" }] }, failed: [failedAt("2026-01-31T11:59:00Z"), failedAt("2026-01-31T11:00:01Z")] },
      now,
    );
    expect(found).toHaveLength(5);
    expect(found[0]).toBe("the job store: gone");
    expect(found.at(-1)).toContain("2 jobs failed");
  });

  it("tells what works less well from what does not work", () => {
    expect(standing({ status: "ready", lacking: [] })).toBe("good");
    expect(standing({ status: "ready", lacking: [], degraded: [] })).toBe("good");
    expect(standing({ status: "reading", lacking: [], degraded: [] })).toBe("good");
    const degraded = { status: "ready" as const, lacking: [], degraded: ["Redis (events): no answer in time"] };
    expect(standing(degraded)).toBe("degraded");
    expect(worries({ ready: degraded, failed: [failedAt("2026-01-31T11:59:00Z")] }, now)).toEqual(["Redis (events): no answer in time", "1 job failed within the hour."]);
    expect(standing({ status: "not_ready", lacking: ["the object store: gone"], degraded: degraded.degraded })).toBe("lacking");
  });

  it("says of a server that only reads nothing about taking searches", () => {
    const say = strings.system.health;
    expect(verdict({ status: "ready", lacking: [], degraded: [] })).toEqual({ good: true, text: say.good });
    expect(verdict({ status: "ready", lacking: [], degraded: ["Redis"] })).toEqual({ good: false, text: say.degraded });
    expect(verdict({ status: "reading", lacking: [], degraded: [] })).toEqual({ good: true, text: say.goodReading });
    expect(verdict({ status: "reading", lacking: [], degraded: ["Redis"] })).toEqual({ good: false, text: say.degradedReading });
    expect(verdict({ status: "not_ready", lacking: ["the job store"] })).toEqual({ good: false, text: say.cannot });
  });

  it("knows no machine where a server does not tell of one", () => {
    expect(machineOf(parseMetrics("up 1\n"))).toBeNull();
    expect(machineOf(figures(1, 1))).toMatchObject({ cores: 8, load: 2.5 });
  });
});

it("rates go on over a restart of the server", () => {
  expect(rates([{ at: 0, value: 10 }, { at: 5000, value: 20 }, { at: 10_000, value: 5 }])).toEqual([2, 1]);
  expect(rates([{ at: 0, value: 1 }])).toEqual([]);
});
