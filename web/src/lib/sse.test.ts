import { describe, expect, it } from "vitest";
import type { Event, Ready } from "../api/client.ts";
import { EventParser, hand } from "../api/sse.ts";

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

describe("what the stream tells", () => {
  const heard = (text: string) => {
    const parts = { jobs: [] as Event[], server: [] as Ready[], ids: [] as string[] };
    for (const message of new EventParser().push(text)) {
      parts.ids.push(message.id);
      hand(message, { job: (event) => parts.jobs.push(event), server: (ready) => parts.server.push(ready) });
    }
    return parts;
  };
  const away = 'event: server\ndata: {"status":"ready","lacking":[],"degraded":["Redis (events): gone"]}\n\n';

  it("goes to those it is for, and what is new to the page to nobody", () => {
    const { jobs, server } = heard(`id: 7\nevent: job\ndata: {"job":"a"}\n\n${away}event: weather\ndata: rain\n\n`);
    expect(jobs).toEqual([{ job: "a" }]);
    expect(server).toEqual([{ status: "ready", lacking: [], degraded: ["Redis (events): gone"] }]);
  });

  it("is resumed after the last event of a job, whatever is told of the server", () => {
    expect(heard(`${away}id: 7\nevent: job\ndata: {"job":"a"}\n\n${away}`).ids).toEqual(["", "7", "7"]);
  });
});
