import { describe, expect, it } from "vitest";
import { EventParser } from "../api/sse.ts";

const stream = ": hello\n\nid: 1\nevent: job\ndata: {\"a\":1}\n\nid: 2\ndata: x\ndata: y\n\n";

describe("EventParser", () => {
  it("gives the same messages however the stream is cut", () => {
    const want = [
      { id: "1", event: "job", data: '{"a":1}' },
      { id: "2", event: "message", data: "x\ny" },
    ];
    for (let cut = 0; cut <= stream.length; cut++) {
      const parser = new EventParser();
      expect([...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))]).toEqual(want);
    }
    expect(new EventParser().push(stream.replaceAll("\n", "\r\n"))).toEqual(want);
  });
});
