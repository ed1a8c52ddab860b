import { useSyncExternalStore } from "react";

/**
 * Every place is one level deep (`search`, `job?id=…`), and its whole state is in the query string. So a relative
 * address resolves the same from every place, and the page works below any path without being told which.
 */
export type Place = "search" | "jobs" | "job" | "databases" | "system";
const places: readonly Place[] = ["search", "jobs", "job", "databases", "system"];

export interface Location {
  place: Place | null;
  params: URLSearchParams;
}

/** The folder the page is served from, with a slash at its end. */
export function base(): URL {
  return new URL("./", document.baseURI);
}

/** An address of the server; the server gives its own as absolute paths, which a proxy may have moved. */
export function serverUrl(path: string): string {
  return new URL(path.replace(/^\//, ""), base()).href;
}

export function parse(href: string): Location {
  const url = new URL(href);
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  const word = last === "" || last === "index.html" ? "search" : last;
  return { place: places.find((place) => place === word) ?? null, params: url.searchParams };
}

export type Params = Record<string, string | number | null | undefined>;

/** The address of a place, relative to the page. Empty values are left out. */
export function to(place: Place, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  const text = query.toString();
  return (place === "search" ? "./" : place) + (text ? `?${text}` : "");
}

const listeners = new Set<() => void>();
let current: { href: string; location: Location } | undefined;

function snapshot(): Location {
  const { href } = window.location;
  if (current?.href !== href) current = { href, location: parse(href) };
  return current.location;
}

function changed() {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  if (listeners.size === 0) window.addEventListener("popstate", changed);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("popstate", changed);
  };
}

export function useLocation(): Location {
  return useSyncExternalStore(subscribe, snapshot);
}

export function go(href: string, how: "push" | "replace" = "push") {
  const url = new URL(href, base());
  if (url.href === window.location.href) return;
  const samePlace = url.pathname === window.location.pathname;
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  changed();
  if (how === "push" && !samePlace) window.scrollTo(0, 0);
}

/** Changes some parameters of this place and keeps the others; a null removes one. */
export function setParams(change: Params, how: "push" | "replace" = "replace") {
  const { place, params } = parse(window.location.href);
  const all: Params = Object.fromEntries(params);
  go(to(place ?? "search", { ...all, ...change }), how);
}
