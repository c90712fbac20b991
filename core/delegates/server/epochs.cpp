#include "core/delegates/server/epochs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/base/clock.hpp"
#include "core/base/durable_file.hpp"
#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr int64_t kKeepUs = 30ll * 24 * 3600 * 1000000;

std::string line(const std::string& operation, uint64_t epoch, int64_t at) {
  return fmt::format("{} {} {}\n", operation, epoch, at);
}

void check_name(const std::string& operation) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (operation.size() > 128 || !std::all_of(operation.begin(), operation.end(), plain))
    throw Error(Code::invalid, fmt::format("'{}' is not the id of an operation", for_log(operation, 128)));
}
}  // namespace

Epochs::Epochs(std::string file) : file_(std::move(file)) {
  load();
  std::string content;
  for (const auto& [operation, e] : highest_) content += line(operation, e.epoch, e.seen_at_us);
  write_file_atomically(file_, content, 0600, IfExists::replace);
  fd_ = UniqueFd(open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!fd_) throw Error(Code::unavailable, fmt::format("cannot write {}: {}", file_, std::strerror(errno)));
}

// A last line that a power cut has torn is of a call that never began.
void Epochs::load() {
  std::ifstream in(file_);
  const auto oldest = now_us() - kKeepUs;
  for (std::string text; std::getline(in, text);) {
    if (in.eof()) break;
    std::istringstream words(text);
    std::string operation;
    Entry e;
    if (!(words >> operation >> e.epoch >> e.seen_at_us) || e.seen_at_us < oldest) continue;
    auto& kept = highest_[operation];
    if (kept.epoch <= e.epoch) kept = e;
  }
}

void Epochs::admit(const std::string& operation, uint64_t epoch) {
  check_name(operation);
  const std::lock_guard lock(mutex_);
  const auto it = highest_.find(operation);
  const uint64_t highest = it == highest_.end() ? 1 : it->second.epoch;
  if (epoch < highest)
    throw Error(Code::conflict, fmt::format("attempt {} of operation {} comes too late: attempt {} has been here",
                                            epoch, operation, highest));
  if (epoch == highest) return;
  const auto at = now_us();
  const auto text = line(operation, epoch, at);
  if (write(fd_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || fdatasync(fd_.get()) != 0)
    throw Error(Code::unavailable,
                fmt::format("cannot write {}: {}; the call was not begun, make room or mend the disk", file_,
                            std::strerror(errno)));
  highest_[operation] = {epoch, at};
}

}  // namespace vbs
