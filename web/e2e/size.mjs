// What each place of the page loads at first, gzipped. BLASTLOOM_PAGE: where the build of the page is.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = process.env.BLASTLOOM_PAGE ?? fileURLToPath(new URL("../../build/release/web/dist", import.meta.url));
export const mostBytes = 200 * 1024;

/** @returns {Record<string, number>} gzipped bytes of script by place */
export function sizes() {
  const manifest = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
  const closure = (keys, found = new Set()) => {
    for (const key of keys) {
      if (found.has(key)) continue;
      found.add(key);
      closure(manifest[key].imports ?? [], found);
    }
    return found;
  };
  const bytes = (keys) => [...closure(keys)].reduce((sum, key) => sum + gzipSync(readFileSync(join(dist, manifest[key].file))).length, 0);
  const entry = "index.html";
  // The results are a part of the job's place that is loaded with it.
  const places = { search: [], jobs: [], job: ["src/results/explorer.tsx"], databases: [], system: [] };
  return Object.fromEntries(
    Object.entries(places).map(([place, more]) => {
      const key = Object.keys(manifest).find((one) => manifest[one].isDynamicEntry && manifest[one].name === place);
      return [place, bytes([entry, key, ...more])];
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [place, bytes] of Object.entries(sizes())) console.log(`${place.padEnd(10)} ${(bytes / 1024).toFixed(1)} KiB`);
}
