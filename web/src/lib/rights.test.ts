import { describe, expect, it } from "vitest";
import { strings } from "../strings.ts";
import { reachable, rightsOf } from "./rights.ts";

describe("what is offered", () => {
  it("depends on the role", () => {
    expect(rightsOf({ name: "root", role: "admin" })).toEqual({ change: true, manage: true, refusal: null, changesAt: null });
    expect(rightsOf({ name: "ada", role: "user" })).toEqual({ change: true, manage: false, refusal: null, changesAt: null });
    expect(rightsOf({ name: "bob", role: "viewer" })).toEqual({ change: false, manage: false, refusal: strings.search.submit.mayNotRun, changesAt: null });
  });

  it("is everything until that is known", () => {
    expect(rightsOf(undefined)).toMatchObject({ change: true, manage: true, refusal: null });
  });

  it("is no change of a server that only reads, not even to an admin", () => {
    const at = "http://127.0.0.1:8765";
    for (const role of ["admin", "user", "viewer"] as const)
      expect(rightsOf({ name: "x", role, reading: true, changes_at: at })).toEqual({ change: false, manage: false, refusal: strings.search.submit.onlyReads, changesAt: at });
    expect(rightsOf({ name: "x", role: "admin", reading: true }).changesAt).toBe("");
  });
});

describe("the server that takes changes", () => {
  const at = (address: string, page: string) => reachable(address, page)?.href ?? null;

  it("is linked to where the browser reaches it", () => {
    expect(at("http://127.0.0.1:8765", "http://localhost:8766/jobs")).toBe("http://127.0.0.1:8765/");
    expect(at("http://lab.example:8765", "http://reader.example/jobs")).toBe("http://lab.example:8765/");
    expect(at("http://0.0.0.0:8765", "http://lab.example:8766/")).toBe("http://lab.example:8765/");
    expect(at("http://[::]:8765", "http://lab.example:8766/")).toBe("http://lab.example:8765/");
  });

  it("is not, where it listens to its own machine alone and the browser is on another", () => {
    expect(at("http://127.0.0.1:8765", "https://blast.lab.example/")).toBeNull();
    expect(at("http://[::1]:8765", "https://blast.lab.example/")).toBeNull();
    expect(at("", "http://localhost:8766/")).toBeNull();
  });
});
