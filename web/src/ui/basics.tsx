import {
  type AnchorHTMLAttributes,
  type ReactNode,
  useEffect,
  useRef,
  useState,
} from "react";
import { ApiError, type JobStatus } from "../api/client.ts";
import { base, go, to, type Params, type Place } from "../router.ts";
import { strings } from "../strings.ts";

/** A link to a place of this page; a click with a modifier is left to the browser. */
export function Link({
  place,
  params,
  children,
  ...rest
}: { place: Place; params?: Params } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const href = new URL(to(place, params), base()).href;
  return (
    <a
      {...rest}
      href={href}
      onClick={(event) => {
        rest.onClick?.(event);
        if (event.defaultPrevented || event.button !== 0) return;
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(href);
      }}
    >
      {children}
    </a>
  );
}

const shapes: Record<JobStatus, ReactNode> = {
  queued: <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="3 2" />,
  running: <path d="M3 1.5 10.5 6 3 10.5Z" fill="currentColor" />,
  merging: <path d="M1 3h4l2 3-2 3H1M7 6h4" fill="none" stroke="currentColor" strokeWidth="2" />,
  completed: <path d="M1.5 6.5 4.5 9.5 10.5 2.5" fill="none" stroke="currentColor" strokeWidth="2" />,
  failed: <path d="M2 2 10 10M10 2 2 10" stroke="currentColor" strokeWidth="2" />,
  cancelled: <path d="M2 6h8" stroke="currentColor" strokeWidth="2" />,
};

export function State({ status }: { status: JobStatus }) {
  return (
    <span className={`state ${status}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {shapes[status]}
      </svg>
      {strings.status[status]}
    </span>
  );
}

/** `fraction` of 0 to 1. */
export function Bar({ fraction, label }: { fraction: number; label: string }) {
  const percent = Math.max(0, Math.min(1, fraction)) * 100;
  return (
    <div className="bar" role="progressbar" aria-label={label} aria-valuenow={Math.round(percent)} aria-valuemin={0} aria-valuemax={100}>
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}

export function Fault({ error, retry }: { error: unknown; retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const id = error instanceof ApiError ? error.requestId : undefined;
  return (
    <div className="note bad" role="alert">
      <strong>{strings.error.title}</strong>
      {message}
      {id && <span className="muted small"> {strings.error.request(id)}</span>}
      {retry && (
        <div>
          <button type="button" className="link" onClick={retry}>
            {strings.common.retryNow}
          </button>
        </div>
      )}
    </div>
  );
}

/** Grey lines where the content will stand; they show themselves only after 200 ms. */
export function Skeleton({ lines = 4, height = 20 }: { lines?: number; height?: number }) {
  return (
    <div className="stack tight" role="status" aria-label={strings.common.loading}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className="skeleton" style={{ height, width: `${100 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Copy({ text, label = strings.common.copy }: { text: string | (() => string); label?: string }) {
  const [done, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const value = typeof text === "string" ? text : text();
    await copyText(value);
    setDone(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" className="button" onClick={() => void copy()}>
      <span aria-live="polite">{done ? strings.common.copied : label}</span>
    </button>
  );
}

async function copyText(text: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard belongs to secure pages only; the old way works on http too.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** A modal dialog; Esc and a click outside close it. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      className="dialog"
      aria-label={title}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === ref.current) ref.current.close();
      }}
    >
      <div className="stack">
        <div className="row spread">
          <h2>{title}</h2>
          <button type="button" className="button quiet" onClick={() => ref.current?.close()}>
            {strings.common.close}
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

/** The title of the window and the heading of the place. */
export function Heading({ title, children, right }: { title: string; children?: ReactNode; right?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${strings.common.product}`;
  }, [title]);
  return (
    <div className="heading">
      <h1>{title}</h1>
      {children}
      {right && <div className="row right noprint">{right}</div>}
    </div>
  );
}
