import { authorization, call } from "../api/client.ts";
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

/**
 * Saves what the server has under `path`. Without a token the browser does it, at any size; a token can only be sent
 * by the page, so the file passes through a Blob, which browsers keep on disk when it is large.
 */
export async function saveFromServer(path: string, name = "") {
  if (!token.get()) return click(serverUrl(path), name);
  const reply = await call(path);
  const given = /filename="([^"]+)"/.exec(reply.headers.get("Content-Disposition") ?? "")?.[1];
  saveBlob(await reply.blob(), given ?? name);
}

/** Waits until a rendering is there, then saves it. `waiting` is told when it is not there at once. */
export async function saveRendering(path: string, waiting: () => void, signal: AbortSignal) {
  for (;;) {
    const reply = await call(path, { method: "HEAD", signal, headers: authorization() });
    if (reply.status !== 202) break;
    waiting();
    const seconds = Math.min(30, Number(reply.headers.get("Retry-After") ?? 2) || 2);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    if (signal.aborted) return;
  }
  await saveFromServer(path);
}
