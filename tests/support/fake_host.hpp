// SPDX-License-Identifier: MIT
//
// A host small enough to read at once, for tests that speak to a plugin's table without the core: runs the command
// patterns of the plugin's own manifest, keeps what the plugin logs, and collects results as plain structs.
#pragma once
#include <fcntl.h>
#include <poll.h>
#include <rapidjson/document.h>
#include <rapidjson/pointer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "vbs/plugin/storage.hpp"

namespace vbs::test {

struct CommandOutcome {
  int exit_status = 127;
  std::string out, err;
};

// Runs argv with its output captured; 127 if the program is absent.
inline CommandOutcome run(const std::vector<std::string>& argv) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  std::vector<char*> raw;
  for (const auto& a : argv) raw.push_back(const_cast<char*>(a.c_str()));
  raw.push_back(nullptr);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, raw[0], &actions, nullptr, raw.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(err[1]);
  CommandOutcome r;
  pollfd fds[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  std::string* texts[2] = {&r.out, &r.err};
  for (int open = 2; open > 0 && failed == 0;) {
    poll(fds, 2, -1);
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      char buffer[65536];
      const auto n = read(fds[i].fd, buffer, sizeof buffer);
      if (n > 0) {
        texts[i]->append(buffer, static_cast<size_t>(n));
      } else {
        fds[i].fd = -1;
        --open;
      }
    }
  }
  close(out[0]);
  close(err[0]);
  if (failed != 0) return r;
  int status = 0;
  waitpid(pid, &status, 0);
  r.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return r;
}

class FakeHost {
 public:
  explicit FakeHost(const std::string& manifest_file) {
    for (const auto& entry : YAML::LoadFile(manifest_file)["commands"])
      commands[entry.first.as<std::string>()] = entry.second["argv"].as<std::vector<std::string>>();
    host_.size = sizeof host_;
    host_.host_data = this;
    host_.log = [](const vbs_host* h, int32_t, vbs_str text) { self(h).say(plugin::text(text)); };
    host_.monotonic_ms = [](const vbs_host*) {
      return static_cast<uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
              .count());
    };
    host_.json_get = json_get;
    host_.secret = [](const vbs_host*, vbs_str, void (*)(void*, vbs_str), void*) -> vbs_status {
      return VBS_NOT_FOUND;
    };
    host_.run_command = run_command;
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const vbs_host* table() const { return &host_; }
  void say(const std::string& line) {
    const std::lock_guard guard(mutex_);
    lines_.push_back(line);
  }
  std::string log() const {
    const std::lock_guard guard(mutex_);
    std::string all;
    for (const auto& line : lines_) all += line + "\n";
    return all;
  }

  std::map<std::string, std::vector<std::string>> commands;  // patterns; a test may exchange them

 private:
  static FakeHost& self(const vbs_host* h) { return *static_cast<FakeHost*>(h->host_data); }

  static vbs_status json_get(const vbs_host*, vbs_str json, vbs_str pointer, void (*take)(void*, vbs_str), void* user) {
    rapidjson::Document d;
    if (d.Parse(json.ptr, json.len).HasParseError()) return VBS_INVALID;
    const auto* v = rapidjson::Pointer(pointer.ptr, pointer.len).Get(d);
    if (!v) return VBS_NOT_FOUND;
    rapidjson::StringBuffer text;
    rapidjson::Writer<rapidjson::StringBuffer> writer(text);
    v->Accept(writer);
    take(user,
         v->IsString() ? vbs_str{v->GetString(), v->GetStringLength()} : vbs_str{text.GetString(), text.GetSize()});
    return VBS_OK;
  }

  static vbs_status run_command(const vbs_host* h, vbs_call* call, vbs_str name, const vbs_param* params, uint64_t n,
                                void (*take)(void*, const vbs_command_result*), void* user) {
    const auto pattern = self(h).commands.find(plugin::text(name));
    if (pattern == self(h).commands.end()) return VBS_NOT_SUPPORTED;
    auto argv = pattern->second;
    for (auto& argument : argv)
      for (uint64_t i = 0; i < n; ++i) {
        const auto place = "{" + plugin::text(params[i].name) + "}";
        if (const auto at = argument.find(place); at != std::string::npos)
          argument.replace(at, place.size(), plugin::text(params[i].value));
      }
    const auto r = run(argv);
    if (r.exit_status == 127) return VBS_NOT_SUPPORTED;
    const vbs_command_result result{sizeof result, r.exit_status, plugin::str(r.out), plugin::str(r.err)};
    take(user, &result);
    if (r.exit_status == 0) return VBS_OK;
    call->fail(call, plugin::str(r.err));
    return VBS_INTERNAL;
  }

  vbs_host host_{};
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// One call and what came of it.
class FakeCall {
 public:
  explicit FakeCall(uint64_t epoch = 1) {
    call_.size = sizeof call_;
    call_.call_id = plugin::str("test-call");
    call_.epoch = epoch;
    call_.host_data = this;
    call_.remaining_ms = [](vbs_call* c) { return self(c).remaining_ms; };
    call_.cancelled = [](vbs_call* c) {
      auto& me = self(c);
      return static_cast<int32_t>(me.cancel_after_asked >= 0 && me.asked++ >= me.cancel_after_asked);
    };
    call_.progress = [](vbs_call* c, uint64_t done, uint64_t total) { self(c).progress.emplace_back(done, total); };
    call_.log = [](vbs_call* c, int32_t, vbs_str text) { self(c).log += plugin::text(text) + "\n"; };
    call_.fail = [](vbs_call* c, vbs_str text) { self(c).message = plugin::text(text); };
    call_.add_item = add_item;
  }
  FakeCall(const FakeCall&) = delete;
  FakeCall& operator=(const FakeCall&) = delete;

  vbs_call* raw() { return &call_; }

  int64_t remaining_ms = 60'000;
  int64_t cancel_after_asked = -1;  // n: cancelled() says yes from the nth question on
  int64_t asked = 0;
  vbs_status status = VBS_OK;
  std::string message, log;
  std::vector<std::pair<uint64_t, uint64_t>> progress;
  std::vector<plugin::Object> objects;
  std::vector<plugin::Layer> layers;
  std::vector<plugin::Leftover> leftovers;
  std::vector<plugin::Extent> extents;
  std::vector<plugin::StorageFacts> instances;
  plugin::Capacity capacity;
  plugin::Connection connection;
  plugin::Source source;

 private:
  static FakeCall& self(vbs_call* c) { return *static_cast<FakeCall*>(c->host_data); }

  template <class T>
  static T item(const void* raw) {
    return plugin::receive(static_cast<const T*>(raw));
  }
  static void add_item(vbs_call* c, uint32_t kind, const void* raw) {
    using plugin::text;
    auto& me = self(c);
    if (kind == VBS_ITEM_OBJECT) {
      const auto o = item<vbs_object>(raw);
      me.objects.push_back({o.kind, text(o.id), text(o.refs), o.size_bytes, o.allocated_bytes, text(o.format),
                            text(o.layer), text(o.facts)});
    } else if (kind == VBS_ITEM_LAYER) {
      const auto l = item<vbs_layer>(raw);
      me.layers.push_back({text(l.name), text(l.parent), text(l.format), l.allocated_bytes});
    } else if (kind == VBS_ITEM_LEFTOVER) {
      const auto l = item<vbs_leftover>(raw);
      me.leftovers.push_back({text(l.name), text(l.object_id), l.allocated_bytes});
    } else if (kind == VBS_ITEM_CAPACITY) {
      const auto v = item<vbs_capacity>(raw);
      me.capacity = {v.total_bytes, v.free_bytes, v.over_commit_ratio};
    } else if (kind == VBS_ITEM_CONNECTION) {
      const auto v = item<vbs_connection>(raw);
      me.connection = {v.mode != VBS_MODE_RW, text(v.kind), text(v.format), text(v.data), text(v.refs)};
    } else if (kind == VBS_ITEM_SOURCE) {
      const auto v = item<vbs_source>(raw);
      me.source = {text(v.kind), text(v.format), text(v.path), text(v.data)};
    } else if (kind == VBS_ITEM_EXTENT) {
      const auto v = item<vbs_extent>(raw);
      me.extents.push_back({v.offset_bytes, v.length_bytes, v.zero != 0});
    } else if (kind == VBS_ITEM_INSTANCE) {
      const auto v = item<vbs_instance>(raw);
      me.instances.push_back({v.capabilities, v.max_parallel_calls, text(v.facts)});
    }
  }

  vbs_call call_{};
};

}  // namespace vbs::test
