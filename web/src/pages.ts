import type { Job } from "./api/client.ts";
import type { Place } from "./router.ts";
import { type Part, part } from "./ui/lazy.tsx";

/** The places, each in a bundle of its own. */
export const pages: Record<Place, Part<object>> = {
  search: part(() => import("./routes/search/search.tsx")),
  jobs: part(() => import("./routes/jobs/jobs.tsx")),
  job: part(() => import("./routes/job/job.tsx")),
  databases: part(() => import("./routes/databases/databases.tsx")),
  system: part(() => import("./routes/system/system.tsx")),
};

/** The results within the place of a job. */
export const results = part<{ job: Job }>(() => import("./results/explorer.tsx"));
