import { useQueryClient } from "@tanstack/react-query";
import { Component, type FormEvent, type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useReady, useReadyFromEvents, useRights } from "./api/hooks.ts";
import { beginLive, useLiveState } from "./api/live.ts";
import { token } from "./api/token.ts";
import { standing, worries } from "./lib/health.ts";
import { reachable } from "./lib/rights.ts";
import { pages } from "./pages.ts";
import { base, go, type Place, to, useLocation } from "./router.ts";
import { strings } from "./strings.ts";
import { setTheme, useTheme } from "./theme.ts";
import { Dialog, Heading, Link, Skeleton } from "./ui/basics.tsx";
import { Toasts } from "./ui/toast.tsx";

function Brand() {
  return (
    <Link place="search" className="brand" aria-label={strings.common.product}>
      <svg viewBox="0 0 20 20" aria-hidden="true" fill="var(--accent)">
        <rect x="1" y="3" width="18" height="3" rx="1.5" />
        <rect x="1" y="8.5" width="11" height="3" rx="1.5" opacity=".75" />
        <rect x="6" y="14" width="13" height="3" rx="1.5" opacity=".5" />
      </svg>
      <span>{strings.common.product}</span>
    </Link>
  );
}

function Top({ place, showKeys }: { place: Place | null; showKeys: () => void }) {
  const theme = useTheme();
  const live = useLiveState();
  const secret = useSyncExternalStore(token.subscribe, token.get);
  const next = { auto: "light", light: "dark", dark: "auto" } as const;
  const item = (to: Place, text: string, also?: Place) => (
    <Link place={to} aria-current={place === to || (also && place === also) ? "page" : undefined}>
      {text}
    </Link>
  );
  return (
    <header className="top">
      <Brand />
      <nav aria-label={strings.nav.label}>
        {item("search", strings.nav.search)}
        {item("jobs", strings.nav.jobs, "job")}
        {item("databases", strings.nav.databases)}
        {item("system", strings.nav.system)}
      </nav>
      <div className="right">
        <HealthSign />
        <span className={`pulse ${live}`} title={strings.live.explain[live]} role="status">
          <i aria-hidden="true" />
          <span>{strings.live[live]}</span>
        </span>
        {secret && (
          <button type="button" className="button" onClick={() => token.forget()}>
            {strings.nav.forget}
          </button>
        )}
        <button type="button" className="button icon" aria-label={strings.nav.theme[theme]} title={strings.nav.theme[theme]} onClick={() => setTheme(next[theme])}>
          <ThemeIcon theme={theme} />
        </button>
        <button type="button" className="button icon keys-button" aria-label={strings.nav.keys} title={strings.nav.keys} onClick={showKeys}>
          ?
        </button>
      </div>
    </header>
  );
}

/** Silent while all is well; else a word that leads to the reasons. */
function HealthSign() {
  const { data, isError } = useReady(30_000);
  const stands = data && !isError ? standing(data) : "good";
  if (!data || stands === "good") return null;
  const word = strings.system.health.sign[stands];
  return (
    <Link place="system" className={`healthsign ${stands}`} title={worries({ ready: data }, 0).join("\n")}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d="M6 1 11.5 11H.5Z" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
        <path d="M6 4.5v3M6 8.7v1" stroke="currentColor" strokeWidth="1.5" />
      </svg>
      <span>{word}</span>
    </Link>
  );
}

/** Of a server that only reads: says so once, above every place, and leads to the same place where changes are made. */
function ReadingBar() {
  const { changesAt } = useRights();
  const { place, params } = useLocation();
  if (changesAt === null) return null;
  const there = reachable(changesAt, base().href);
  return (
    <div className="banner calm" role="status">
      {strings.reading.only} {changesAt === "" ? strings.reading.nowhere : there ? strings.reading.at : strings.reading.elsewhere}{" "}
      {there && <a href={new URL(to(place ?? "search", Object.fromEntries(params)), there).href}>{there.host}</a>}
    </div>
  );
}

function ThemeIcon({ theme }: { theme: "auto" | "light" | "dark" }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.5">
      {theme === "dark" ? (
        <path d="M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3Z" />
      ) : (
        <>
          <circle cx="8" cy="8" r={theme === "light" ? 3 : 5.5} />
          {theme === "light" ? (
            <path d="M8 .8v2M8 13.2v2M.8 8h2M13.2 8h2M2.9 2.9l1.4 1.4M11.7 11.7l1.4 1.4M2.9 13.1l1.4-1.4M11.7 4.3l1.4-1.4" />
          ) : (
            <path d="M8 2.5a5.5 5.5 0 0 1 0 11Z" fill="currentColor" />
          )}
        </>
      )}
    </svg>
  );
}

function Login() {
  const [text, setText] = useState("");
  const [remember, setRemember] = useState(false);
  const client = useQueryClient();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    token.keep(text.trim(), remember);
    void client.invalidateQueries();
  };
  return (
    <form className="panel stack login" onSubmit={submit}>
      <h1>{strings.login.title}</h1>
      <p className="muted">{strings.login.help}</p>
      <div className="field">
        <label htmlFor="token">{strings.login.field}</label>
        <input id="token" className="input mono" type="password" autoComplete="off" value={text} onChange={(event) => setText(event.target.value)} />
      </div>
      <label className="row">
        <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
        {strings.login.remember}
      </label>
      <div>
        <button type="submit" className="button primary" disabled={!text.trim()}>
          {strings.login.submit}
        </button>
      </div>
    </form>
  );
}

/** A fault of the page itself is said, not shown as a blank window. */
class Guard extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div className="empty">
        <p>{strings.error.crash}</p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          {strings.error.reload}
        </button>
      </div>
    );
  }
}

function NotFound() {
  return (
    <div className="empty">
      <Heading title={strings.error.notFound} />
      <p>{strings.error.notFoundHelp}</p>
      <Link place="search">{strings.error.toSearch}</Link>
    </div>
  );
}

function isTyping(target: EventTarget | null) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Keys that work everywhere: "/" to the search box of the place, "?" for help, "g" and a letter to a place. */
function useKeys(showKeys: () => void) {
  const led = useRef(0);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const places: Record<string, Place> = { s: "search", j: "jobs", d: "databases", y: "system" };
      const place = places[event.key];
      if (place && Date.now() - led.current < 1500) {
        event.preventDefault();
        event.stopImmediatePropagation();
        go(to(place));
      } else if (event.key === "/") {
        const box = document.querySelector<HTMLElement>("[data-search]");
        if (box) {
          event.preventDefault();
          box.focus();
        }
      } else if (event.key === "?") {
        event.preventDefault();
        showKeys();
      }
      led.current = event.key === "g" ? Date.now() : 0;
    };
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, [showKeys]);
}

export function App() {
  const { place } = useLocation();
  const [keys, setKeys] = useState(false);
  const wanted = useSyncExternalStore(token.subscribe, token.isWanted);
  const live = useLiveState();
  const client = useQueryClient();
  const show = useRef(() => setKeys(true)).current;
  useKeys(show);
  useEffect(beginLive, []);
  useReadyFromEvents();
  const seen = useRef(live);
  useEffect(() => {
    // What happened while the stream was away was not heard.
    if (live === "live" && seen.current !== "live" && seen.current !== "connecting") void client.invalidateQueries();
    seen.current = live;
  }, [live, client]);
  const Page = place && pages[place].Part;
  const narrow = place === "search" || wanted;
  return (
    <>
      <a className="skip" href="#main">
        {strings.common.skip}
      </a>
      <Top place={place} showKeys={show} />
      {live === "offline" && !wanted && (
        <div className="banner bad" role="alert">
          {strings.live.explain.offline}
        </div>
      )}
      {!wanted && <ReadingBar />}
      <main id="main" tabIndex={-1} className={narrow ? "narrow" : undefined}>
        {wanted ? (
          <Login />
        ) : (
          <Guard key={place ?? ""}>
            {Page ? <Page fallback={<Skeleton lines={6} />} /> : <NotFound />}
          </Guard>
        )}
      </main>
      <Toasts />
      {keys && (
        <Dialog title={strings.keys.title} onClose={() => setKeys(false)}>
          <table className="table">
            <tbody>
              {strings.keys.rows.map(([key, what]) => (
                <tr key={key}>
                  <td>
                    <kbd>{key}</kbd>
                  </td>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Dialog>
      )}
    </>
  );
}
