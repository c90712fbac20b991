#include "core/delegates/remote_instance.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
constexpr std::chrono::seconds kFirstGreeting{10};
constexpr int kTries = 3;  // of a call that certainly has not begun
}  // namespace

RemoteInstance::RemoteInstance(std::vector<DelegateLink*> links, wire::OpenRequest what)
    : links_(std::move(links)), what_(std::move(what)) {}

const InstanceFacts& RemoteInstance::facts() const {
  const std::lock_guard lock(mutex_);
  return *facts_.back();
}

void RemoteInstance::after_reopen(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void RemoteInstance::open(DelegateLink::Wait wait) {
  for (auto* link : links_) {
    try {
      link->wait_until_up(DelegateLink::Clock::now() + kFirstGreeting, wait);
      break;
    } catch (const Error&) {
      if (link == links_.back()) throw;
    }
  }
  std::unique_lock lock(mutex_);
  open_on(lock, choose());
}

DelegateLink& RemoteInstance::choose() const {
  if (link_ && !link_->instance().empty()) return *link_;
  const auto now = DelegateLink::Clock::now();
  if (link_ && links_.size() > 1 && now < link_->lease_end())
    throw Error(Code::unavailable,
                fmt::format("{}; another delegate takes over in {} s, when its lease is over", link_->status().error,
                            std::chrono::ceil<std::chrono::seconds>(link_->lease_end() - now).count()));
  if (!link_)
    for (auto* link : links_)
      if (links_.size() > 1 && link->instance().empty() && now < link->lease_end())
        throw Error(
            Code::unavailable,
            fmt::format("delegate {} does not answer and may still work for an earlier vbsd for {} s", link->name(),
                        std::chrono::ceil<std::chrono::seconds>(link->lease_end() - now).count()));
  std::string why;
  for (auto* link : links_) {
    if (!link->instance().empty()) return *link;
    const auto error = link->status().error;
    why += (why.empty() ? "" : "; ") + (error.empty() ? "delegate " + link->name() + " has not answered yet" : error);
  }
  throw Error(Code::unavailable, why);
}

void RemoteInstance::open_on(std::unique_lock<std::mutex>& lock, DelegateLink& link) {
  const bool again = ever_;
  opening_ = true;
  opener_ = std::this_thread::get_id();
  auto what = what_;
  if (link_ != &link) moved_ = links_.size() > 1;
  what.set_fresh(moved_);
  if (link_ && link_ != &link && !instance_.empty()) former_.push_back({link_, instance_});
  if (!link_)
    for (const auto* other : links_)
      if (other != &link) former_.push_back({other, ""});
  link_ = &link;
  const auto instance = link.instance();
  const auto hook = again ? hook_ : nullptr;
  lock.unlock();
  std::exception_ptr failed;
  try {
    auto facts = std::make_unique<InstanceFacts>(link.open(std::move(what)));
    {
      const std::lock_guard inner(mutex_);
      facts_.push_back(std::move(facts));
      instance_ = instance;
    }
    if (again) logger().info("{} is open again on delegate {}", what_.name(), link.name());
    if (hook) hook();
  } catch (const Error& e) {
    // What it was opened with before cannot be refused for good: somebody works on that node.
    failed = again ? std::make_exception_ptr(
                         Error(Code::unavailable, fmt::format("delegate {}: {}", link.name(), e.what()), e.field()))
                   : std::current_exception();
  } catch (...) {
    failed = std::current_exception();
  }
  lock.lock();
  opening_ = false;
  opener_ = {};
  if (failed)
    instance_.clear();
  else
    ever_ = true;
  opened_.notify_all();
  if (failed) std::rethrow_exception(failed);
}

// It answers: as another run, whose predecessor has ended with all its calls, or with nothing under way.
bool RemoteInstance::is_quiet(const Former& f) {
  const auto s = f.link->status();
  return s.up && (s.running == 0 || (!f.instance.empty() && s.instance != f.instance));
}

void RemoteInstance::check_former(const DelegateLink& now) const {
  for (const auto& f : former_) {
    if (f.link == &now) continue;
    if (is_quiet(f)) continue;
    throw Error(
        Code::unavailable,
        fmt::format(
            "delegate {} had {} before and has not said that nothing of it runs any more: a change in "
            "place waits until it answers, or, if its node is dead, until vbsd is started without it in the list",
            f.link->name(), what_.name()));
  }
}

DelegateLink& RemoteInstance::ready(const Call& call, Change change) {
  std::unique_lock lock(mutex_);
  if (opening_ && opener_ == std::this_thread::get_id()) return *link_;
  while (opening_)
    if (opened_.wait_until(lock, call.deadline) == std::cv_status::timeout)
      throw Error(Code::unavailable, what_.name() + " is being opened on delegate " + link_->name());
  auto& link = choose();
  if (&link != link_ || instance_.empty() || link.instance() != instance_) open_on(lock, link);
  if (change == Change::in_place) check_former(link);
  std::erase_if(former_, is_quiet);
  return link;
}

wire::Result RemoteInstance::run(const Call& call, const wire::Arguments& arguments, Change change) {
  wire::CallRequest request;
  request.set_kind(what_.kind());
  request.set_name(what_.name());
  *request.mutable_arguments() = arguments;
  for (int tries = 1;; ++tries) {
    auto result = ready(call, change).call(call, request);
    if (!result.has_failure()) return result;
    const auto& field = result.failure().field();
    if (field == "instance") {
      const std::lock_guard lock(mutex_);
      if (!(opening_ && opener_ == std::this_thread::get_id())) instance_.clear();
    }
    if (tries >= kTries || (field != "instance" && field != "lease")) throw error_from(result.failure());
    if (field == "lease") std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace vbs
