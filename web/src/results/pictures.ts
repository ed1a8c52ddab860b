import type { Distribution, Hit, QueryRow } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { type Scene, ticks } from "../lib/scene.ts";
import { strings } from "../strings.ts";
import { scoreClass, scorePaints, scoreSteps, shownName } from "./hits.ts";

const say = strings.results.picture;

const labels = [`<${scoreSteps[0]}`, `${scoreSteps[0]}–${scoreSteps[1]}`, `${scoreSteps[1]}–${scoreSteps[2]}`, `${scoreSteps[2]}–${scoreSteps[3]}`, `≥${scoreSteps[3]}`];

/** The greatest place in the query that is known, where its length is not. */
const lengthOf = (query: QueryRow, hits: Hit[]) => query.length ?? Math.max(1, ...hits.flatMap(({ hsps }) => hsps.flatMap(({ qstart, qend }) => [qstart ?? 1, qend ?? 1])));

/** How much of a curve stands above the bars. */
const depthHeight = 40;

/**
 * The hits as bars along the query, in their order, coloured by score. Above them, how many alignments cover each of
 * the equal parts of the query, when `depth` tells that. A bar's key is the place of its hit, and its row.
 */
export function summary(query: QueryRow, hits: Hit[], width: number, most: number, depth: number[] = []): Scene {
  const left = 8;
  const right = 8;
  const pitch = 10;
  const shown = hits.slice(0, most);
  const length = lengthOf(query, shown);
  const items: Scene["items"] = [];
  const x = (position: number) => left + ((position - 1) / Math.max(1, length)) * (width - left - right);

  // Key: a swatch and its range; the class is also in each bar's height, for those who do not see the colour.
  let at = left;
  items.push({ kind: "text", x: at, y: 12, text: say.key, fill: "--muted", size: 11 });
  at += 76;
  let line = 0;
  labels.forEach((label, i) => {
    const room = 36 + label.length * 7;
    if (at + room > width) {
      at = left;
      line += 16;
    }
    items.push({ kind: "rect", x: at, y: line + 4 + (4 - i) / 2, width: 16, height: 4 + i, fill: scorePaints[i]!, radius: 1 });
    items.push({ kind: "text", x: at + 20, y: line + 12, text: label, fill: "--text", size: 11 });
    at += room;
  });

  const top = line + 44 + (depth.length > 0 ? depthHeight + 8 : 0);
  if (depth.length > 0) items.push(...coverage(depth, left, line + 24, width - left - right));
  const bottom = top + shown.length * pitch;
  items.push({ kind: "rect", x: left, y: top - 10, width: width - left - right, height: 5, fill: "--line-strong", radius: 2 });
  for (const tick of ticks(length, Math.max(2, Math.floor(width / 110)))) {
    const position = Math.max(1, tick);
    if (x(position) > width - right - 20 && tick !== length) continue;
    items.push({ kind: "line", x1: x(position), y1: top - 4, x2: x(position), y2: bottom, stroke: "--line" });
    items.push({ kind: "text", x: x(position), y: top - 14, text: count(position), fill: "--muted", size: 10, anchor: tick === 0 ? "start" : "middle" });
  }
  shown.forEach((hit, row) => {
    const y = top + row * pitch + pitch / 2;
    const title = `${shownName(hit)}: ${hit.max_score} bits, E ${hit.evalue}`;
    const ends = hit.hsps.map(({ qstart, qend }) => [Math.min(qstart ?? 1, qend ?? 1), Math.max(qstart ?? 1, qend ?? 1)] as const);
    if (ends.length === 0) return;
    const from = Math.min(...ends.map(([a]) => a));
    const until = Math.max(...ends.map(([, b]) => b));
    if (hit.hsps.length > 1) items.push({ kind: "line", x1: x(from), y1: y, x2: x(until + 1), y2: y, stroke: "--line-strong" });
    // The weaker first, so that the stronger lies above.
    const order = hit.hsps.map((_, i) => i).sort((a, b) => Number(hit.hsps[a]!.bits) - Number(hit.hsps[b]!.bits));
    for (const i of order) {
      const [a, b] = ends[i]!;
      const kind = scoreClass(Number(hit.hsps[i]!.bits));
      const height = 4 + kind;
      items.push({ kind: "rect", key: row, x: x(a), y: y - height / 2, width: Math.max(1.5, x(b + 1) - x(a)), height, radius: 1, fill: scorePaints[kind]!, title });
    }
  });
  return { width, height: bottom + 6, items, rows: { top, pitch, count: shown.length }, title: say.summary(shown.length, query.title.split(/\s/, 1)[0] ?? "") };
}

/** A curve of steps over the query, with the greatest depth told. */
function coverage(depth: number[], left: number, top: number, width: number): Scene["items"] {
  const most = Math.max(1, ...depth);
  const base = top + depthHeight;
  const points: [number, number][] = [[left, base]];
  depth.forEach((n, i) => {
    const y = base - (n / most) * (depthHeight - 12);
    points.push([left + (i / depth.length) * width, y], [left + ((i + 1) / depth.length) * width, y]);
  });
  points.push([left + width, base]);
  return [
    { kind: "polygon", points, fill: "--plot", opacity: 0.35, title: say.depth(count(most)) },
    { kind: "line", x1: left, y1: base, x2: left + width, y2: base, stroke: "--line-strong" },
    { kind: "text", x: left, y: top + 8, text: say.depth(count(most)), fill: "--muted", size: 10 },
  ];
}

/** Which part of the query lies against which part of the sequence found, after Kablammo (Wintersinger, Wasmuth 2015). */
export function pairs(query: QueryRow, hit: Hit, width: number, focused: number): Scene {
  const left = 64;
  const right = 16;
  const top = 30;
  const bottom = 104;
  const items: Scene["items"] = [];
  const qlength = lengthOf(query, [hit]);
  const slength = hit.slen ?? Math.max(1, ...hit.hsps.flatMap(({ sstart, send }) => [sstart ?? 1, send ?? 1]));
  const scale = (position: number, length: number) => left + ((position - 1) / Math.max(1, length)) * (width - left - right);
  const axis = (y: number, length: number, name: string, above: boolean) => {
    items.push({ kind: "line", x1: left, y1: y, x2: width - right, y2: y, stroke: "--line-strong", width: 2 });
    items.push({ kind: "text", x: left - 8, y: y + 4, text: name, fill: "--muted", size: 11, anchor: "end" });
    const steps = ticks(length, Math.max(2, Math.floor(width / 120)));
    for (const tick of steps) {
      const at = scale(Math.max(1, tick), length);
      if (width - right - at < 40) continue; // The end has its own label.
      items.push({ kind: "line", x1: at, y1: y + (above ? -4 : 0), x2: at, y2: y + (above ? 0 : 4), stroke: "--line-strong" });
      items.push({ kind: "text", x: at, y: above ? y - 8 : y + 16, text: count(Math.max(1, tick)), fill: "--muted", size: 10, anchor: tick === 0 ? "start" : "middle" });
    }
    items.push({ kind: "text", x: width - right, y: above ? y - 8 : y + 16, text: count(length), fill: "--text", size: 10, anchor: "end" });
  };
  const most = Math.max(...hit.hsps.map(({ bits }) => Number(bits)));
  const order = hit.hsps.map((_, i) => i).sort((a, b) => Number(a === focused) - Number(b === focused) || Number(hit.hsps[a]!.bits) - Number(hit.hsps[b]!.bits));
  for (const i of order) {
    const hsp = hit.hsps[i]!;
    const half = (a: number, b: number) => (a <= b ? [a, b + 1] : [a + 1, b]) as [number, number];
    const [qa, qb] = half(hsp.qstart ?? 1, hsp.qend ?? 1);
    const [sa, sb] = half(hsp.sstart ?? 1, hsp.send ?? 1);
    items.push({
      kind: "polygon", key: i, fill: scorePaints[scoreClass(Number(hsp.bits))]!, opacity: 0.3 + 0.6 * (Number(hsp.bits) / most), ...(i === focused && { stroke: "--text" as const }),
      points: [[scale(qa, qlength), top], [scale(qb, qlength), top], [scale(sb, slength), bottom], [scale(sa, slength), bottom]],
      title: say.pair(i + 1, hsp.qstart ?? 1, hsp.qend ?? 1, hsp.sstart ?? 1, hsp.send ?? 1, hsp.bits),
    });
  }
  axis(top, qlength, say.query, true);
  axis(bottom, slength, say.subject, false);
  return { width, height: bottom + 26, items, title: say.pairs(hit.hsps.length, shownName(hit)) };
}

export const plotMargin = { left: 36, right: 8, top: 8, bottom: 20 };

/** All values in grey, those that pass the filter in colour, from zero up. */
export function histogram({ from: low, step, hits, passed }: Distribution, width: number, height: number, title: string): Scene {
  const { left, right, top, bottom } = plotMargin;
  const most = Math.max(1, ...hits);
  const high = low + step * hits.length;
  const items: Scene["items"] = [];
  const x = (value: number) => left + ((value - low) / (high - low)) * (width - left - right);
  const y = (n: number) => height - bottom - (n / most) * (height - top - bottom);
  for (const tick of ticks(most, 2).filter(Number.isInteger)) {
    items.push({ kind: "line", x1: left, y1: y(tick), x2: width - right, y2: y(tick), stroke: "--line" });
    items.push({ kind: "text", x: left - 4, y: y(tick) + 3, text: count(tick), fill: "--muted", size: 10, anchor: "end" });
  }
  const bars = (counts: number[], fill: "--line-strong" | "--plot", opacity: number) =>
    counts.forEach((n, i) => {
      if (n === 0) return;
      const from = low + i * step;
      items.push({ kind: "rect", x: x(from) + 0.5, y: y(n), width: Math.max(1, x(from + step) - x(from) - 1), height: y(0) - y(n), fill, opacity, title: say.bin(from, from + step, n) });
    });
  bars(hits, "--line-strong", 0.35);
  bars(passed, "--plot", 1);
  items.push({ kind: "line", x1: left, y1: y(0), x2: width - right, y2: y(0), stroke: "--line-strong" });
  const spacing = ticks(high - low, 4)[1] ?? step;
  const steps: number[] = [];
  for (let t = Math.ceil(low / spacing - 1e-9) * spacing; t <= high + 1e-9; t += spacing) steps.push(t === 0 ? 0 : t); // Without the sign of a negative zero.
  for (const tick of steps)
    items.push({ kind: "text", x: x(tick), y: height - 6, text: count(Math.round(tick * 100) / 100), fill: "--muted", size: 10, anchor: x(tick) > width - right - 12 ? "end" : "middle" });
  return { width, height, items, title };
}
