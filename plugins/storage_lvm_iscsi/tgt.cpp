// SPDX-License-Identifier: MIT
#include "tgt.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "vbs/plugin/storage.hpp"

namespace vbs::lvm {
namespace {
using plugin::Call;
using plugin::Error;

const std::string kUnit = std::to_string(kLun);
constexpr int kCutTries = 50;  // a tenth of a second each

bool has(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}
}  // namespace

void Tgt::run(Call& call, const char* command, const Parameters& parameters) const {
  plugin::CommandResult r;
  const auto status = host_.try_run(call, command, parameters, r);
  if (status != VBS_OK) throw Error(status, std::string(command) + ": " + r.err.substr(0, r.err.find('\n')));
}

std::vector<TgtTarget> Tgt::targets(Call& call) const {
  plugin::CommandResult r;
  const auto status = host_.try_run(call, "tgt_show", {}, r);
  if (status == VBS_INTERNAL)
    throw Error(VBS_UNAVAILABLE, "tgtd does not answer (" + r.err.substr(0, r.err.find('\n')) + "): start it");
  if (status != VBS_OK) throw Error(status, "tgtadm cannot be run: install tgt, or see the pattern tgt_show");
  return parse_tgt_targets(r.out);
}

std::optional<TgtTarget> Tgt::find(Call& call, const std::string& volume_id) const {
  for (auto& target : targets(call))
    if (target.name == target_name(config_, volume_id)) return std::move(target);
  return std::nullopt;
}

void Tgt::prepare(Call& call) { targets(call); }

TgtTarget Tgt::make_target(Call& call, const std::string& volume_id) const {
  TgtTarget made;
  made.name = target_name(config_, volume_id);
  for (auto& target : targets(call)) {
    if (target.name == made.name) return std::move(target);
    made.id = std::max(made.id, target.id);
  }
  ++made.id;
  run(call, "tgt_target_new", {{"tid", std::to_string(made.id)}, {"iqn", made.name}});
  return made;
}

void Tgt::make_unit(Call& call, TgtTarget& target, const std::string& volume_id, const std::string& device,
                    const Access& access) const {
  const auto tid = std::to_string(target.id);
  const bool others = std::any_of(target.initiators.begin(), target.initiators.end(),
                                  [&](const auto& i) { return i != access.initiator; });
  if (!target.device.empty() && target.device != device) {  // a revert gave the volume another one
    if (!target.initiators.empty())
      throw Error(VBS_CONFLICT, "volume " + volume_id + " is exported as " + target.device + ", not as " + device +
                                    ": detach it everywhere first");
    run(call, "tgt_unit_delete", {{"tid", tid}, {"lun", kUnit}});
    target.device.clear();
  }
  if (others && target.read_only != access.read_only)
    throw Error(VBS_CONFLICT, "volume " + volume_id + " is exported " + (target.read_only ? "read-only" : "writable") +
                                  " to " + target.initiators.front() +
                                  ", and tgt has one mode for all hosts of a volume: detach it there first, or use the "
                                  "target lio");
  if (target.device.empty()) run(call, "tgt_unit_new", {{"tid", tid}, {"lun", kUnit}, {"device", device}});
  // Always: an attempt that was killed may have made the unit and not come to this. Nobody is let in before it.
  run(call, "tgt_unit_update",
      {{"tid", tid},
       {"lun", kUnit},
       {"serial", volume_id},
       {"unit_id", volume_id},
       {"readonly", access.read_only ? "1" : "0"}});
}

void Tgt::grant(Call& call, const std::string& volume_id, const std::string& device, const Access& access) {
  const std::lock_guard guard(mutex_);
  auto target = make_target(call, volume_id);
  make_unit(call, target, volume_id, device, access);
  const auto tid = std::to_string(target.id);
  if (!has(target.users, access.user)) {
    plugin::CommandResult ignored;  // one that a killed attempt left, of no target
    host_.try_run(call, "tgt_account_delete", {{"user", access.user}}, ignored);
    run(call, "tgt_account_new", {{"user", access.user}, {"chap_secret", access.secret}});
    run(call, "tgt_account_bind", {{"tid", tid}, {"user", access.user}});
  }
  if (!has(target.initiators, access.initiator)) run(call, "tgt_bind", {{"tid", tid}, {"initiator", access.initiator}});
}

void Tgt::cut_sessions(Call& call, const std::string& volume_id, const std::string& initiator) const {
  for (int i = 0; i < kCutTries; ++i) {
    const auto target = find(call, volume_id);
    bool any = false;
    for (const auto& session : target ? target->sessions : std::vector<TgtSession>{}) {
      if (session.initiator != initiator) continue;
      any = true;
      for (const auto& connection : session.connections) {
        plugin::CommandResult ignored;  // it may end by itself at this moment; the next look tells
        host_.try_run(call, "tgt_connection_delete",
                      {{"tid", std::to_string(target->id)}, {"session", session.id}, {"connection", connection}},
                      ignored);
      }
    }
    if (!any) return;
    call.check();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw Error(VBS_BUSY, "tgtd does not end the sessions of " + initiator + " with volume " + volume_id +
                            ": look at `tgtadm --lld iscsi --mode target --op show`");
}

// tgtd 1.0.85 keeps a target's users in a table and, with a hole in it, lets nobody in any more, and dies of the next
// `show`. So the ones behind are taken out first, and put back.
void Tgt::unbind_user(Call& call, const TgtTarget& target, const std::string& user) const {
  const auto tid = std::to_string(target.id);
  std::vector<std::string> behind;
  for (auto bound = target.users.rbegin(); bound != target.users.rend(); ++bound) {
    run(call, "tgt_account_unbind", {{"tid", tid}, {"user", *bound}});
    if (*bound == user) break;
    behind.insert(behind.begin(), *bound);
  }
  for (const auto& other : behind) run(call, "tgt_account_bind", {{"tid", tid}, {"user", other}});
}

void Tgt::revoke(Call& call, const std::string& volume_id, const std::string& initiator, const std::string& user) {
  const std::lock_guard guard(mutex_);
  auto target = find(call, volume_id);
  const auto tid = std::to_string(target ? target->id : 0);
  if (target && has(target->users, user)) unbind_user(call, *target, user);
  plugin::CommandResult ignored;  // it is gone where it is gone
  host_.try_run(call, "tgt_account_delete", {{"user", user}}, ignored);
  if (!target) return;
  if (has(target->initiators, initiator)) run(call, "tgt_unbind", {{"tid", tid}, {"initiator", initiator}});
  cut_sessions(call, volume_id, initiator);
  std::erase(target->initiators, initiator);
  if (!target->initiators.empty()) return;
  if (!target->device.empty()) run(call, "tgt_unit_delete", {{"tid", tid}, {"lun", kUnit}});
  run(call, "tgt_target_delete", {{"tid", tid}});
}

bool Tgt::has_session(Call& call, const std::string& volume_id, const std::string& initiator) {
  const auto target = find(call, volume_id);
  return target && std::any_of(target->sessions.begin(), target->sessions.end(),
                               [&](const auto& s) { return s.initiator == initiator; });
}

}  // namespace vbs::lvm
