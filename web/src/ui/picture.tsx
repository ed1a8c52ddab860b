import { memo, useDeferredValue, useEffect, useRef, useState } from "react";
import { type Item, pageColours, type Scene, toPng, toSvg } from "../lib/scene.ts";
import { saveBlob } from "../lib/save.ts";
import { strings } from "../strings.ts";
import { say } from "./toast.tsx";

/** The width an element has now; pictures are drawn to it, never stretched. */
export function useWidth<T extends HTMLElement>(initial: number): [React.RefObject<T | null>, number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(element.clientWidth || initial);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth || initial));
    observer.observe(element);
    return () => observer.disconnect();
  }, [initial]);
  return [ref, Math.floor(width)];
}

const none: Item[] = [];

interface Props {
  scene: Scene;
  /** Items that carry a key can be picked with the pointer; the same is always in a table beside. */
  onPick?: (key: number) => void;
  /** Which of the scene's rows is marked. */
  marked?: number;
}

export function Picture({ scene, onPick, marked = -1 }: Props) {
  const { rows } = scene;
  // What stands beside the picture is drawn first.
  const items = useDeferredValue(scene.items, none);
  return (
    <svg
      className="picture"
      role="img"
      aria-label={scene.title}
      width={scene.width}
      height={scene.height}
      viewBox={`0 0 ${scene.width} ${scene.height}`}
      onClick={(event) => {
        const key = (event.target as Element).getAttribute("data-key");
        if (key !== null) onPick?.(Number(key));
      }}
    >
      {rows && marked >= 0 && marked < rows.count && (
        <rect x={0} y={rows.top + marked * rows.pitch} width={scene.width} height={rows.pitch} style={{ fill: "var(--accent-soft)" }} />
      )}
      <Shapes items={items} pickable={onPick !== undefined} />
    </svg>
  );
}

/** Hundreds of them, drawn again only for another scene: not when the mark moves. */
const Shapes = memo(function Shapes({ items, pickable }: { items: Item[]; pickable: boolean }) {
  return items.map((item, i) => <Shape key={i} item={item} pickable={pickable} />);
});

function Shape({ item, pickable }: { item: Item; pickable: boolean }) {
  const data = pickable && item.key !== undefined ? { "data-key": item.key, className: "pick" } : {};
  const title = item.title ? <title>{item.title}</title> : null;
  switch (item.kind) {
    case "rect":
      return (
        <rect {...data} x={item.x} y={item.y} width={item.width} height={item.height} rx={item.radius} style={{ fill: `var(${item.fill})`, fillOpacity: item.opacity }}>
          {title}
        </rect>
      );
    case "line":
      return <line x1={item.x1} y1={item.y1} x2={item.x2} y2={item.y2} strokeWidth={item.width ?? 1} strokeDasharray={item.dash} style={{ stroke: `var(${item.stroke})` }} />;
    case "polygon":
      return (
        <polygon {...data} points={item.points.map((p) => p.join(",")).join(" ")} style={{ fill: `var(${item.fill})`, fillOpacity: item.opacity, stroke: item.stroke && `var(${item.stroke})` }}>
          {title}
        </polygon>
      );
    case "text":
      return (
        <text {...data} x={item.x} y={item.y} fontWeight={item.weight} textAnchor={item.anchor} className={item.mono ? "mono" : undefined} style={{ fill: `var(${item.fill})`, fontSize: item.size ?? 12 }}>
          {item.text}
        </text>
      );
  }
}

/** Buttons that save a picture. */
export function SavePicture({ scene, name }: { scene: () => Scene; name: string }) {
  const svg = () => saveBlob(new Blob([toSvg(scene(), pageColours())], { type: "image/svg+xml" }), `${name}.svg`);
  const png = () => {
    toPng(scene(), pageColours()).then(
      (blob) => saveBlob(blob, `${name}.png`),
      (reason: unknown) => say(reason instanceof Error ? reason.message : String(reason)),
    );
  };
  return (
    <span className="row savepicture noprint">
      <button type="button" className="button quiet" aria-label={strings.picture.svg(name)} onClick={svg}>
        SVG
      </button>
      <button type="button" className="button quiet" aria-label={strings.picture.png(name)} onClick={png}>
        PNG
      </button>
    </span>
  );
}
