#include <gtest/gtest.h>

#include "api/api_under_test.hpp"
#include "base/base64.hpp"
#include "blast/program.hpp"

namespace loom::api {
namespace {

TEST_F(ApiTest, EveryCodeHasItsStatus) {
  start();
  const std::vector<std::pair<Code, int>> table{
      {Code::invalid_argument, 400}, {Code::not_found, 404}, {Code::conflict, 409},
      {Code::forbidden, 403},        {Code::too_large, 413}, {Code::too_many, 429},
      {Code::timed_out, 504},        {Code::cancelled, 503}, {Code::unavailable, 503},
      {Code::out_of_memory, 503},    {Code::disk_full, 507}, {Code::corrupt, 500},
      {Code::internal, 500}};
  for (const auto& [code, status] : table) {
    jobs_.failure = Error{code, "secret path"};
    const Reply reply = get(path(1), "X-Request-Id: r7\r\n");
    EXPECT_EQ(reply.status, status) << name(code);
    EXPECT_EQ(reply.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(json(reply).at("status").as_int64(), status);
    EXPECT_EQ(member(reply, "code"), code == Code::corrupt ? "internal" : name(code));
    EXPECT_EQ(member(reply, "request_id"), "r7");
    const bool inside = code == Code::corrupt || code == Code::internal || code == Code::out_of_memory ||
                        code == Code::disk_full;
    EXPECT_EQ(reply.body.find("secret") == std::string::npos, inside) << name(code);
    const bool again = retryable(code) || code == Code::cancelled || code == Code::out_of_memory;
    EXPECT_EQ(!reply.field("Retry-After").empty(), again) << name(code);
  }
  EXPECT_EQ(reported_.size(), 7U) << "all of 500 and above";
}

TEST_F(ApiTest, SubmitAsJson) {
  start();
  const std::string body =
      R"({"program":"blastp","database":"db","query":">q\nMKV\n","options":{"evalue":1e-5,"max_target_seqs":5,)"
      R"("ungapped":true,"lcase_masking":false,"outfmt":"6 evalue"},"title":"T","priority":-3,"on_saturation":"complete"})";
  const Reply reply = post_json("/api/blast/jobs", body, "Idempotency-Key: k 1\r\n");
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.field("Location"), path(1));
  EXPECT_EQ(member(reply, "id"), job_id(1).str());
  EXPECT_EQ(jobs_.query, ">q\nMKV\n");
  EXPECT_EQ(jobs_.key, "k 1");
  EXPECT_EQ(jobs_.submitted.program, "blastp");
  EXPECT_EQ(jobs_.submitted.priority, -3);
  EXPECT_EQ(jobs_.submitted.title, "T");
  EXPECT_EQ(jobs_.submitted.on_saturation, "complete");
  const std::vector<std::pair<std::string, std::string>> options{
      {"evalue", "1e-05"}, {"max_target_seqs", "5"}, {"ungapped", ""}, {"outfmt", "6 evalue"}};
  EXPECT_EQ(jobs_.submitted.options, options);
  jobs_.repeated = true;
  EXPECT_EQ(post_json("/api/blast/jobs", body).status, 200);
}

TEST_F(ApiTest, WrongJsonIsRefusedByName) {
  start();
  const std::vector<std::pair<std::string, std::string>> wrong{
      {R"({"program":"blastp","database":"db","query":"x","what":1})", "what"},
      {R"({"program":1,"database":"db","query":"x"})", "program"},
      {R"({"database":"db","query":"x"})", "program"},
      {R"({"program":"blastp","query":"x"})", "database"},
      {R"({"program":"blastp","database":"db"})", "query"},
      {R"({"program":"blastp","database":"db","query":"x","options":[]})", "options"},
      {R"({"program":"blastp","database":"db","query":"x","options":{"evalue":null}})", "options.evalue"},
      {R"({"program":"blastp","database":"db","query":"x","priority":1.5})", "priority"},
      {R"({"program":"blastp","database":"db","query":"x","priority":3000000000})", "priority"},
      {R"([])", ""},
      {R"({"program":"blastp",})", ""},
      {"", ""}};
  for (const auto& [body, field] : wrong) {
    const Reply reply = post_json("/api/blast/jobs", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(member(reply, "field"), field) << body;
  }
  const std::string good = R"({"program":"blastp","database":"db","query":"x"})";
  EXPECT_EQ(member(post_json("/api/blast/jobs", good, "Idempotency-Key: " + std::string(257, 'k') + "\r\n"),
                   "field"),
            "Idempotency-Key");
  EXPECT_EQ(member(ask("POST", "/api/blast/jobs", "Content-Type: text/plain\r\n", good), "field"),
            "Content-Type");
}

std::string form_part(const std::string& disposition, const std::string& data) {
  return "--XX\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + data + "\r\n";
}

constexpr const char* kForm = "Content-Type: multipart/form-data; boundary=XX\r\n";

TEST_F(ApiTest, SubmitAsAFormWithTheQueryFirst) {
  start();
  std::string query;
  for (int i = 0; query.size() < (3U << 20U); ++i) query += fmt::format(">q{}\r\n--X\r\nMKVLATTT\r\n", i);
  const std::string body =
      form_part("name=\"query\"; filename=\"q.fa\"", query) + form_part("name=\"program\"", "blastp") +
      form_part("name=\"database\"", "db") + form_part("name=\"option.ungapped\"", "true") +
      form_part("name=\"options\"", R"({"evalue":0.5})") + form_part("name=\"priority\"", "4") + "--XX--\r\n";
  const Reply reply = ask("POST", "/api/blast/jobs", kForm, body);
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_TRUE(jobs_.query == query);
  EXPECT_LE(jobs_.greatest_write, 1U << 20U);
  EXPECT_EQ(jobs_.submitted.priority, 4);
  const std::vector<std::pair<std::string, std::string>> options{{"ungapped", ""}, {"evalue", "0.5"}};
  EXPECT_EQ(jobs_.submitted.options, options);
}

TEST_F(ApiTest, WrongFormsAreRefusedByName) {
  start();
  const std::string good =
      form_part("name=query", "x") + form_part("name=program", "blastp") + form_part("name=database", "db");
  const auto refused = [&](const std::string& body, int status, const std::string& field) {
    const Reply reply = ask("POST", "/api/blast/jobs", kForm, body);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(member(reply, "field"), field) << reply.body;
  };
  refused(good + form_part("name=what", "1") + "--XX--", 400, "what");
  refused(good + form_part("name=program", "blastn") + "--XX--", 400, "program");
  refused(good + form_part("name=query", "y") + "--XX--", 400, "query");
  refused(good + form_part("name=priority", "x") + "--XX--", 400, "priority");
  refused(good + form_part("name=title", std::string(70'000, 't')) + "--XX--", 413, "title");
  refused(form_part("name=program", "blastp") + form_part("name=database", "db") + "--XX--", 400, "query");
  refused(good, 400, "");
  EXPECT_EQ(ask("POST", "/api/blast/jobs", kForm, good + "--XX--").status, 201);
}

/// By its length alone: not a byte of it is sent.
TEST_F(ApiTest, BodiesPastTheLimitOfTheirKindAreRefusedBeforeTheyCome) {
  limits_.body_bytes.most = 100'000;
  limits_.upload_bytes.most = 50'000'000;
  start();
  const auto refused = [&](const std::string& target, const std::string& type, std::uint64_t bytes) {
    http::RawClient client(server_->port());
    client.send(fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n", target,
                            type, bytes));
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 413) << target << reply.body;
    return std::string(member(reply, "detail"));
  };
  const std::string json = "Content-Type: application/json\r\n";
  for (const auto* target : {"/api/blast/jobs", "/api/blast/preflight"}) {
    EXPECT_EQ(
        refused(target, json, 100'001),
        "the body has 100001 bytes or more; at most 100000 are taken here (the operator's setting limit-body "
        "raises that); send a larger query as a file in multipart/form-data");
    EXPECT_TRUE(
        refused(target, kForm, 60'000'000).ends_with("(the operator's setting limit-upload raises that)"));
  }
  EXPECT_EQ(
      refused("/api/blast/imports", "", 50'000'001),
      "the body has 50000001 bytes; at most 50000000 are taken here (the operator's setting limit-upload "
      "raises that)");
  EXPECT_TRUE(
      refused("/Blast.cgi", "", 100'001).ends_with("(the operator's setting limit-body raises that)"));
  EXPECT_EQ(jobs_.query, "");
}

TEST_F(ApiTest, Preflight) {
  start();
  const Reply reply =
      post_json("/api/blast/preflight", R"({"program":"blastp","database":"db","query":"x"})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(
      reply.body,
      R"({"queries":3,"letters":9,"tasks":2,"shards":1,"cpu_seconds":0,"wall_seconds":0,"workers":1,"reasons":["because"],"warnings":[]})");
}

TEST_F(ApiTest, WhatTheServiceRefusesNamesItsField) {
  start();
  const std::string body = R"({"program":"blastp","database":"db","query":"x"})";
  for (const auto& [words, field] : std::vector<std::pair<std::string, std::string>>{
           {"option gapopen: BLAST+ does not take 1", "options.gapopen"},
           {"-evalue: 'x' is not a number", "options.evalue"},
           {"database: there is no 'db'", "database"},
           {"-a and -b exclude each other: drop one", ""},
           {"no place at all", ""}}) {
    jobs_.refused = error(Code::invalid_argument, "{}", words);
    for (const char* path : {"/api/blast/jobs", "/api/blast/preflight"}) {
      const Reply reply = post_json(path, body);
      EXPECT_EQ(reply.status, 400);
      EXPECT_EQ(member(reply, "field"), field) << words;
    }
  }
}

TEST_F(ApiTest, ListIsAskedOnceUntilSomethingChanges) {
  start();
  for (int i = 1; i <= 3; ++i) jobs_.jobs.push_back(make_job(i));
  const Reply first = get("/api/blast/jobs?limit=2&status=running&text=abc&since=2026-01-31T00:00:00Z");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(json(first).at("jobs").as_array().size(), 2U);
  EXPECT_EQ(jobs_.filter.state, store::JobState::running);
  EXPECT_EQ(jobs_.filter.text, "abc");
  EXPECT_TRUE(jobs_.filter.since);
  const Reply hit = get("/api/blast/jobs?limit=2&status=running&text=abc&since=2026-01-31T00:00:00Z");
  EXPECT_EQ(hit.body, first.body);
  EXPECT_EQ(jobs_.lists, 1U);
  const Reply same = get("/api/blast/jobs?limit=2&status=running&text=abc&since=2026-01-31T00:00:00Z",
                         "If-None-Match: " + first.field("ETag") + "\r\n");
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.field("ETag"), first.field("ETag"));
  hub_.change();
  get("/api/blast/jobs?limit=2&status=running&text=abc&since=2026-01-31T00:00:00Z");
  EXPECT_EQ(jobs_.lists, 2U);
  get("/api/blast/jobs?limit=2&cursor=" + member(first, "next_cursor"));
  EXPECT_EQ(jobs_.after, (store::JobCursor{jobs_.jobs[1].created, jobs_.jobs[1].id}));
}

TEST_F(ApiTest, WrongParametersAreRefusedByName) {
  start();
  for (const std::string wrong : {"limit=0", "limit=501", "limit=x", "status=done", "text=ab",
                                  "since=yesterday", "cursor=zzz", "what=1", "limit=2&limit=3"}) {
    const Reply reply = get("/api/blast/jobs?" + wrong);
    EXPECT_EQ(reply.status, 400) << wrong;
    EXPECT_EQ(member(reply, "field"), wrong.substr(0, wrong.find('='))) << wrong;
  }
  EXPECT_EQ(jobs_.lists, 0U);
}

TEST_F(ApiTest, AJob) {
  start();
  auto job = make_job(1);
  job.state = store::JobState::failed;
  job.failure = {"memory", "use shards"};
  job.metrics = store::RuntimeMetrics{1.5, 2, 3, 4};
  job.letters_total = 8;
  job.letters_done = 2;
  job.version = 9;
  auto running = make_job(2);
  running.state = store::JobState::running;
  jobs_.jobs = {job, running, make_job(4)};
  const Reply reply = get(path(1));
  const auto value = json(reply);
  EXPECT_EQ(reply.field("ETag"), "\"v9\"");
  EXPECT_EQ(value.at("options"), boost::json::parse(R"({"evalue":"1e-5","ungapped":true})"));
  EXPECT_EQ(value.at("snapshot"), "s1");
  EXPECT_EQ(value.at("progress").at("fraction"), 0.25);
  EXPECT_EQ(value.at("failure"), boost::json::parse(R"({"kind":"memory","message":"use shards"})"));
  EXPECT_FALSE(value.as_object().contains("eta_seconds")) << "it has ended";
  EXPECT_EQ(get(path(1), "If-None-Match: \"v9\"\r\n").status, 304);
  EXPECT_EQ(json(get(path(2))).at("eta_seconds"), 7.5);
  EXPECT_FALSE(json(get(path(4))).as_object().contains("eta_seconds")) << "nobody knows when it begins";
  EXPECT_EQ(get(path(3)).status, 404);
  EXPECT_EQ(get("/api/blast/jobs/no-id").status, 404);
}

TEST_F(ApiTest, ChangesOfAJob) {
  start();
  jobs_.jobs = {make_job(1)};
  EXPECT_EQ(member(ask("POST", path(1, "/cancel")), "status"), "cancelled");
  EXPECT_EQ(member(ask("POST", path(1, "/retry")), "status"), "queued");
  const Reply removed = ask("DELETE", path(1));
  EXPECT_EQ(removed.status, 204);
  EXPECT_EQ(ask("DELETE", path(2)).status, 404);
  EXPECT_EQ(get(path(1, "/explain")).body,
            fmt::format(R"({{"job":"{}","summary":"It waits.","reasons":["a","b"],"position":2}})",
                        job_id(1).str()));
  const auto tasks = json(get(path(1, "/tasks?first=1&limit=2")));
  EXPECT_EQ(tasks.at("tasks").as_array().size(), 2U);
  EXPECT_EQ(tasks.at("next_first"), 3);
}

TEST_F(ApiTest, CatalogueAndOperation) {
  start();
  const auto programs = json(get("/api/blast/programs"));
  EXPECT_EQ(programs.at("programs").as_array().size(), blast::kPrograms.size());
  const auto& blastn = programs.at("programs").at(0);
  EXPECT_EQ(blastn.at("tasks").at(0).at("name"), "blastn");
  EXPECT_EQ(blastn.at("tasks").at(0).at("defaults").at("word_size"), "11");
  EXPECT_FALSE(blastn.at("tasks").at(0).at("defaults").as_object().contains("matrix"));
  EXPECT_EQ(programs.at("programs").at(4).at("tasks").at(0).at("name"), "tblastx");
  EXPECT_EQ(json(get("/api/blast/databases")).at("databases").at(0).at("title"), "A \"db\"");
  EXPECT_EQ(get("/api/blast/beat").body, R"({"tasks":[]})");
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(json(get("/readyz")).at("degraded"), boost::json::array());
  degraded_ = {"Redis is away"};
  const Reply degraded = get("/readyz");
  EXPECT_EQ(degraded.status, 200);
  EXPECT_EQ(json(degraded).at("degraded"), boost::json::array{"Redis is away"});
  EXPECT_EQ(get("/api/blast/system").status, 404) << "this one tells nothing";
  lacking_ = {"no BLAST+"};
  EXPECT_EQ(get("/readyz").status, 503);
  const Reply description = get("/openapi.yaml");
  EXPECT_TRUE(description.body.starts_with("openapi: 3.1")) << description.body.substr(0, 40);
  const http::Request request;
  api_->count({request, "/r", 200, 0, std::chrono::milliseconds(30), {}});
  const Reply metrics = get("/metrics");
  for (const std::string_view line :
       {"blastloom_jobs{state=\"running\"} 2\n", "blastloom_tasks_total{outcome=\"done\"} 12\n",
        "blastloom_build_info{version=\"1.2.3\"} 1\n", "process_resident_memory_bytes ",
        "blastloom_machine_cores ", "blastloom_machine_load ", "blastloom_machine_memory_available_bytes ",
        "blastloom_http_request_duration_seconds_bucket{route=\"/r\",method=\"<unknown>\",le=\"0.1\"} 1\n",
        "blastloom_http_requests_total{route=\"/r\",method=\"<unknown>\",status=\"200\"} 1\n"})
    EXPECT_NE(metrics.body.find(line), std::string::npos) << line;
}

TEST_F(ApiTest, AServerThatOnlyReadsSaysWhereChangesAreTaken) {
  std::string owner = "http://127.0.0.1:8765";
  who_changes_ = [&owner] { return owner; };
  start();
  jobs_.jobs = {make_job(1)};
  EXPECT_EQ(get("/api/blast/me").body,
            R"({"name":"local","role":"admin","reading":true,"changes_at":"http://127.0.0.1:8765"})");
  const Reply refused = ask("POST", path(1, "/cancel"));
  EXPECT_EQ(refused.status, 405);
  EXPECT_NE(member(refused, "detail").find(owner), std::string::npos) << refused.body;
  owner.clear();
  EXPECT_EQ(get("/api/blast/me").body, R"({"name":"local","role":"admin","reading":true})");
  EXPECT_NE(member(ask("DELETE", path(1)), "detail").find("does not run now"), std::string::npos);
}

TEST_F(ApiTest, WithoutLoginOtherSitesAreRefused) {
  start();
  const std::string mine = "/api/blast/databases";
  EXPECT_EQ(get(mine).status, 200);
  EXPECT_EQ(get(mine, "Origin: http://localhost\r\n").status, 200);
  EXPECT_EQ(get(mine, "Sec-Fetch-Site: same-origin\r\n").status, 200);
  EXPECT_EQ(get(mine, "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(get(mine, "Origin: http://localhost:81\r\n").status, 403);
  EXPECT_EQ(get(mine, "Origin: null\r\n").status, 403);
  EXPECT_EQ(get(mine, "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(get(mine, "Sec-Fetch-Site: same-site\r\n").status, 403) << "another port of this machine";
  EXPECT_EQ(get(mine, "Sec-Fetch-Site: none\r\n").status, 200) << "typed by the user";
  EXPECT_EQ(ask("GET", mine, "", "", "evil.example").status, 403) << "a name that leads here";
  EXPECT_EQ(get(mine, "X-Forwarded-For: 192.0.2.1\r\n").status, 403) << "who knows whose";
  EXPECT_EQ(ask("GET", "/healthz", "", "", "evil.example").status, 200);
  EXPECT_EQ(jobs_.caller.name, "");
  get("/api/blast/jobs");
  EXPECT_EQ(jobs_.caller.name, "local");
  EXPECT_EQ(jobs_.caller.role, service::Role::admin);
  EXPECT_EQ(get("/api/blast/me").body, R"({"name":"local","role":"admin"})");
}

TEST_F(ApiTest, WithTokensOneIsNeeded) {
  const auto admin = tokens_->create("root", service::Role::admin);
  const auto user = tokens_->create("ada", service::Role::user);
  ASSERT_TRUE(admin && user);
  start();
  const Reply without = get("/api/blast/jobs");
  EXPECT_EQ(without.status, 401);
  EXPECT_TRUE(without.field("WWW-Authenticate").starts_with("Bearer"));
  EXPECT_EQ(get("/api/blast/jobs", "Authorization: Bearer loom_wrong\r\n").status, 401);
  EXPECT_EQ(get("/api/blast/jobs", "Authorization: Basic eDp5\r\n").status, 401);
  const auto basic = [](const std::string& pair) {
    return "Authorization: Basic " + base64(std::as_bytes(std::span(pair))) + "\r\n";
  };
  EXPECT_EQ(get("/api/blast/jobs", basic("ada:")).status, 401);
  EXPECT_EQ(get("/api/blast/jobs", basic("anybody:" + *user)).status, 200);
  EXPECT_EQ(get("/api/blast/jobs", basic(":" + *user) + "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(get("/api/blast/jobs", basic(":" + *user) + "Origin: http://evil.example\r\n").status, 403);
  EXPECT_NE(get("/Blast.cgi?CMD=Get").head.find("WWW-Authenticate: Basic realm"), std::string::npos);
  const std::string mine = "Authorization: bearer " + *user + "\r\n";
  EXPECT_EQ(get("/api/blast/jobs", mine).status, 200);
  EXPECT_EQ(jobs_.caller.name, "ada");
  EXPECT_EQ(jobs_.caller.role, service::Role::user);
  EXPECT_EQ(get("/api/blast/jobs", "Authorization: Bearer " + *admin + "\r\n").status, 200);
  EXPECT_EQ(jobs_.caller.name, "root") << "not from the other's cache";
  EXPECT_EQ(get("/api/blast/me", mine).body, R"({"name":"ada","role":"user"})");
  EXPECT_EQ(get("/api/blast/me").status, 401);
  EXPECT_EQ(get("/metrics", mine).status, 403);
  EXPECT_EQ(get("/metrics", "Authorization: Bearer " + *admin + "\r\n").status, 200);
  EXPECT_EQ(get("/readyz").status, 200);
}

TEST_F(ApiTest, ReachableByOthersATokenIsNeededEvenIfThereIsNone) {
  start(false);
  EXPECT_EQ(get("/api/blast/jobs").status, 401);
  EXPECT_EQ(get("/healthz").status, 200);
}

}  // namespace
}  // namespace loom::api
