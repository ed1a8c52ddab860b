import { type PointerEvent, useEffect, useMemo, useState } from "react";
import type { Hit } from "../api/results.ts";
import { strings } from "../strings.ts";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { type Measure, measures, type Ranges } from "./hits.ts";
import { bins, histogram, plotMargin } from "./pictures.ts";

const say = strings.results.plots;
const fixed: Partial<Record<Measure, readonly [number, number]>> = { identity: [0, 100], cover: [0, 100] };

interface Props {
  hits: Hit[];
  passed: Hit[];
  ranges: Ranges;
  onRange: (measure: Measure, range: readonly [number, number] | null) => void;
}

/** Four distributions. A stretch drawn with the pointer, or typed below, filters the table. */
export function Plots({ hits, passed, ranges, onRange }: Props) {
  return (
    <div className="plots">
      {(["evalue", "identity", "length", "cover"] as const).map((measure) => (
        <Plot key={measure} measure={measure} hits={hits} passed={passed} range={ranges[measure]} onRange={(range) => onRange(measure, range)} />
      ))}
    </div>
  );
}

interface PlotProps {
  measure: Measure;
  hits: Hit[];
  passed: Hit[];
  range: readonly [number, number] | undefined;
  onRange: (range: readonly [number, number] | null) => void;
}

const height = 112;

function Plot({ measure, hits, passed, range, onRange }: PlotProps) {
  const [ref, width] = useWidth<HTMLDivElement>(240);
  const [drawn, setDrawn] = useState<[number, number] | null>(null);
  const value = measures[measure];
  const all = useMemo(() => bins(hits.map(value), 20, fixed[measure]), [hits, measure, value]);
  const within = useMemo(() => {
    const counts = new Array<number>(all.counts.length).fill(0);
    for (const hit of passed) counts[Math.min(counts.length - 1, Math.max(0, Math.floor((value(hit) - all.low) / all.step + 1e-9)))]! += 1;
    return { ...all, counts };
  }, [passed, all, value]);
  const scene = useMemo(() => histogram(all, within, width, height, say.title(say.name[measure])), [all, within, width, measure]);

  const span = width - plotMargin.left - plotMargin.right;
  const x = (at: number) => plotMargin.left + ((at - all.low) / (all.high - all.low)) * span;
  const valueAt = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left - plotMargin.left) / span));
    // Whole steps: a bar is in or out.
    return Math.round((share * (all.high - all.low)) / all.step) * all.step + all.low;
  };
  const down = (event: PointerEvent) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = valueAt(event);
    setDrawn([at, at]);
  };
  const up = () => {
    if (!drawn) return;
    const [low, high] = drawn[0] <= drawn[1] ? drawn : [drawn[1], drawn[0]];
    setDrawn(null);
    onRange(high > low ? [round(low), round(high)] : null);
  };
  const brush = drawn ?? range;
  return (
    <figure className="plot" aria-label={say.name[measure]}>
      <figcaption className="row spread small">
        <span>{say.name[measure]}</span>
        <SavePicture scene={() => scene} name={say.fileName[measure]} />
      </figcaption>
      <div
        ref={ref}
        className="brushable"
        onPointerDown={down}
        onPointerMove={(event) => drawn && setDrawn([drawn[0], valueAt(event)])}
        onPointerUp={up}
        onPointerCancel={() => setDrawn(null)}
      >
        <Picture scene={scene} />
        {brush && <div className="brush" style={{ left: x(Math.max(all.low, Math.min(...brush))), width: Math.max(1, x(Math.min(all.high, Math.max(...brush))) - x(Math.max(all.low, Math.min(...brush)))), height: height - plotMargin.bottom }} />}
      </div>
      <div className="row between small">
        <Bound label={say.from(say.name[measure])} value={range?.[0]} placeholder={String(round(all.low))} onChange={(low) => onRange(low === null && range === undefined ? null : [low ?? all.low, range?.[1] ?? all.high])} />
        <span aria-hidden="true">–</span>
        <Bound label={say.until(say.name[measure])} value={range?.[1]} placeholder={String(round(all.high))} onChange={(high) => onRange(high === null && range === undefined ? null : [range?.[0] ?? all.low, high ?? all.high])} />
        {range && (
          <button type="button" className="link" onClick={() => onRange(null)}>
            {say.clear}
          </button>
        )}
      </div>
    </figure>
  );
}

const round = (n: number) => Math.round(n * 1000) / 1000;

function Bound({ label, value, placeholder, onChange }: { label: string; value: number | undefined; placeholder: string; onChange: (value: number | null) => void }) {
  const kept = value === undefined ? "" : String(value);
  const [text, setText] = useState(kept);
  useEffect(() => setText(kept), [kept]);
  const settle = () => {
    if (text === kept) return;
    const number = Number(text);
    onChange(text.trim() === "" || Number.isNaN(number) ? null : number);
  };
  return (
    <input
      className="input num"
      inputMode="decimal"
      aria-label={label}
      placeholder={placeholder}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={settle}
      onKeyDown={(event) => event.key === "Enter" && settle()}
    />
  );
}
