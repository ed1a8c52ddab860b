import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { ApiError } from "../../api/client.ts";
import { databases } from "../../api/databases.ts";
import { bytes } from "../../lib/format.ts";
import { sniff } from "../../lib/fasta.ts";
import { strings } from "../../strings.ts";
import { Bar, Dialog } from "../../ui/basics.tsx";

const say = strings.databases.build;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Builds a database of a FASTA file, or the next snapshot of one that there is. */
export function BuildDialog({ name: given, onClose }: { name?: string; onClose: () => void }) {
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState(given ?? "");
  const [title, setTitle] = useState("");
  const [molecule, setMolecule] = useState<"protein" | "nucleotide">("protein");
  const [parse, setParse] = useState(false);
  const [taxid, setTaxid] = useState("");
  const [sent, setSent] = useState<number | null>(null);
  const [fault, setFault] = useState<ApiError | null>(null);
  const abort = useRef<AbortController>(null);

  const choose = (chosen: File | undefined) => {
    if (!chosen) return;
    setFile(chosen);
    if (!name) setName(chosen.name.replace(/\.(gz|fa|fasta|faa|fna|ffn|txt)\b/gi, "").replaceAll(/[^A-Za-z0-9._-]+/g, "_").replace(/^[^A-Za-z0-9]+/, ""));
    void sniff(chosen).then(
      ({ molecule: found }) => found && setMolecule(found),
      () => undefined, // The server will say why it cannot be read.
    );
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    const controller = new AbortController();
    abort.current = controller;
    setFault(null);
    setSent(0);
    try {
      await databases.build({ name, molecule, title, parse_ids: parse, taxid, file }, setSent, controller.signal);
      void client.invalidateQueries({ queryKey: ["database-works"] });
      onClose();
    } catch (reason) {
      if (!controller.signal.aborted) setFault(reason instanceof ApiError ? reason : new ApiError({ status: 0, detail: String(reason) }));
      setSent(null);
    }
  };
  const wrongName = name !== "" && !namePattern.test(name);
  const wrongTaxid = taxid !== "" && !/^[1-9]\d{0,9}$/.test(taxid);
  const at = (field: string) => fault?.field === field && <span className="fault">{fault.message}</span>;
  return (
    <Dialog
      title={given ? say.titleNew(given) : say.title}
      onClose={() => {
        abort.current?.abort();
        onClose();
      }}
    >
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <div className="field">
          <label htmlFor="build-file">{say.file}</label>
          <input id="build-file" type="file" className="input" onChange={(event) => choose(event.target.files?.[0])} />
          <span className="muted small">{file ? bytes(file.size) : say.fileHelp}</span>
        </div>
        <div className="field">
          <label htmlFor="build-name">{say.name}</label>
          <input id="build-name" className="input mono" value={name} disabled={given !== undefined} aria-invalid={wrongName} onChange={(event) => setName(event.target.value.trim())} />
          {wrongName ? <span className="fault">{say.nameHelp}</span> : at("name")}
        </div>
        <div className="segments" role="radiogroup" aria-label={say.molecule}>
          {(["protein", "nucleotide"] as const).map((one) => (
            <label key={one} className={one === molecule ? "segment chosen" : "segment"}>
              <input type="radio" name="molecule" checked={one === molecule} onChange={() => setMolecule(one)} />
              {strings.search.database.group[one]}
            </label>
          ))}
        </div>
        <div className="field">
          <label htmlFor="build-title">{say.describe}</label>
          <input id="build-title" className="input" maxLength={240} value={title} onChange={(event) => setTitle(event.target.value)} />
          {at("title")}
        </div>
        <div className="field">
          <label htmlFor="build-taxid">{say.taxid}</label>
          <input id="build-taxid" className="input num" inputMode="numeric" value={taxid} aria-invalid={wrongTaxid} onChange={(event) => setTaxid(event.target.value.trim())} />
          {wrongTaxid ? <span className="fault">{say.taxidHelp}</span> : at("taxid")}
        </div>
        <label className="row">
          <input type="checkbox" checked={parse} onChange={(event) => setParse(event.target.checked)} />
          {say.parse}
        </label>
        {fault && !["name", "title", "taxid"].includes(fault.field ?? "") && (
          <p className="fault" role="alert">
            {fault.message}
          </p>
        )}
        {sent !== null && (
          <div className="stack tight" role="status">
            <Bar fraction={sent} label={say.sending} />
            <span className="small muted">{sent < 1 ? `${say.sending}: ${Math.floor(sent * 100)} %` : say.sent}</span>
          </div>
        )}
        <div className="row">
          <button type="submit" className="button primary" disabled={!file || !name || wrongName || wrongTaxid || sent !== null}>
            {say.submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
