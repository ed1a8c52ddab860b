import { api, authorization, call } from "../api/client.ts";
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
export async function downloadUrl(path: string): Promise<string> {
  return serverUrl(token.get() ? await api.downloadLink(path) : path);
}

/** Saves what the server has under `path`, of any size: it goes past the page, from the server to the disk. */
export async function saveFromServer(path: string, name = "") {
  click(await downloadUrl(path), name);
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
