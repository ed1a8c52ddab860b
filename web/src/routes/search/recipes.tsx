import { useState } from "react";
import { commandLine, curl, python, submitLine, type Told } from "../../lib/commands.ts";
import { strings } from "../../strings.ts";
import { Copy } from "../../ui/basics.tsx";

const say = strings.search.recipes;
const kinds = { command: commandLine, submit: submitLine, curl, python } as const;

/** The same search without this page. */
export function Recipes({ told }: { told: Told }) {
  const [kind, setKind] = useState<keyof typeof kinds>("command");
  const text = kinds[kind](told);
  return (
    <details className="recipes">
      <summary>{say.title}</summary>
      <div className="stack tight">
        <div className="row spread">
          <div className="segments" role="radiogroup" aria-label={say.title}>
            {(Object.keys(kinds) as (keyof typeof kinds)[]).map((one) => (
              <label key={one} className={one === kind ? "segment chosen" : "segment"}>
                <input type="radio" name="recipe" checked={one === kind} onChange={() => setKind(one)} />
                {say.kind[one]}
              </label>
            ))}
          </div>
          <Copy text={text} />
        </div>
        <pre className="code" tabIndex={0} aria-label={say.kind[kind]}>
          {text}
        </pre>
      </div>
    </details>
  );
}
