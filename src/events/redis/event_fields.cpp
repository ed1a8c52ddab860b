#include "events/redis/event_fields.hpp"

#include <map>

#include "base/number.hpp"

namespace loom::events::redis {
namespace {

template <class Int>
Result<Int> number_in(const std::string& name, std::string_view text) {
  if (const auto number = number_of<Int>(text); number) return *number;
  return error(Code::corrupt, "field {} is no number", name);
}

/// The fields of one entry.
class Fields {
 public:
  static Result<Fields> read(const Value& list) {
    Fields fields;
    if (list.kind != Value::Kind::list || list.items.size() % 2 != 0)
      return error(Code::corrupt, "no fields");
    for (std::size_t i = 0; i < list.items.size(); i += 2)
      fields.all_[list.items[i].text] = list.items[i + 1].text;
    return fields;
  }

  [[nodiscard]] Result<std::string> text(const std::string& name) const {
    const auto found = all_.find(name);
    if (found == all_.end()) return error(Code::corrupt, "field {} is missing", name);
    return found->second;
  }
  template <class Int>
  Result<Int> number(const std::string& name) const {
    LOOM_TRY(const std::string digits, text(name));
    return number_in<Int>(name, digits);
  }
  [[nodiscard]] bool has(const std::string& name) const { return all_.contains(name); }

 private:
  std::map<std::string, std::string> all_;
};

Result<store::Event> event_of(const Fields& fields, std::uint64_t order) {
  LOOM_TRY(const std::string job, fields.text("job"));
  auto id = store::JobId::parse(job);
  if (!id) return error(Code::corrupt, "field job is no job's id");
  store::Event event{.order = order, .job = *std::move(id)};
  LOOM_TRY(event.owner, fields.text("owner"));
  LOOM_TRY(event.seq, fields.number<std::uint64_t>("seq"));
  LOOM_TRY(const auto at, fields.number<std::int64_t>("at"));
  event.at = store::UnixTime(std::chrono::milliseconds(at));
  LOOM_TRY(const std::string kind, fields.text("kind"));
  LOOM_TRY(const std::string state, fields.text("state"));
  const auto known_kind = store::parse_event_kind(kind);
  const auto known_state = store::parse_job_state(state);
  if (!known_kind || !known_state) return error(Code::corrupt, "field kind or state has an unknown word");
  event.kind = *known_kind;
  event.state = *known_state;
  if (fields.has("task")) {
    LOOM_TRY(event.task, fields.number<std::uint32_t>("task"));
  }
  LOOM_TRY(event.tasks_total, fields.number<std::uint32_t>("tasks_total"));
  LOOM_TRY(event.tasks_done, fields.number<std::uint32_t>("tasks_done"));
  LOOM_TRY(event.letters_total, fields.number<std::uint64_t>("letters_total"));
  LOOM_TRY(event.letters_done, fields.number<std::uint64_t>("letters_done"));
  if (fields.has("failure")) {
    LOOM_TRY(event.failure.kind, fields.text("failure"));
    LOOM_TRY(event.failure.sentence, fields.text("sentence"));
  }
  return event;
}

}  // namespace

std::string entry_id(std::uint64_t order) {
  return fmt::format("{}-0", order);
}

Words fields_of(const store::Event& event) {
  Words words{"job",
              event.job.str(),
              "owner",
              event.owner,
              "seq",
              fmt::to_string(event.seq),
              "at",
              fmt::to_string(event.at.time_since_epoch().count()),
              "kind",
              std::string(store::name(event.kind)),
              "state",
              std::string(store::name(event.state)),
              "tasks_total",
              fmt::to_string(event.tasks_total),
              "tasks_done",
              fmt::to_string(event.tasks_done),
              "letters_total",
              fmt::to_string(event.letters_total),
              "letters_done",
              fmt::to_string(event.letters_done)};
  if (event.task) words.insert(words.end(), {"task", fmt::to_string(*event.task)});
  if (event.failure != store::Failure{})
    words.insert(words.end(), {"failure", event.failure.kind, "sentence", event.failure.sentence});
  return words;
}

Result<std::uint64_t> parse_entry_id(const std::string& id) {
  const std::string_view text = id;
  if (!text.ends_with("-0")) return error(Code::corrupt, "an entry whose id is not ORDER-0");
  return number_in<std::uint64_t>("id", text.substr(0, text.size() - 2));
}

Result<store::Event> parse_entry(const Value& entry) {
  if (entry.kind != Value::Kind::list || entry.items.size() != 2)
    return error(Code::corrupt, "no stream entry");
  LOOM_TRY(const std::uint64_t order, parse_entry_id(entry.items[0].text));
  LOOM_TRY(const Fields fields, Fields::read(entry.items[1]));
  auto event = event_of(fields, order);
  if (!event) return event.error().at(fmt::format("stream entry {}", order));
  return event;
}

}  // namespace loom::events::redis
