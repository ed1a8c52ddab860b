import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type ProgramName } from "../../api/client.ts";
import { usePrograms } from "../../api/hooks.ts";
import { headOf } from "../../lib/fasta.ts";
import { headBytes, importOutfmt, needsProgram, recognize, type Recognized, titleOf, unnamedColumns } from "../../lib/imports.ts";
import { go, to } from "../../router.ts";
import { strings } from "../../strings.ts";
import { Field, FileField, FormDialog } from "../../ui/form-dialog.tsx";

const say = strings.jobs.import;

/** Takes a result of BLAST+ that was made elsewhere, and goes to the job it becomes. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const programs = usePrograms().data?.map(({ name }) => name) ?? [];
  const [file, setFile] = useState<File | null>(null);
  const [found, setFound] = useState<Recognized | null>(null);
  const [program, setProgram] = useState<ProgramName | "">("");
  const [columns, setColumns] = useState("");
  const [title, setTitle] = useState("");
  const choose = (chosen: File) => {
    setFile(chosen);
    setFound(null);
    setTitle(titleOf(chosen.name));
    void headOf(chosen, headBytes).then(
      ({ text }) => setFound(recognize(text, programs)),
      (reason: unknown) => setFound({ kind: "none", why: String(reason) }),
    );
  };
  const asks = found !== null && needsProgram(found);
  const unnamed = found && unnamedColumns(found);
  return (
    <FormDialog
      title={say.title}
      submit={say.submit}
      ready={file !== null && found !== null && found.kind !== "none" && !(asks && program === "") && !(unnamed && !columns.trim())}
      run={async (sent, signal) => {
        const job = await api.importResult({ file: file!, program: asks ? program : "", outfmt: importOutfmt(found!, columns), title }, sent, signal);
        client.setQueryData(["job", job.id], job);
        void client.invalidateQueries({ queryKey: ["jobs"] });
        go(to("job", { id: job.id }));
      }}
      onClose={onClose}
    >
      <FileField label={say.file} help={say.fileHelp} file={file} wrong={found?.kind === "none" && found.why} onChoose={choose} />
      {found && found.kind !== "none" && (
        <p className="small" role="status">
          {found.kind === "tabular" && found.program ? say.madeBy(found.program) : say.is[found.kind]}
        </p>
      )}
      {asks && (
        <Field label={say.program} name="program">
          {(control) => (
            <select {...control} className="select" value={program} onChange={(event) => setProgram(event.target.value as ProgramName | "")}>
              <option value="">{say.choose}</option>
              {programs.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </Field>
      )}
      {found?.kind === "tabular" && found.format !== "7" && (
        <Field label={say.columns} name="outfmt" help={unnamed ? say.columnsNeeded(unnamed) : say.columnsUsual}>
          {(control) => <input {...control} className="input mono" placeholder="std" value={columns} onChange={(event) => setColumns(event.target.value)} />}
        </Field>
      )}
      <Field label={say.jobTitle} name="title">
        {(control) => <input {...control} className="input" maxLength={200} value={title} onChange={(event) => setTitle(event.target.value)} />}
      </Field>
    </FormDialog>
  );
}
