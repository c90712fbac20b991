#include "apps/vbs/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/size.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {

std::string progress_bar(uint64_t done, uint64_t total) {
  constexpr size_t kWidth = 30;
  if (total == 0) return done == 0 ? std::string() : format_size(done);
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<size_t>(share * kWidth);
  return fmt::format("[{}{}] {:3}%  {} of {}", std::string(filled, '#'), std::string(kWidth - filled, ' '),
                     static_cast<int>(share * 100), format_size(done), format_size(total));
}

void Progress::show(const rapidjson::Value& operation) {
  const std::string reason = text(operation, "waits_for");
  const std::string kind = for_log(text(operation, "kind"), 40);
  if (!terminal_) {
    if (!reason.empty()) note(fmt::format("vbs: {} waits: {}", kind, for_log(reason, 200)));
    return;
  }
  const auto& progress = member(operation, "progress");
  const std::string detail = !reason.empty()
                                 ? "waits: " + for_log(reason, 200)
                                 : progress_bar(number(progress, "done_bytes"), number(progress, "total_bytes"));
  const std::string line = fmt::format("{} {} ({})  {}", kind, for_log(text(operation, "state"), 20),
                                       for_log(text(operation, "step"), 40), detail);
  err_ << "\r\x1b[K" << line.substr(0, 160) << std::flush;
  drawn_ = true;
}

void Progress::note(const std::string& line) {
  if (line == last_note_) return;
  clear();
  err_ << line << std::endl;
  last_note_ = line;
}

void Progress::clear() {
  if (drawn_) err_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace vbs::cli
