import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef } from "react";
import type { Hit } from "../api/results.ts";
import { count } from "../lib/format.ts";
import { strings } from "../strings.ts";
import { type Column, columns, scoreClass, scorePaints, shownName } from "./hits.ts";
import type { Pages } from "./pages.ts";

const say = strings.results.table;
const rowHeight = 30;
const headHeight = 38;
const tallest = 398;

/** The hits that are marked, by id, with the names of their sequences. */
export type Selection = ReadonlyMap<number, string>;

interface Props {
  hits: Pages<Hit>;
  shown: string[];
  sort: string;
  onSort: (sort: string) => void;
  /** Where the focused hit stands; -1 when that is not known. */
  at: number;
  onFocus: (place: number) => void;
  selected: Selection;
  onToggle: (hit: Hit) => void;
  onToggleAll: () => void;
}

/** The server sorts, filters and hands out pages; rows not here yet are shown as lines in grey. */
export function HitTable({ hits, shown, sort, onSort, at, onFocus, selected, onToggle, onToggleAll }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: hits.count, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 6, scrollPaddingStart: rowHeight + 4 });
  const rows = virtual.getVirtualItems();
  const [first, last] = [rows[0]?.index ?? 0, rows.at(-1)?.index ?? 0];
  const { see } = hits;
  useEffect(() => see(first, last + 20), [first, last, see]);
  useEffect(() => {
    // The first row of a list that was not scrolled is in sight; to ask for that would lay the page out.
    if (at > 0 || (at === 0 && (virtual.scrollOffset ?? 0) > 0)) virtual.scrollToIndex(at, { align: "auto" });
  }, [at]);
  const visible = useMemo(() => columns.filter(({ id }) => shown.includes(id)), [shown]);
  const act = useRef({ onFocus, onToggle });
  useEffect(() => {
    act.current = { onFocus, onToggle };
  });
  const template = `36px ${visible.map(({ width }) => width).join(" ")}`;
  const minimum = 36 + visible.reduce((sum, { width }) => sum + Number(/(\d+)px/.exec(width)?.[1] ?? 100) + 8, 0);
  return (
    <div
      ref={scroller}
      className="hittable"
      style={{ height: Math.min(tallest, headHeight + hits.count * rowHeight + 18) }}
      role="grid"
      aria-label={say.label}
      aria-rowcount={(hits.total ?? hits.count) + 1}
      aria-colcount={visible.length + 1}
      tabIndex={0}
      aria-activedescendant={at >= first && at <= last ? `hit-${at}` : undefined}
    >
      <div role="rowgroup" className="head" style={{ minWidth: minimum }}>
        <div role="row" aria-rowindex={1} className="hitrow" style={{ gridTemplateColumns: template }}>
          <div role="columnheader">
            <input
              type="checkbox"
              aria-label={selected.size > 0 ? say.selectNone : say.selectAll}
              checked={selected.size > 0 && selected.size >= (hits.total ?? Infinity)}
              ref={(box) => {
                if (box) box.indeterminate = selected.size > 0 && selected.size < (hits.total ?? Infinity);
              }}
              onChange={onToggleAll}
            />
          </div>
          {visible.map(({ id, numeric, sort: by }) => (
            <div key={id} role="columnheader" className={numeric ? "num" : undefined} aria-sort={by && by === sort ? (by === "evalue" ? "ascending" : "descending") : "none"}>
              {by ? (
                <button type="button" title={say.columnHelp[id]} onClick={() => onSort(by === sort ? "" : by)}>
                  {say.column[id]}
                  {by === sort && <span aria-hidden="true"> {by === "evalue" ? "↑" : "↓"}</span>}
                </button>
              ) : (
                <span title={say.columnHelp[id]}>{say.column[id]}</span>
              )}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative", minWidth: minimum }}>
        {rows.map((slot) => {
          const hit = hits.row(slot.index);
          if (hit) return <Row key={slot.index} place={slot.index} top={slot.start} hit={hit} visible={visible} template={template} focused={slot.index === at} selected={selected.has(hit.id)} act={act} />;
          return (
            <div key={slot.index} role="row" aria-rowindex={slot.index + 2} className="hitrow waiting" style={{ transform: `translateY(${slot.start}px)`, height: rowHeight }}>
              <div role="gridcell" className="skeleton" />
            </div>
          );
        })}
      </div>
    </div>
  );
}

const cellText = ({ id, text }: Column, hit: Hit) => (id === "slen" && hit.slen !== null ? count(hit.slen) : text(hit));

interface RowProps {
  place: number;
  top: number;
  hit: Hit;
  visible: Column[];
  template: string;
  focused: boolean;
  selected: boolean;
  act: React.RefObject<Pick<Props, "onFocus" | "onToggle">>;
}

/** Drawn again only when something of it changed: scrolling draws the rows that come into sight. */
const Row = memo(function Row({ place, top, hit, visible, template, focused, selected, act }: RowProps) {
  return (
    <div
      id={`hit-${place}`}
      role="row"
      aria-rowindex={place + 2}
      aria-selected={selected}
      className={focused ? "hitrow focused" : "hitrow"}
      style={{ gridTemplateColumns: template, transform: `translateY(${top}px)`, height: rowHeight }}
      onClick={() => act.current.onFocus(place)}
    >
      <div role="gridcell">
        <input type="checkbox" tabIndex={-1} aria-label={say.select(shownName(hit))} checked={selected} onClick={(event) => event.stopPropagation()} onChange={() => act.current.onToggle(hit)} />
      </div>
      {visible.map((column) => (
        <div key={column.id} role="gridcell" className={column.numeric ? "num" : column.id === "accession" ? "mono cell" : "cell"} title={column.id === "title" ? hit.title : undefined}>
          {column.id === "maxScore" && <i className="dot" aria-hidden="true" style={{ background: `var(${scorePaints[scoreClass(Number(hit.max_score))]})` }} />}
          {cellText(column, hit)}
        </div>
      ))}
    </div>
  );
});

/** For paper: the rows that are here, whole, with long words broken. */
export function PrintedHits({ hits, shown }: { hits: Hit[]; shown: string[] }) {
  const visible = columns.filter(({ id }) => shown.includes(id));
  return (
    <table className="table printhits">
      <thead>
        <tr>
          {visible.map(({ id, numeric }) => (
            <th key={id} className={numeric ? "num" : undefined}>
              {say.column[id]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {hits.map((hit) => (
          <tr key={hit.id}>
            {visible.map((column) => (
              <td key={column.id} className={column.numeric ? "num" : column.id === "accession" ? "mono" : undefined}>
                {cellText(column, hit)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Which columns are shown. */
export function ColumnChooser({ shown, onChange }: { shown: string[]; onChange: (shown: string[]) => void }) {
  return (
    <details className="menu">
      <summary className="button">{say.columns}</summary>
      <fieldset className="menubody">
        <legend className="hidden">{say.columns}</legend>
        {columns.map(({ id }) => (
          <label key={id}>
            <input
              type="checkbox"
              checked={shown.includes(id)}
              disabled={id === "title" && shown.includes(id)}
              onChange={(event) => onChange(columns.map((column) => column.id).filter((one) => (one === id ? event.target.checked : shown.includes(one))))}
            />
            <span>{say.columnHelp[id] ?? say.column[id]}</span>
          </label>
        ))}
      </fieldset>
    </details>
  );
}
