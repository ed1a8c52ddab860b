import { type PointerEvent, useEffect, useMemo, useState } from "react";
import type { Distribution, HitSummary } from "../api/results.ts";
import { strings } from "../strings.ts";
import { Picture, SavePicture, useWidth } from "../ui/picture.tsx";
import { allMeasures, fields, type Measure, type Ranges } from "./hits.ts";
import { histogram, plotMargin } from "./pictures.ts";

const say = strings.results.plots;

interface Props {
  of: NonNullable<HitSummary["distributions"]>;
  ranges: Ranges;
  onRange: (measure: Measure, range: readonly [number, number] | null) => void;
}

/** Distributions of what BLAST told. A stretch drawn with the pointer, or typed below, filters the table. */
export function Plots({ of, ranges, onRange }: Props) {
  return (
    <div className="plots">
      {allMeasures.map((measure) => {
        const all = of[fields[measure]];
        return all && <Plot key={measure} measure={measure} all={all} range={ranges[measure]} onRange={(range) => onRange(measure, range)} />;
      })}
    </div>
  );
}

interface PlotProps {
  measure: Measure;
  all: Distribution;
  range: readonly [number, number] | undefined;
  onRange: (range: readonly [number, number] | null) => void;
}

const height = 112;

function Plot({ measure, all, range, onRange }: PlotProps) {
  const [ref, width] = useWidth<HTMLDivElement>(240);
  const [drawn, setDrawn] = useState<[number, number] | null>(null);
  const scene = useMemo(() => histogram(all, width, height, say.title(say.name[measure])), [all, width, measure]);

  const { from: low, step } = all;
  const high = low + step * all.hits.length;
  const span = width - plotMargin.left - plotMargin.right;
  const x = (at: number) => plotMargin.left + ((at - low) / (high - low)) * span;
  const valueAt = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left - plotMargin.left) / span));
    // Whole steps: a bar is in or out.
    return Math.round((share * (high - low)) / step) * step + low;
  };
  const down = (event: PointerEvent) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = valueAt(event);
    setDrawn([at, at]);
  };
  const up = () => {
    if (!drawn) return;
    const [from, until] = drawn[0] <= drawn[1] ? drawn : [drawn[1], drawn[0]];
    setDrawn(null);
    onRange(until > from ? [round(from), round(until)] : null);
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
        {brush && <div className="brush" style={{ left: x(Math.max(low, Math.min(...brush))), width: Math.max(1, x(Math.min(high, Math.max(...brush))) - x(Math.max(low, Math.min(...brush)))), height: height - plotMargin.bottom }} />}
      </div>
      <div className="row between small">
        <Bound label={say.from(say.name[measure])} value={range?.[0]} placeholder={String(round(low))} onChange={(from) => onRange(from === null && range === undefined ? null : [from ?? low, range?.[1] ?? high])} />
        <span aria-hidden="true">–</span>
        <Bound label={say.until(say.name[measure])} value={range?.[1]} placeholder={String(round(high))} onChange={(until) => onRange(until === null && range === undefined ? null : [range?.[0] ?? low, until ?? high])} />
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
