// What every command that changes something does once the service has taken it: wait, look again, print.
#pragma once
#include <rapidjson/document.h>

#include <functional>
#include <string>

#include "apps/vbs/context.hpp"

namespace vbs::cli {

struct Change {
  // What changed, asked for again after the end: {"volume": {...}}. Empty: nothing is left to look at.
  std::function<rapidjson::Document()> look_again;
  // For people: "created volume ID (name), 10 GiB". Gets the service's answer with what look_again() brought in it.
  std::function<std::string(const rapidjson::Value& answer)> sentence;
};

// `answer` is a 202 body: {"operation": {...}} or {"operations": [...]}, and perhaps the object. Prints the sentence,
// or with --json that body as it is at the end. All operations are waited for; then the first one's failure is thrown.
void finish_change(Context& context, rapidjson::Document answer, const Change& change);

}  // namespace vbs::cli
