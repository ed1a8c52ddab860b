import { useQuery } from "@tanstack/react-query";
import { api } from "./client.ts";

export const usePrograms = () =>
  useQuery({ queryKey: ["programs"], queryFn: ({ signal }) => api.programs(signal), staleTime: Infinity, select: (reply) => reply.programs });

export const useDatabases = () =>
  useQuery({ queryKey: ["databases"], queryFn: ({ signal }) => api.databases(signal), staleTime: 60_000, select: (reply) => reply.databases });
