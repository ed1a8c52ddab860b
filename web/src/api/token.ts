/** The bearer token, if this server asks for one. Kept for the session, or on request until it is forgotten. */
const key = "blastloom.token";
const listeners = new Set<() => void>();
let wanted = false;

function read(storage: () => Storage): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null; // Storage is switched off.
  }
}

let secret = read(() => sessionStorage) ?? read(() => localStorage);

function tell() {
  for (const listener of listeners) listener();
}

export const token = {
  get: () => secret,
  /** The server answered 401 to what we have. */
  ask() {
    if (wanted) return;
    wanted = true;
    tell();
  },
  isWanted: () => wanted,
  keep(text: string, remember: boolean) {
    secret = text;
    wanted = false;
    try {
      (remember ? localStorage : sessionStorage).setItem(key, text);
    } catch {
      // It lives as long as the page then.
    }
    tell();
  },
  forget() {
    secret = null;
    try {
      localStorage.removeItem(key);
      sessionStorage.removeItem(key);
    } catch {
      // Nothing was kept.
    }
    tell();
  },
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
