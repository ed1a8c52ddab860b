import type { OptionValues } from "./options.ts";

export interface Told {
  program: string;
  database: string;
  options: OptionValues;
  organisms?: { include: number[]; exclude: number[] } | undefined;
  title: string;
  file: string;
  server: string;
  token: boolean;
}

/** For a POSIX shell. */
export const quoted = (word: string) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

function flags(options: OptionValues): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === "true" ? [`-${name}`] : [`-${name}`, quoted(value)]));
}

/** The command line has no word for organisms: the server finds their taxids. */
const note = ({ organisms }: Told) => (organisms ? `  # without the choice of organisms, which curl and Python have` : "");

export function commandLine(told: Told): string {
  const words = ["blastloom", "search", told.program, "-query", quoted(told.file), "-db", quoted(told.database)];
  return [...words, ...flags(told.options)].join(" ") + note(told);
}

export function submitLine(told: Told): string {
  const words = ["blastloom", "submit", told.program, "-query", quoted(told.file), "-db", quoted(told.database)];
  const title = told.title ? ["--title", quoted(told.title)] : [];
  return [...words, ...flags(told.options), ...title, "--server", quoted(told.server)].join(" ") + note(told);
}

export function curl(told: Told): string {
  const fields: [string, string][] = [
    ["program", told.program],
    ["database", told.database],
    ["query", `@${told.file}`],
  ];
  if (told.title) fields.push(["title", told.title]);
  if (told.organisms) fields.push(["organisms", JSON.stringify(told.organisms)]);
  for (const [name, value] of Object.entries(told.options)) fields.push([`option.${name}`, value]);
  const lines = [`curl -s ${quoted(`${told.server}/api/blast/jobs`)}`];
  if (told.token) lines.push(`-H "Authorization: Bearer $BLASTLOOM_TOKEN"`);
  // --form-string takes the value as it is; -F would read one that begins with @ or < from a file.
  for (const [name, value] of fields)
    lines.push(`${name === "query" ? "-F" : "--form-string"} ${quoted(`${name}=${value}`)}`);
  return lines.join(" \\\n  ");
}

export function python(told: Told): string {
  const body = {
    program: told.program,
    database: told.database,
    ...(told.title ? { title: told.title } : {}),
    options: told.options,
    ...(told.organisms ? { organisms: told.organisms } : {}),
  };
  const text = (value: unknown) => JSON.stringify(value);
  const token = told.token ? `\nheaders["Authorization"] = "Bearer " + os.environ["BLASTLOOM_TOKEN"]` : "";
  return `import json, ${told.token ? "os, " : ""}time, urllib.request

server = ${text(told.server)}
headers = {"Content-Type": "application/json"}${token}
search = ${text(body)}
search["query"] = open(${text(told.file)}).read()

def call(path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(server + path, data, headers)
    return urllib.request.urlopen(request).read().decode()

job = json.loads(call("/api/blast/jobs", search))
while job["status"] in ("queued", "running", "merging"):
    time.sleep(1)
    job = json.loads(call(job["links"]["self"]))
print(call(job["links"]["results"] + "/output"))
`;
}
