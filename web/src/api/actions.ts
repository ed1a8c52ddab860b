import { useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { strings } from "../strings.ts";
import { say } from "../ui/toast.tsx";
import { api, type Job } from "./client.ts";

/** Jobs that are gone from sight but can still be had back. */
let leaving: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

function setLeaving(id: string, on: boolean) {
  const next = new Set(leaving);
  if (on) next.add(id);
  else next.delete(id);
  leaving = next;
  for (const listener of listeners) listener();
}

export const useLeaving = () =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => leaving,
  );

export const jobName = (job: Job) => job.title || strings.jobs.untitled(job.program, job.database);

const words = (reason: unknown) => (reason instanceof Error ? reason.message : String(reason));

export function useJobActions() {
  const client = useQueryClient();
  const settle = (job: Job) => {
    // The events of what came next may have been here before the answer.
    client.setQueryData<Job>(["job", job.id], (known) => (known && known.version > job.version ? known : job));
    void client.invalidateQueries({ queryKey: ["jobs"] });
    void client.invalidateQueries({ queryKey: ["job-part", job.id] });
  };
  return {
    async cancel(job: Job) {
      await api.cancel(job.id).then(settle, (reason: unknown) => say(words(reason)));
    },
    async retry(job: Job) {
      await api.retry(job.id).then(settle, (reason: unknown) => say(words(reason)));
    },
    /** Takes the job out of sight, and off the server when its Undo was not used. */
    remove(job: Job) {
      setLeaving(job.id, true);
      say(strings.jobs.removed(jobName(job)), {
        seconds: 7,
        action: { label: strings.jobs.undo, run: () => setLeaving(job.id, false) },
        done: () => {
          api
            .remove(job.id)
            .then(() => {
              client.removeQueries({ queryKey: ["job", job.id] });
              return client.invalidateQueries({ queryKey: ["jobs"] });
            })
            .catch((reason: unknown) => say(words(reason)))
            .finally(() => setLeaving(job.id, false));
        },
      });
    },
  };
}
