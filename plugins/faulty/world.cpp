// SPDX-License-Identifier: MIT
#include "world.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <sstream>
#include <thread>

namespace vbs::faulty {
namespace {
using plugin::Error;
using std::chrono::milliseconds;

std::string one_line(std::string text) {
  for (auto& c : text)
    if (c == '\n') c = ';';
  while (!text.empty() && (text.back() == ';' || text.back() == ' ')) text.pop_back();
  return text;
}

int open_file(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    throw Error(VBS_UNAVAILABLE, "faulty: " + path + " cannot be opened: " + std::strerror(errno) +
                                     "; make the directory, and let the service's user write into it");
  return fd;
}
}  // namespace

Config::Config(const plugin::Host& host, std::string_view json)
    : directory(host.json_get(json, "/directory").value_or("")),
      faults(host.json_get(json, "/faults").value_or("")),
      node(host.json_get(json, "/node").value_or("")),
      layers(host.json_get(json, "/layers") == "true"),
      vms(static_cast<unsigned>(std::stoul(host.json_get(json, "/vms").value_or("0")))) {}

std::shared_ptr<World> World::at(const plugin::Host& host, const Config& config) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<World>> worlds;
  const std::lock_guard lock(mutex);
  auto& known = worlds[config.directory];
  auto world = known.lock();
  if (!world) known = world = std::make_shared<World>(host, config);
  return world;
}

World::World(const plugin::Host& host, const Config& config)
    : host_(host),
      directory_(config.directory),
      configured_(config.faults),
      lock_(open_file(directory_ + "/lock", O_RDWR)),
      log_(open_file(directory_ + "/calls", O_RDWR | O_APPEND)),
      state_(host, directory_) {
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    close(lock_);
    close(log_);
    throw Error(VBS_UNAVAILABLE, "faulty: another process works in " + directory_ + ": stop it");
  }
  read_log();
  Rules check(configured_);  // a wrong one stops the start
  refresh_rules();
}

World::~World() {
  close(log_);
  close(lock_);
}

void World::read_log() {
  std::istringstream in(read_file(directory_ + "/calls"));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("= ")) {
      rules_text_ = line.substr(2);
      seen_.clear();
    } else if (!line.starts_with('!')) {
      std::istringstream words(line);
      std::string name;
      words >> number_ >> name;
      ++seen_[name];
    }
  }
}

std::string World::rules_now() const {
  const auto file = directory_ + "/faults";
  return one_line(access(file.c_str(), F_OK) == 0 ? read_file(file) : configured_);
}

void World::refresh_rules() {
  const auto text = rules_now();
  if (read_rules_ && text == rules_text_) return;
  rules_ = Rules(text);
  read_rules_ = true;
  if (text == rules_text_) return;  // after a restart: counting goes on
  rules_text_ = text;
  seen_.clear();
  write("= " + text);
}

void World::write(const std::string& line) const {
  const auto text = line + "\n";
  if (::write(log_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Error(VBS_UNAVAILABLE, "faulty: " + directory_ + "/calls cannot be written: " + std::strerror(errno));
}

void World::mark(const std::string& backend_id) {
  const auto file = directory_ + "/backend";
  const auto there = read_file(file);
  if (there.empty()) return write_file(file, backend_id);
  if (there != backend_id)
    throw Error(VBS_INVALID, "faulty: " + directory_ + " belongs to back-end " + there + ", not to " + backend_id +
                                 ": give each back-end a directory of its own");
}

void World::check_marker() const {
  if (access((directory_ + "/backend").c_str(), F_OK) != 0)
    throw Error(VBS_UNAVAILABLE, "faulty: " + directory_ + " has no marker 'backend': is the right directory there?");
}

void World::require(const std::optional<std::string>& breach) {
  if (!breach) return;
  write("! " + *breach);
  host_.log(VBS_LOG_ERROR, "the core must not do this: " + *breach);
  throw Error(VBS_INTERNAL, "faulty: " + *breach);
}

World::Turn::Turn(World& world, plugin::Call& call, const char* name, const std::string& object)
    : world_(world), call_(call), name_(name), object_(object) {
  const std::lock_guard lock(world_.mutex_);
  world_.refresh_rules();
  rules_ = world_.rules_text_;
  ms_ = world_.rules_.ms();
  const auto nth = ++world_.seen_[name_];
  fault_ = world_.rules_.choose(name_, nth);
  const auto number = std::to_string(++world_.number_);
  world_.write(number + " " + name_ + " " + (object_.empty() ? "-" : object_) + " " + std::to_string(call.epoch()) +
               (fault_.what == What::nothing ? "" : " " + fault_.text()));
  if (fault_.what != What::nothing)
    call_.log(VBS_LOG_WARNING, "fault injected: " + fault_.text() + " in call " + number + " (" + name_ + ":" +
                                   std::to_string(nth) + ", seed " + std::to_string(world_.rules_.seed()) + ")");
  if (!object_.empty() && !world_.changing_.insert(object_).second)
    world_.require("two changing calls at once on " + object_);
}

World::Turn::~Turn() {
  const std::lock_guard lock(world_.mutex_);
  world_.changing_.erase(object_);
}

// Sleeps the rules' time (0: without end). A call that hears ends at its deadline or a cancel, one that is stuck only
// when the rules change.
void World::Turn::pause(bool hears) const {
  const auto end = std::chrono::steady_clock::now() + milliseconds(ms_);
  while (true) {
    std::this_thread::sleep_for(milliseconds(5));
    if (hears && (call_.cancelled() || call_.remaining_ms() < 0)) return;
    if (hears && ms_ != 0 && std::chrono::steady_clock::now() >= end) return;
    const std::lock_guard lock(world_.mutex_);
    if (!hears && world_.rules_now() != rules_) return;
  }
}

void World::Turn::strike(bool after) const {
  if (fault_.after != after) return;
  const std::string told = "a fault that was asked for (" + fault_.text() + ")";
  switch (fault_.what) {
    case What::nothing:
      return;
    case What::fail:
      throw Error(VBS_INTERNAL, told);
    case What::unavailable:
      throw Error(VBS_UNAVAILABLE, told);
    case What::unknown:
      throw Error(VBS_UNKNOWN, told);
    case What::delay:
      return std::this_thread::sleep_for(milliseconds(ms_));
    case What::hang:
      pause(true);
      if (!after && call_.cancelled()) throw Error(VBS_CANCELLED, told);
      throw Error(VBS_UNKNOWN, told);
    case What::stuck:
      pause(false);
      throw Error(VBS_UNKNOWN, told);
    case What::kill:
      kill(getpid(), SIGKILL);
      while (true) ::pause();
  }
}

}  // namespace vbs::faulty
