const whole = new Intl.NumberFormat("en");

/** 1234567 -> 1,234,567 */
export const count = (n: number) => whole.format(n);

/** 208082453 -> 208.1 M; below 10,000 all digits. */
export function short(n: number): string {
  if (n < 10_000) return count(n);
  for (const [size, unit] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const)
    if (n >= size) return `${(n / size).toFixed(n / size < 100 ? 1 : 0)} ${unit}`;
  return count(n);
}

export function bytes(n: number): string {
  if (n < 1024) return n === 1 ? "1 byte" : `${n} bytes`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let size = n / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 100 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** 0.4 -> under 1 s; 53 -> 53 s; 212 -> 3 min 32 s; 7380 -> 2 h 3 min */
export function duration(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return pair(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86_400) return pair(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return pair(Math.floor(s / 86_400), "d", Math.floor((s % 86_400) / 3600), "h");
}

const pair = (a: number, unit: string, b: number, smaller: string) => (b === 0 ? `${a} ${unit}` : `${a} ${unit} ${b} ${smaller}`);

/** Of a time that was measured: 0.53 s keeps its digits. */
export const measured = (seconds: number) => (seconds < 10 ? `${seconds.toFixed(2)} s` : duration(seconds));

export function ago(time: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString("en-CA");
}

/** 2026-01-31 12:00:05, in the reader's time zone. */
export function clock(time: string): string {
  const date = new Date(time);
  return `${date.toLocaleDateString("en-CA")} ${date.toLocaleTimeString("en-GB")}`;
}
