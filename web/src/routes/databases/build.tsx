import { useState } from "react";
import { databases } from "../../api/databases.ts";
import { sniff } from "../../lib/fasta.ts";
import { strings } from "../../strings.ts";
import { Field, FileField, FormDialog } from "../../ui/form-dialog.tsx";
import { useOrdered } from "./works.tsx";

const say = strings.databases.build;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
type Molecule = "protein" | "nucleotide";

/** The file, and what its sequences look like; null while that is not known. */
function useFasta() {
  const [file, setFile] = useState<File | null>(null);
  const [molecule, setMolecule] = useState<Molecule | null>(null);
  const choose = (chosen: File) => {
    setFile(chosen);
    setMolecule(null);
    void sniff(chosen).then(
      (found) => setMolecule(found.molecule),
      () => undefined, // The server will say why it cannot be read.
    );
  };
  return { file, molecule, choose };
}

function useTaxid() {
  const [taxid, setTaxid] = useState("");
  const wrong = taxid !== "" && !/^[1-9]\d{0,9}$/.test(taxid);
  const field = (
    <Field label={say.taxid} name="taxid" wrong={wrong && say.taxidHelp}>
      {(control) => <input {...control} className="input num" inputMode="numeric" value={taxid} onChange={(event) => setTaxid(event.target.value.trim())} />}
    </Field>
  );
  return { taxid, wrong, field };
}

/** Builds a database of a FASTA file, or the next snapshot of one that there is. */
export function BuildDialog({ name: given, onClose }: { name?: string; onClose: () => void }) {
  const ordered = useOrdered();
  const fasta = useFasta();
  const [name, setName] = useState(given ?? "");
  const [title, setTitle] = useState("");
  const [chosen, setChosen] = useState<Molecule | null>(null);
  const [parse, setParse] = useState(false);
  const { taxid, wrong: wrongTaxid, field: taxidField } = useTaxid();
  const { file } = fasta;
  const molecule = chosen ?? fasta.molecule ?? "protein";
  const wrongName = name !== "" && !namePattern.test(name);
  return (
    <FormDialog
      title={given ? say.titleNew(given) : say.title}
      submit={say.submit}
      ready={file !== null && name !== "" && !wrongName && !wrongTaxid}
      run={async (sent, signal) => {
        await databases.build({ name, molecule, title, parse_ids: parse, taxid, file: file! }, sent, signal);
        ordered();
      }}
      onClose={onClose}
    >
      <FileField
        label={say.file}
        file={file}
        onChoose={(next) => {
          fasta.choose(next);
          setChosen(null);
          if (!name) setName(next.name.replace(/\.(gz|fa|fasta|faa|fna|ffn|txt)\b/gi, "").replaceAll(/[^A-Za-z0-9._-]+/g, "_").replace(/^[^A-Za-z0-9]+/, ""));
        }}
      />
      <Field label={say.name} name="name" wrong={wrongName && say.nameHelp}>
        {(control) => <input {...control} className="input mono" value={name} disabled={given !== undefined} onChange={(event) => setName(event.target.value.trim())} />}
      </Field>
      <div className="segments" role="radiogroup" aria-label={say.molecule}>
        {(["protein", "nucleotide"] as const).map((one) => (
          <label key={one} className={one === molecule ? "segment chosen" : "segment"}>
            <input type="radio" name="molecule" checked={one === molecule} onChange={() => setChosen(one)} />
            {strings.search.database.group[one]}
          </label>
        ))}
      </div>
      <Field label={say.describe} name="title">
        {(control) => <input {...control} className="input" maxLength={240} value={title} onChange={(event) => setTitle(event.target.value)} />}
      </Field>
      {taxidField}
      <label className="row">
        <input type="checkbox" checked={parse} onChange={(event) => setParse(event.target.checked)} />
        {say.parse}
      </label>
    </FormDialog>
  );
}

/** Adds the sequences of a FASTA file to a database that the server keeps, which makes its next snapshot. */
export function AppendDialog({ name, holds, onClose }: { name: string; holds: Molecule | undefined; onClose: () => void }) {
  const ordered = useOrdered();
  const { file, molecule, choose } = useFasta();
  const { taxid, wrong, field } = useTaxid();
  const other = file !== null && molecule !== null && holds !== undefined && molecule !== holds;
  return (
    <FormDialog
      title={say.append.title(name)}
      submit={say.append.submit}
      ready={file !== null && !wrong && !other}
      run={async (sent, signal) => {
        await databases.append({ name, taxid, file: file! }, sent, signal);
        ordered();
      }}
      onClose={onClose}
    >
      <p className="muted small">{say.append.help}</p>
      <FileField label={say.file} file={file} wrong={other && say.append.otherKind(strings.search.database.group[holds].toLowerCase())} onChoose={choose} />
      {field}
    </FormDialog>
  );
}
