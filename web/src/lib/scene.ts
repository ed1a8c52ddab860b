/**
 * A picture as data: shown as SVG, saved as SVG, or drawn on a canvas and saved as PNG. An SVG is not turned into a
 * PNG by way of an image, for the Content-Security-Policy allows images of this server only.
 */
export type Paint = `--${string}`;

export type Item = { key?: number; title?: string } & (
  | { kind: "rect"; x: number; y: number; width: number; height: number; fill: Paint; radius?: number; opacity?: number }
  | { kind: "line"; x1: number; y1: number; x2: number; y2: number; stroke: Paint; width?: number; dash?: string }
  | { kind: "polygon"; points: [number, number][]; fill: Paint; opacity?: number; stroke?: Paint }
  | { kind: "text"; x: number; y: number; text: string; fill: Paint; size?: number; anchor?: "start" | "middle" | "end"; mono?: boolean; weight?: number }
);

export interface Scene {
  width: number;
  height: number;
  /** What it shows, in words. */
  title: string;
  items: Item[];
  /** Rows of which the page may mark one; a saved picture has none marked. */
  rows?: { top: number; pitch: number; count: number };
}

const sans = "system-ui, 'Helvetica Neue', Arial, sans-serif";
const mono = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/** The colours of the page as it looks now. */
export function pageColours(): (paint: Paint) => string {
  const style = getComputedStyle(document.documentElement);
  return (paint) => style.getPropertyValue(paint).trim();
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const n = (value: number) => String(Math.round(value * 100) / 100);

export function toSvg(scene: Scene, colour: (paint: Paint) => string, ground: Paint = "--panel"): string {
  const shapes = scene.items.map((item) => {
    const inner = item.title ? `<title>${escaped(item.title)}</title>` : "";
    switch (item.kind) {
      case "rect":
        return `<rect x="${n(item.x)}" y="${n(item.y)}" width="${n(item.width)}" height="${n(item.height)}"${item.radius ? ` rx="${item.radius}"` : ""} fill="${colour(item.fill)}"${item.opacity === undefined ? "" : ` fill-opacity="${item.opacity}"`}>${inner}</rect>`;
      case "line":
        return `<line x1="${n(item.x1)}" y1="${n(item.y1)}" x2="${n(item.x2)}" y2="${n(item.y2)}" stroke="${colour(item.stroke)}" stroke-width="${item.width ?? 1}"${item.dash ? ` stroke-dasharray="${item.dash}"` : ""}/>`;
      case "polygon":
        return `<polygon points="${item.points.map((p) => p.map(n).join(",")).join(" ")}" fill="${colour(item.fill)}"${item.opacity === undefined ? "" : ` fill-opacity="${item.opacity}"`}${item.stroke ? ` stroke="${colour(item.stroke)}"` : ""}>${inner}</polygon>`;
      case "text":
        return `<text x="${n(item.x)}" y="${n(item.y)}" font-size="${item.size ?? 12}" text-anchor="${item.anchor ?? "start"}"${item.weight ? ` font-weight="${item.weight}"` : ""} fill="${colour(item.fill)}" font-family="${item.mono ? mono : sans}">${escaped(item.text)}</text>`;
    }
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${n(scene.width)}" height="${n(scene.height)}" viewBox="0 0 ${n(scene.width)} ${n(scene.height)}" role="img"><title>${escaped(scene.title)}</title><rect width="100%" height="100%" fill="${colour(ground)}"/>${shapes.join("")}</svg>\n`;
}

export function draw(scene: Scene, context: CanvasRenderingContext2D, colour: (paint: Paint) => string, ground: Paint = "--panel") {
  context.fillStyle = colour(ground);
  context.fillRect(0, 0, scene.width, scene.height);
  for (const item of scene.items) {
    context.globalAlpha = ("opacity" in item && item.opacity) || 1;
    if (item.kind === "rect") {
      context.fillStyle = colour(item.fill);
      context.beginPath();
      context.roundRect(item.x, item.y, item.width, item.height, item.radius ?? 0);
      context.fill();
    } else if (item.kind === "line") {
      context.strokeStyle = colour(item.stroke);
      context.lineWidth = item.width ?? 1;
      context.setLineDash(item.dash ? item.dash.split(" ").map(Number) : []);
      context.beginPath();
      context.moveTo(item.x1, item.y1);
      context.lineTo(item.x2, item.y2);
      context.stroke();
    } else if (item.kind === "polygon") {
      context.fillStyle = colour(item.fill);
      context.beginPath();
      item.points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
      context.closePath();
      context.fill();
      if (item.stroke) {
        context.globalAlpha = 1;
        context.setLineDash([]);
        context.lineWidth = 1;
        context.strokeStyle = colour(item.stroke);
        context.stroke();
      }
    } else {
      context.fillStyle = colour(item.fill);
      context.font = `${item.weight ?? 400} ${item.size ?? 12}px ${item.mono ? mono : sans}`;
      context.textAlign = item.anchor === "middle" ? "center" : (item.anchor ?? "start");
      context.fillText(item.text, item.x, item.y);
    }
  }
}

export async function toPng(scene: Scene, colour: (paint: Paint) => string, scale = 2): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(scene.width * scale);
  canvas.height = Math.ceil(scene.height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw");
  context.scale(scale, scale);
  draw(scene, context, colour);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large"))), "image/png"));
}

/** Round steps for an axis from 0 to `most`: at most `count` of them. */
export function ticks(most: number, count: number): number[] {
  if (!(most > 0)) return [0];
  const rough = most / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough) ?? rough;
  const found: number[] = [];
  for (let t = 0; t <= most + step * 1e-9; t += step) found.push(Number(t.toPrecision(12)));
  return found;
}
