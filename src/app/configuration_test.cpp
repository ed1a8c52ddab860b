#include "app/configuration.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/temp_dir.hpp"

namespace loom::app {
namespace {

using Words = std::vector<std::string>;

class SettingsFile : public ::testing::Test {
 protected:
  std::string file(const std::string& text, mode_t rights = 0600) {
    const std::string path = folder_->path() / "blastloom.toml";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), rights);
    return path;
  }
  std::string problem(const std::string& text, mode_t rights = 0600) {
    path_ = file(text, rights);
    const auto made = configure(Words{"--config", path_}, {});
    return made ? "none" : made.error().message;
  }

  Result<TempDir> folder_ = TempDir::create();
  std::string path_;
};

TEST(Settings, EveryOneIsDescribedAndHasItsOwnNames) {
  std::map<std::string, int> names;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(setting.about.ends_with('.') || setting.about.ends_with("DIR")) << setting.name;
    EXPECT_FALSE(setting.otherwise.empty()) << setting.name;
    EXPECT_NE(setting.set, nullptr) << setting.name;
    EXPECT_EQ(++names[std::string(setting.name)], 1) << setting.name;
    EXPECT_EQ(++names[variable_of(setting)], 1) << setting.name;
  }
}

/// A default that is a value, and not words, is one that may be given.
TEST(Settings, DefaultsAreAllowed) {
  for (const Setting& setting : settings()) {
    if (setting.otherwise.starts_with('(')) continue;
    ServerOptions options;
    EXPECT_TRUE(setting.set(options, std::string(setting.otherwise))) << setting.name;
  }
}

/// What a refusal names as the way out is a setting, and moves that limit; its default is the one of the
/// table.
TEST(Settings, EveryLimitHasTheOneThatItNames) {
  using service::Limits;
  for (const auto limit : {&Limits::header_bytes, &Limits::body_bytes, &Limits::upload_bytes,
                           &Limits::queries, &Limits::letters, &Limits::jobs_per_caller, &Limits::jobs}) {
    ServerOptions options;
    const Limit given = options.limits.*limit;
    const auto setting = find_setting(given.setting);
    ASSERT_TRUE(setting) << given.setting;
    ASSERT_TRUE((*setting)->set(options, std::string((*setting)->otherwise)));
    EXPECT_EQ((options.limits.*limit).most, given.most) << given.setting;
    const std::string another = (*setting)->kind == Kind::size ? "100K" : "7";
    ASSERT_TRUE((*setting)->set(options, another));
    EXPECT_EQ((options.limits.*limit).most, another == "7" ? 7U : 102'400U) << given.setting;
  }
}

TEST_F(SettingsFile, LimitsOutsideTheirBoundsAreRefused) {
  EXPECT_EQ(problem("[limit]\nheader = \"2K\""),
            path_ + ":2: limit-header: '2K' is 2048 bytes; 4096 to 1048576 are possible");
  EXPECT_EQ(problem("limit-body = \"2G\""),
            path_ + ":1: limit-body: '2G' is 2147483648 bytes; 65536 to 1073741824 are possible");
  EXPECT_EQ(problem("limit-jobs = -1"),
            path_ + ":1: limit-jobs: a number from 0 to 1000000000 is needed, not '-1'");
  EXPECT_EQ(problem("limit-upload = 0\nlimit-queries = 0"), "none");
}

TEST(Settings, ThoseOfSlurmNeedItOrItsDenial) {
  const auto problem = [](const Words& flags, const Environment& environment) {
    const Status fits = check_slurm(configure(flags, environment).value());
    return fits ? "none" : fits.error().message;
  };
  EXPECT_EQ(problem({}, {{"BLASTLOOM_SLURM_QOS", "high"}}),
            "BLASTLOOM_SLURM_QOS: without --slurm tasks run on this machine, and slurm-qos does nothing; add "
            "--slurm, leave it out, or say --no-slurm");
  EXPECT_TRUE(problem({"--slurm-memory", "8G"}, {}).starts_with("--slurm-memory: "));
  EXPECT_EQ(problem({"--slurm", "--slurm-memory", "8G"}, {}), "none");
  EXPECT_EQ(problem({"--no-slurm", "--slurm-memory", "8G"}, {}), "none") << "the file may have the rest";
  EXPECT_EQ(problem({"--cores", "2"}, {}), "none");
}

TEST(Settings, NodesOfSlurmNeedAnAccountInAFileAndPathsFromTheRoot) {
  const auto problem = [](Words flags, const Environment& environment = {}) {
    flags.emplace_back("--slurm");
    const Status fits = check_slurm(configure(flags, environment).value());
    return fits ? "none" : fits.error().message;
  };
  const Environment account{{"AZURE_STORAGE_ACCOUNT", "abc"}, {"AZURE_STORAGE_KEY", "c2VjcmV0"}};
  EXPECT_NE(problem({"--objects", "azure:results"}, account).find("give --azure-account-file FILE"),
            std::string::npos);
  EXPECT_EQ(problem({"--objects", "azure:results", "--azure-account-file", "/f"}), "none");
  EXPECT_EQ(problem({"--slurm-stage", "%N/db"}),
            "--slurm-stage: a path from the root is needed, not '%N/db'");
  EXPECT_EQ(problem({"--slurm-stage", "/local/%N"}), "none");
}

TEST(Settings, OptionsOfSbatchThatMakeOutATaskAreTheServersOwn) {
  const auto said = [](const std::string& option) {
    const auto made = configure(Words{"--slurm", "--slurm-option", option}, {});
    return made ? "none" : made.error().message;
  };
  for (const char* option : {"comment=x", "--comment=x", "com=x", "job-name=x", "job=x", "array=0-9", "hold",
                             "requeue", "no-requeue", "wait", "wrap=true", "test-only", "export=ALL",
                             "clusters=a", "nodes=2", "ntasks=2", "chdir=/", "input=/f", "parsable"})
    EXPECT_NE(said(option).find("is the server's own"), std::string::npos) << option << ": " << said(option);
  EXPECT_NE(said("Comment=x").find("a-z, 0-9 and '-'"), std::string::npos);
  EXPECT_NE(said("a b=x").find("a-z, 0-9 and '-'"), std::string::npos);
  for (const char* option :
       {"output=/log/%A", "nodelist=n1", "exclusive", "wait-all-nodes=1", "mem-per-cpu=1G"})
    EXPECT_EQ(said(option), "none") << option;
}

TEST(Settings, FoldersOfDatabasesMayBeGivenOneByOne) {
  const auto made =
      configure(Words{"--db-path", "/a", "--cores", "1", "--db-path=/b:/c"}, {{"BLASTLOOM_DB_PATH", "/d"}});
  EXPECT_EQ(made->options.db_path, "/a:/b:/c");
  EXPECT_EQ(made->given.at("db-path").back().text, "/a:/b:/c");
}

TEST(Settings, AMisspeltVariableIsAMistake) {
  const auto said = [](const Environment& environment) {
    const auto made = configure({}, environment);
    return made ? "none" : made.error().message;
  };
  EXPECT_EQ(said({{"BLASTLOOM_CORS", "2"}}),
            "BLASTLOOM_CORS: there is no such variable; did you mean BLASTLOOM_CORES?");
  EXPECT_EQ(said({{"BLASTLOOM_SERVER", "http://x"},
                  {"BLASTLOOM_TOKEN", "t"},
                  {"BLASTLOOM_CONFIG", ""},
                  {"BLASTLOOM_PORT", "tcp://10.0.0.1:8765"},
                  {"BLASTLOOM_SERVICE_HOST", "10.0.0.1"},
                  {"BLASTLOOM_PORT_8765_TCP_PROTO", "tcp"},
                  {"BLASTLOOM_PAGE", "x"},
                  {"BLASTLOOM_TESTDATA", "x"},
                  {"BLASTLOOM_IMAGES", "x"},
                  {"BLASTLOOM_FAILURES", "x"},
                  {"PATH", "/"}}),
            "none");
}

TEST(Settings, WhatAServerWouldRefuseIsRefusedBefore) {
  const auto said = [](const std::string& flag, const std::string& value) {
    const auto made = configure(Words{flag, value}, {});
    return made ? "none" : made.error().message;
  };
  EXPECT_TRUE(said("--redis", "foo").starts_with("--redis: "));
  const std::string secret = said("--redis", "redis://:hunter2@h");
  EXPECT_NE(secret, "none");
  EXPECT_EQ(secret.find("hunter2"), std::string::npos);
  EXPECT_NE(said("--objects", "azure:AB").find("Azure container 'AB'"), std::string::npos);
  EXPECT_NE(said("--azure-account", "AB").find("Azure account 'AB'"), std::string::npos);
  const std::string signature = said("--azure-endpoint", "https://a.blob.core.windows.net/?sig=hunter2");
  EXPECT_NE(signature, "none");
  EXPECT_EQ(signature.find("hunter2"), std::string::npos);
}

TEST_F(SettingsFile, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string path = file("cores = 2\nretention.days = 3\n\n[weight]\nann = 2\nbob = 0.5\n");
  const auto made =
      configure(Words{"--config=" + path, "--cores", "4", "--weight", "bob=7", "--no-coalesce"},
                {{"BLASTLOOM_CORES", "3"}, {"BLASTLOOM_MEMORY", "1G"}, {"BLASTLOOM_WEIGHT", "cy=1,di=2"}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->options.cores, 4);
  EXPECT_EQ(made->options.memory_bytes, std::uint64_t{1} << 30U);
  EXPECT_EQ(made->options.retention_days, 3);
  EXPECT_FALSE(made->options.coalesce);
  const std::map<std::string, double> weights{{"ann", 2}, {"bob", 7}, {"cy", 1}, {"di", 2}};
  EXPECT_EQ(made->options.weights, weights);
  const auto place = [&](const std::string& name) { return made->given.at(name).front().place; };
  EXPECT_EQ(place("cores"), "--cores");
  EXPECT_EQ(place("memory"), "BLASTLOOM_MEMORY");
  EXPECT_EQ(place("retention-days"), path + ":2");
  EXPECT_EQ(place("weight"), path + ":5");
  EXPECT_EQ(made->given.at("weight").size(), 4U);
  EXPECT_FALSE(made->given.contains("listen"));
}

TEST_F(SettingsFile, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(problem("\ncores = 0\n"), path_ + ":2: cores: a number from 1 to 4096 is needed, not '0'");
  EXPECT_EQ(problem("\n\ncors = 1\n"), path_ + ":3: there is no setting 'cors'; did you mean 'cores'?");
  EXPECT_EQ(problem("cores = [1]\n"), path_ + ": line 1: cores: a list holds texts");
  EXPECT_EQ(problem("coalesce = 1\n"), path_ + ":1: coalesce: yes or no is needed, not '1'");
  EXPECT_EQ(problem("[weight]\nann = 1000\n"),
            path_ + ":2: weight: OWNER=N is needed, N from 0.01 to 100, not 'ann=1000'");
  EXPECT_EQ(problem("[weight]\nann = nan\n"),
            path_ + ":2: weight: OWNER=N is needed, N from 0.01 to 100, not 'ann=nan'");
  EXPECT_TRUE(problem("cores = \n").starts_with(path_ + ": line 1: ")) << problem("cores = \n");
  EXPECT_EQ(configure(Words{"--config", "/none/such"}, {}).error().code, Code::not_found);
  // Also where another layer would win.
  const auto made = configure(Words{"--cores", "1"}, {{"BLASTLOOM_CORES", "x"}});
  EXPECT_EQ(made.error().message, "BLASTLOOM_CORES: a number from 1 to 4096 is needed, not 'x'");
}

TEST_F(SettingsFile, ASecretStandsInAPrivateFileOrTheEnvironmentAndInNoMessage) {
  EXPECT_EQ(problem("redis.password = \"hunter2\"\n"), "none");
  const std::string open = problem("redis-password = \"hunter2\"\n", 0644);
  EXPECT_NE(open.find("chmod 600"), std::string::npos) << open;
  EXPECT_EQ(open.find("hunter2"), std::string::npos) << open;
  const auto flag = configure(Words{"--redis-password", "hunter2"}, {});
  EXPECT_EQ(flag.error().message,
            "--redis-password: a secret in a flag is seen by others; set BLASTLOOM_REDIS_PASSWORD in the "
            "environment");
}

TEST(Settings, FlagsThatAreNone) {
  const auto said = [](const Words& words) { return configure(words, {}).error().message; };
  EXPECT_EQ(said({"--core", "2"}), "serve has no flag '--core'; did you mean '--cores'?");
  EXPECT_EQ(said({"data"}), "serve has no flag 'data'; see blastloom serve --help");
  EXPECT_EQ(said({"--no-cores"}), "serve has no flag '--no-cores'; see blastloom serve --help");
  EXPECT_EQ(said({"--cores"}), "--cores: a value is needed; see blastloom serve --help");
}

}  // namespace
}  // namespace loom::app
