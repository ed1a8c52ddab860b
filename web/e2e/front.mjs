// A proxy before a server, which passes everything below a base path on. For tests only; `instead` may answer in its place, and
// `changes` is the server that takes what changes something, when the other only reads: as the operator guide has it.
import { createServer, request } from "node:http";

/** @returns {Promise<{url: string, close: () => Promise<void>, target: (url: string) => void}>} */
export async function front(target, { port = 0, prefix = "/", instead = () => false, changes = null } = {}) {
  let reads = new URL(target);
  const writes = changes && new URL(changes);
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url, "http://front");
    if (!url.pathname.startsWith(prefix)) return void outgoing.writeHead(404).end();
    const path = "/" + url.pathname.slice(prefix.length);
    if (instead(path + url.search, outgoing)) return;
    const upstream = writes && (incoming.method !== "GET" || /^\/(Blast\.cgi|api\/blast\/me)$/.test(path)) ? writes : reads;
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
    incoming.pipe(passed);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}`,
    target: (next) => (reads = new URL(next)),
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}
