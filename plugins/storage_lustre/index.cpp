// SPDX-License-Identifier: MIT
#include "index.hpp"

#include <algorithm>

namespace vbs::lustre {

void Index::add(const std::string& name) {
  const auto parsed = parse_name(name);
  if (!parsed) return;
  const std::lock_guard guard(mutex_);
  owners_[parsed->owner].names.insert(name);
}

void Index::add_sidecar(const std::string& name, const Record& record) {
  add(name);
  auto files = record.chain;
  files.push_back(record.file);
  const std::lock_guard guard(mutex_);
  const auto [it, is_new] = used_by_sidecar_.emplace(name, files);
  if (!is_new) return;
  for (const auto& file : files) ++users_[file];
}

void Index::forget(const std::string& name) {
  const auto parsed = parse_name(name);
  if (!parsed) return;
  const std::lock_guard guard(mutex_);
  if (const auto owner = owners_.find(parsed->owner); owner != owners_.end()) owner->second.names.erase(name);
  drop_if_empty(parsed->owner);
  const auto sidecar = used_by_sidecar_.find(name);
  if (sidecar == used_by_sidecar_.end()) return;
  for (const auto& file : sidecar->second)
    if (const auto u = users_.find(file); u != users_.end() && --u->second == 0) users_.erase(u);
  used_by_sidecar_.erase(sidecar);
}

std::vector<FileName> Index::owned_by(const std::string& id) const {
  std::vector<FileName> out;
  const std::lock_guard guard(mutex_);
  if (const auto owner = owners_.find(id); owner != owners_.end())
    for (const auto& name : owner->second.names) out.push_back(*parse_name(name));
  return out;
}

std::vector<std::string> Index::overlays_made_for(const std::string& id) const {
  std::vector<std::string> out;
  const std::lock_guard guard(mutex_);
  for (const auto& [owner, entry] : owners_)
    for (const auto& name : entry.names)
      if (const auto parsed = parse_name(name); parsed && parsed->is_image() && parsed->by == id) out.push_back(name);
  return out;
}

std::vector<std::string> Index::sidecars_of_file(const std::string& file) const {
  std::vector<std::string> out;
  const std::lock_guard guard(mutex_);
  for (const auto& [sidecar, files] : used_by_sidecar_)
    if (std::find(files.begin(), files.end(), file) != files.end()) out.push_back(sidecar);
  return out;
}

bool Index::is_used(const std::string& file) const {
  const std::lock_guard guard(mutex_);
  return users_.count(file) != 0;
}

std::optional<uint64_t> Index::promise(const std::string& id, uint64_t bytes, uint64_t limit) {
  const std::lock_guard guard(mutex_);
  auto& owner = owners_[id];
  const uint64_t before = owner.promised, others = promised_ - before;
  if (bytes > before && (others > limit || bytes > limit - others)) {
    drop_if_empty(id);
    return std::nullopt;
  }
  owner.promised = bytes;
  promised_ = others + bytes;
  drop_if_empty(id);
  return before;
}

uint64_t Index::promised() const {
  const std::lock_guard guard(mutex_);
  return promised_;
}

void Index::begin_work(const std::string& id) {
  if (id.empty()) return;
  const std::lock_guard guard(mutex_);
  working_.insert(id);
}

void Index::end_work(const std::string& id) {
  if (id.empty()) return;
  const std::lock_guard guard(mutex_);
  working_.erase(working_.find(id));
}

bool Index::is_worked_on(const std::string& id) const {
  const std::lock_guard guard(mutex_);
  return working_.count(id) != 0;
}

void Index::drop_if_empty(const std::string& id) {
  const auto it = owners_.find(id);
  if (it != owners_.end() && it->second.names.empty() && it->second.promised == 0) owners_.erase(it);
}

}  // namespace vbs::lustre
