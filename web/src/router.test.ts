import { describe, expect, it } from "vitest";
import { parse, to } from "./router.ts";

describe("router", () => {
  it.each([
    ["http://h/", "search"], ["http://h/index.html", "search"], ["http://h/lab/blast/", "search"], ["http://h/lab/blast/jobs?status=running", "jobs"],
    ["http://h/job?id=1", "job"], ["http://h/x/nowhere", null],
  ])("%s is %s", (href, place) => expect(parse(href).place).toBe(place));

  it("leaves out what is empty", () => {
    expect(to("jobs", { status: "", text: null, program: "blastp" })).toBe("jobs?program=blastp");
    expect(to("search")).toBe("./");
    expect(to("job", { id: "ab", q: 2 })).toBe("job?id=ab&q=2");
  });
});
