/** Every English word of the page, in one place. */
const common = {
  product: "Blastloom",
  cancel: "Cancel",
  close: "Close",
  copy: "Copy",
  copied: "Copied",
  retryNow: "Try again",
  loading: "Loading",
  none: "none",
  skip: "Skip to the content",
  queries: (n: number, text: string) => (n === 1 ? "1 query" : `${text} queries`),
  sequences: (n: number, text: string) => (n === 1 ? "1 sequence" : `${text} sequences`),
  letters: (n: number, text: string, molecule?: "nucleotide" | "protein") => {
    const unit = molecule === "nucleotide" ? "base" : molecule === "protein" ? "residue" : "letter";
    return n === 1 ? `1 ${unit}` : `${text} ${unit}s`;
  },
};

const nav = {
  label: "Places",
  search: "Search",
  jobs: "Jobs",
  databases: "Databases",
  system: "System",
  theme: { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" },
  keys: "Keyboard keys",
  forget: "Forget token",
};

const live = {
  live: "Live",
  connecting: "Connecting",
  polling: "Polling",
  offline: "Offline",
  explain: {
    live: "Changes appear as they happen.",
    connecting: "Opening the event stream.",
    polling: "The event stream does not work at the moment; the page asks every few seconds instead.",
    offline: "The server cannot be reached. The page tries again by itself; nothing that was submitted is lost.",
  },
};

const keys = {
  title: "Keys",
  rows: [
    ["/", "Go to the search box of this page"],
    ["?", "Show these keys"],
    ["Ctrl+Enter", "Submit the search"],
    ["g then s, j, d, y", "Go to Search, Jobs, Databases, System"],
    ["↑ ↓ or k j", "Walk the hits of a result"],
    ["[ ]", "Previous, next query of a result"],
    ["x", "Select the focused hit"],
    ["Esc", "Close what is open"],
  ] as const,
};

const login = {
  title: "This server asks for a token",
  help: "The operator makes one with “blastloom token create”. It is sent only to this server.",
  field: "Token",
  remember: "Remember it in this browser until I forget it",
  submit: "Use this token",
};

const error = {
  title: "That did not work",
  offline: "The server cannot be reached. Check that it runs and that you are connected, then try again.",
  unknown: (status: number) => `The server answered with status ${status} and no explanation.`,
  request: (id: string) => `Request ${id}`,
  crash: "This page ran into an error of its own. What you submitted is safe on the server.",
  reload: "Reload the page",
  notFound: "There is no such page.",
  notFoundHelp: "The address may be old or mistyped.",
  toSearch: "Go to Search",
};

const status = {
  queued: "Queued",
  running: "Running",
  merging: "Merging",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
};
//==
export const strings = { common, nav, live, keys, login, error, status };
