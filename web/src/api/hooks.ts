import { useQuery } from "@tanstack/react-query";
import { api } from "./client.ts";

export const usePrograms = () =>
  useQuery({ queryKey: ["programs"], queryFn: ({ signal }) => api.programs(signal), staleTime: Infinity, select: (reply) => reply.programs });

/**
 * What who asks may do: a viewer changes nothing, only an admin changes databases and sees the machine. Until it is known, and
 * from a server that does not tell, everything: what is refused is said then.
 */
export function useRights() {
  const { data } = useQuery({ queryKey: ["me"], queryFn: ({ signal }) => api.me(signal), staleTime: Infinity, retry: false });
  return { change: data?.role !== "viewer", manage: !data || data.role === "admin" };
}

/** Whether the server can work, and what of it does not. No event tells of that, so it is asked for now and then. */
export const useReady = (milliseconds: number) =>
  useQuery({ queryKey: ["ready"], queryFn: ({ signal }) => api.ready(signal), refetchInterval: milliseconds, retry: false });

export const useDatabases = () =>
  useQuery({ queryKey: ["databases"], queryFn: ({ signal }) => api.databases(signal), staleTime: 60_000, select: (reply) => reply.databases });
