import { ApiError, api, call } from "../api/client.ts";
import { token } from "../api/token.ts";
import { serverUrl } from "../router.ts";

function click(href: string, name: string) {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

export function saveBlob(blob: Blob, name: string) {
  const href = URL.createObjectURL(blob);
  click(href, name);
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

export const saveText = (text: string, name: string, type = "text/plain;charset=utf-8") => saveBlob(new Blob([text], { type }), name);

/** Where the browser, which sends no token, gets what the server has under `path`. */
export async function downloadUrl(path: string, signal?: AbortSignal): Promise<string> {
  return serverUrl(token.get() ? await api.downloadLink(path, signal) : path);
}

/** Whether `path` can be had, or is still being made (202). A refusal of HEAD has no words: those of GET are thrown. */
async function look(path: string, signal?: AbortSignal): Promise<Response> {
  const aborted = signal ?? null;
  return call(path, { method: "HEAD", signal: aborted }).catch(async (reason: unknown) => {
    if (reason instanceof ApiError && reason.status !== 0) await (await call(path, { signal: aborted })).body?.cancel();
    throw reason;
  });
}

export interface Saving {
  /** Without it, as the server says. */
  name?: string;
  /** Told when it is not there at once. */
  waiting?: () => void;
  signal?: AbortSignal;
}

/**
 * Saves what the server has under `path`, of any size: it goes past the page, from the server to the disk. First it waits
 * until that is made, and throws what the server refuses, for the browser would save that too, or tell no reason.
 */
export async function saveFromServer(path: string, { name = "", waiting, signal }: Saving = {}) {
  for (let reply = await look(path, signal); reply.status === 202; reply = await look(path, signal)) {
    waiting?.();
    const seconds = Math.min(30, Number(reply.headers.get("Retry-After") ?? 2) || 2);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    signal?.throwIfAborted();
  }
  const href = await downloadUrl(path, signal);
  signal?.throwIfAborted();
  click(href, name);
}
