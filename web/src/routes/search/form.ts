import { useEffect, useRef, useState } from "react";
import type { Molecule } from "../../lib/fasta.ts";
import type { OptionValues } from "../../lib/options.ts";
import { type Organism, organismsText, readOrganisms } from "../../lib/organisms.ts";
import { go, to, useLocation } from "../../router.ts";

/** What the address of the page holds: everything but the sequences. */
export interface Form {
  database: string;
  /** Empty: the one that query and database imply. */
  program: string;
  /** Null: as the sequences look. */
  molecule: Molecule | null;
  options: OptionValues;
  organisms: Organism[];
}

export function readForm(params: URLSearchParams): Form {
  const options: OptionValues = {};
  for (const [name, value] of params) if (name.startsWith("o.") && name.length > 2) options[name.slice(2)] = value;
  const molecule = params.get("molecule");
  return {
    database: params.get("db") ?? "",
    program: params.get("program") ?? "",
    molecule: molecule === "nucleotide" || molecule === "protein" ? molecule : null,
    options,
    organisms: readOrganisms(params.get("org")),
  };
}

export function formAddress(form: Form): string {
  const options = Object.fromEntries(Object.entries(form.options).map(([name, value]) => [`o.${name}`, value]));
  return to("search", { db: form.database, program: form.program, molecule: form.molecule, org: organismsText(form.organisms), ...options });
}

const same = (a: Form, b: Form) => formAddress(a) === formAddress(b);

/** The form, which the address follows after a moment, and which follows the address on Back. */
export function useForm(): [Form, (change: Partial<Form>) => void] {
  const { place, params } = useLocation();
  const [form, setForm] = useState(() => readForm(params));
  const written = useRef(form);
  useEffect(() => {
    if (place !== "search") return;
    const fromAddress = readForm(params);
    if (same(fromAddress, written.current)) return;
    written.current = fromAddress;
    setForm(fromAddress);
  }, [place, params]);
  useEffect(() => {
    if (same(form, written.current)) return;
    const timer = setTimeout(() => {
      written.current = form;
      go(formAddress(form), "replace");
    }, 250);
    return () => clearTimeout(timer);
  }, [form]);
  return [form, (change) => setForm((before) => ({ ...before, ...change }))];
}

const key = "blastloom.draft";
const longestDraft = 1_000_000;

export interface Draft {
  text: string;
  title: string;
  address: string;
}

export function readDraft(): Draft {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Draft>;
    return { text: kept.text ?? "", title: kept.title ?? "", address: kept.address ?? "" };
  } catch {
    return { text: "", title: "", address: "" };
  }
}

export function keepDraft(draft: Draft) {
  try {
    if (draft.text.length > longestDraft) return;
    if (draft.text || draft.title || draft.address) localStorage.setItem(key, JSON.stringify(draft));
    else localStorage.removeItem(key);
  } catch {
    // Full or switched off: the draft lives as long as the page.
  }
}
