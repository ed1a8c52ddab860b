import { useSyncExternalStore } from "react";

const print = window.matchMedia("print");
let before = false;

function subscribe(changed: () => void) {
  const begin = () => {
    before = true;
    changed();
  };
  const end = () => {
    before = false;
    changed();
  };
  window.addEventListener("beforeprint", begin);
  window.addEventListener("afterprint", end);
  print.addEventListener("change", changed);
  return () => {
    window.removeEventListener("beforeprint", begin);
    window.removeEventListener("afterprint", end);
    print.removeEventListener("change", changed);
  };
}

/** Whether the page is drawn for paper, where nothing scrolls. */
export const usePrinting = () => useSyncExternalStore(subscribe, () => before || print.matches);
