import { useMemo } from "react";
import { bytes } from "../../lib/format.ts";
import { type Machine, rates } from "../../lib/health.ts";
import { type Metrics, total } from "../../lib/metrics.ts";
import type { Scene } from "../../lib/scene.ts";
import { strings } from "../../strings.ts";
import { Picture, useWidth } from "../../ui/picture.tsx";

const say = strings.system.machine;

/** What is taken of what there is. */
export function MachineLoad({ machine, busy }: { machine: Machine; busy: number }) {
  const { cores, load, memory, storage } = machine;
  return (
    <ul className="gauges">
      <Gauge name={say.searches} share={busy / cores} words={say.coresOf(busy, cores)} />
      <Gauge name={say.load} share={load / cores} words={say.loadOf(load.toFixed(1), cores)} />
      {memory.all > 0 && <Gauge name={say.memory} share={1 - memory.free / memory.all} words={say.freeOf(bytes(memory.free), bytes(memory.all))} />}
      {storage && storage.all > 0 && <Gauge name={say.storage} share={1 - storage.free / storage.all} words={say.freeOf(bytes(storage.free), bytes(storage.all))} />}
    </ul>
  );
}

function Gauge({ name, share, words }: { name: string; share: number; words: string }) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <li>
      <span className="row spread small">
        <b>{name}</b>
        <span className="muted">{words}</span>
      </span>
      <div className="bar" role="meter" aria-label={name} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100} aria-valuetext={words}>
        <i className={percent >= 95 ? "full" : undefined} style={{ width: `${percent}%` }} />
      </div>
    </li>
  );
}

const most = 120;
const kept: { at: number; tasks: number; cpu: number }[] = [];

/** Remembers what counters said, as long as the page is open. */
export function remember(metrics: Metrics, at: number) {
  if (kept.at(-1)?.at === at) return;
  kept.push({ at, tasks: total(metrics, "blastloom_tasks_total", { outcome: "done" }) ?? 0, cpu: total(metrics, "blastloom_engine_cpu_seconds_total") ?? 0 });
  if (kept.length > most) kept.shift();
}

/** How much was done, as long as the page has been looking. */
export function Throughput({ at, cores }: { at: number; cores: number }) {
  const [ref, width] = useWidth<HTMLDivElement>(560);
  const half = width > 520 ? Math.floor((width - 24) / 2) : width;
  const [tasks, cpu] = useMemo(() => [rates(kept.map((one) => ({ at: one.at, value: one.tasks }))), rates(kept.map((one) => ({ at: one.at, value: one.cpu })))], [at]);
  return (
    <div ref={ref} className="row throughput">
      <Picture scene={line(tasks, half, say.tasks((tasks.at(-1) ?? 0).toFixed(1)), 0)} />
      <Picture scene={line(cpu, half, say.computing((cpu.at(-1) ?? 0).toFixed(1)), cores)} />
    </div>
  );
}

function line(values: number[], width: number, title: string, least: number): Scene {
  const height = 72;
  const top = 20;
  const highest = Math.max(1e-9, least, ...values);
  const x = (i: number) => width - (values.length - 1 - i) * (width / (most - 2));
  const y = (value: number) => height - 4 - (value / highest) * (height - top - 4);
  const points: [number, number][] = values.map((value, i) => [x(i), y(value)]);
  const items: Scene["items"] = [
    { kind: "text", x: 0, y: 12, text: title, fill: "--text", size: 12 },
    { kind: "line", x1: 0, y1: height - 4, x2: width, y2: height - 4, stroke: "--line-strong" },
  ];
  if (points.length > 1) items.push({ kind: "polygon", points: [[points[0]![0], height - 4], ...points, [width, height - 4]], fill: "--plot", opacity: 0.5 });
  return { width, height, title, items };
}
