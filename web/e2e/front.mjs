// Serves web/dist as `blastloom serve` does (index.html for every place, assets immutable, a strict policy), below any
// base path, and passes the rest on to a server. For tests only; `instead` may answer in the place of both.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };
const policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'";

/** @returns {Promise<{url: string, close: () => Promise<void>, target: (url: string) => void}>} */
export async function front(target, { port = 0, prefix = "/", instead = () => false } = {}) {
  let upstream = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url, "http://front");
    if (!url.pathname.startsWith(prefix)) return void outgoing.writeHead(404).end();
    const path = "/" + url.pathname.slice(prefix.length);
    if (instead(path + url.search, outgoing)) return;
    if (/^\/(api|healthz|readyz|metrics|openapi\.yaml|Blast\.cgi)/.test(path)) {
      // The server must see its own name as Host and Origin, as behind a proxy that is set up well.
      const headers = { ...incoming.headers, host: upstream.host };
      if (headers.origin) headers.origin = upstream.origin;
      const passed = request({ host: upstream.hostname, port: upstream.port, path: path + url.search, method: incoming.method, headers });
      passed.on("response", (reply) => {
        outgoing.writeHead(reply.statusCode, reply.headers);
        outgoing.flushHeaders(); // A stream of events may be silent for long.
        reply.pipe(outgoing);
        reply.on("error", () => outgoing.destroy());
      });
      passed.on("error", () => outgoing.destroy());
      outgoing.on("close", () => passed.destroy());
      return void incoming.pipe(passed);
    }
    const file = join(dist, normalize(path));
    const found = file.startsWith(dist) && existsSync(file) && statSync(file).isFile();
    if (!found && extname(path)) return void outgoing.writeHead(404).end();
    const send = found ? file : join(dist, "index.html");
    outgoing.writeHead(200, {
      "Content-Type": types[extname(send)] ?? "application/octet-stream",
      "Cache-Control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      "Content-Security-Policy": policy,
      "X-Content-Type-Options": "nosniff",
    });
    createReadStream(send).pipe(outgoing);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}`,
    target: (next) => (upstream = new URL(next)),
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [target = "http://127.0.0.1:8080", port = "5180"] = process.argv.slice(2);
  console.log((await front(target, { port: Number(port) })).url);
}
