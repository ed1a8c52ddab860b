import { expect, it } from "vitest";
import { parseMetrics, quantileBound, total } from "./metrics.ts";

const text = `# HELP x_jobs Jobs.
# TYPE x_jobs gauge
x_jobs{state="queued"} 3
x_jobs{state="running"} 2
x_up 1
x_seconds_bucket{route="/a",le="0.01"} 90
x_seconds_bucket{route="/a",le="0.1"} 98
x_seconds_bucket{route="/a",le="+Inf"} 100
x_seconds_bucket{route="/b",le="0.01"} 0
x_seconds_bucket{route="/b",le="0.1"} 10
x_seconds_bucket{route="/b",le="+Inf"} 10
`;

it("reads metrics", () => {
  const metrics = parseMetrics(text);
  expect(total(metrics, "x_jobs")).toBe(5);
  expect(total(metrics, "x_jobs", { state: "queued" })).toBe(3);
  expect(total(metrics, "x_up")).toBe(1);
  expect(total(metrics, "x_none")).toBeUndefined();
  expect(quantileBound(metrics, "x_seconds", 0.5)).toBe(0.01);
  expect(quantileBound(metrics, "x_seconds", 0.95)).toBe(0.1);
  expect(quantileBound(metrics, "x_seconds", 0.999)).toBe(Infinity);
});
