import { useEffect, useRef, useSyncExternalStore } from "react";
import { call, type Event, type Ready } from "./client.ts";
import { EventParser, hand, type Hearers } from "./sse.ts";
import { token } from "./token.ts";

/**
 * One stream of everything that happens, shared by all that listen. It is closed while the page is hidden (a browser
 * keeps only six connections to a server, over all its tabs) and goes on after the last event when it is seen again.
 */
export type LiveState = "connecting" | "live" | "polling" | "offline";

const silence = 45_000; // The server sends a comment every 15 s.
const listeners = new Set<(event: Event) => void>();
const observers = new Set<(ready: Ready) => void>();
const watchers = new Set<() => void>();
let state: LiveState = "connecting";
let last = "";
let running: AbortController | undefined;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function tell<T>(who: Set<(what: T) => void>) {
  return (what: T) => {
    for (const one of who) one(what);
  };
}
const hearers: Hearers = { job: tell(listeners), server: tell(observers) };

function become(next: LiveState) {
  if (state === next) return;
  state = next;
  for (const watcher of watchers) watcher();
}

async function read(controller: AbortController) {
  let heard = Date.now();
  const watchdog = setInterval(() => {
    if (Date.now() - heard > silence) controller.abort(new Error("silence"));
  }, 5000);
  try {
    const path = "/api/blast/events" + (last ? `?last_event_id=${encodeURIComponent(last)}` : "");
    const reply = await call(path, { headers: { Accept: "text/event-stream" }, signal: controller.signal });
    const reader = reply.body?.getReader();
    if (!reader) return;
    failures = 0;
    become("live");
    const text = new TextDecoder();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard = Date.now();
      for (const message of parser.push(text.decode(value, { stream: true }))) {
        if (message.id) last = message.id;
        hand(message, hearers);
      }
    }
  } finally {
    clearInterval(watchdog);
  }
}

function start() {
  if (running || document.hidden) return;
  clearTimeout(timer);
  const controller = new AbortController();
  running = controller;
  read(controller)
    .then(() => undefined)
    .catch((reason: unknown) => {
      if (controller !== running) return;
      failures += 1;
      const unreachable = (reason as { status?: number }).status === 0;
      become(unreachable ? "offline" : "polling");
    })
    .finally(() => {
      if (controller !== running) return;
      running = undefined;
      timer = setTimeout(start, failures === 0 ? 250 : Math.min(15_000, 500 * 2 ** Math.min(failures, 5)));
    });
}

function stop() {
  const controller = running;
  running = undefined;
  clearTimeout(timer);
  controller?.abort();
}

let begun = false;
export function beginLive() {
  if (begun) return;
  begun = true;
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  window.addEventListener("online", () => {
    failures = 0;
    stop();
    start();
  });
  token.subscribe(() => {
    if (token.isWanted()) return;
    stop();
    start();
  });
  start();
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    () => state,
  );
}

/** How often to ask while the stream does not work; false while it does. */
export function usePolling(milliseconds: number): number | false {
  return useLiveState() === "live" ? false : milliseconds;
}

function useHearing<T>(who: Set<(what: T) => void>, hear: (what: T) => void) {
  const latest = useRef(hear);
  useEffect(() => {
    latest.current = hear;
  });
  useEffect(() => {
    const call = (what: T) => latest.current(what);
    who.add(call);
    return () => void who.delete(call);
  }, [who]);
}

export const useEvents = (listener: (event: Event) => void) => useHearing(listeners, listener);
/** How the server is, when the stream tells it. */
export const useServerEvents = (observer: (ready: Ready) => void) => useHearing(observers, observer);
