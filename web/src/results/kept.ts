/** A choice that outlives the page, where the browser lets it. */
export const kept = {
  get(name: string) {
    try {
      return localStorage.getItem(`blastloom.${name}`);
    } catch {
      return null;
    }
  },
  set(name: string, value: string) {
    try {
      localStorage.setItem(`blastloom.${name}`, value);
    } catch {
      // It lives as long as the page then.
    }
  },
};
