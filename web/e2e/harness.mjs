// What the end-to-end tests stand on: the real server with real BLAST+, the page in front of it, and Chromium.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const binary = resolve(process.env.BLASTLOOM ?? join(root, "build/release/blastloom"));
export const testdata = resolve(process.env.BLASTLOOM_TESTDATA ?? join(root, "build/testdata"));
export const images = process.env.BLASTLOOM_IMAGES && resolve(process.env.BLASTLOOM_IMAGES);
export const query = (name) => readFileSync(join(testdata, "query", name), "utf8");

for (const path of [binary, join(testdata, "db")])
  if (!existsSync(path)) {
    console.error(`error: ${path} is not there; build the server and its test data first ('./dev test' does both)`);
    process.exit(2);
  }

const scratch = mkdtempSync(join(tmpdir(), "loom-web-"));
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

/** A program that ends with the tests at the latest. */
export function run(program, flags) {
  const child = spawn(program, flags, { stdio: "ignore" });
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

export const folder = (name) => mkdtempSync(join(scratch, `${name}-`));

/** `blastloom serve` on a free port of the loopback address. */
export class Server {
  constructor({ data = folder("data"), databases = join(testdata, "db"), flags = [] } = {}) {
    this.data = data;
    this.databases = databases;
    this.flags = flags;
  }
  async start() {
    const child = spawn(binary, ["serve", "--data", this.data, "--listen", "127.0.0.1:0", "--db-path", this.databases, ...this.flags], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, BLASTDB: this.databases },
    });
    this.child = child;
    running.add(child);
    this.ended = new Promise((done) => child.on("exit", () => (running.delete(child), done())));
    this.url = await new Promise((done, fail) => {
      child.stdout.once("data", (text) => done(String(text).split("\n")[0].trim()));
      child.on("exit", (code) => fail(new Error(`the server ended with ${code}`)));
    });
    return this;
  }
  async end(signal = "SIGKILL") {
    this.child.kill(signal);
    await this.ended;
  }
  async api(path, init) {
    const reply = await fetch(this.url + path, init);
    return { status: reply.status, body: reply.status === 204 ? null : await reply.json() };
  }
  async submit(program, database, text, options = {}, title = "") {
    const { status, body } = await this.api("/api/blast/jobs", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ program, database, query: text, options, title }),
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body.id;
  }
  async wait(id, wanted = ["completed", "failed", "cancelled"]) {
    for (;;) {
      const { body } = await this.api(`/api/blast/jobs/${id}`);
      if (wanted.includes(body.status)) return body;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  async output(id, outfmt) {
    for (;;) {
      const reply = await fetch(`${this.url}/api/blast/jobs/${id}/results/output?outfmt=${encodeURIComponent(outfmt)}`);
      if (reply.status === 200) return reply.text();
      assert.equal(reply.status, 202);
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A page that notes whatever must not happen: errors in the console, requests that leave the server. */
export async function open(base, path = "", { expect = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const wrong = [];
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (!expect.some((pattern) => pattern.test(message.text()))) wrong.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(new URL(base).origin) && !/^(blob|data):/.test(url)) wrong.push(`request to ${url}`);
  });
  await page.goto(base + path);
  await page.locator("main h1, main form").first().waitFor();
  page.done = async () => {
    await context.close();
    assert.deepEqual(wrong, [], "what must not happen in a page");
  };
  return page;
}

/** No violation of WCAG 2.2 AA or of axe's good practice. */
export async function checkAxe(page, what) {
  // What lies below the bar at the top would count as obscured.
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  const told = found.violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.slice(0, 5).map((node) => `${node.html.slice(0, 200)}  ${node.failureSummary?.split("\n")[1] ?? ""}`).join("\n    ")}`);
  assert.equal(told.length, 0, `axe on ${what}:\n  ${told.join("\n  ")}`);
}

export async function picture(page, name, options = {}) {
  if (!images) return;
  const before = page.viewportSize();
  if (before.width > 1000) await page.setViewportSize({ width: 1120, height: 760 });
  await page.mouse.move(0, 0);
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(images, `${name}.png`), ...options });
  await page.setViewportSize(before);
}

export async function saved(page, act) {
  const [download] = await Promise.all([page.waitForEvent("download"), act()]);
  const bytes = readFileSync(await download.path());
  return { name: download.suggestedFilename(), bytes, text: bytes.toString("utf8"), url: download.url() };
}
