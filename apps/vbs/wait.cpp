#include "apps/vbs/wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "apps/vbs/interrupt_note.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/progress.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {
namespace {
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;
constexpr seconds kServiceAwayLimit{60};
constexpr uint64_t kPollOnTerminal = 1;  // the bar moves once a second
constexpr uint64_t kPollElsewhere = 30;

rapidjson::Document copy(const rapidjson::Value& value) {
  rapidjson::Document document;
  document.CopyFrom(value, document.GetAllocator());
  return document;
}

bool ended(const rapidjson::Value& operation) {
  const std::string state = text(operation, "state");
  return state == "done" || state == "failed";
}

std::string how_to_look(const std::string& id) {
  return fmt::format("`vbs operations show {}` looks at it, `vbs operations cancel {}` ends it", id, id);
}

// One question, repeated while the service is away.
rapidjson::Document ask(Context& context, Progress& progress, const std::string& id, uint64_t hold) {
  const auto give_up = Clock::now() + kServiceAwayLimit;
  for (;;) {
    try {
      return context.session().get(Target("/v1/operations").segment(id).query("wait", std::to_string(hold)));
    } catch (const Failure& f) {
      if (f.exit != Exit::unreachable || Clock::now() >= give_up) throw;
      progress.note(fmt::format("vbs: {}; asking again for {} s, the operation is journalled and goes on", f.what(),
                                kServiceAwayLimit.count()));
    }
    std::this_thread::sleep_for(seconds(1));
  }
}
}  // namespace

rapidjson::Document wait_for_end(Context& context, const rapidjson::Value& operation) {
  auto now = copy(operation);
  if (context.no_wait || ended(now)) return now;
  const std::string id = text(now, "id");
  const InterruptNote note(fmt::format("vbs: interrupted; the operation goes on. {}.", how_to_look(id)));
  Progress progress(context.console.err, context.console.err_is_terminal);
  const auto end = Clock::now() + seconds(context.timeout_seconds);
  const uint64_t poll = context.console.err_is_terminal ? kPollOnTerminal : kPollElsewhere;
  while (!ended(now)) {
    progress.show(now);
    uint64_t hold = poll;
    if (context.timeout_seconds != 0) {
      const auto left = std::chrono::duration_cast<seconds>(end - Clock::now()).count();
      if (Clock::now() >= end)
        throw Failure(Exit::unknown,
                      fmt::format("{} still runs after {} s (--timeout)", text(now, "kind"), context.timeout_seconds),
                      "it goes on: " + how_to_look(id));
      hold = std::min<uint64_t>(poll, static_cast<uint64_t>(std::max<int64_t>(1, left)));
    }
    const auto asked = Clock::now();
    auto answer = ask(context, progress, id, hold);
    now = copy(member(answer, "operation"));
    // A service that does not hold the answer back must not be asked in a busy loop.
    if (!ended(now) && Clock::now() - asked < std::chrono::milliseconds(200))
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return now;
}

rapidjson::Document wait_for_success(Context& context, const rapidjson::Value& operation) {
  auto end = wait_for_end(context, operation);
  if (text(end, "state") != "failed") return end;
  const auto& error = member(end, "error");
  const std::string message = text(error, "message");
  const Code code = code_from_string(text(error, "code"));
  // What an operation met is never the usage of this command line: the request itself had been accepted.
  const Exit exit = exit_of(code) == Exit::conflict || exit_of(code) == Exit::unknown ? exit_of(code) : Exit::failed;
  const std::string id = text(end, "object_id");
  const std::string next = text(end, "object_kind") == "volume"
                               ? fmt::format("`vbs explain {}` says what can be done", id)
                               : fmt::format("`vbs operations show {}` shows it", text(end, "id"));
  throw Failure(
      exit, fmt::format("{} failed: {}", for_log(text(end, "kind"), 40), message.empty() ? "no reason given" : message),
      next);
}

}  // namespace vbs::cli
