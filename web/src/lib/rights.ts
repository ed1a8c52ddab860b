import type { Me } from "../api/client.ts";
import { strings } from "../strings.ts";

/** What the page offers to who asks, of this server. */
export interface Rights {
  /** To submit, and to cancel, retry, import and delete jobs. */
  change: boolean;
  /** To build, fetch, warm, verify and remove databases. */
  manage: boolean;
  /** Why nothing is submitted here, in words; null when it is. */
  refusal: string | null;
  /** Of a server that only reads: the address of the one that takes changes, "" when it does not run; else null. */
  changesAt: string | null;
}

/**
 * A viewer changes nothing, only an admin changes databases, and of a server that only reads nobody changes anything. Until it is
 * known, and from a server that does not tell, everything is offered: what is refused is said then.
 */
export function rightsOf(me: Me | undefined): Rights {
  const say = strings.search.submit;
  if (me?.reading) return { change: false, manage: false, refusal: say.onlyReads, changesAt: me.changes_at ?? "" };
  const change = me?.role !== "viewer";
  return { change, manage: !me || me.role === "admin", refusal: change ? null : say.mayNotRun, changesAt: null };
}

const anyAddress = /^(0\.0\.0\.0|\[::\])$/;
const loopback = /^(localhost|127\.[\d.]+|\[::1\])$/;

/**
 * The address of a server as it listens, for a browser that shows the page at `page`: one that listens on all addresses is reached by
 * the name of the page's own. Null when it cannot be reached from there, as behind a proxy of the server's machine.
 */
export function reachable(address: string, page: string): URL | null {
  if (!URL.canParse(address)) return null;
  const [server, here] = [new URL(address), new URL(page)];
  if (anyAddress.test(server.hostname)) server.hostname = here.hostname;
  return loopback.test(server.hostname) && !loopback.test(here.hostname) ? null : server;
}
