import type { DatabaseWork } from "../api/databases.ts";
import { strings } from "../strings.ts";

const say = strings.databases.works;
const shownEnded = 8;

export const goesOn = ({ status }: Pick<DatabaseWork, "status">) => status === "queued" || status === "running";

/** Those worth showing, of the newest first: all that goes on, and what ended lately. */
export const shownWorks = <Work extends Pick<DatabaseWork, "status">>(works: Work[]) => works.filter((work, i) => goesOn(work) || i < shownEnded);

/** What stands above them. */
export const worksTitle = (works: Pick<DatabaseWork, "status">[]) => (works.some(goesOn) ? say.title : say.titleEnded);
