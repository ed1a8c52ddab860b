import "../../css/search.css";
import { useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { api, type ApiError, call, filePath, type ProgramName, type Submission } from "../../api/client.ts";
import { useDatabases, usePrograms, useRights } from "../../api/hooks.ts";
import { token } from "../../api/token.ts";
import { examine, sniff } from "../../lib/fasta.ts";
import { organismsWish } from "../../lib/organisms.ts";
import { carriedOver, checkAll, find, inTask, type OptionFault } from "../../lib/options.ts";
import { pageOutfmt } from "../../lib/options.ts";
import { choices, implied } from "../../lib/programs.ts";
import { reachable } from "../../lib/rights.ts";
import { pages } from "../../pages.ts";
import { base, go, to, useLocation } from "../../router.ts";
import { strings } from "../../strings.ts";
import { Copy, Fault, Heading } from "../../ui/basics.tsx";
import { say as toast } from "../../ui/toast.tsx";
import { DatabaseList } from "./database-list.tsx";
import { formAddress, keepDraft, readDraft, useForm } from "./form.ts";
import { OptionChips, OptionForm } from "./option-form.tsx";
import { presets } from "./presets.ts";
import { OrganismPick } from "./organism-pick.tsx";
import { ProgramPick, TaskPick } from "./program-pick.tsx";
import { longestText, type Query, QueryBox } from "./query-box.tsx";
import { Recipes } from "./recipes.tsx";
import { Recommended } from "./recommended.tsx";
import { SubmitBar, usePreflight } from "./submit-bar.tsx";

const say = strings.search;
const noText: Query = { kind: "text", text: "" };
/** Larger files are sent once only: the plan is made when they arrive. */
const longestPreflight = 4_000_000;
const shortQuery = 30;

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export default function Search() {
  const client = useQueryClient();
  const { params } = useLocation();
  const programs = usePrograms();
  const databases = useDatabases();
  const draft = useRef(readDraft()).current;
  const [form, setForm] = useForm();
  const [query, setQuery] = useState<Query>(() => (draft.text && !params.has("from") ? { kind: "text", text: draft.text } : noText));
  const [title, setTitle] = useState(draft.title);
  const [optionsOpen, setOptionsOpen] = useState(false);
  const [sending, setSending] = useState<{ sent: number; abort: AbortController } | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const key = useRef(newKey());

  // Without anything in the address, the search goes on where it was left.
  useEffect(() => {
    if ([...params].length === 0 && draft.address.includes("?")) go(draft.address, "replace");
  }, []);
  useEditedJob((file) => takeFile(file), setTitle);

  const text = query.kind === "text" ? query.text : "";
  const settled = useDeferredValue(text);
  const textFacts = useMemo(() => (settled ? examine(settled) : null), [settled]);
  const facts = query.kind === "text" ? (text ? textFacts : null) : query.facts;
  const molecule = form.molecule ?? facts?.molecule ?? null;

  const all = programs.data ?? [];
  const only = databases.data?.length === 1 ? databases.data[0] : undefined;
  const database = databases.data?.find(({ name }) => name === form.database) ?? (form.database ? undefined : only);
  const judged = useMemo(() => choices(all, molecule, database), [all, molecule, database]);
  const wanted = judged.find(({ program, why }) => program.name === form.program && why === null)?.program;
  const impliedName = implied(all, molecule, database);
  // With the query's kind still open, the database alone suggests the plain search.
  const plain = database && judged.find(({ program, why }) => why === null && program.query === database.molecule)?.program;
  const bare = wanted ?? all.find(({ name }) => name === impliedName) ?? plain;
  const program = useMemo(() => bare && inTask(bare, form.options), [bare, form.options]);

  const taskOption = program && find(program, "task");
  const task = form.options.task ?? taskOption?.default ?? "";
  const shortTask = program ? `${program.name}-short` : "";
  const advised =
    facts && facts.records > 0 && facts.longest > 0 && facts.longest < shortQuery && task !== shortTask && taskOption?.choices?.includes(shortTask)
      ? shortTask
      : undefined;

  const { refusal, changesAt } = useRights();
  const faults = program ? checkAll(program, form.options) : [];
  const stopped = facts?.faults.some(({ level }) => level === "error") ?? false;
  const missing = refusal !== null ? refusal
    : !facts || facts.records === 0
    ? stopped ? say.submit.needFix : say.submit.needQuery
    : stopped ? say.submit.needFix
    : !database ? say.submit.needDatabase
    : !program ? say.submit.needProgram
    : faults.length > 0 ? say.submit.needOptions
    : null;
  const size = query.kind === "text" ? query.text.length : query.file.size;
  const submission = useMemo<Submission | null>(
    () =>
      missing === null && program && database
        ? { program: program.name as ProgramName, database: database.name, query: query.kind === "text" ? query.text : query.file, options: form.options, organisms: organismsWish(form.organisms), title }
        : null,
    [missing, program, database, query, form.options, form.organisms, title],
  );
  const unplanned = size > longestPreflight;
  const preflight = usePreflight(useMemo(() => (submission && !unplanned ? { ...submission, title: "" } : null), [submission?.program, submission?.database, submission?.query, submission?.options, submission?.organisms, unplanned]));
  const problem = (failure ?? preflight.error) as ApiError | null;

  useEffect(() => {
    key.current = newKey();
    setFailure(null);
  }, [submission]);
  useEffect(() => {
    const timer = setTimeout(() => keepDraft({ text, title, address: formAddress(form) }), 400);
    return () => clearTimeout(timer);
  }, [text, title, form]);

  function takeText(next: string) {
    setQuery(next.length > longestText ? { kind: "file", file: new File([next], "pasted.fasta"), facts: null } : { kind: "text", text: next });
  }
  function takeFile(file: File) {
    // A small text is shown, so that it can be read and mended.
    if (file.size <= 200_000 && !/\.gz$/i.test(file.name)) {
      void file.text().then((content) => (content.includes("\u0000") ? keepFile(file) : setQuery({ kind: "text", text: content })));
      return;
    }
    keepFile(file);
  }
  function keepFile(file: File) {
    setQuery({ kind: "file", file, facts: null });
    sniff(file)
      .then((found) => setQuery((now) => (now.kind === "file" && now.file === file ? { kind: "file", file, facts: found } : now)))
      .catch((reason: unknown) => {
        setQuery(noText);
        toast(say.query.unreadable(file.name, String(reason)));
      });
  }
  function setOption(name: string, value: string | null) {
    const { [name]: _, ...rest } = form.options;
    setForm({ options: value === null ? rest : { ...rest, [name]: value } });
  }
  function choose(change: { database?: string; program?: string }, task?: string) {
    const nextDatabase = databases.data?.find(({ name }) => name === (change.database ?? database?.name));
    const name = change.program ?? (form.program && wanted ? form.program : implied(all, molecule, nextDatabase));
    const next = all.find((one) => one.name === name);
    // Options stay as far as the other program has them; its task does not.
    const kept = next && next.name !== program?.name ? carriedOver(inTask(next, {}), form.options) : form.options;
    setForm({ ...change, options: task ? { ...kept, task } : kept });
  }

  async function submit() {
    if (!submission || sending) return;
    const abort = new AbortController();
    setSending({ sent: 0, abort });
    setFailure(null);
    try {
      // Searched in the format that the results are shown from, so that they open without another search.
      const wish = { ...submission, options: { outfmt: pageOutfmt, ...submission.options } };
      const job = await api.submit(wish, key.current, (sent) => setSending((now) => now && { ...now, sent }), abort.signal);
      client.setQueryData(["job", job.id], job);
      void client.invalidateQueries({ queryKey: ["jobs"] });
      key.current = newKey();
      go(to("job", { id: job.id }));
    } catch (reason) {
      if (!abort.signal.aborted) setFailure(reason);
    } finally {
      setSending(null);
    }
  }

  // What comes next is fetched while the form is still looked at.
  const ready = submission !== null;
  useEffect(() => {
    if (ready) pages.job.load().catch(() => undefined);
  }, [ready]);

  const told = missing === null && program ? [...faults, ...refused(problem)] : faults;
  const fieldFault = problem?.field === "query" || problem?.message?.startsWith("query:") ? problem.message : null;
  return (
    <div
      className="stack search"
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) void submit();
      }}
    >
      <Heading
        title={say.title}
        right={
          <>
            <Copy label={say.share} text={() => new URL(formAddress(form), base()).href} />
            <button
              type="button"
              className="button"
              onClick={() => {
                setQuery(noText);
                setTitle("");
                setForm({ database: "", program: "", molecule: null, options: {}, organisms: [] });
              }}
            >
              {say.reset}
            </button>
          </>
        }
      />
      <QueryBox
        query={query}
        facts={facts}
        molecule={molecule}
        chosenMolecule={form.molecule}
        fault={fieldFault}
        onText={takeText}
        onFile={takeFile}
        onMolecule={(next) => setForm({ molecule: next, program: "" })}
        onSubmit={() => void submit()}
      />
      {databases.data && databases.data.length > 1 && (
        <Recommended
          query={molecule && facts && facts.records > 0 && !stopped ? { molecule, longest: Math.min(Math.max(1, facts.longest), 1000) } : null}
          taken={(offer) => offer.database === database?.name && offer.program === program?.name}
          onTake={({ database, program, task }) => choose({ database, program }, task)}
        />
      )}
      <DatabaseList
        databases={databases.data}
        error={databases.error}
        retry={() => void databases.refetch()}
        chosen={database?.name ?? ""}
        onChoose={(name) => choose({ database: name, program: "" })}
      />
      {form.database && databases.data && !database && <p className="note bad">{say.database.unknown(form.database)}</p>}
      {programs.error && !programs.data ? <Fault error={programs.error} retry={() => void programs.refetch()} /> : null}
      {program && (
        <ProgramPick choices={judged} program={program} implied={impliedName} known={molecule !== null} onChoose={(name) => choose({ program: name })} />
      )}
      {program && taskOption?.choices && (
        <TaskPick option={taskOption} sets={program.tasks.find(({ name }) => name === task)?.defaults ?? {}} value={task} advised={advised} longest={facts?.longest ?? 0} onChange={(next) => setOption("task", next === taskOption.default ? null : next)} />
      )}
      {database && <OrganismPick chosen={form.organisms} onChange={(organisms) => setForm({ organisms })} />}
      {program && (
        <section className="stack tight" aria-labelledby="options-title">
          <div className="row spread">
            <h2 id="options-title">{say.options.title}</h2>
            <div className="row">
              <label htmlFor="preset" className="hidden">
                {say.presets.title}
              </label>
              <select
                id="preset"
                className="select"
                value=""
                onChange={(event) => {
                  const preset = presets(program).find(({ label }) => label === event.target.value);
                  if (preset) setForm({ options: preset.options });
                }}
              >
                <option value="">{say.presets.title}</option>
                {presets(program).map(({ label, help }) => (
                  <option key={label} value={label}>
                    {label}: {help}
                  </option>
                ))}
              </select>
            </div>
          </div>
          <OptionChips program={program} values={form.options} faults={told} onRemove={(name) => setOption(name, null)} onClear={() => setForm({ options: {} })} />
          <OptionForm program={program} values={form.options} faults={told} onChange={setOption} open={optionsOpen} onOpen={setOptionsOpen} />
        </section>
      )}
      <div className="field">
        <label htmlFor="title">{say.jobTitle}</label>
        <input id="title" className="input" maxLength={200} value={title} placeholder={facts?.firstName || say.jobTitleHint} onChange={(event) => setTitle(event.target.value)} />
      </div>
      {program && database && (
        <Recipes
          told={{
            program: program.name,
            database: database.name,
            options: form.options,
            organisms: organismsWish(form.organisms),
            title,
            file: query.kind === "file" ? query.file.name : "query.fasta",
            server: (reachable(changesAt ?? "", base().href) ?? base()).href.replace(/\/$/, ""),
            token: token.get() !== null,
          }}
        />
      )}
      <SubmitBar
        missing={missing}
        database={database}
        program={program?.name}
        preflight={preflight}
        unplanned={unplanned}
        busy={sending !== null}
        sent={sending?.sent ?? 0}
        error={failure}
        onSubmit={() => void submit()}
        onCancel={() => sending?.abort.abort()}
      />
    </div>
  );
}

/** What only BLAST+ itself could judge, beside its option. */
function refused(problem: ApiError | null): OptionFault[] {
  const name = /^options\.(.+)$/.exec(problem?.field ?? "")?.[1];
  return problem && name ? [{ name, text: problem.message.replace(/^(option |-)\S+: /, "") }] : [];
}

/** "Edit this search" of a job: its query comes from the server, its options are in the address. */
function useEditedJob(take: (file: File) => void, setTitle: (title: string) => void) {
  const { params } = useLocation();
  const from = params.get("from");
  useEffect(() => {
    if (!from) return;
    const controller = new AbortController();
    (async () => {
      const job = await api.job(from, controller.signal);
      const reply = await call(filePath(from, "query.fasta"), { signal: controller.signal });
      const blob = await reply.blob();
      const { db: _, ...options } = job.options;
      take(new File([blob], "query.fasta"));
      setTitle(job.title);
      const values = Object.fromEntries(
        Object.entries(options).filter(([, value]) => value !== pageOutfmt).map(([name, value]) => [name, String(value)]),
      );
      go(formAddress({ database: job.database, program: job.program, molecule: null, options: values, organisms: [] }), "replace");
    })().catch((reason: unknown) => {
      if (!controller.signal.aborted) toast(say.editFailed(reason instanceof Error ? reason.message : String(reason)));
    });
    return () => controller.abort();
  }, [from]);
}
