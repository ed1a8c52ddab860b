import { defineConfig } from "vitest/config";

// `npm run dev` shows the page with a server that runs beside it.
const server = process.env.BLASTLOOM_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  // Relative addresses: the page works below any path of any server.
  base: "./",
  esbuild: { jsx: "automatic" },
  build: {
    outDir: "dist",
    target: "es2022",
    // A data: address would be refused by the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    rollupOptions: {
      // A request for each handful of lines would cost more than the lines.
      output: { experimentalMinChunkSize: 12_000 },
      // "use client" is for servers that render React; it says nothing to a page.
      onwarn(warning, warn) {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
  worker: { format: "es" },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/healthz", "/readyz", "/metrics", "/openapi.yaml"].map((path) => [
        path,
        // The server answers only to requests of its own page, so it must see its own name as Origin.
        { target: server, changeOrigin: true, headers: { origin: server } },
      ]),
    ),
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
