// SPDX-License-Identifier: MIT
#include "group.hpp"

#include <algorithm>

#include "names.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

namespace {
// LVM's words on several lines -> one. Its warning that changes are not kept for undoing says nothing to anybody here.
std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty() || line.find("NOT backed up") != std::string_view::npos) continue;
    out += (out.empty() ? "" : "; ") + std::string(line);
  }
  return out;
}

bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

std::optional<Lv> ours(const LvRow& row) {
  const auto name = parse_name(row.name);
  auto record = record_of(row.tags);
  if (!name || !record || name->owner != record->id || name->by != record->by || name->epoch != record->epoch)
    return std::nullopt;
  return Lv{row.name, row.size_bytes, row.active, row.open, row.data_percent, std::move(*record)};
}

void add_rows(const std::vector<LvRow>& rows, const std::string& pool, View& view) {
  for (const auto& row : rows) {
    view.group = row.group;
    if (!pool.empty() && row.name == pool) view.pool = row;
    if (auto lv = ours(row)) view.lvs.push_back(std::move(*lv));
  }
}

template <class Parameters>
void add_tags(Parameters& p, const Record& r) {
  p.emplace_back("id", id_tag(r.id));
  p.emplace_back("by", r.by.empty() ? kTag : by_tag(r.by));
  p.emplace_back("record", record_tag(r));
  p.emplace_back("done", r.done ? kDoneTag : kTag);
  const auto facts = facts_tags(r);
  for (size_t i = 0; i < facts.size(); ++i) p.emplace_back(std::string("f").append(std::to_string(i)), facts[i]);
}
}  // namespace

const Lv* View::find(std::string_view name) const {
  const auto it = std::find_if(lvs.begin(), lvs.end(), [&](const Lv& lv) { return lv.name == name; });
  return it == lvs.end() ? nullptr : &*it;
}

const Lv* View::newest_done(const std::string& id) const {
  const Lv* best = nullptr;
  for (const auto& lv : lvs)
    if (lv.record.id == id && lv.record.done &&
        (!best ||
         std::pair(best->record.generation, best->record.epoch) < std::pair(lv.record.generation, lv.record.epoch)))
      best = &lv;
  return best;
}

std::string Group::run(Call& call, const char* command, const Parameters& parameters) const {
  plugin::CommandResult r;
  const auto status = host_.try_run(
      call, command, std::vector<std::pair<std::string_view, std::string_view>>(parameters.begin(), parameters.end()),
      r);
  if (status == VBS_OK) return std::move(r.out);
  const auto words = one_line(r.err);
  if (words.empty())
    throw Error(status, std::string(command) + " on volume group " + config_.group + " did not succeed");
  auto kind = status;
  if (status == VBS_INTERNAL) {
    if (says(words, "insufficient free space") || says(words, "reached threshold") ||
        says(words, "nsufficient suitable"))
      kind = VBS_NO_SPACE;
    else if (says(words, " in use"))
      kind = VBS_BUSY;
    else if (says(words, "Volume group \"" + config_.group + "\" not found"))
      kind = VBS_UNAVAILABLE;
  }
  throw Error(kind, std::string(command) + " on volume group " + config_.group + ": " + words +
                        (kind == VBS_UNAVAILABLE ? "; connect its disks, or correct volume_group" : ""));
}

std::optional<std::vector<LvRow>> Group::report(Call& call, const std::string& select) const {
  return parse_lvs(run(call, "lvs", {{"fields", kLvFields}, {"select", select}, {"group", config_.group}}));
}

GroupRow Group::facts(Call& call) const {
  const auto rows = parse_vgs(run(call, "vgs", {{"fields", kVgFields}, {"group", config_.group}}));
  if (!rows || rows->size() != 1)
    throw Error(VBS_INTERNAL, "vgs does not report volume group " + config_.group + " in JSON; check the pattern vgs");
  return rows->front();
}

void Group::check_marker(const GroupRow& group) const {
  const auto found = backend_of(group.tags);
  if (found == backend_id_) return;
  throw Error(VBS_UNAVAILABLE,
              "volume group " + config_.group +
                  (found ? " belongs to another back-end: its tag says " + backend_tag(*found)
                         : " has lost its marker: it is another group of that name, or the tag was removed") +
                  "; VBS touches nothing there before it has the tag " + backend_tag(backend_id_) +
                  " (vgchange --addtag)");
}

void Group::adopt(Call& call, const std::string& backend_id) {
  const auto group = facts(call);
  const auto found = backend_of(group.tags);
  if (backend_id.empty()) {
    if (!found || !is_uuid(*found))
      throw Error(VBS_NOT_FOUND, "volume group " + config_.group +
                                     " has no marker (a tag vbs.backend=UUID): no back-end was ever opened there");
    backend_id_ = *found;
    return;
  }
  if (!is_uuid(backend_id)) throw Error(VBS_INVALID, "the back-end's id '" + backend_id + "' is not a UUID");
  if (found && *found != backend_id)
    throw Error(VBS_CONFLICT, "volume group " + config_.group + " belongs to another back-end: its tag says " +
                                  backend_tag(*found) + ", expected " + backend_id);
  backend_id_ = backend_id;
  if (found) return;
  // Volumes of ours without the marker: somebody removed it, or the group is a copy of one that is in use elsewhere.
  View view;
  collect(call, "", view);
  if (!view.lvs.empty())
    throw Error(VBS_UNAVAILABLE, "volume group " + config_.group + " has volumes of VBS (" + view.lvs.front().name +
                                     ") and no marker: if it is this back-end's, `vgchange --addtag " +
                                     backend_tag(backend_id) + " " + config_.group + "`");
  run(call, "vgchange_addtag", {{"tag", backend_tag(backend_id)}, {"group", config_.group}});
}

View Group::look(Call& call, const std::vector<std::string>& ids) const {
  std::string select = "lv_name=\"" + (config_.thin() ? config_.pool : std::string("vbs")) + "\"";
  for (const auto& id : ids) {
    if (!id.empty() && !is_uuid(id)) throw Error(VBS_INVALID, "id '" + id + "' is not a UUID in lower case");
    if (!id.empty()) select += " || lv_name=~\"" + id + "\"";
  }
  const auto rows = report(call, select);
  if (!rows) throw Error(VBS_INTERNAL, "lvs does not report in JSON; check the pattern lvs");
  View view;
  add_rows(*rows, config_.pool, view);
  if (rows->empty()) view.group = facts(call);
  check_marker(view.group);
  if (config_.thin() && (!view.pool || view.pool->segment_type != "thin-pool"))
    throw Error(VBS_UNAVAILABLE, "volume group " + config_.group + " has no thin pool " + config_.pool +
                                     ": make it (lvcreate --type thin-pool), or correct thin_pool");
  return view;
}

// A report that the host had to cut off is asked for in parts, by the first digits of the ids.
void Group::collect(Call& call, const std::string& id_prefix, View& view) const {
  call.check();
  const auto rows = report(call, "lv_name=~\"^vbs[.]" + id_prefix + "\"");
  if (rows) return add_rows(*rows, config_.pool, view);
  if (id_prefix.size() >= 8) throw Error(VBS_INTERNAL, "lvs does not report in JSON; check the pattern lvs");
  for (const char digit : std::string_view("0123456789abcdef")) collect(call, id_prefix + digit, view);
}

View Group::all(Call& call) const {
  View view = look(call, {});
  collect(call, "", view);
  return view;
}

uint64_t Group::promised(Call& call) const {
  const auto out = run(
      call, "lvs", {{"fields", "lv_size"}, {"select", "pool_lv=\"" + config_.pool + "\""}, {"group", config_.group}});
  const auto rows = parse_lvs(out);
  if (!rows) throw Error(VBS_INTERNAL, "lvs does not report in JSON; check the pattern lvs");
  uint64_t sum = 0;
  for (const auto& row : *rows) sum += row.size_bytes;
  return sum;
}

void Group::create_thin(Call& call, const std::string& name, uint64_t size_bytes, const Record& r) const {
  Parameters p{{"group", config_.group}, {"pool", config_.pool}, {"name", name}, {"size", std::to_string(size_bytes)}};
  add_tags(p, r);
  run(call, "lvcreate_thin", p);
}

void Group::create_thick(Call& call, const std::string& name, uint64_t size_bytes, const Record& r) const {
  Parameters p{{"group", config_.group}, {"name", name}, {"size", std::to_string(size_bytes)}};
  add_tags(p, r);
  run(call, "lvcreate_thick", p);
}

void Group::snapshot(Call& call, const std::string& origin, const std::string& name, const Record& r,
                     bool frozen) const {
  Parameters p{{"group", config_.group},
               {"origin", origin},
               {"name", name},
               {"skip", frozen ? "y" : "n"},
               {"activate", frozen ? "n" : "y"},
               {"permission", frozen ? "r" : "rw"}};
  add_tags(p, r);
  run(call, "lvcreate_snapshot", p);
}

void Group::extend(Call& call, const std::string& name, uint64_t size_bytes) const {
  run(call, "lvextend", {{"group", config_.group}, {"name", name}, {"size", std::to_string(size_bytes)}});
}

void Group::activate(Call& call, const std::string& name) const {
  run(call, "lvchange_activate", {{"group", config_.group}, {"name", name}});
}

void Group::add_tag(Call& call, const std::string& name, const std::string& tag) const {
  run(call, "lvchange_addtag", {{"tag", tag}, {"group", config_.group}, {"name", name}});
}

void Group::delete_tag(Call& call, const std::string& name, const std::string& tag) const {
  run(call, "lvchange_deltag", {{"tag", tag}, {"group", config_.group}, {"name", name}});
}

void Group::remove(Call& call, const Lv& lv) const {
  // LVM itself would try for some seconds, and say less.
  if (lv.open)
    throw Error(VBS_BUSY,
                "logical volume " + config_.group + "/" + lv.name +
                    " is open: detach it from whatever uses it (`lsof`, the target's configuration), then repeat");
  run(call, "lvremove", {{"group", config_.group}, {"name", lv.name}});
}

}  // namespace vbs::lvm
