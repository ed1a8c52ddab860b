import type { HitSummary } from "../api/results.ts";
import { count, short } from "../lib/format.ts";
import { type Scene, ticks } from "../lib/scene.ts";
import { strings } from "../strings.ts";
import { scoreClass, scorePaints } from "./hits.ts";

const say = strings.results.overview;
export const mostSubjects = 20;
type Bin = HitSummary["histograms"]["evalue"][number];

const label = (value: number, kind: string) => (kind === "evalue" ? (value === 0 ? "0" : value.toExponential(0).replace("e+", "e")) : short(value));

/** Bars of the server's own bins, which need not be of one width: E-values and lengths go by powers. */
export function distribution(bins: Bin[], width: number, title: string, kind: "evalue" | "pident" | "length"): Scene {
  const [left, right, top, bottom, height] = [40, 8, 8, 20, 128];
  const most = Math.max(1, ...bins.map(({ hsps }) => hsps));
  const step = (width - left - right) / Math.max(1, bins.length);
  const y = (n: number) => height - bottom - (n / most) * (height - top - bottom);
  const items: Scene["items"] = [];
  for (const tick of ticks(most, 2).filter((one) => Number.isInteger(one) && one <= most)) {
    items.push({ kind: "line", x1: left, y1: y(tick), x2: width - right, y2: y(tick), stroke: "--line" });
    items.push({ kind: "text", x: left - 4, y: y(tick) + 3, text: short(tick), fill: "--muted", size: 10, anchor: "end" });
  }
  const every = Math.max(1, Math.ceil(bins.length / Math.max(2, Math.floor((width - left) / 48))));
  bins.forEach(({ from, to, hsps }, i) => {
    const x = left + i * step;
    if (hsps > 0) items.push({ kind: "rect", x: x + 0.5, y: y(hsps), width: Math.max(1, step - 1), height: Math.max(1, y(0) - y(hsps)), fill: "--plot", title: say.bin(label(from, kind), to === undefined ? null : label(to, kind), count(hsps)) });
    if (i % every === 0) items.push({ kind: "text", x, y: height - 6, text: label(from, kind), fill: "--muted", size: 10 });
  });
  items.push({ kind: "line", x1: left, y1: y(0), x2: width - right, y2: y(0), stroke: "--line-strong" });
  return { width, height, items, title };
}

export interface Cell {
  row: number;
  column: number;
  bits: number;
  evalue: string;
  pident: string;
}

/** A square for each pair that is a hit; its size and its colour both tell the score. Columns carry the numbers of the table above. */
export function matrix(rows: string[], columns: string[], cells: Cell[], width: number): Scene {
  const left = 144;
  const top = 24;
  const pitch = Math.max(14, Math.min(32, Math.floor((width - left - 8) / Math.max(1, columns.length))));
  const items: Scene["items"] = [];
  columns.forEach((_, i) => items.push({ kind: "text", x: left + i * pitch + pitch / 2, y: top - 8, text: String(i + 1), fill: "--muted", size: 11, anchor: "middle" }));
  rows.forEach((name, i) => {
    const y = top + i * 20;
    items.push({ kind: "text", x: left - 8, y: y + 14, text: name.length > 20 ? `${name.slice(0, 19)}…` : name, fill: "--text", size: 11, anchor: "end", mono: true });
    items.push({ kind: "line", x1: left, y1: y + 20, x2: left + columns.length * pitch, y2: y + 20, stroke: "--line" });
  });
  for (const { row, column, bits, evalue, pident } of cells) {
    if (column < 0) continue;
    const score = scoreClass(bits);
    const size = 6 + score * 2;
    items.push({
      kind: "rect", key: row * mostSubjects + column, x: left + column * pitch + (pitch - size) / 2, y: top + row * 20 + (20 - size) / 2, width: size, height: size, radius: 2,
      fill: scorePaints[score]!, title: say.cell(rows[row]!, columns[column]!, String(bits), evalue, pident),
    });
  }
  return { width: Math.max(width, left + columns.length * pitch), height: top + rows.length * 20 + 8, items, title: say.matrixTitle(rows.length, columns.length) };
}
