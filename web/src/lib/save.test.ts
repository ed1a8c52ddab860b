import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { token } from "../api/token.ts";
import { downloadUrl, saveFromServer } from "./save.ts";

const path = "/api/blast/jobs/0a/results/output?outfmt=6+evalue";
const asked = vi.fn();
const answer = (status: number, body: unknown) => asked.mockResolvedValue(new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } }));

beforeEach(() => {
  vi.stubGlobal("document", { baseURI: "http://h/lab/job?id=0a" });
  vi.stubGlobal("fetch", asked.mockReset());
});
afterEach(() => {
  token.forget();
  vi.unstubAllGlobals();
});

describe("a download", () => {
  it("is at its path where no token is in use", async () => {
    expect(await downloadUrl(path)).toBe("http://h/lab/api/blast/jobs/0a/results/output?outfmt=6+evalue");
    expect(asked).not.toHaveBeenCalled();
  });

  it("is at a link that the token has made", async () => {
    token.keep("secret", false);
    answer(201, { href: `${path}&ticket=a.1.b`, expires_at: "2026-01-31T12:00:00Z" });
    expect(await downloadUrl(path)).toBe("http://h/lab/api/blast/jobs/0a/results/output?outfmt=6+evalue&ticket=a.1.b");
    const [url, init] = asked.mock.calls[0] as [string, RequestInit];
    expect(url).toBe("http://h/lab/api/blast/download-links");
    expect(init).toMatchObject({ method: "POST", headers: { Authorization: "Bearer secret" }, body: JSON.stringify({ path }) });
  });

  it("is refused in the server's words", async () => {
    token.keep("secret", false);
    answer(404, { detail: "there is no such job, or it is not yours" });
    await expect(downloadUrl(path)).rejects.toThrow("not yours");
  });

  it("that the server refuses is not begun, and says why", async () => {
    asked.mockResolvedValueOnce(new Response(null, { status: 409 }));
    asked.mockResolvedValueOnce(new Response(JSON.stringify({ detail: "the job has not finished" }), { status: 409, headers: { "Content-Type": "application/json" } }));
    await expect(saveFromServer(path)).rejects.toThrow("the job has not finished");
    expect(asked.mock.calls.map(([, init]) => (init as RequestInit).method ?? "GET")).toEqual(["HEAD", "GET"]);
  });

  it("that is stopped while its link is made is not begun", async () => {
    token.keep("secret", false);
    const stop = new AbortController();
    asked.mockResolvedValueOnce(new Response(null, { status: 200 }));
    asked.mockImplementationOnce(() => {
      stop.abort();
      return Promise.resolve(new Response(JSON.stringify({ href: path }), { status: 201, headers: { "Content-Type": "application/json" } }));
    });
    await expect(saveFromServer(path, { signal: stop.signal })).rejects.toThrow();
    expect(asked).toHaveBeenCalledTimes(2);
  });
});
