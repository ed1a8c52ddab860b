import { useSyncExternalStore } from "react";

export type Theme = "auto" | "light" | "dark";
const key = "blastloom.theme";
const listeners = new Set<() => void>();

function stored(): Theme {
  try {
    const word = localStorage.getItem(key);
    return word === "light" || word === "dark" ? word : "auto";
  } catch {
    return "auto";
  }
}

let theme = stored();

const system = window.matchMedia("(prefers-color-scheme: dark)");

/** The styles know light and dark only; what the system says is looked up here. */
function apply() {
  document.documentElement.dataset.theme = theme !== "auto" ? theme : system.matches ? "dark" : "light";
}

export function setTheme(next: Theme) {
  theme = next;
  try {
    if (next === "auto") localStorage.removeItem(key);
    else localStorage.setItem(key, next);
  } catch {
    // It lives as long as the page then.
  }
  apply();
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => theme,
  );
}

system.addEventListener("change", apply);
apply();
