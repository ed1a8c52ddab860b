import "./css/base.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client.ts";
import { jobOf } from "./api/results.ts";
import { App } from "./app.tsx";
import { pages, results } from "./pages.ts";
import { parse } from "./router.ts";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What may pass is asked again for a while; a refusal is final.
      retry: (failures, error) => failures < 2 && error instanceof ApiError && error.passing && error.status !== 0,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

// What the address asks for is on its way before the page is drawn. What fails is asked for again, and said, by its place.
const { place, params } = parse(window.location.href);
if (place) void pages[place].load().catch(() => undefined);
if (place === "job") {
  void results.load().catch(() => undefined);
  void client.prefetchQuery(jobOf(client, params.get("id") ?? ""));
}

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
