import type { HitTaxon } from "../api/results.ts";
import { count } from "../lib/format.ts";
import type { Scene } from "../lib/scene.ts";
import { strings } from "../strings.ts";

const say = strings.results.taxonomy;

export interface Node {
  taxon: HitTaxon;
  children: Node[];
  parent: Node | null;
}

/** The trees of a list in which parents stand before their children. A parent that was left out is as none. */
export function treesOf(taxa: HitTaxon[]): Node[] {
  const known = new Map<number, Node>();
  const roots: Node[] = [];
  for (const taxon of taxa) {
    const parent = (taxon.parent !== null && known.get(taxon.parent)) || null;
    const node: Node = { taxon, children: [], parent };
    known.set(taxon.taxid, node);
    (parent?.children ?? roots).push(node);
  }
  return roots;
}

/** Past ranks with one child and nothing of their own, which tell nothing new. */
export function telling(node: Node): Node {
  let at = node;
  while (at.children.length === 1 && at.taxon.own_hits === 0) at = at.children[0]!;
  return at;
}

export const name = ({ name, taxid }: HitTaxon) => name || say.unnamed(taxid);

/** A condition for all subjects of a taxon and below. One that stands alone may be unknown to the server's taxonomy. */
export const conditionOf = ({ taxon, parent, children }: Node) => `${parent || children.length > 0 ? "clade" : "taxid"}=${taxon.taxid}`;

/** Parents left of their children; how tall a box is tells how many hits it has. A key is a place in `nodes`. */
export function icicle(roots: Node[], width: number, height: number): { scene: Scene; nodes: Node[] } {
  const nodes: Node[] = [];
  const items: Scene["items"] = [];
  const levels = Math.max(1, ...roots.map(depthOf));
  const column = Math.max(72, width / levels);
  const all = roots.reduce((sum, { taxon }) => sum + taxon.hits, 0);
  const draw = (node: Node, level: number, top: number, tall: number) => {
    if (tall < 1.5) return;
    const { taxon } = node;
    const key = nodes.push(node) - 1;
    items.push({ kind: "rect", key, x: level * column, y: top, width: column - 2, height: Math.max(1, tall - 1), fill: "--plot", opacity: 0.25 + 0.5 * Math.min(1, taxon.own_hits / Math.max(1, taxon.hits)), radius: 2, title: say.box(name(taxon), taxon.rank, count(taxon.hits), count(taxon.queries), taxon.evalue) });
    const letters = Math.floor((column - 12) / 6.6);
    const label = name(taxon);
    if (tall >= 14) items.push({ kind: "text", key, x: level * column + 5, y: top + Math.min(tall / 2 + 4, 16), text: label.length > letters ? `${label.slice(0, letters - 1)}…` : label, fill: "--text", size: 11 });
    let at = top;
    const below = node.children.reduce((sum, child) => sum + child.taxon.hits, 0);
    // A subject of several taxa counts in each; the children still fit their parent.
    const scale = tall / Math.max(taxon.hits, below);
    for (const child of node.children) {
      draw(telling(child), level + 1, at, child.taxon.hits * scale);
      at += child.taxon.hits * scale;
    }
  };
  let at = 0;
  for (const root of roots) {
    const tall = (root.taxon.hits / Math.max(1, all)) * height;
    draw(root, 0, at, tall);
    at += tall;
  }
  return { scene: { width: Math.max(width, levels * column), height, items, title: say.picture(roots.map(({ taxon }) => name(taxon)).slice(0, 3).join(", "), count(all)) }, nodes };
}

const depthOf = (node: Node): number => 1 + Math.max(0, ...node.children.map((child) => depthOf(telling(child))));
