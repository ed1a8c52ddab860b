import { useMemo, useState } from "react";
import type { Program } from "../../api/client.ts";
import { check, formats, groups, isDefault, type OptionFault, type OptionValues, rangeText, type Settled } from "../../lib/options.ts";
import { strings } from "../../strings.ts";

const say = strings.search.options;

interface Props {
  program: Program;
  values: OptionValues;
  faults: OptionFault[];
  onChange: (name: string, value: string | null) => void;
  open: boolean;
  onOpen: (open: boolean) => void;
}

/** Every option of the program, in BLAST+'s own groups. */
export function OptionForm({ program, values, faults, onChange, open, onOpen }: Props) {
  const [words, setWords] = useState("");
  const all = useMemo(() => groups(program), [program]);
  const wanted = words.trim().toLowerCase();
  const shown = all
    .map(({ title, options }) => ({
      title,
      options: options.filter((option) => !wanted || `${option.name} ${option.description}`.toLowerCase().includes(wanted)),
    }))
    .filter(({ options }) => options.length > 0);
  return (
    <details className="alloptions" open={open} onToggle={(event) => onOpen(event.currentTarget.open)}>
      <summary>{say.all(all.reduce((sum, { options }) => sum + options.length, 0), program.name)}</summary>
      {open && (
        <div className="stack">
          <input type="search" className="input" aria-label={say.filter} placeholder={say.filter} value={words} onChange={(event) => setWords(event.target.value)} />
          {shown.length === 0 && <p className="muted">{say.noMatch(words)}</p>}
          {shown.map(({ title, options }) => (
            <fieldset key={title} className="optiongroup">
              <legend>
                <h3>{title}</h3>
              </legend>
              {options.map((option) => (
                <Row
                  key={option.name}
                  program={program}
                  option={option}
                  task={values.task ?? ""}
                  value={values[option.name]}
                  fault={faults.find(({ name }) => name === option.name)?.text}
                  onChange={(value) => onChange(option.name, value)}
                />
              ))}
            </fieldset>
          ))}
        </div>
      )}
    </details>
  );
}

interface RowProps {
  program: Program;
  option: Settled;
  task: string;
  value: string | undefined;
  fault: string | undefined;
  onChange: (value: string | null) => void;
}

function Row({ program, option, task, value, fault, onChange }: RowProps) {
  const id = `option-${option.name}`;
  const changed = value !== undefined && !isDefault(option, value);
  const range = rangeText(option);
  const told = [
    option.default && option.type !== "flag" && option.name !== "outfmt" && option.setBy !== "task" ? say.default(option.default) : null,
    range && !option.choices ? range : null,
    option.excludes?.length && option.excludes.length < 4 ? say.notWith(option.excludes.filter((name) => name !== option.name).join(", ")) : null,
    option.forbids !== "nothing" && option.why ? say.whole(option.why) : null,
  ].filter((words) => words !== null);
  return (
    <div className={changed ? "option changed" : option.setBy === "task" ? "option bytask" : "option"}>
      <label htmlFor={id} className="mono">
        {option.name}
      </label>
      <div className="control">
        <Control id={id} program={program} option={option} task={task} value={value} fault={fault} onChange={onChange} />
        {fault && (
          <p className="fault" id={`${id}-fault`}>
            {fault}
          </p>
        )}
      </div>
      <p className="help" id={`${id}-help`}>
        {option.name === "outfmt" ? say.outfmtHelp : option.description}
        {!/[.?!]$/.test(option.description) && option.name !== "outfmt" && "."}
        {option.setBy === "task" && <strong> {say.setByTask(task, option.default ?? "")}</strong>}
        {told.length > 0 && <span className="muted"> {told.join(" ")}</span>}
      </p>
    </div>
  );
}

function Control({ id, program, option, value, fault, onChange }: RowProps & { id: string }) {
  const described = { "aria-describedby": fault ? `${id}-fault ${id}-help` : `${id}-help`, "aria-invalid": fault ? true : undefined };
  // A value that is the default again is no option any more.
  const settle = (next: string) => onChange(next === "" || (isDefault(option, next) && check(option, next) === null) ? null : next);
  if (option.type === "flag")
    return <input id={id} type="checkbox" {...described} checked={value === "true"} onChange={(event) => onChange(event.target.checked ? "true" : null)} />;
  if (option.type === "boolean")
    return (
      <select id={id} className="select" {...described} value={value ?? ""} onChange={(event) => settle(event.target.value)}>
        <option value="">{say.asDefault(option.default ?? "false")}</option>
        <option value="true">true</option>
        <option value="false">false</option>
      </select>
    );
  if (option.choices)
    return (
      <select id={id} className="select" {...described} value={value ?? ""} onChange={(event) => settle(event.target.value)}>
        <option value="">{option.default ? say.asDefault(option.default) : say.unsaid(option.setBy)}</option>
        {option.choices.filter((choice) => choice !== option.default).map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  if (option.name === "outfmt") return <Outfmt id={id} program={program} value={value ?? ""} described={described} onChange={settle} />;
  const list = option.name === "matrix" ? `${id}-list` : undefined;
  return (
    <>
      <input
        id={id}
        className="input mono"
        {...described}
        list={list}
        inputMode={option.type === "integer" || option.type === "integer64" ? "numeric" : option.type === "real" ? "decimal" : "text"}
        autoComplete="off"
        spellCheck={false}
        placeholder={option.default ?? (option.type === "text" ? "" : say.unsaid(option.setBy))}
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value === "" ? null : event.target.value)}
        onBlur={(event) => settle(event.target.value.trim())}
      />
      {list && (
        <datalist id={list}>
          {["BLOSUM45", "BLOSUM50", "BLOSUM62", "BLOSUM80", "BLOSUM90", "PAM30", "PAM70", "PAM250"].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </>
  );
}

interface OutfmtProps {
  id: string;
  program: Program;
  value: string;
  described: object;
  onChange: (value: string) => void;
}

function Outfmt({ id, program, value, described, onChange }: OutfmtProps) {
  const [number = "0", ...columns] = value.split(" ");
  const tabular = ["6", "7", "10"].includes(number);
  return (
    <div className="stack tight">
      <select id={id} className="select" {...described} value={number || "0"} onChange={(event) => onChange(event.target.value)}>
        {formats(program).map((format) => (
          <option key={format.number} value={format.number}>
            {format.number} {format.title}
          </option>
        ))}
      </select>
      {tabular && (
        <input
          className="input mono"
          aria-label={say.columns}
          placeholder={say.columnsHint}
          value={columns.join(" ")}
          onChange={(event) => onChange(event.target.value ? `${number} ${event.target.value}` : number)}
        />
      )}
    </div>
  );
}

/** The options that differ from the default, each with a way to remove it. */
export function OptionChips({ program, values, faults, onRemove, onClear }: {
  program: Program;
  values: OptionValues;
  faults: OptionFault[];
  onRemove: (name: string) => void;
  onClear: () => void;
}) {
  const names = Object.keys(values).filter((name) => {
    const option = program.options.find((one) => one.name === name);
    return !option || !isDefault(option, values[name] ?? "");
  });
  if (names.length === 0) return <p className="muted small">{say.allDefault}</p>;
  return (
    <div className="stack tight">
      <ul className="row" aria-label={say.changed}>
        {names.map((name) => {
          const wrong = faults.some((fault) => fault.name === name);
          return (
            <li key={name} className={wrong ? "chip wrong" : "chip"}>
              <span className="mono">
                {name}
                {values[name] !== "true" && ` = ${values[name]}`}
              </span>
              <button type="button" className="link" aria-label={say.remove(name)} onClick={() => onRemove(name)}>
                ×
              </button>
            </li>
          );
        })}
        {names.length > 1 && (
          <li>
            <button type="button" className="button quiet" onClick={onClear}>
              {say.removeAll}
            </button>
          </li>
        )}
      </ul>
      {faults.length > 0 && (
        <ul className="faults">
          {faults.map(({ name, text }) => (
            <li key={`${name} ${text}`} className="error">
              <span className="mono">{name}</span>
              <span>{text}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
