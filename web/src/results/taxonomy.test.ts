import { expect, it } from "vitest";
import type { HitTaxon } from "../api/results.ts";
import { toSvg } from "../lib/scene.ts";
import { conditionOf, icicle, telling, treesOf } from "./taxonomy.ts";

const taxon = (taxid: number, parent: number | null, hits: number, own: number): HitTaxon => ({ taxid, parent, name: `t${taxid}`, rank: "species", depth: 0, hits, queries: 1, subjects: 1, own_hits: own, evalue: "1e-5", max_score: "50" });
const taxa = [taxon(1, null, 10, 0), taxon(2, 1, 10, 0), taxon(3, 2, 7, 1), taxon(4, 3, 6, 6), taxon(5, 2, 3, 3), taxon(99, 77, 2, 2)];

it("a list becomes trees, and a taxon a condition on all below it", () => {
  const roots = treesOf(taxa);
  expect(roots.map(({ taxon: { taxid } }) => taxid)).toEqual([1, 99]);
  expect(telling(roots[0]!).taxon.taxid).toBe(2);
  expect(conditionOf(roots[0]!)).toBe("taxid=3 or taxid=4 or taxid=5");
  expect(conditionOf(telling(roots[0]!).children[1]!)).toBe("taxid=5");
  const wide = treesOf([taxon(1, null, 999, 0), ...Array.from({ length: 999 }, (_, i) => taxon(i + 1000, 1, 1, 1))]);
  expect(conditionOf(wide[0]!)).toBeNull();
});

it("the icicle fits its picture", () => {
  const { scene, nodes } = icicle(treesOf(taxa).map(telling), 600, 200);
  expect(nodes.map(({ taxon: { taxid } }) => taxid)).toEqual([2, 3, 4, 5, 99]);
  for (const item of scene.items) if (item.kind === "rect") {
    expect(item.x + item.width).toBeLessThanOrEqual(scene.width);
    expect(item.y + item.height).toBeLessThanOrEqual(200.5);
  }
  expect(toSvg(scene, () => "#000")).not.toContain("NaN");
});
