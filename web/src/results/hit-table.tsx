import { type ColumnDef, getCoreRowModel, getSortedRowModel, type SortingState, useReactTable, type VisibilityState } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import { count } from "../lib/format.ts";
import type { Hit } from "../lib/tabular.ts";
import { strings } from "../strings.ts";
import { columns, scoreClass, scorePaints } from "./hits.ts";

const say = strings.results.table;
const rowHeight = 30;
const headHeight = 38;
const tallest = 398;

const definitions: ColumnDef<Hit>[] = columns.map(({ id, value, numeric }) => ({
  id,
  accessorFn: value,
  // The best first on the first click: great scores, small E-values, names from A.
  sortDescFirst: numeric && id !== "evalue",
  sortingFn: "basic",
}));

interface Props {
  hits: Hit[];
  shown: string[];
  sorting: SortingState;
  onSort: (sorting: SortingState) => void;
  focused: number;
  onFocus: (index: number) => void;
  selected: ReadonlySet<number>;
  onSelect: (selected: ReadonlySet<number>) => void;
  /** Gets the order in which hits stand now, for the arrow keys. */
  onOrder: (order: number[]) => void;
}

export function HitTable({ hits, shown, sorting, onSort, focused, onFocus, selected, onSelect, onOrder }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const visibility = useMemo<VisibilityState>(() => Object.fromEntries(columns.map(({ id }) => [id, shown.includes(id)])), [shown]);
  const table = useReactTable({
    data: hits,
    columns: definitions,
    state: { sorting, columnVisibility: visibility },
    getRowId: (hit) => String(hit.index),
    onSortingChange: (next) => onSort(typeof next === "function" ? next(sorting) : next),
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    enableMultiSort: false,
  });
  const { rows } = table.getRowModel();
  const order = useMemo(() => rows.map(({ original }) => original.index), [rows]);
  useEffect(() => onOrder(order), [order, onOrder]);

  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12, scrollPaddingStart: rowHeight + 4 });
  const at = order.indexOf(focused);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [at]);

  const visible = columns.filter(({ id }) => visibility[id]);
  const template = `36px ${visible.map(({ width }) => width).join(" ")}`;
  const minimum = 36 + visible.reduce((sum, { width }) => sum + Number(/(\d+)px/.exec(width)?.[1] ?? 100) + 8, 0);
  const all = hits.length > 0 && hits.every(({ index }) => selected.has(index));
  const some = !all && hits.some(({ index }) => selected.has(index));
  const toggle = (index: number) => {
    const next = new Set(selected);
    if (!next.delete(index)) next.add(index);
    onSelect(next);
  };
  return (
    <div
      ref={scroller}
      className="hittable"
      style={{ height: Math.min(tallest, headHeight + rows.length * rowHeight + 18) }}
      role="grid"
      aria-label={say.label}
      aria-rowcount={rows.length + 1}
      aria-colcount={visible.length + 1}
      tabIndex={0}
      aria-activedescendant={at >= 0 ? `hit-${focused}` : undefined}
    >
      <div role="rowgroup" className="head" style={{ minWidth: minimum }}>
        <div role="row" aria-rowindex={1} className="hitrow" style={{ gridTemplateColumns: template }}>
          <div role="columnheader">
            <input
              type="checkbox"
              aria-label={say.selectAll}
              checked={all}
              ref={(box) => {
                if (box) box.indeterminate = some;
              }}
              onChange={() => onSelect(all ? new Set() : new Set(hits.map(({ index }) => index)))}
            />
          </div>
          {visible.map(({ id, numeric }) => {
            const column = table.getColumn(id)!;
            const sorted = column.getIsSorted();
            return (
              <div key={id} role="columnheader" className={numeric ? "num" : undefined} aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : "none"}>
                <button type="button" title={say.columnHelp[id]} onClick={column.getToggleSortingHandler()}>
                  {say.column[id]}
                  {sorted && <span aria-hidden="true"> {sorted === "asc" ? "↑" : "↓"}</span>}
                </button>
              </div>
            );
          })}
        </div>
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative", minWidth: minimum }}>
        {virtual.getVirtualItems().map((slot) => {
          const hit = rows[slot.index]!.original;
          return (
            <div
              key={hit.index}
              id={`hit-${hit.index}`}
              role="row"
              aria-rowindex={slot.index + 2}
              aria-selected={selected.has(hit.index)}
              className={hit.index === focused ? "hitrow focused" : "hitrow"}
              style={{ gridTemplateColumns: template, transform: `translateY(${slot.start}px)`, height: slot.size }}
              onClick={() => onFocus(hit.index)}
            >
              <div role="gridcell">
                <input type="checkbox" tabIndex={-1} aria-label={say.select(hit.accession)} checked={selected.has(hit.index)} onClick={(event) => event.stopPropagation()} onChange={() => toggle(hit.index)} />
              </div>
              {visible.map(({ id, numeric, text }) => (
                <div key={id} role="gridcell" className={numeric ? "num" : id === "accession" ? "mono cell" : "cell"} title={id === "title" ? hit.title : undefined}>
                  {id === "maxScore" && <i className="dot" aria-hidden="true" style={{ background: `var(${scorePaints[scoreClass(Number(hit.maxScore))]})` }} />}
                  {id === "slen" ? count(hit.slen) : text(hit)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
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
