/* SPDX-License-Identifier: MIT
 *
 * C++ side of the plugin ABI, header-only: what storage.hpp and hypervisor.hpp share. Inside a plugin you write ordinary
 * C++ that throws vbs::plugin::Error; guard() turns it into a status at the C line, so no exception crosses it.
 *
 * Threading: a Call belongs to the thread that it was handed to and dies with the call. Host may be copied and used from
 * any thread as long as the plugin is loaded. */
#pragma once
#include <algorithm>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi.h"

namespace vbs::plugin {

inline vbs_str str(std::string_view s) { return {s.data(), s.size()}; }  // valid as long as the text behind s
inline std::string_view view(vbs_str s) { return s.ptr ? std::string_view(s.ptr, s.len) : std::string_view(); }
inline std::string text(vbs_str s) { return std::string(view(s)); }

// The sender's struct in our size: what the sender does not know reads as zero.
template <class T>
T receive(const T* in) {
  T out{};
  if (in) std::memcpy(static_cast<void*>(&out), in, std::min<size_t>(in->size, sizeof(T)));
  out.size = sizeof(T);
  return out;
}

class Error : public std::runtime_error {
 public:
  // The message is one line for the operator: the thing, the value, the limit, what to do.
  Error(vbs_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  vbs_status status() const { return status_; }

 private:
  vbs_status status_;
};

class Call {
 public:
  explicit Call(vbs_call* c) : c_(c) {}
  vbs_call* raw() const { return c_; }
  uint64_t epoch() const { return c_->epoch; }
  int64_t remaining_ms() const { return c_->remaining_ms(c_); }
  bool cancelled() const { return c_->cancelled(c_) != 0; }
  // For loops: throws when it is time to stop. Nothing may be published then.
  void check() const {
    if (cancelled()) throw Error(VBS_CANCELLED, "cancelled on request");
    if (remaining_ms() < 0) throw Error(VBS_UNKNOWN, "the time allowed for this call is over");
  }
  void progress(uint64_t done_bytes, uint64_t total_bytes) { c_->progress(c_, done_bytes, total_bytes); }
  void log(int32_t level, std::string_view s) { c_->log(c_, level, str(s)); }
  void fail(std::string_view s) { c_->fail(c_, str(s)); }
  template <class T>
  void add(uint32_t kind, T item) {
    item.size = sizeof(T);
    c_->add_item(c_, kind, &item);
  }

 private:
  vbs_call* c_;
};

struct CommandResult {
  int exit_status = 0;
  std::string out, err;
};

class Host {
 public:
  explicit Host(const vbs_host* h) : h_(h) {}
  void log(int32_t level, std::string_view s) const { h_->log(h_, level, str(s)); }
  uint64_t monotonic_ms() const { return h_->monotonic_ms(h_); }
  // Value at a JSON pointer; nullopt if absent. Throws Error(VBS_INVALID) for malformed JSON.
  std::optional<std::string> json_get(std::string_view json, std::string_view pointer) const {
    std::string out;
    const auto s = h_->json_get(h_, str(json), str(pointer), take_text, &out);
    if (s == VBS_OK) return out;
    if (s == VBS_NOT_FOUND) return std::nullopt;
    throw Error(VBS_INVALID, "malformed JSON handed to the plugin");
  }
  std::optional<std::string> secret(std::string_view name) const {
    std::string out;
    return h_->secret(h_, str(name), take_text, &out) == VBS_OK ? std::optional(out) : std::nullopt;
  }
  // Runs a command pattern; throws Error with the host's message unless its success rule held.
  CommandResult run(Call& call, std::string_view name, std::initializer_list<std::pair<std::string_view, std::string_view>> p) const {
    CommandResult r;
    const auto s = try_run(call, name, p, r);
    if (s != VBS_OK) throw Error(s, std::string(name) + " failed" + (r.err.empty() ? "" : ": " + r.err));
    return r;
  }
  // The same, but the status is the caller's to judge; `r` is filled if the command ran at all.
  vbs_status try_run(Call& call, std::string_view name, std::initializer_list<std::pair<std::string_view, std::string_view>> p,
                     CommandResult& r) const {
    return try_run(call, name, std::vector<std::pair<std::string_view, std::string_view>>(p), r);
  }
  vbs_status try_run(Call& call, std::string_view name, const std::vector<std::pair<std::string_view, std::string_view>>& p,
                     CommandResult& r) const {
    std::vector<vbs_param> params;
    for (const auto& [n, v] : p) params.push_back({str(n), str(v)});
    return h_->run_command(h_, call.raw(), str(name), params.data(), params.size(), take_result, &r);
  }

 private:
  static void take_text(void* out, vbs_str v) { static_cast<std::string*>(out)->assign(view(v)); }
  static void take_result(void* out, const vbs_command_result* in) {
    const auto r = receive(in);
    *static_cast<CommandResult*>(out) = {r.exit_status, text(r.out), text(r.err)};
  }
  const vbs_host* h_;
};

// Runs f at the C line. `call` may be NULL (close, entry).
template <class F>
vbs_status guard(vbs_call* call, F&& f) noexcept {
  const auto say = [&](const char* what) {
    if (call) call->fail(call, str(what));
  };
  try {
    f();
    return VBS_OK;
  } catch (const Error& e) {
    say(e.what());
    return e.status();
  } catch (const std::bad_alloc&) {
    say("out of memory");
    return VBS_INTERNAL;
  } catch (const std::exception& e) {
    say(e.what());
    return VBS_INTERNAL;
  } catch (...) {
    say("an exception of an unknown type");
    return VBS_INTERNAL;
  }
}

}  // namespace vbs::plugin
