import { useQuery, useQueryClient } from "@tanstack/react-query";
import { rightsOf } from "../lib/rights.ts";
import { api, type Me, type Ready } from "./client.ts";
import { usePolling, useServerEvents } from "./live.ts";

export const usePrograms = () =>
  useQuery({ queryKey: ["programs"], queryFn: ({ signal }) => api.programs(signal), staleTime: Infinity, select: (reply) => reply.programs });

/** What is offered here to who asks. Every place asks this, and nothing else, before it offers a change. */
export function useRights() {
  // Of a server that only reads, the one that takes changes may come, go or move.
  const again = ({ state }: { state: { data?: Me | undefined } }) => (state.data?.reading ? 30_000 : false);
  const { data } = useQuery({ queryKey: ["me"], queryFn: ({ signal }) => api.me(signal), staleTime: Infinity, refetchInterval: again });
  return rightsOf(data);
}

/** Whether the server can work, and what of it does not. The event stream tells it; while that is away the page asks. */
export function useReady(milliseconds: number) {
  const polling = usePolling(milliseconds);
  return useQuery({ queryKey: ["ready"], queryFn: ({ signal }) => api.ready(signal), refetchInterval: polling, staleTime: polling === false ? Infinity : 0, retry: false });
}

/** Takes what the event stream tells of the server for the answer; for the whole page, once. */
export function useReadyFromEvents() {
  const client = useQueryClient();
  const queryKey = ["ready"];
  // An answer that is still on its way is older.
  useServerEvents((ready) => void client.cancelQueries({ queryKey }).then(() => client.setQueryData<Ready>(queryKey, ready)));
}

export const useDatabases = () =>
  useQuery({ queryKey: ["databases"], queryFn: ({ signal }) => api.databases(signal), staleTime: 60_000, select: (reply) => reply.databases });
