import { createContext, type FormEvent, type ReactNode, useContext, useEffect, useId, useRef, useState } from "react";
import { ApiError } from "../api/client.ts";
import { bytes } from "../lib/format.ts";
import { strings } from "../strings.ts";
import { Bar, Dialog } from "./basics.tsx";

const say = strings.dialog;

/** What the server refused, for the fields of the form around; they say which ones there are. */
interface Refusal {
  fault: ApiError | null;
  fields: Set<string>;
}
const Refused = createContext<Refusal>({ fault: null, fields: new Set() });

/** The field that a refusal is about: named as such, or before a colon. */
const fieldOf = (fault: ApiError) => fault.field ?? /^([a-z_]+): /.exec(fault.message)?.[1];

interface Props {
  title: string;
  /** Words of the button that does it. */
  submit: string;
  danger?: boolean;
  /** All that is needed is given. */
  ready?: boolean;
  /** Does it; rejects with what was refused. `sent` takes the share of a file that has gone, 0 to 1. */
  run: (sent: (fraction: number) => void, signal: AbortSignal) => Promise<unknown>;
  /** It is done; or the dialog was closed, which ends what is on its way. */
  onClose: () => void;
  children: ReactNode;
}

/** A dialog that asks for something and does it. It stays open, with what it holds, when that is refused. */
export function FormDialog({ title, submit, danger = false, ready = true, run, onClose, children }: Props) {
  const [busy, setBusy] = useState(false);
  const [sent, setSent] = useState<number | null>(null);
  const [fault, setFault] = useState<ApiError | null>(null);
  const abort = useRef<AbortController>(null);
  const fields = useRef(new Set<string>()).current;
  const close = () => {
    abort.current?.abort();
    onClose();
  };
  const go = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !ready) return;
    const controller = new AbortController();
    abort.current = controller;
    setFault(null);
    setBusy(true);
    try {
      await run(setSent, controller.signal);
      onClose();
    } catch (reason) {
      if (controller.signal.aborted) return;
      setFault(reason instanceof ApiError ? reason : new ApiError({ status: 0, detail: reason instanceof Error ? reason.message : String(reason) }));
      setBusy(false);
      setSent(null);
    }
  };
  return (
    <Dialog title={title} onClose={close}>
      <form className="stack" onSubmit={(event) => void go(event)}>
        <Refused value={{ fault, fields }}>{children}</Refused>
        {fault && !fields.has(fieldOf(fault) ?? "") && (
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
          <button type="submit" className={danger ? "button danger" : "button primary"} disabled={!ready || busy}>
            {submit}
          </button>
          <button type="button" className="button" onClick={close}>
            {strings.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface Control {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string;
}

/** A labelled control of a form; what is wrong with it, or was refused under its `name`, stands below it, else `help`. */
export function Field({ label, name, wrong, help, children }: { label: string; name?: string; wrong?: string | false; help?: ReactNode; children: (control: Control) => ReactNode }) {
  const id = useId();
  const { fault, fields } = useContext(Refused);
  useEffect(() => {
    if (name === undefined) return;
    fields.add(name);
    return () => void fields.delete(name);
  }, [fields, name]);
  const refused = fault && name !== undefined && fieldOf(fault) === name ? fault.message : null;
  const bad = wrong || refused;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-invalid": Boolean(bad), "aria-describedby": `${id}-words` })}
      <span id={`${id}-words`} className={bad ? "fault" : "muted small"} role={refused && !wrong ? "alert" : undefined}>
        {bad || help}
      </span>
    </div>
  );
}

/** A file of any size; it is looked at by its beginning only, and streamed when it is sent. */
export function FileField({ label, help = say.fileHelp, file, wrong, onChoose }: { label: string; help?: string; file: File | null; wrong?: string | false; onChoose: (file: File) => void }) {
  return (
    <Field label={label} {...(wrong !== undefined && { wrong })} help={file ? bytes(file.size) : help}>
      {(control) => (
        <input
          {...control}
          type="file"
          className="input"
          onChange={(event) => {
            const chosen = event.target.files?.[0];
            if (chosen) onChoose(chosen);
          }}
        />
      )}
    </Field>
  );
}
