// The page as people meet it: `npm run e2e`, or `node e2e/run.mjs WORDS` for the tests whose names hold the words.
// BLASTLOOM names the server's binary, BLASTLOOM_TESTDATA the test data, BLASTLOOM_IMAGES a folder for screenshots.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { front } from "./front.mjs";
import { binary, browser, checkAxe, folder, images, open, picture, query, run as start, saved, Server, testdata } from "./harness.mjs";
import { mostBytes, sizes } from "./size.mjs";

if (images) mkdirSync(images, { recursive: true });
const wanted = process.argv.slice(2).join(" ").toLowerCase();
const tests = [];
const test = (name, run) => tests.push({ name, run });

const repository = fileURLToPath(new URL("../../", import.meta.url));
const server = await new Server().start();
const site = await front(server.url);
const visible = (locator) => locator.first().waitFor({ state: "visible" });
const heading = (page, name) => visible(page.getByRole("heading", { name }));

/// Asks until `holds` says so; fails with `what` after a minute.
async function until(holds, what) {
  for (const end = Date.now() + 60_000; !(await holds()); await new Promise((go) => setTimeout(go, 20))) assert.ok(Date.now() < end, what);
}

async function fill(page, text, database) {
  await page.getByRole("textbox", { name: "Query sequences" }).fill(text);
  const choice = page.locator("label.database", { has: page.locator(`input[value="${database}"]`) });
  await choice.click();
}

test("a search is limited to organisms, found by name", async () => {
  const own = await new Server().start();
  const there = await front(own.url);
  const page = await open(there.url);
  await fill(page, query("proteins_20.fa"), "proteins_2k_tax");
  await visible(page.locator(".submitbar .plan"));
  assert.equal(await page.getByLabel("Name of an organism").count(), 0, "no taxonomy, no choice");
  execFileSync(binary, ["db", "taxonomy", join(repository, "src/taxonomy/testdata/excerpt"), "--data", own.data]);
  await page.reload();
  await fill(page, query("proteins_20.fa"), "proteins_2k_tax");
  const name = page.getByLabel("Name of an organism");
  await name.fill("homo sap");
  await page.locator("datalist option").first().waitFor({ state: "attached" });
  const label = await page.locator("datalist option").first().getAttribute("value");
  assert.equal(label, "Homo sapiens (species, 9606)");
  await name.fill(label);
  await visible(page.locator(".chip", { hasText: "Homo sapiens" }));
  await page.getByLabel("What to do with them").selectOption("without");
  await name.fill("mus mus");
  await page.locator('datalist option[value^="Mus musculus"]').waitFor({ state: "attached" });
  await name.fill("Mus musculus (species, 10090)");
  await visible(page.locator(".chip", { hasText: "without Mus musculus" }));
  await page.waitForURL(/org=9606%2C-10090/);
  await checkAxe(page, "organisms");
  await visible(page.locator(".submitbar .plan"));
  await page.getByRole("textbox", { name: "Query sequences" }).press("Control+Enter");
  await page.waitForURL(/job\?id=/);
  const job = await own.wait(new URL(page.url()).searchParams.get("id"));
  assert.equal(job.status, "completed", JSON.stringify(job));
  assert.equal(job.options.taxids, "9606");
  await page.done();
  await there.close();
  await own.end();
});

test("a researcher searches, watches, reads and downloads", async () => {
  const page = await open(site.url, "", { expect: [/status of 400/] });
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "TEXTAREA");
  await fill(page, query("proteins_20.fa"), "proteins_2k_tax");
  await visible(page.getByText("20 sequences, 9,513 residues"));
  await visible(page.getByText(/20 queries × 2,000 sequences: \d+ tasks?/));
  await page.getByLabel("Title").fill("Twenty proteins");
  await page.locator("summary", { hasText: "All" }).click();
  await page.getByLabel("evalue", { exact: true }).fill("1e-3");
  await visible(page.getByText("evalue = 1e-3"));
  await page.locator("summary", { hasText: "All" }).click();
  await page.evaluate(() => window.scrollTo(0, 0));
  await visible(page.locator(".submitbar .plan"));
  await page.locator("textarea").evaluate((box) => box.scrollTo(0, 0));
  await picture(page, "search");
  await page.waitForURL(/o\.evalue=1e-3/);

  // Told by the page's own clock: this program's way to the browser and back takes a tenth of a second.
  const shown = page.evaluate(() => new Promise((resolve) => {
    let pressed = 0;
    addEventListener("keydown", (event) => event.key === "Enter" && (pressed ||= event.timeStamp), true);
    const watch = new MutationObserver(() => {
      if (!pressed || !location.search.includes("id=") || !document.querySelector(".state")) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(Math.round(performance.now() - pressed))));
    });
    watch.observe(document.body, { subtree: true, childList: true });
  }));
  await page.getByRole("textbox", { name: "Query sequences" }).press("Control+Enter");
  await page.waitForURL(/job\?id=[0-9a-f]{32}/);
  await visible(page.locator(".state"));
  const toProgress = await shown;
  const address = page.url();
  const id = new URL(address).searchParams.get("id");
  await heading(page, "Twenty proteins");
  await visible(page.getByRole("grid", { name: "Descriptions" }));
  assert.ok(page.url().startsWith(address), "the address of a job does not change");

  // The numbers are those that BLAST+ prints.
  const rows = (await server.output(id, "6")).trim().split("\n").map((line) => line.split("\t"));
  await visible(page.locator(".hitrow.focused"));
  const named = await page.locator(".querytitle .mono").textContent();
  const first = rows.filter((row) => row[0] === named)[0];
  const cells = await page.getByRole("row").nth(1).getByRole("gridcell").allTextContents();
  assert.ok(cells.includes(first[1]), `accession ${first[1]} in ${cells}`);
  assert.ok(cells.includes(first[10]), `E value ${first[10]} in ${cells}`);
  assert.ok(cells.includes(`${first[2]}%`), `identity ${first[2]} in ${cells}`);
  assert.ok(cells.map((cell) => cell.trim()).includes(first[11].trim()), `score ${first[11]} in ${cells}`);
  await visible(page.getByText(`Expect ${first[10]}`));

  // Queries on the left, hits by arrow keys, all of it in the address.
  await page.getByRole("button", { name: /R5J8N4/ }).click();
  await heading(page, /R5J8N4/);
  const subjects = [...new Set(rows.filter((row) => row[0].includes("R5J8N4")).map((row) => row[1]))];
  const accession = subjects[2];
  await visible(page.locator(".hitrow.focused .mono", { hasText: subjects[0] }));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await visible(page.locator(".hitrow.focused .mono", { hasText: accession }));
  await visible(page.locator(".alignment h2", { hasText: accession }));
  await page.waitForURL((url) => url.searchParams.get("hit") === accession);
  await page.getByRole("columnheader", { name: "E value" }).getByRole("button").click();
  await page.waitForURL(/sort=evalue/);
  await page.getByLabel("Filter hits").fill("factor");
  await page.waitForURL(/words=factor/);
  await page.reload();
  await visible(page.locator(".alignment h2", { hasText: accession }));
  assert.equal(await page.getByLabel("Filter hits").inputValue(), "factor");
  await visible(page.getByText(/^\d+ of \d+$/));
  const [filtered, all] = (await page.getByText(/^\d+ of \d+$/).textContent()).split(" of ").map(Number);
  assert.ok(filtered > 0 && filtered < all, `${filtered} of ${all}`);
  // A condition in the server's language; what is wrong with one stands beside it.
  await page.getByLabel("Filter hits").fill("pident>20 and evalue<1");
  await page.waitForURL(/pident/);
  await visible(page.locator(".hitrow.focused"));
  await page.getByLabel("Filter hits").fill("pident>>60");
  await visible(page.locator(".filterbox .fault"));
  await page.getByRole("button", { name: "Show all" }).click();
  await page.locator(`[role="grid"][aria-rowcount="${all + 1}"]`).waitFor();
  await page.getByText("Distributions").click();
  // All hits are counted, and those that pass beside them.
  const bars = (of, fill) => page.locator(".plot", { hasText: of }).locator(`.brushable rect[style*="${fill}"] title`).allTextContents();
  const sum = (titles) => titles.reduce((n, title) => n + Number(title.split(": ")[1]), 0);
  await visible(page.locator(".plot", { hasText: "Identity" }).locator(".brushable rect"));
  assert.equal(sum(await bars("Identity", "--line-strong")), all);
  assert.equal(sum(await bars("Identity", "--plot")), all);
  await page.getByLabel("Least Query cover, %").fill("50");
  await page.keyboard.press("Enter");
  await page.waitForURL(/cover=50\.\./);
  await visible(page.getByText(/^\d+ of \d+$/));
  const covering = Number((await page.getByText(/^\d+ of \d+$/).textContent()).split(" of ")[0]);
  await page.waitForFunction((n) => [...document.querySelectorAll('.plot .brushable rect[style*="--plot"] title')].reduce((sum, one) => sum + Number(one.textContent.split(": ")[1]), 0) === 4 * n, covering);
  await page.locator(".plot", { hasText: "cover" }).getByRole("button", { name: "clear" }).click();
  // The same by drawing.
  const plot = page.locator(".plot", { hasText: "Identity" }).locator(".brushable");
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + 40, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/identity=0\.\./);
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByText("Distributions").click();
  await page.evaluate(() => window.scrollTo(0, 0));
  await picture(page, "results");

  // Downloads.
  await page.keyboard.press("x");
  await page.getByText("Download 1 selected").click();
  const tsv = await saved(page, () => page.getByRole("button", { name: "Save", exact: true }).click());
  assert.match(tsv.text, /^qaccver\tsaccver\t/);
  assert.equal(new Set(tsv.text.trim().split("\n").slice(1).map((line) => line.split("\t")[1])).size, 1);
  await page.getByLabel("Of all queries").check();
  await page.getByLabel("Format").selectOption("csv");
  const csv = await saved(page, () => page.getByRole("button", { name: "Save", exact: true }).click());
  assert.equal(csv.text.trim().split("\n").length - 1, rows.length);
  await page.getByText("Download 1 selected").click();
  const svg = await saved(page, () => page.getByRole("button", { name: /Save summary-.* as SVG/ }).click());
  assert.match(svg.text, /^<svg xmlns/);
  const png = await saved(page, () => page.getByRole("button", { name: /Save pairs-.* as PNG/ }).click());
  assert.match(png.name, /\.png$/);
  await page.getByLabel("Download as").selectOption("5");
  const xml = await saved(page, () => page.getByRole("button", { name: "Download", exact: true }).click());
  assert.equal(xml.text, await server.output(id, "5"));
  const zip = await saved(page, () => page.getByRole("button", { name: "All files as ZIP" }).click());
  assert.equal(zip.text.slice(0, 2), "PK");
  await page.getByText("Tasks, log and files").click();
  await page.getByText("Files", { exact: true }).click();
  const kept = await saved(page, () => page.getByRole("button", { name: "query.fasta" }).click());
  assert.equal(kept.text, query("proteins_20.fa"));
  await page.done();
  console.log(`#   ${toProgress} ms from Ctrl+Enter to the job's page (goal 1,000)`);
});

test("an earlier search can be edited, and a form shared", async () => {
  const id = await server.submit("blastp", "proteins_2k", query("protein_1.fa"), { evalue: "1e-7", ungapped: true, comp_based_stats: "0" }, "To edit");
  const page = await open(site.url, `job?id=${id}`);
  await page.getByRole("link", { name: "Edit this search" }).click();
  await visible(page.getByText("evalue = 1e-7"));
  await visible(page.getByText("ungapped", { exact: true }));
  assert.equal(await page.getByRole("textbox", { name: "Query sequences" }).inputValue(), query("protein_1.fa"));
  assert.equal(await page.getByLabel("Title").inputValue(), "To edit");
  const shared = page.url();
  await page.getByRole("button", { name: "Remove evalue" }).click();
  await page.waitForURL((url) => !url.search.includes("evalue"));
  await page.locator("summary", { hasText: "The same search" }).click();
  await visible(page.getByText("blastloom search blastp -query query.fasta -db proteins_2k -ungapped -comp_based_stats 0"));
  await page.done();
  const other = await open(shared, "");
  await visible(other.getByText("evalue = 1e-7"));
  assert.ok(await other.locator('input[name="database"][value="proteins_2k"]').isChecked());
  await other.done();
});

test("the form shows what the chosen task sets", async () => {
  const page = await open(site.url);
  await fill(page, query("protein_1.fa"), "proteins_2k");
  await page.locator("summary", { hasText: "All" }).click();
  const word = page.getByLabel("word_size", { exact: true });
  assert.equal(await word.getAttribute("placeholder"), "3");
  await page.getByLabel("blastp-short", { exact: true }).check();
  await visible(page.getByText("Set by task blastp-short: 2."));
  await visible(page.getByText(/word_size 2 · matrix PAM30 · gapopen 9 · gapextend 1 · threshold 16/));
  assert.equal(await word.getAttribute("placeholder"), "2");
  // The default, said, is no change; another matrix brings its own costs.
  await word.fill("2");
  await word.blur();
  assert.equal(await page.locator(".chip", { hasText: "word_size" }).count(), 0);
  await page.getByLabel("matrix", { exact: true }).fill("BLOSUM62");
  assert.equal(await page.getByLabel("gapopen", { exact: true }).getAttribute("placeholder"), "as the matrix sets it");
  await checkAxe(page, "the options of a task");
  await page.locator(".option.bytask").first().scrollIntoViewIfNeeded();
  await picture(page, "options");
  await page.done();
});

test("what is wrong with a query stands beside its line", async () => {
  const page = await open(site.url, "", { expect: [/status of 400/] });
  await fill(page, ">a\nMKVLAAGIVG#LCAKAYMKLV\n>b\n>a\nMKVLLLAAGI\n", "proteins_2k");
  await visible(page.getByText("“#” in column 11"));
  await visible(page.getByText("The name “a” was used in line 1 already"));
  await page.getByRole("button", { name: "Line 4" }).click();
  assert.equal(await page.evaluate(() => document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)), ">a");
  assert.ok(await page.getByRole("button", { name: "Run blastp" }).isEnabled(), "BLAST+ takes it");
  await page.getByRole("textbox", { name: "Query sequences" }).fill("@read1\nACGT\n+\nIIII\n");
  await visible(page.getByText("This is FASTQ."));
  assert.ok(await page.getByRole("button", { name: /^Run/ }).isDisabled());
  // An option out of its range, and a column that only the server knows to be none.
  await fill(page, query("protein_1.fa"), "proteins_2k");
  await page.locator("summary", { hasText: "All" }).click();
  await page.getByLabel("word_size", { exact: true }).fill("1");
  await visible(page.getByText("2 or more."));
  await visible(page.getByText("Mend the options first."));
  await page.getByLabel("word_size", { exact: true }).fill("");
  await page.getByLabel("outfmt", { exact: true }).selectOption("6");
  await page.getByLabel("Columns", { exact: true }).fill("std nonsense");
  await visible(page.getByText("'nonsense' is no column"));
  // What only BLAST+ can judge stands beside its option too.
  await page.getByLabel("gapopen", { exact: true }).fill("1");
  await page.getByLabel("gapextend", { exact: true }).fill("99");
  const beside = page.locator("#option-gapopen-fault");
  await visible(beside);
  assert.match(await beside.textContent(), /^Gap existence and extension values of 1 and 99 not supported for BLOSUM62/);
  assert.ok(await page.getByRole("button", { name: "Run blastp" }).isDisabled());
  await page.getByLabel("gapopen", { exact: true }).fill("9");
  await page.getByLabel("gapextend", { exact: true }).fill("1");
  await visible(page.locator(".submitbar .plan"));
  assert.equal(await beside.count(), 0);
  await page.done();
});

test("profiles are searched by rpsblast", async () => {
  const page = await open(site.url);
  await fill(page, query("protein_1.fa"), "profiles");
  await visible(page.locator("label.database.chosen").getByText("profiles, for rpsblast"));
  await page.getByRole("button", { name: "Run rpsblast" }).click();
  await visible(page.getByRole("grid", { name: "Descriptions" }));
  await page.goto(site.url);
  await page.getByRole("button", { name: "Start over" }).click();
  await fill(page, query("protein_1.fa"), "proteins_2k");
  await page.getByText("programs do not fit").click();
  await visible(page.getByText("rpsblast searches databases of profiles, such as CDD; this one holds plain sequences"));
  await page.done();
});

test("a large file is looked at, not read", async () => {
  const page = await open(site.url);
  const sent = [];
  page.on("request", (request) => request.url().includes("preflight") && sent.push(request.url()));
  const record = `>read\n${"ACGTTGCAAC".repeat(10)}\n`;
  const size = await page.evaluate((record) => {
    const file = new File([record.repeat(500_000)], "reads.fa");
    const transfer = new DataTransfer();
    transfer.items.add(file);
    document.querySelector(".querybox").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    return file.size;
  }, record);
  assert.ok(size > 50_000_000);
  await visible(page.getByText(/About 500 k sequences/));
  await visible(page.getByText(/looked at the first megabyte only/));
  await page.locator("label.database", { has: page.locator('input[value="nucleotides_500"]') }).click();
  await visible(page.getByText("the server makes its plan when it has arrived"));
  assert.deepEqual(sent, [], "it is not sent for a plan");
  await page.done();
});

test("a job can be cancelled, retried, deleted and had back", async () => {
  const id = await server.submit("blastp", "proteins", query("proteins_500.fa"), {}, "A long one");
  await server.wait(id, ["running"]);
  const page = await open(site.url, "jobs");
  const row = page.getByRole("row", { name: /A long one/ });
  await visible(row.getByRole("progressbar"));
  await picture(page, "jobs");
  await row.getByRole("button", { name: "Cancel" }).click();
  await visible(row.getByText("Cancelled"));
  await row.getByRole("button", { name: "Retry" }).click();
  await visible(row.getByText(/Queued|Running/));
  await row.getByRole("link", { name: "A long one" }).click();
  await visible(page.getByText(/% searched|Making the plan|Waiting|waits/));
  await visible(page.getByText(/% searched/));
  await visible(page.getByText(/left$/));
  await page.locator('p[role="status"]', { hasText: /^Running/ }).waitFor({ state: "attached" });
  await picture(page, "job-running");
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await visible(page.locator(".state.cancelled"));
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await row.getByRole("button", { name: /Delete/ }).click();
  await row.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await visible(row);
  assert.equal((await server.api(`/api/blast/jobs/${id}`)).status, 200);
  await row.getByRole("button", { name: /Delete/ }).click();
  await page.locator(".toast").getByRole("button", { name: "Close" }).click();
  await until(async () => (await server.api(`/api/blast/jobs/${id}`)).status === 404, "the job is gone");
  await page.done();
});

test("two browsers see the same, at once and without asking", async () => {
  const watcher = await open(site.url, "jobs");
  await visible(watcher.getByText("Live"));
  let asked = 0;
  watcher.on("request", () => (asked += 1));
  await until(async () => {
    const before = asked;
    await watcher.waitForTimeout(3500);
    return asked === before;
  }, "it does not poll while the stream works");
  const worker = await open(site.url);
  await fill(worker, query("protein_1.fa"), "proteins_2k");
  await worker.getByLabel("Title").fill("Seen by two");
  await worker.getByRole("button", { name: "Run blastp" }).click();
  await visible(watcher.getByRole("row", { name: /Seen by two/ }).getByText("Completed"));
  await visible(worker.getByRole("grid"));
  await watcher.done();
  await worker.done();
});

test("an operator builds, verifies, updates and removes a database", async () => {
  const own = await new Server().start();
  const there = await front(own.url);
  const page = await open(there.url, "databases");
  await page.getByRole("button", { name: "Build from FASTA" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("FASTA file").setInputFiles({ name: "my proteins.faa", mimeType: "text/plain", buffer: Buffer.from(query("proteins_20.fa")) });
  assert.equal(await dialog.getByLabel("Name of the database").inputValue(), "my_proteins");
  await dialog.getByLabel("Name of the database").fill("no blanks");
  await visible(dialog.getByText("Letters, digits"));
  await dialog.getByLabel("Name of the database").fill("mine");
  await dialog.getByLabel("Names can be looked up").check();
  await checkAxe(page, "building a database");
  await dialog.getByRole("button", { name: "Build", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await visible(page.locator(".worklist").getByText("Done"));
  await heading(page, "Done lately");
  assert.equal(await page.getByRole("heading", { name: "Being done" }).count(), 0, "nothing is");
  await page.getByRole("cell", { name: "mine" }).getByRole("link", { name: "mine", exact: true }).click();
  await heading(page, "mine");
  await visible(page.getByText("current", { exact: true }));
  await visible(page.getByText(/are in the page cache/));

  // Another snapshot, and back to the first.
  await page.getByRole("button", { name: "New snapshot" }).click();
  await dialog.getByLabel("FASTA file").setInputFiles({ name: "next.faa", mimeType: "text/plain", buffer: Buffer.from(query("protein_1.fa")) });
  await dialog.getByLabel("Names can be looked up").check();
  await dialog.getByRole("button", { name: "Build", exact: true }).click();
  const rows = page.locator("section", { has: page.getByRole("heading", { name: "Snapshots" }) }).locator("tbody tr");
  await rows.nth(1).waitFor();
  assert.match(await rows.nth(0).textContent(), /current/);
  await rows.nth(1).getByRole("button", { name: "Make current" }).click();
  await visible(rows.nth(1).getByText("current", { exact: true }));
  await rows.nth(1).getByRole("button", { name: "Verify" }).click();
  await visible(rows.nth(1).getByText(/^whole, /));
  // More sequences for it; those of another kind are refused before they are sent.
  const holds = (n) => visible(page.locator(".facts > div", { hasText: "Sequences" }).getByText(String(n), { exact: true }));
  await holds(20);
  await page.getByRole("button", { name: "Append", exact: true }).click();
  await dialog.getByLabel("FASTA file").setInputFiles({ name: "dna.fna", mimeType: "text/plain", buffer: Buffer.from(`>d\n${"ACGTTGCA".repeat(20)}\n`) });
  await visible(dialog.getByText("the database holds protein sequences"));
  assert.ok(await dialog.getByRole("button", { name: "Append", exact: true }).isDisabled());
  await dialog.getByLabel("FASTA file").setInputFiles({ name: "more.faa", mimeType: "text/plain", buffer: Buffer.from(`>extra one more\n${"MKVLAAGIVGLCAKAYMKLVWW".repeat(3)}\n`) });
  await dialog.getByText("the database holds").waitFor({ state: "detached" });
  await checkAxe(page, "appending to a database");
  await dialog.getByRole("button", { name: "Append", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await rows.nth(2).waitFor();
  await holds(21);
  await checkAxe(page, "a database");
  await picture(page, "database");

  // Sequences, whole and in part; what is not there is named.
  const id = /^>(\S+)/.exec(query("proteins_20.fa"))[1].split("|")[1];
  await page.getByLabel("Names, with blanks").fill(`${id} nosuch`);
  await page.getByLabel("Part").fill("1-10");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await visible(page.getByText("Not in this database: nosuch."));
  assert.match(await page.locator("pre.sequence").textContent(), /^>\S+ .*\n[A-Z]{10}\n$/);

  await rows.nth(1).getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await rows.nth(2).waitFor({ state: "detached" });
  await page.locator(".heading").getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await heading(page, "Databases");
  assert.equal((await own.api("/api/blast/databases/mine")).status, 404);
  await page.done();
  await there.close();
  await own.end();
});

test("a result that was made elsewhere is imported and read", async () => {
  const id = await server.submit("blastp", "proteins_2k", query("proteins_20.fa"), { evalue: "1e-3" }, "Made here");
  await server.wait(id);
  const page = await open(site.url, "jobs", { expect: [/status of 400/] });
  const dialog = page.getByRole("dialog");
  const give = (name, text) => dialog.getByLabel("BLAST result").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
  const imported = async () => {
    await dialog.getByRole("button", { name: "Import" }).click();
    await page.waitForURL(/job\?id=[0-9a-f]{32}/);
    await visible(page.getByRole("grid"));
    return (await server.api(`/api/blast/jobs/${new URL(page.url()).searchParams.get("id")}`)).body;
  };

  // XML tells all of itself.
  await page.getByRole("button", { name: "Import a result" }).click();
  await give("report.txt", "BLASTP 2.12.0+\n\nReference: …\n");
  await visible(dialog.getByText("This is neither BLAST XML"));
  assert.ok(await dialog.getByRole("button", { name: "Import" }).isDisabled());
  await give("My proteins.xml", await server.output(id, "5"));
  await visible(dialog.getByText("BLAST XML", { exact: true }));
  await checkAxe(page, "importing a result");
  const xml = await imported();
  assert.deepEqual([xml.status, xml.imported, xml.program, xml.title], ["completed", "xml", "blastp", "My proteins"]);
  await heading(page, "My proteins");
  await visible(page.getByText("the search was made elsewhere"));
  assert.equal(await page.getByRole("link", { name: "Edit this search" }).count(), 0, "there is no search to edit");
  assert.equal(await page.getByLabel("Download as").locator("option").count(), 1);
  await checkAxe(page, "an imported result");

  // A bare table does not tell its program, nor columns beyond the usual ones.
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await page.getByRole("button", { name: "Import a result" }).click();
  await give("hits.tsv", await server.output(id, "6 std qlen"));
  await visible(dialog.getByText("A row has 13 columns"));
  await dialog.getByLabel("Program that made it").selectOption("blastp");
  await dialog.getByLabel("Columns").fill("std nonsense");
  await dialog.getByRole("button", { name: "Import" }).click();
  await visible(dialog.getByRole("alert"));
  await checkAxe(page, "an import that was refused");
  await dialog.getByLabel("Columns").fill("std qlen");
  const table = await imported();
  assert.deepEqual([table.imported, table.outfmt, table.title], ["tabular", "6 std qlen", "hits"]);
  await page.done();
});

test("a search is recommended until one is chosen", async () => {
  const page = await open(site.url);
  const section = page.locator("section", { has: page.getByRole("heading", { name: "Recommended for this query" }) });
  await visible(section.getByText("With a query, the searches that fit it are offered here."));
  // What is offered comes without moving anything: a click meant for a database lands on it.
  const places = () => page.evaluate(() => [...document.querySelectorAll("main h2, label.database, #title")].map((one) => one.getBoundingClientRect().top + window.scrollY));
  await visible(page.locator("label.database"));
  const before = await places();
  await page.evaluate(() => {
    globalThis.shifts = [];
    new PerformanceObserver((list) => globalThis.shifts.push(...list.getEntries().map(({ value }) => value))).observe({ type: "layout-shift" });
  });
  await page.getByRole("textbox", { name: "Query sequences" }).fill(query("proteins_20.fa"));
  const first = section.getByRole("button").first();
  await visible(first);
  assert.deepEqual(await places(), before);
  await page.waitForTimeout(100);
  assert.deepEqual(await page.evaluate(() => globalThis.shifts), [], "nothing moves");
  const [program, database] = (await first.textContent()).split(" against ");
  const { body } = await server.api("/api/blast/recommend?molecule=protein&longest=1000");
  assert.deepEqual([program, database], [body.recommendations[0].program, body.recommendations[0].database]);
  await checkAxe(page, "a recommended search");
  const list = await page.locator(".databases").boundingBox();
  await first.click();
  await section.locator('button[aria-pressed="true"]').waitFor();
  assert.equal((await page.locator(".databases").boundingBox()).y, list.y);
  assert.ok(await page.locator(`input[name="database"][value="${database}"]`).isChecked());
  await visible(page.getByRole("button", { name: `Run ${program}` }));
  // Short queries come with the task that finds something.
  await page.getByRole("button", { name: "Start over" }).click();
  await page.getByRole("textbox", { name: "Query sequences" }).fill(">peptide\nMKVLAAGIVGLC\n");
  await visible(section.getByText("blastp-short"));
  await first.click();
  await visible(page.getByText("task = blastp-short"));
  await page.done();
});

test("a peer that is away is told, with the reason", async () => {
  const socket = join(folder("redis"), "socket");
  const own = await new Server({ flags: ["--redis", `unix:${socket}`] }).start();
  // What the page asks at its start is old news: the event stream tells it what is so.
  let asked = 0;
  const there = await front(own.url, {
    instead: (path, reply) => path === "/readyz" && (asked++, reply.writeHead(200, { "Content-Type": "application/json" }).end('{"status":"ready","lacking":[],"degraded":[]}'), true),
  });
  const page = await open(there.url, "jobs");
  const sign = page.locator("header").getByRole("link", { name: "Degraded" });
  await visible(sign);
  await checkAxe(page, "a degraded server");
  await sign.click();
  await visible(page.getByText("Degraded: searches are taken and run"));
  await visible(page.getByText(/^Redis \(events\): /));
  await checkAxe(page, "a degraded server's system page");
  await page.waitForTimeout(6000);
  assert.equal(asked, 1, "it is not asked while the stream works");
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) <= 0, "it fits a phone");
  if (existsSync("/usr/bin/redis-server")) {
    const redis = start("/usr/bin/redis-server", ["--port", "0", "--unixsocket", socket, "--save", ""]);
    await sign.waitFor({ state: "detached" });
    redis.kill();
    await visible(sign);
  }
  await page.done();
  await there.close();
  await own.end();
});

test("hits are seen by their taxa, saved as features and sequences, and cited", async () => {
  const own = await new Server().start();
  execFileSync(binary, ["db", "taxonomy", join(repository, "src/taxonomy/testdata/excerpt"), "--data", own.data]);
  const there = await front(own.url);
  const id = await own.submit("blastp", "proteins_2k_tax", query("proteins_20.fa"), { evalue: "10" }, "Taxa");
  await own.wait(id);
  const page = await open(there.url, `job?id=${id}&view=taxonomy`);
  await visible(page.locator(".pick"));
  await visible(page.getByText(/hits, [\d,]+ tax/));
  await checkAxe(page, "taxonomy");
  await picture(page, "taxonomy");
  const shown = page.getByRole("button", { name: /^Show hits of / });
  await shown.last().click();
  await page.waitForURL(/words=taxid/);
  await visible(page.getByRole("grid"));
  await page.getByText("Download hits").click();
  await page.getByLabel("Of all queries").check();
  await page.getByLabel("Format").selectOption("gff3");
  assert.match((await saved(page, () => page.getByRole("button", { name: "Save", exact: true }).click())).text, /^##gff-version 3/);
  await page.getByLabel("Format").selectOption("aligned");
  assert.match((await saved(page, () => page.getByRole("button", { name: "Save", exact: true }).click())).text, /^>\S+.*\n[A-Z]+/);
  await page.getByText("Download hits").click();
  await page.getByText("Methods and scripts").click();
  assert.match((await saved(page, () => page.getByRole("button", { name: "References (BibTeX)" }).click())).text, /@article/);
  assert.match((await saved(page, () => page.getByRole("button", { name: "Shell script that makes it again" }).click())).text, /blastp/);
  await checkAxe(page, "methods and scripts");
  await page.done();
  await there.close();
  await own.end();
});

test("two results are compared", async () => {
  const text = query("proteins_20.fa");
  const loose = await server.submit("blastp", "proteins_2k", text, { evalue: "10" }, "Loose");
  const strict = await server.submit("blastp", "proteins_2k", text, { evalue: "1e-3" }, "Strict");
  for (const id of [loose, strict]) await server.wait(id);
  const page = await open(site.url, `job?id=${loose}&view=compare&with=${strict}`);
  await visible(page.getByText(/^\d+ in both, same rank$/));
  const counted = async (what) => Number((await page.getByText(new RegExp(`^\\d+ ${what}`)).textContent()).split(" ")[0]);
  const rows = async (id) => {
    const name = await page.locator(".querytitle .mono").textContent();
    return new Set((await server.output(id, "6")).split("\n").map((line) => line.split("\t")).filter(([q]) => q === name).map(([, subject]) => subject));
  };
  const [here, there] = [await rows(loose), await rows(strict)];
  assert.equal(await counted("only here"), [...here].filter((name) => !there.has(name)).length);
  assert.equal((await counted("in both, same rank")) + (await counted("in both, rank changed")), [...here].filter((name) => there.has(name)).length);
  await checkAxe(page, "comparing");
  await picture(page, "compare");
  await page.done();
});

test("a search without hits says so", async () => {
  const id = await server.submit("blastp", "proteins_2k", query("peptides_50.fa"), { evalue: "1e-50" }, "Nothing");
  await server.wait(id);
  const page = await open(site.url, `job?id=${id}`);
  await heading(page, "No hits below E = 1e-50");
  await page.done();
});

test("a failed job says what, why and what to do", async () => {
  const databases = folder("databases");
  for (const file of readdirSync(join(testdata, "db"))) if (/^proteins_2k(_a)?\./.test(file)) cpSync(join(testdata, "db", file), join(databases, file));
  const own = await new Server({ databases, flags: ["--cores", "1"] }).start();
  const place = await front(own.url);
  const first = await own.submit("blastp", "proteins_2k", query("proteins_500.fa"), {}, "In the way");
  const id = await own.submit("blastp", "proteins_2k", query("proteins_100.fa"), {}, "To fail");
  const page = await open(place.url, `job?id=${id}`);
  await visible(page.locator(".state"));
  // The database is replaced by another under the waiting job.
  for (const file of readdirSync(databases)) {
    const found = /^proteins_2k_a(\..*)$/.exec(file);
    if (found) cpSync(join(databases, file), join(databases, `proteins_2k${found[1]}`));
  }
  await own.api(`/api/blast/jobs/${first}/cancel`, { method: "POST" });
  await visible(page.locator(".state.failed"));
  const told = await page.locator(".standing").textContent();
  assert.match(told, /database/i);
  await page.getByText("Log", { exact: true }).click();
  await visible(page.getByText("The job is now: failed"));
  await checkAxe(page, "a failed job");
  await picture(page, "job-failed");
  await page.done();
  await place.close();
  await own.end();
});

test("the server goes away and comes back", async () => {
  const own = await new Server().start();
  const place = await front(own.url);
  const id = await own.submit("blastp", "proteins", query("proteins_20.fa"), { outfmt: "6" }, "Survivor");
  await own.wait(id, ["running"]);
  const page = await open(place.url, `job?id=${id}`, { expect: [/Failed to load resource|ERR_/] });
  await visible(page.getByText("Live"));
  await own.end("SIGKILL");
  await visible(page.getByText("The server cannot be reached. The page tries again by itself"));
  await visible(page.locator(".state"));
  await own.start();
  place.target(own.url);
  await visible(page.getByText("Live"));
  await page.getByText("The page tries again by itself").waitFor({ state: "detached" });
  await visible(page.getByText("Completed"));
  await visible(page.getByRole("grid"));
  await page.done();
  await place.close();
  await own.end();
});

test("without the event stream it polls, and says so", async () => {
  const place = await front(server.url, { instead: (path, reply) => path.startsWith("/api/blast/events") && (reply.writeHead(502).end(), true) });
  const page = await open(place.url, "jobs", { expect: [/status of 502/] });
  await visible(page.getByText("Polling"));
  const id = await server.submit("blastp", "proteins_2k", query("protein_1.fa"), {}, "Polled");
  await visible(page.getByRole("row", { name: /Polled/ }).getByText("Completed"));
  await server.wait(id);
  await page.done();
  await place.close();
});

test("a token is asked for, kept and forgotten", async () => {
  const own = await new Server().start();
  const place = await front(own.url);
  const secret = execFileSync(binary, ["token", "create", "ann", "--role", "user", "--data", own.data], { encoding: "utf8" }).trim();
  while ((await own.api("/api/blast/jobs")).status !== 401) await new Promise((done) => setTimeout(done, 100));
  const page = await open(place.url, "jobs", { expect: [/status of 401/, /status of 403/] });
  await heading(page, "This server asks for a token");
  await checkAxe(page, "the token form");
  await page.getByLabel("Token", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Use this token" }).click();
  await heading(page, "This server asks for a token");
  await page.getByLabel("Token", { exact: true }).fill(secret);
  await page.getByRole("button", { name: "Use this token" }).click();
  await heading(page, "No jobs yet");
  await visible(page.getByText("Live"));
  await page.getByRole("link", { name: "Search", exact: true }).click();
  await fill(page, query("protein_1.fa"), "proteins_2k");
  await page.getByRole("button", { name: "Run blastp" }).click();
  await visible(page.getByRole("grid"));
  const mine = await saved(page, () => page.getByRole("button", { name: "Download", exact: true }).click());
  assert.match(mine.text, /^# BLASTP 2/);
  await page.getByRole("link", { name: "System" }).click();
  await visible(page.getByText("shown to administrators only"));
  await page.getByRole("button", { name: "Forget token" }).click();
  await page.reload();
  await heading(page, "This server asks for a token");
  await page.done();
  await place.close();
  await own.end();
});

test("with a token, files go past the page to the disk", async () => {
  const own = await new Server().start();
  const place = await front(own.url, { prefix: "/lab/blast/" });
  const id = await own.submit("blastp", "proteins_2k", query("proteins_20.fa"), { evalue: "1e-3" }, "To be kept");
  await own.wait(id);
  const secret = execFileSync(binary, ["token", "create", "local", "--role", "user", "--data", own.data], { encoding: "utf8" }).trim();
  while ((await own.api("/api/blast/jobs")).status !== 401) await new Promise((done) => setTimeout(done, 100));
  const page = await open(place.url, `job?id=${id}`, { expect: [/status of 401/, /status of 403/] });
  await page.getByLabel("Token", { exact: true }).fill(secret);
  await page.getByRole("button", { name: "Use this token" }).click();
  await visible(page.getByRole("grid"));
  const mine = { headers: { Authorization: `Bearer ${secret}` } };
  const results = `/api/blast/jobs/${id}/results`;
  const content = async (path, init) => Buffer.from(await (await fetch(own.url + path, init)).arrayBuffer());
  /** By a link below the page's own path, with the bytes that the server gives for the token. */
  const check = (file, path) => {
    assert.match(file.url, /^http:.*\/lab\/blast\/api\/blast\/jobs\/.*[?&]ticket=/);
    const asked = file.url.slice(file.url.indexOf("/api/")).replace(/[?&]ticket=.*/, "");
    assert.equal(asked.split("?")[0], path);
    return content(asked, mine).then((wanted) => assert.ok(wanted.length > 0 && wanted.equals(file.bytes), `${path} has other bytes`));
  };
  const press = (name) => saved(page, () => page.getByRole("button", { name, exact: true }).click());
  const output = await press("Download");
  await check(output, `${results}/output`);
  const zip = await press("All files as ZIP");
  assert.match(zip.url, /archive\.zip\?ticket=/);
  assert.equal(zip.bytes.toString("latin1", 0, 2), "PK");
  await page.getByText("Download hits").click();
  await page.getByLabel("Format").selectOption("jsonl");
  await check(await press("Save"), `${results}/export`);
  await page.getByText("Download hits").click();
  await page.getByText("Methods and scripts").click();
  await check(await press("References (BibTeX)"), `${results}/provenance`);
  // Whoever has the link needs no token, as long as nothing of it is changed.
  const link = output.url.slice(output.url.indexOf("/api/"));
  assert.ok((await content(link)).equals(output.bytes));
  const part = await fetch(own.url + link, { headers: { Range: "bytes=100-199" } });
  assert.equal(part.status, 206);
  assert.ok(Buffer.from(await part.arrayBuffer()).equals(output.bytes.subarray(100, 200)));
  for (const changed of [link.slice(0, -1), link.replace("output?", "archive.zip?"), link.replace(/\?.*&/, "?")]) {
    const { status, body } = await own.api(changed);
    assert.equal(status, 401);
    assert.match(body.detail, /download-links makes another/);
  }
  await page.done();
  await place.close();
  await own.end();
});

test("a viewer is shown what he may do", async () => {
  const own = await new Server().start();
  const place = await front(own.url);
  const id = await own.submit("blastp", "proteins_2k", query("protein_1.fa"), {}, "To be seen");
  await own.wait(id);
  const [viewer, admin] = [["local", "viewer"], ["root", "admin"]].map(([name, role]) => execFileSync(binary, ["token", "create", name, "--role", role, "--data", own.data], { encoding: "utf8" }).trim());
  while ((await own.api("/api/blast/jobs")).status !== 401) await new Promise((done) => setTimeout(done, 100));
  const page = await open(place.url, "jobs", { expect: [/status of 401/, /status of 403/] });
  const enter = async (secret) => {
    await page.getByLabel("Token", { exact: true }).fill(secret);
    await page.getByRole("button", { name: "Use this token" }).click();
    await visible(page.getByRole("row", { name: /To be seen/ }));
  };
  const offered = async (name) => page.getByRole("button", { name }).count();
  await enter(viewer);
  await page.getByRole("button", { name: /^Delete/ }).waitFor({ state: "detached" });
  assert.equal(await offered("Import a result"), 0);
  await page.getByRole("link", { name: "To be seen" }).click();
  await visible(page.getByRole("grid"));
  assert.equal(await offered(/^Delete/), 0);
  assert.equal(await page.getByRole("link", { name: "Edit this search" }).count(), 0);
  await page.getByRole("link", { name: "Databases", exact: true }).click();
  await visible(page.getByRole("link", { name: "proteins_2k", exact: true }));
  assert.equal(await offered("Build from FASTA"), 0);
  await page.getByRole("link", { name: "Search", exact: true }).click();
  await fill(page, query("protein_1.fa"), "proteins_2k");
  await visible(page.getByText("Your token is a viewer’s"));
  assert.ok(await page.getByRole("button", { name: /^Run/ }).isDisabled());
  // Another token, other rights.
  await page.getByRole("button", { name: "Forget token" }).click();
  await page.goto(`${place.url}jobs`);
  await heading(page, "This server asks for a token");
  await enter(admin);
  await visible(page.getByRole("button", { name: /^Delete/ }));
  await visible(page.getByRole("button", { name: "Import a result" }));
  await page.done();
  await place.close();
  await own.end();
});

test("a server that only reads says so, and offers no changes", async () => {
  const own = await new Server().start();
  const id = await own.submit("blastp", "proteins_2k", query("protein_1.fa"), {}, "To be read");
  await own.wait(id);
  const reader = await new Server({ data: own.data, flags: ["--read-only"] }).start();
  const place = await front(reader.url);
  const page = await open(place.url, "jobs", { expect: [/status of 404/] }); // the database is kept by nobody
  const bar = page.locator(".banner");
  const offers = async (...names) => {
    for (const name of names) for (const role of ["button", "link"]) assert.equal(await page.locator("main").getByRole(role, { name }).count(), 0, `${name} is not offered`);
  };
  const leadsTo = async (path) => assert.equal(await bar.getByRole("link").getAttribute("href"), `${own.url}/${path}`);
  await visible(bar.getByText("This server only reads."));
  await visible(page.getByRole("row", { name: /To be read/ }));
  await leadsTo("jobs");
  await offers(/^Delete/, "New search", "Import a result", "Edit");
  await checkAxe(page, "jobs of a server that only reads");

  // What reads is all there.
  await page.getByRole("link", { name: "To be read" }).click();
  await visible(page.getByRole("grid"));
  await leadsTo(`job?id=${id}`);
  await offers(/^Delete/, "Edit this search");
  await page.getByLabel("Download as").selectOption("5");
  const xml = await saved(page, () => page.getByRole("button", { name: "Download", exact: true }).click());
  assert.equal(xml.text, await own.output(id, "5"));
  await checkAxe(page, "a job of a server that only reads");
  await page.getByRole("link", { name: "Databases", exact: true }).click();
  await visible(page.getByRole("link", { name: "proteins_2k", exact: true }));
  await offers("Build from FASTA", "Fetch from a mirror", "Search it");
  await page.getByRole("link", { name: "proteins_2k", exact: true }).click();
  await visible(page.getByText(/are in the page cache/));
  await offers("Update", "Read into memory", "Search it");
  await checkAxe(page, "a database of a server that only reads");
  await page.getByRole("link", { name: "Search", exact: true }).click();
  await fill(page, query("protein_1.fa"), "proteins_2k");
  await visible(page.getByText("This server runs no searches."));
  assert.ok(await page.getByRole("button", { name: /^Run/ }).isDisabled());
  await page.getByRole("textbox", { name: "Query sequences" }).press("Control+Enter");
  await checkAxe(page, "the form of a server that only reads");
  await page.getByRole("link", { name: "System" }).click();
  await heading(page, "Health");
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) <= 0, "it fits a phone");

  // Behind a proxy that sends changes to their owner everything can be done.
  const both = await front(reader.url, { changes: own.url });
  const other = await open(both.url);
  await fill(other, query("protein_1.fa"), "proteins_2k");
  await other.getByRole("button", { name: "Run blastp" }).click();
  await visible(other.getByRole("grid"));
  await visible(other.getByRole("button", { name: /^Delete/ }));
  assert.equal(await other.locator(".banner").count(), 0);
  await other.done();
  await both.close();

  await own.end("SIGTERM");
  await page.reload();
  await visible(bar.getByText("is not running now"));
  assert.equal(await bar.getByRole("link").count(), 0);
  await page.done();
  await place.close();
  await reader.end("SIGTERM");
});

test("it works below any path, and deep addresses too", async () => {
  const id = await server.submit("blastx", "proteins", query("contigs_10.fa"), { evalue: "1e-3" }, "Ten contigs");
  await server.wait(id);
  const place = await front(server.url, { prefix: "/lab/blast/" });
  const page = await open(place.url, `job?id=${id}&q=2`);
  await visible(page.getByRole("grid"));
  await visible(page.getByText(/Frame [+-]\d/));
  await page.getByRole("link", { name: "Databases", exact: true }).click();
  await heading(page, "Databases");
  await page.goBack();
  await visible(page.getByRole("grid"));
  await page.goto(`${place.url}nowhere`);
  await heading(page, "There is no such page.");
  await page.done();
  await place.close();
});

/** Sequences of 80 letters that differ in two, so that each finds all others. */
function alike(count, name) {
  let seed = 7;
  const random = (n) => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 12) % n;
  const first = Array.from({ length: 80 }, () => "ACGT"[random(4)]);
  let text = "";
  for (let i = 0; i < count; i++) {
    const letters = [...first];
    for (let n = 0; n < 2; n++) letters[random(80)] = "ACGT"[random(4)];
    text += `>${name}_${i} made up number ${i}\n${letters.join("")}\n`;
  }
  return text;
}

test("a huge result stays usable", async () => {
  const [queries, subjects] = process.env.LOOM_TEST_LEVEL === "full" ? [500, 2000] : [100, 1000];
  const total = queries * subjects;
  const built = await server.api("/api/blast/databases?name=alike&molecule=nucleotide", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: alike(subjects, "subject") });
  assert.equal(built.status, 202, JSON.stringify(built.body));
  while ((await server.api(`/api/blast/database-works/${built.body.id}`)).body.status !== "completed") await new Promise((done) => setTimeout(done, 100));
  const id = await server.submit("blastn", "alike", alike(queries, "query"), { outfmt: "7 std qlen slen score nident positive gaps qframe sframe staxids sscinames qseq sseq stitle", max_target_seqs: subjects, max_hsps: 1, word_size: 16, strand: "plus", dust: "no" }, "Huge");
  assert.equal((await server.wait(id)).status, "completed");
  // The index is made once, by the first who looks.
  while ((await fetch(`${server.url}/api/blast/jobs/${id}/results/summary`)).status === 202) await new Promise((done) => setTimeout(done, 200));
  const page = await open(site.url);
  const begun = Date.now();
  await page.goto(`${site.url}job?id=${id}`);
  await page.locator(".hitrow.focused").waitFor();
  const interactive = Date.now() - begun;
  await page.locator(".hsp pre").first().waitFor();
  const aligned = Date.now() - begun;
  await visible(page.getByText(`${queries} of ${queries} with hits`));
  assert.equal(await page.getByRole("grid").getAttribute("aria-rowcount"), String(subjects + 1));
  await page.evaluate(() => {
    globalThis.long = [];
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => globalThis.long.push(duration))).observe({ entryTypes: ["longtask"] });
  });
  const grid = await page.getByRole("grid").boundingBox();
  await page.mouse.move(grid.x + 200, grid.y + 150);
  for (let i = 0; i < 40; i++) {
    await page.mouse.wheel(0, 1000);
    await page.waitForTimeout(30);
  }
  // To the very end, page by page.
  const last = page.locator(`.hitrow.focused[aria-rowindex="${subjects + 1}"]`);
  for (let i = 0; i < 200 && (await last.count()) === 0; i++) {
    await page.keyboard.press("End");
    await page.waitForTimeout(50);
  }
  assert.equal(await last.count(), 1, "the last hit is reached");
  const long = await page.evaluate(() => globalThis.long);
  await page.getByRole("button", { name: /query_7 / }).click();
  await heading(page, /query_7/);
  // On paper there are more of them than on a page of the table.
  await page.locator(".hitrow.focused").waitFor();
  await page.evaluate(() => {
    window.print = () => {
      window.dispatchEvent(new Event("beforeprint"));
      setTimeout(() => {
        globalThis.sheet = document.querySelectorAll(".printhits tbody tr").length;
        window.dispatchEvent(new Event("afterprint"));
      }, 500);
    };
  });
  await page.getByRole("button", { name: "Print", exact: true }).click();
  await page.waitForFunction(() => globalThis.sheet !== undefined);
  assert.equal(await page.evaluate(() => globalThis.sheet), 1000);
  await page.locator(".printhits").waitFor({ state: "detached" });
  // What is selected is printed with one question, however far down it stands.
  const asked = [];
  page.on("request", (request) => request.url().includes("/results/hits") && asked.push(new URL(request.url()).searchParams.get("select")));
  await page.keyboard.press("x");
  await page.evaluate(() => (globalThis.sheet = undefined));
  await page.getByRole("button", { name: "Print", exact: true }).click();
  await page.waitForFunction(() => globalThis.sheet !== undefined);
  assert.equal(await page.evaluate(() => globalThis.sheet), 1);
  assert.equal(asked.filter((select) => select !== null).length, 1);
  assert.equal(asked.length, 1, "the table is not walked");
  await page.locator(".printhits").waitFor({ state: "detached" });
  const heap = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
  console.log(`#   ${total} HSPs: interactive in ${interactive} ms (goal 1,000), first alignment in ${aligned} ms, longest task while scrolling ${Math.round(Math.max(0, ...long))} ms (goal 50), page heap ${Math.round(heap / 1e6)} MB`);
  assert.ok(heap < 150e6, "only what is in sight is held");
  await page.done();
});

for (const colorScheme of ["light", "dark"])
  test(`every place is accessible, ${colorScheme}`, async () => {
    const id = await server.submit("blastp", "proteins_2k_tax", query("proteins_20.fa"), { evalue: "1e-3" }, "Twenty proteins");
    await server.wait(id);
    const page = await open(site.url, "", { colorScheme });
    await fill(page, ">a\nMKVLAAGIVG#LCAKAYMKLV\n>b\nMKVLLLAAGIWWRST\n", "proteins_2k");
    await page.locator("summary", { hasText: "All" }).click();
    await page.getByLabel("evalue", { exact: true }).fill("1e-3");
    await page.getByLabel("gapopen", { exact: true }).fill("x");
    await page.locator("summary", { hasText: "The same search" }).click();
    await visible(page.getByText("Mend the options first."));
    await checkAxe(page, "search");
    await page.goto(`${site.url}jobs`);
    await visible(page.getByRole("row", { name: /Twenty proteins/ }));
    await checkAxe(page, "jobs");
    await page.goto(`${site.url}jobs?text=no+such+job`);
    await heading(page, "No job matches these filters");
    await checkAxe(page, "jobs, none");
    await page.goto(`${site.url}job?id=${id}&q=6`);
    await visible(page.getByRole("grid"));
    await page.getByText("Distributions").click();
    await page.getByText("Tasks, log and files").click();
    await visible(page.getByRole("cell", { name: "done" }));
    await checkAxe(page, "a job with results");
    if (colorScheme === "dark") await picture(page, "results-dark");
    await page.getByText("Download hits").click();
    await checkAxe(page, "a job with results, downloads");
    await page.getByText("Overview", { exact: true }).click();
    await heading(page, "Which query found which sequence");
    await visible(page.locator(".pick"));
    await checkAxe(page, "the overview of a result");
    if (colorScheme === "light") await picture(page, "overview");
    await page.goto(`${site.url}databases`);
    await visible(page.getByRole("link", { name: "proteins_2k", exact: true }));
    await checkAxe(page, "databases");
    if (colorScheme === "light") await picture(page, "databases");
    await page.goto(`${site.url}system`);
    await visible(page.getByText("Look for new and changed databases"));
    await checkAxe(page, "system");
    if (colorScheme === "light") await picture(page, "system");
    await page.keyboard.press("?");
    await visible(page.getByRole("dialog", { name: "Keys" }));
    await checkAxe(page, "keys");
    await page.keyboard.press("Escape");
    await page.goto(`${site.url}nowhere`);
    await heading(page, "There is no such page.");
    await checkAxe(page, "no such page");
    await page.done();
  });

test("what is printed can be read", async () => {
  const id = await server.submit("blastp", "proteins_2k", query("proteins_20.fa"), {}, "On paper");
  await server.wait(id);
  // A sheet of A4 with narrow margins, from a dark screen.
  const page = await open(site.url, `job?id=${id}&q=6`, { viewport: { width: 703, height: 1000 }, colorScheme: "dark" });
  await visible(page.locator(".hsp"));
  const rows = Number(await page.getByRole("grid").getAttribute("aria-rowcount")) - 1;
  const fits = async (what) => {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${what} is ${over} px too wide`);
    const cut = await page.evaluate(() => [...document.querySelectorAll("main *")].filter((one) => /auto|scroll|hidden/.test(getComputedStyle(one).overflow) && !one.matches(".hidden, .bar, svg") && one.clientHeight > 0 && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)).map((one) => one.className));
    assert.deepEqual(cut, [], `${what}: nothing is cut off`);
  };
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await visible(page.locator(".printhits"));
  assert.ok(rows > 20, `${rows} hits`);
  assert.equal(await page.locator(".printhits tbody tr").count(), rows, "all rows, not those in sight");
  assert.ok(!(await page.getByRole("navigation").isVisible()), "no navigation");
  assert.equal(await page.getByRole("button").count(), 0, "nothing to press");
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".printhits td")).color), "rgb(0, 0, 0)", "dark ink");
  await fits("a result");
  await page.goto(`${site.url}jobs`);
  await visible(page.getByRole("row", { name: /On paper/ }));
  await fits("the list of jobs");
  await page.goto(`${site.url}job?id=${id}&view=overview`);
  await visible(page.locator(".pick"));
  await fits("an overview");
  assert.match((await page.pdf({ format: "A4" })).subarray(0, 5).toString(), /^%PDF/);
  await page.done();
});

test("it fits a phone", async () => {
  const id = await server.submit("blastp", "proteins_2k_tax", query("proteins_20.fa"), { evalue: "1e-3" }, "Twenty proteins");
  await server.wait(id);
  const page = await open(site.url, "", { viewport: { width: 390, height: 844 } });
  await fill(page, query("protein_1.fa"), "proteins_2k");
  for (const path of ["", "jobs", `job?id=${id}&q=6`, "databases", "system"]) {
    await page.goto(site.url + path);
    await heading(page, /./);
    if (path.startsWith("job?")) await visible(page.getByRole("grid"));
    await page.waitForTimeout(200);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${path || "search"} is ${over} px too wide`);
    if (path.startsWith("job?")) await picture(page, "phone");
  }
  await page.done();
});

test("keys lead everywhere", async () => {
  const page = await open(site.url, "system");
  await heading(page, "System");
  for (const [key, name] of [["j", "Jobs"], ["d", "Databases"], ["s", "Search"], ["y", "System"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await heading(page, name);
  }
  await page.getByRole("button", { name: /Theme/ }).click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await page.getByRole("button", { name: /Theme/ }).click();
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.done();
});

test("no place loads more than 200 KiB of script", async () => {
  for (const [place, bytes] of Object.entries(sizes())) {
    console.log(`#   ${place}: ${(bytes / 1024).toFixed(1)} KiB gzipped`);
    assert.ok(bytes <= mostBytes, `${place} loads ${bytes} bytes`);
  }
});

let failed = 0;
let passed = 0;
for (const { name, run } of tests) {
  if (!name.toLowerCase().includes(wanted)) continue;
  const start = Date.now();
  try {
    await run();
    passed += 1;
    console.log(`ok   ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}\n`);
    for (const context of browser.contexts()) {
      if (process.env.BLASTLOOM_FAILURES) for (const page of context.pages()) await page.screenshot({ path: join(process.env.BLASTLOOM_FAILURES, `${name.replaceAll(/\W+/g, "-")}.png`) }).catch(() => undefined);
      await context.close();
    }
  }
}
await browser.close();
await site.close();
await server.end("SIGTERM");
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
