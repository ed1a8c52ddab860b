import type { Hit } from "../api/results.ts";

export interface Pair {
  accession: string;
  title: string;
  here: Hit | undefined;
  there: Hit | undefined;
  /** Places from 1, in BLAST's order; how many places better it stands here. */
  rise: number;
}
export type PairKind = "shared" | "here" | "there" | "moved";

export const kindOf = ({ here, there, rise }: Pair): Exclude<PairKind, "moved"> | "moved" => (!there ? "here" : !here ? "there" : rise === 0 ? "shared" : "moved");

/**
 * The hits of one query in two results, each sequence once: in the order they have here, then those that are only there.
 * Places count among sequences that both have, so that one more sequence does not move all that follow.
 */
export function compareHits(here: Hit[], there: Hit[]): Pair[] {
  const others = new Map(there.map((hit) => [hit.accession, hit]));
  const own = new Map(here.map((hit) => [hit.accession, hit]));
  const places = (hits: Hit[], both: Map<string, Hit>) => new Map(hits.filter(({ accession }) => both.has(accession)).map(({ accession }, i) => [accession, i]));
  const [placesHere, placesThere] = [places(here, others), places(there, own)];
  const pair = (hit: Hit): Pair => {
    const { accession, title } = hit;
    const [a, b] = [placesHere.get(accession), placesThere.get(accession)];
    return { accession, title, here: own.get(accession), there: others.get(accession), rise: a === undefined || b === undefined ? 0 : b - a };
  };
  return [...here.map(pair), ...there.filter(({ accession }) => !own.has(accession)).map(pair)];
}
