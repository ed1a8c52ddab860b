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
const fasta = {
  fastq: "This is FASTQ. BLAST+ reads FASTA: convert it first, for example with “seqtk seq -A”.",
  binary: "This is not text. Give FASTA, plain or gzip.",
  emptyRecord: "This record has no letters; BLAST+ will report nothing for it.",
  sameName: (name: string, line: number) => `The name “${name}” was used in line ${line} already; their results will be hard to tell apart.`,
  badLetter: (letter: string, column: number) => `“${letter}” in column ${column} is no letter of a sequence; BLAST+ leaves it out.`,
  beforeFirst: "Text stands before the first “>”; BLAST+ reads it as a sequence without a name.",
  mixed: (molecule: string, most: string) => `This record looks like ${molecule}, most others like ${most}. A search takes one kind.`,
};

const programs = {
  wrongQuery: (program: string, needs: string, is: string) => `${program} takes a ${needs} query; yours looks like ${is}`,
  wrongDatabase: (program: string, needs: string, is: string) => `${program} searches ${needs} databases; this one holds ${is} sequences`,
  profile: "needs a database of profiles, such as CDD",
  delta: "needs CDD's cdd_delta on the server",
  what: {
    blastn: "nucleotide against nucleotide",
    blastp: "protein against protein",
    blastx: "translated query against protein",
    tblastn: "protein against translated database",
    tblastx: "translated query against translated database",
    psiblast: "protein, position-specific, iterated",
    deltablast: "protein, with conserved domains",
    rpsblast: "protein against profiles",
    rpstblastn: "translated query against profiles",
  } as Record<string, string>,
};

const options = {
  empty: "Give a value, or remove the option.",
  notWhole: "A whole number is needed.",
  notNumber: "A number is needed, such as 0.05 or 1e-5.",
  tooGreat: "That is too great.",
  notBoolean: "Say true or false.",
  notChoice: (all: string) => `One of: ${all}.`,
  between: (a: number, b: number) => `Between ${a} and ${b}, both excluded.`,
  fromTo: (a: number, b: number) => `From ${a} to ${b}.`,
  above: (a: number) => `Greater than ${a}.`,
  atLeast: (a: number) => `${a} or more.`,
  below: (a: number) => `Less than ${a}.`,
  atMost: (a: number) => `${a} or less.`,
  unknown: (name: string, program: string) => `${program} has no option ${name}.`,
  excludes: (other: string) => `Does not go together with ${other}.`,
  needs: (other: string) => `Goes only together with ${other}.`,
};
//==
export const strings = { common, nav, live, keys, login, error, status, fasta, programs, options };
