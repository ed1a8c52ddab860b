import { describe, expect, it } from "vitest";
import { organismLabel, organismsText, organismsWish, readOrganisms } from "./organisms.ts";

describe("organisms", () => {
  it("go into an address and come back", () => {
    const some = [
      { taxid: 9606, without: false },
      { taxid: 10090, without: true },
    ];
    expect(organismsText(some)).toBe("9606,-10090");
    expect(readOrganisms(organismsText(some))).toEqual(some);
    expect(readOrganisms(null)).toEqual([]);
  });
  it("are read once each, and only if they are taxids", () => {
    expect(readOrganisms("9606,9606,-9606,0,x,1e3, 2 ")).toEqual([
      { taxid: 9606, without: false },
      { taxid: 2, without: false },
    ]);
  });
  it("become the members of a submit", () => {
    expect(organismsWish([])).toBeUndefined();
    expect(organismsWish(readOrganisms("9606,-10090,-2"))).toEqual({ include: [9606], exclude: [10090, 2] });
  });
  it("are told apart by their taxid", () => {
    expect(organismLabel({ taxid: 1386, name: "Bacillus", rank: "genus" })).toBe("Bacillus (genus, 1386)");
  });
});
