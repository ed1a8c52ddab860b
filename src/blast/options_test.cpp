#include "blast/options.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace loom::blast {
namespace {
using Args = std::vector<std::string>;

std::string refusal(Program program, const Args& args) {
  const auto options = parse_options(program, args);
  EXPECT_FALSE(options);
  if (options) return "";
  EXPECT_EQ(options.error().code, Code::invalid_argument);
  return options.error().message;
}

TEST(Options, KeepTheUsersOrderAndSpelling) {
  const Args args{"-evalue", "1E-05", "-outfmt", "6  std qlen", "-html", "-word_size", "+4"};
  const auto options = parse_options(Program::blastp, args);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->to_argv(), args);
  EXPECT_EQ(options->find("evalue")->text, "1E-05");
  EXPECT_EQ(std::get<double>(options->find("evalue")->value), 1e-5);
  EXPECT_EQ(std::get<std::int64_t>(options->find("word_size")->value), 4);
  EXPECT_TRUE(std::get<bool>(options->find("html")->value));
  EXPECT_EQ(options->find("matrix"), nullptr);
}

TEST(Options, EqualsFormIsTheSameOption) {
  EXPECT_EQ(*parse_options(Program::blastp, Args{"-evalue=1e-5", "-html=no"}),
            *parse_options(Program::blastp, Args{"-evalue", "1e-5", "-html"}));
}

TEST(Options, DefaultsAreThoseOfTheProgram) {
  EXPECT_EQ(std::get<std::string>(Options(Program::blastn).value_or_default("task")), "megablast");
  EXPECT_EQ(std::get<std::string>(Options(Program::blastx).value_or_default("seg")), "12 2.2 2.5");
  EXPECT_EQ(std::get<double>(Options(Program::blastp).value_or_default("evalue")), 10.0);
  EXPECT_EQ(std::get<std::int64_t>(Options(Program::blastp).value_or_default("max_target_seqs")), 500);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(Options(Program::blastp).value_or_default("matrix")));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(Options(Program::tblastx).value_or_default("task")));
  EXPECT_EQ(
      std::get<double>(parse_options(Program::blastp, Args{"-evalue", "0x10"})->value_or_default("evalue")),
      16.0);
}

TEST(Options, SetReplacesInPlaceAndAFailureChangesNothing) {
  auto options = *parse_options(Program::blastp, Args{"-evalue", "1", "-num_threads", "8"});
  ASSERT_TRUE(options.set("evalue", "2"));
  ASSERT_TRUE(options.set("html", ""));
  EXPECT_FALSE(options.set("evalue", "two"));
  EXPECT_FALSE(options.set("html", "yes"));
  EXPECT_FALSE(options.set("dust", "no"));
  options.remove("num_threads");
  options.remove("num_threads");
  EXPECT_EQ(options.to_argv(), (Args{"-evalue", "2", "-html"}));
}

TEST(Options, RefusalsNameTheOptionTheValueAndTheWayOut) {
  const auto blastp = Program::blastp;
  EXPECT_EQ(refusal(blastp, {"-evalu", "1"}), "unknown option -evalu; did you mean -evalue?");
  EXPECT_EQ(refusal(blastp, {"--evalue", "1"}), "unknown option --evalue; did you mean -evalue?");
  EXPECT_EQ(refusal(blastp, {"-zzzzzzzz"}), "unknown option -zzzzzzzz; blastp -help lists the options");
  EXPECT_EQ(refusal(blastp, {"-perc_identity", "90"}),
            "blastp has no option -perc_identity: it belongs to blastn");
  EXPECT_EQ(refusal(blastp, {"-evalue"}), "-evalue needs a value");
  EXPECT_EQ(refusal(blastp, {"-evalue", "1", "-evalue", "1"}), "-evalue is given twice: drop one");
  EXPECT_EQ(refusal(blastp, {"-evalue", "1,5"}), "-evalue: '1,5' is not a number");
  EXPECT_EQ(refusal(blastp, {"-word_size", "1"}), "-word_size: '1' is not at least 2");
  EXPECT_EQ(refusal(blastp, {"-best_hit_overhang", "0.5"}),
            "-best_hit_overhang: '0.5' is not above 0 and below 0.5");
  EXPECT_EQ(refusal(Program::blastn, {"-penalty", "1"}), "-penalty: '1' is not at most 0");
  EXPECT_EQ(refusal(blastp, {"-gapopen", "3000000000"}),
            "-gapopen: '3000000000' is not an integer of 32 bits");
  EXPECT_EQ(refusal(blastp, {"-task", "fast"}),
            "-task: 'fast' is not one of blastp, blastp-fast, blastp-short");
  EXPECT_EQ(refusal(blastp, {"-soft_masking", "on"}), "-soft_masking: 'on' is not true or false");
  EXPECT_EQ(refusal(blastp, {"-outfmt", "6", "std"}),
            "'std' belongs to no option; a value with spaces needs quotes: -outfmt \"6 std qlen\"");
  EXPECT_EQ(refusal(blastp, {"-outfmt", "17"}),
            "-outfmt: format 17 (SAM) is for blastn only, not for blastp");
  EXPECT_EQ(refusal(blastp, {"-mt_mode", "1"}), "-mt_mode needs -num_threads: give both, or neither");
  EXPECT_EQ(refusal(blastp, {"-db", "a", "-subject", "b"}), "-db and -subject exclude each other: drop one");
}

TEST(Options, CombinationsAreCheckedApartForThoseWhoSetOptionsOneByOne) {
  Options options(Program::blastn);
  ASSERT_TRUE(options.set("template_length", "18"));
  EXPECT_FALSE(options.check());
  ASSERT_TRUE(options.set("template_type", "coding"));
  EXPECT_TRUE(options.check());
}

/// Any value that BLAST+ accepts for `spec`, or something near one.
std::string any_text(const OptionSpec& spec) {
  if (spec.type == Type::flag) return "";
  if (!spec.choices.empty())
    return std::string(
        *rc::gen::elementOf(std::vector<std::string_view>(spec.choices.begin(), spec.choices.end())));
  if (spec.name == "outfmt")
    return *rc::gen::element<std::string>("6", "7 delim=, std", "0", " 10 qseqid -x");
  if (spec.type == Type::integer || spec.type == Type::integer64)
    return std::to_string(*rc::gen::inRange(-10, 1000));
  if (spec.type == Type::real)
    return *rc::gen::element<std::string>("0.1", "1e-5", "-3", "+50", "0x1p-2", "2e");
  if (spec.type == Type::boolean) return *rc::gen::element<std::string>("true", "F", "yes", "0");
  return *rc::gen::string<std::string>();
}

TEST(Options, WhateverIsSetReadsBackFromItsArguments) {
  EXPECT_TRUE(rc::check("parse(to_argv(x)) == x", [] {
    const Program program = *rc::gen::elementOf(kPrograms);
    Options options(program);
    const auto specs = options_of(program);
    for (int i = *rc::gen::inRange(0, 8); i > 0; --i) {
      const OptionSpec* spec = *rc::gen::elementOf(specs);
      const Options before = options;
      if (!options.set(spec->name, any_text(*spec))) RC_ASSERT(options == before);
    }
    const auto back = parse_options(program, options.to_argv());
    RC_ASSERT(back.has_value() == options.check().has_value());
    if (back) RC_ASSERT(*back == options);
  }));
}

TEST(Options, AnyArgumentsAreReadOrRefusedAndReadBack) {
  EXPECT_TRUE(rc::check("arguments never surprise", [] {
    const Program program = *rc::gen::elementOf(kPrograms);
    const auto word =
        rc::gen::oneOf(rc::gen::string<std::string>(),
                       rc::gen::element<std::string>("-evalue", "-html", "--", "-db=x", "1", "-outfmt", "6",
                                                     "-h", "-subject", "-query"));
    const auto args = *rc::gen::container<Args>(word);
    const auto options = parse_options(program, args);
    if (!options) {
      RC_ASSERT(!options.error().message.empty());
      return;
    }
    RC_ASSERT(*parse_options(program, options->to_argv()) == *options);
  }));
}

}  // namespace
}  // namespace loom::blast
