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
  expect(conditionOf(roots[0]!)).toBe("clade=1");
  expect(conditionOf(telling(roots[0]!).children[1]!)).toBe("clade=5");
  expect(conditionOf(roots[1]!)).toBe("taxid=99");
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
