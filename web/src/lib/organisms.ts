/** A taxon with all below it: searched only, or left out. */
export interface Organism {
  taxid: number;
  without: boolean;
}

interface Named {
  taxid: number;
  name: string;
  rank: string;
}

/** "Homo sapiens (species, 9606)": names alone are not unique. */
export const organismLabel = ({ taxid, name, rank }: Named) => `${name} (${rank}, ${taxid})`;

/** As it stands in an address: "9606,-10090". What is no taxid there is left out. */
export function readOrganisms(text: string | null): Organism[] {
  const seen = new Set<number>();
  return (text ?? "").split(",").flatMap((word) => {
    const found = /^(-?)(\d{1,10})$/.exec(word.trim());
    const taxid = Number(found?.[2]);
    if (!found || taxid === 0 || seen.has(taxid)) return [];
    seen.add(taxid);
    return [{ taxid, without: found[1] === "-" }];
  });
}

export const organismsText = (organisms: Organism[]) => organisms.map(({ taxid, without }) => (without ? `-${taxid}` : String(taxid))).join(",");

/** As a submit takes them; undefined if there are none. */
export function organismsWish(organisms: Organism[]): { include: number[]; exclude: number[] } | undefined {
  if (organisms.length === 0) return undefined;
  const pick = (without: boolean) => organisms.filter((one) => one.without === without).map(({ taxid }) => taxid);
  return { include: pick(false), exclude: pick(true) };
}
