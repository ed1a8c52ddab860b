import { useEffect, useSyncExternalStore } from "react";
import { strings } from "../strings.ts";

interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
  until: number;
  done?: () => void;
}

let toasts: Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(all: Toast[]) {
  toasts = all;
  for (const listener of listeners) listener();
}

function drop(id: number, acted: boolean) {
  const toast = toasts.find((one) => one.id === id);
  set(toasts.filter((one) => one.id !== id));
  if (!acted) toast?.done?.();
}

/** Says `text` for some seconds. `done` runs when it goes away without its action having been taken. */
export function say(text: string, options: { action?: Toast["action"]; seconds?: number; done?: () => void } = {}) {
  const { seconds = 5, ...rest } = options;
  set([...toasts, { id: next++, text, until: Date.now() + seconds * 1000, ...rest }]);
}

/** What waits for its toast to go away happens now, for the page is being left. */
window.addEventListener("pagehide", () => {
  for (const toast of toasts) toast.done?.();
  toasts = [];
});

export function Toasts() {
  const all = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => toasts,
  );
  useEffect(() => {
    if (all.length === 0) return;
    const timers = all.map((toast) => setTimeout(() => drop(toast.id, false), Math.max(0, toast.until - Date.now())));
    return () => timers.forEach(clearTimeout);
  }, [all]);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {all.map((toast) => (
        <div key={toast.id} className="toast">
          <span>{toast.text}</span>
          {toast.action && (
            <button
              type="button"
              className="button quiet"
              onClick={() => {
                drop(toast.id, true);
                toast.action?.run();
              }}
            >
              {toast.action.label}
            </button>
          )}
          <button type="button" className="button quiet icon" aria-label={strings.common.close} onClick={() => drop(toast.id, false)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
