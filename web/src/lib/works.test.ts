import { describe, expect, it } from "vitest";
import { shownWorks, worksTitle } from "./works.ts";

const done = { status: "completed" as const };
const running = { status: "running" as const };

describe("works on databases", () => {
  it("are said to be done only while one is", () => {
    expect(worksTitle([done, running])).toBe("Being done");
    expect(worksTitle([{ status: "queued" }])).toBe("Being done");
    expect(worksTitle([done, { status: "failed" }, { status: "cancelled" }])).toBe("Done lately");
  });
  it("are shown while they go on, however many ended since", () => {
    expect(shownWorks([...Array<typeof done>(20).fill(done), running])).toHaveLength(9);
  });
});
