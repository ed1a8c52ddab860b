import type { Job, Ready } from "../api/client.ts";
import { strings } from "../strings.ts";
import { bytes, count } from "./format.ts";
import { type Metrics, total } from "./metrics.ts";

const say = strings.system.health;

export interface BeatTask {
  name: string;
  every_seconds: number;
  runs: number;
  failures: number;
  last_run?: string;
  last_seconds?: number;
  last_items?: number;
  last_error?: string;
}
export interface Beat {
  leader?: boolean;
  tasks: BeatTask[];
}

export interface Machine {
  cores: number;
  load: number;
  memory: { all: number; free: number };
  storage: { all: number; free: number } | null;
}

export function machineOf(metrics: Metrics): Machine | null {
  const of = (name: string) => total(metrics, `blastloom_${name}`);
  const cores = of("machine_cores");
  if (cores === undefined) return null;
  const storage = of("storage_bytes");
  return {
    cores,
    load: of("machine_load") ?? 0,
    memory: { all: of("machine_memory_bytes") ?? 0, free: of("machine_memory_available_bytes") ?? 0 },
    storage: storage === undefined ? null : { all: storage, free: of("storage_free_bytes") ?? 0 },
  };
}

const low = 0.05;
const hour = 3_600_000;

/** `lacking`: it cannot run searches. `degraded`: it can, though something that it uses does not answer. */
export type Standing = "good" | "degraded" | "lacking";

export function standing(ready: Ready): Standing {
  if (ready.status === "not_ready") return "lacking";
  return ready.degraded && ready.degraded.length > 0 ? "degraded" : "good";
}

/** How the server is, in a sentence, when nothing else needs a look. */
export function verdict(ready: Ready): { good: boolean; text: string } {
  const reading = ready.status === "reading";
  if (standing(ready) === "lacking") return { good: false, text: say.cannot };
  if (standing(ready) === "degraded") return { good: false, text: reading ? say.degradedReading : say.degraded };
  return { good: true, text: reading ? say.goodReading : say.good };
}

/** What an operator should look at, in words and the gravest first; empty when all is well. */
export function worries(facts: { ready?: Ready | undefined; metrics?: Metrics | undefined; beat?: Beat | undefined; failed?: Job[] | undefined }, now: number): string[] {
  const { ready, metrics, beat, failed } = facts;
  const found: string[] = [];
  found.push(...(ready?.lacking ?? []), ...(ready?.degraded ?? []));
  const machine = metrics && machineOf(metrics);
  if (machine?.storage && machine.storage.free < low * machine.storage.all) found.push(say.storageLow(bytes(machine.storage.free)));
  if (machine && machine.memory.all > 0 && machine.memory.free < low * machine.memory.all) found.push(say.memoryLow(bytes(machine.memory.free)));
  for (const task of beat?.tasks ?? []) if (task.last_error) found.push(say.beatFails(strings.system.beat.name[task.name] ?? task.name.replaceAll("_", " ")));
  const recent = failed?.filter(({ finished }) => finished && now - Date.parse(finished) < hour).length ?? 0;
  if (recent > 0) found.push(say.failures(recent));
  const lost = metrics && total(metrics, "blastloom_tasks_total", { outcome: "lost" });
  if (lost) found.push(say.lost(count(lost)));
  return found;
}

/** What a counter grew by in a second, between samples; a server that began anew counts from 0. */
export function rates(samples: { at: number; value: number }[]): number[] {
  return samples.slice(1).map(({ at, value }, i) => {
    const before = samples[i]!;
    const seconds = (at - before.at) / 1000;
    return seconds > 0 ? Math.max(0, value < before.value ? value : value - before.value) / seconds : 0;
  });
}
