import { readFileSync } from "node:fs";
import type { Hit, QueryRow } from "../../api/results.ts";
import type { Aligned } from "../../results/hits.ts";

/** What the server would tell of an output of BLAST+ in the page's own format. For tests. */
export function readTabular(program: string): { query: QueryRow; hits: Hit[] }[] {
  const found: { query: QueryRow; hits: Hit[] }[] = [];
  for (const line of readFileSync(new URL(`${program}.txt`, import.meta.url), "utf8").split("\n")) {
    if (line.startsWith("# Query: ")) found.push({ query: { index: found.length, name: line.split(" ")[2]!, title: line.slice(9), length: null, hits: 0, hsps: 0, evalue: "", max_score: "" }, hits: [] });
    const last = found.at(-1);
    if (!last || line === "" || line.startsWith("#")) continue;
    const c = line.split("\t");
    const n = (i: number) => Number(c[i]);
    const [qseq, sseq] = [c[c.length - 3]!, c[c.length - 2]!];
    const hsp: Aligned = {
      id: last.query.hsps++, pident: c[2]!, length: n(3), mismatch: n(4), gapopen: n(5), qstart: n(6), qend: n(7), sstart: n(8), send: n(9), evalue: c[10]!, bits: c[11]!.trim(), score: n(14),
      nident: n(15), positive: n(16), gaps: n(17), qframe: n(18), sframe: n(19), cover: 0, qseq, sseq, midline: [...qseq].map((letter, i) => (letter !== sseq[i] ? " " : program === "blastn" ? "|" : letter)).join(""),
    };
    last.query.length = n(12);
    const hit = last.hits.at(-1);
    if (hit && hit.accession === c[1]) {
      hit.hsps.push(hsp);
      hit.hsps_total += 1;
      continue;
    }
    last.query.hits += 1;
    last.hits.push({
      id: last.hits.length, index: last.hits.length, query: last.query.index, query_name: last.query.name, accession: c[1]!, title: c.at(-1)!, sciname: "", taxids: "", slen: n(13),
      max_score: hsp.bits, total_score: hsp.bits, cover: 50, evalue: hsp.evalue, pident: hsp.pident, max_pident: Number(hsp.pident), length: hsp.length, hsps_total: 1, hsps: [hsp],
    });
  }
  return found;
}
