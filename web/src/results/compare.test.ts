import { expect, it } from "vitest";
import type { Hit } from "../api/results.ts";
import { compareHits, kindOf } from "./compare.ts";

const hits = (names: string) => [...names].map((accession, index) => ({ accession, index, title: accession }) as Hit);
const told = (a: string, b: string) => compareHits(hits(a), hits(b)).map((pair) => `${pair.accession} ${kindOf(pair)}${pair.rise ? ` ${pair.rise}` : ""}`);

it("tells what two results share, what is only in one, and what moved", () => {
  expect(told("abc", "abc")).toEqual(["a shared", "b shared", "c shared"]);
  // One more at the top moves nobody.
  expect(told("abc", "xabc")).toEqual(["a shared", "b shared", "c shared", "x there"]);
  expect(told("abyc", "bac")).toEqual(["a moved 1", "b moved -1", "y here", "c shared"]);
  expect(told("", "a")).toEqual(["a there"]);
});
