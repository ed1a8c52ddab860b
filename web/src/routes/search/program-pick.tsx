import type { Choice } from "../../lib/programs.ts";
import type { Option, Program } from "../../api/client.ts";
import { strings } from "../../strings.ts";

const say = strings.search.program;

interface Props {
  choices: Choice[];
  program: Program | undefined;
  implied: string | undefined;
  /** The query's kind is known. */
  known: boolean;
  onChoose: (name: string) => void;
}

export function ProgramPick({ choices, program, implied, known, onChoose }: Props) {
  const fits = choices.filter(({ why }) => why === null);
  const others = choices.filter(({ why }) => why !== null);
  return (
    <section className="stack tight" aria-labelledby="program-title">
      <h2 id="program-title">{say.title}</h2>
      <div className="programs" role="radiogroup" aria-labelledby="program-title">
        {fits.map(({ program: { name }, note }) => (
          <label key={name} className={name === program?.name ? "program chosen" : "program"}>
            <input type="radio" name="program" value={name} checked={name === program?.name} onChange={() => onChoose(name)} />
            <span>
              <span className="mono">{name}</span>
              <span className="muted small">
                {strings.programs.what[name]}
                {note && `; ${note}`}
              </span>
            </span>
          </label>
        ))}
      </div>
      <p className="muted small">{program && implied === program.name && known ? say.implied : known ? say.chosen : say.unknown}</p>
      {others.length > 0 && (
        <details className="small">
          <summary>{say.others(others.length)}</summary>
          <ul className="reasons">
            {others.map(({ program: { name }, why }) => (
              <li key={name}>{why}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

interface TaskProps {
  option: Option;
  /** What the chosen task sets. */
  sets: Record<string, string>;
  value: string;
  /** The task that fits the lengths of the queries, if it is not the chosen one. */
  advised: string | undefined;
  longest: number;
  onChange: (task: string) => void;
}

export function TaskPick({ option, sets, value, advised, longest, onChange }: TaskProps) {
  return (
    <section className="stack tight" aria-labelledby="task-title">
      <h3 id="task-title">{say.task}</h3>
      <div className="segments" role="radiogroup" aria-labelledby="task-title">
        {option.choices?.map((task) => (
          <label key={task} className={task === value ? "segment chosen" : "segment"} title={say.taskHelp[task]}>
            <input type="radio" name="task" value={task} checked={task === value} onChange={() => onChange(task)} />
            {task}
          </label>
        ))}
      </div>
      <p className="muted small">
        {say.taskHelp[value]} <span className="mono">{Object.entries(sets).map(([name, set]) => `${name} ${set}`).join(" · ")}</span>
      </p>
      {advised && (
        <p className="note small">
          {say.short(longest)}{" "}
          <button type="button" className="link" onClick={() => onChange(advised)}>
            {say.useTask(advised)}
          </button>
        </p>
      )}
    </section>
  );
}
