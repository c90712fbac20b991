// SPDX-License-Identifier: MIT
#include "storage.hpp"

#include "hypervisor.hpp"
#include "judge.hpp"
#include "vbs/plugin/json.hpp"

namespace vbs::faulty {
namespace {
using namespace vbs::plugin;
constexpr uint64_t kCapacity = 1ull << 50;

const faulty::Object& existing(const State& s, const std::string& id) {
  if (const auto* o = s.objects.find(id)) return *o;
  throw Error(VBS_NOT_FOUND, "faulty: there is no object " + id);
}

plugin::Object told(const std::string& id, const faulty::Object& o) {
  plugin::Object out;
  out.kind = o.snapshot ? VBS_KIND_SNAPSHOT : VBS_KIND_VOLUME;
  out.id = id;
  out.refs = out.layer = o.layer;
  out.size_bytes = o.size_bytes;
  out.format = "raw";
  out.facts = o.facts;
  return out;
}
}  // namespace

Storage::Storage(Host host, Call& call, std::string_view backend_id, std::string_view config)
    : config_(host, config), world_(World::at(host, config_)) {
  world_->mark(std::string(backend_id));
  world_->run(call, "open", "", [](State&) {});
}

StorageFacts Storage::facts() const {
  const uint64_t how = config_.layers ? VBS_CAP_FAST_CLONE : VBS_CAP_FAST_CLONE | VBS_CAP_REFLINK;
  return {how | VBS_CAP_THIN | VBS_CAP_EXTEND_IN_USE, 0, "{\"directory\": " + json_quoted(config_.directory) + "}"};
}

Capacity Storage::capacity(Call& call) {
  return run(call, "capacity", "", [](State&) { return Capacity{kCapacity, kCapacity, 0}; });
}

// What attempts made for an object that was not published: whoever was moved onto such a layer stands where it stood.
void Storage::drop_attempts(State& s, const std::string& made_for, const std::string& but) {
  std::vector<std::string> names;
  for (const auto& [name, l] : s.layers.all())
    if (l.made_for == made_for && (but.empty() || !name.ends_with(but))) names.push_back(name);
  for (const auto& name : names) {
    const auto layer = *s.layers.find(name);
    if (const auto* o = s.objects.find(layer.owner); o && o->layer == name && layer.owner != made_for) {
      auto back = *o;
      back.layer = layer.former.empty() ? layer.parent : layer.former;
      s.objects.put(layer.owner, back);
    }
    s.drop_layer(name);
  }
}

std::string Storage::add_layer(Call& call, State& s, const Layer& layer) {
  const auto name =
      layer.owner + (layer.owner == layer.made_for ? "" : "." + layer.made_for) + "." + std::to_string(call.epoch());
  s.add_layer(name, layer);
  add(call, plugin::Layer{name, layer.parent, "raw", 0});
  return name;
}

void Storage::move_source(Call& call, State& s, const std::string& source, const std::string& frozen,
                          const std::string& made_for) {
  Layer layer;
  layer.owner = source;
  layer.made_for = made_for;
  layer.parent = frozen;
  auto moved = existing(s, source);
  moved.layer = add_layer(call, s, layer);
  s.objects.put(source, moved);
  add(call, told(source, moved));
}

void Storage::create(Call& call, const CreateArgs& a) {
  run(call, "create", a.id, [&](State& s) {
    if (const auto* there = s.objects.find(a.id); there && (there->snapshot || there->size_bytes != a.size_bytes))
      throw Error(VBS_CONFLICT, "faulty: " + a.id + " exists with other parameters");
    drop_attempts(s, a.id, "." + std::to_string(call.epoch()));
    Layer layer;
    layer.owner = layer.made_for = a.id;
    if (a.source_kind != 0) {
      if (!s.layers.find(a.source_refs))
        throw Error(VBS_NOT_FOUND, "faulty: the source " + a.source_id + " has no layer " + a.source_refs);
      if (config_.layers) {
        layer.parent = a.source_refs;
        if (a.source_kind == VBS_KIND_VOLUME) {
          if (a.source_in_use) throw Error(VBS_BUSY, "faulty: the source " + a.source_id + " is in use: detach it");
          move_source(call, s, a.source_id, a.source_refs, a.id);
        }
      }
    }
    faulty::Object o;
    o.size_bytes = a.size_bytes;
    o.facts = a.facts;
    o.layer = add_layer(call, s, layer);
    s.objects.put(a.id, o);
    add(call, told(a.id, o));
  });
}

void Storage::remove(Call& call, const RemoveArgs& a) {
  run(call, "remove", a.id, [&](State& s) {
    world_->require(may_remove(s, a.id));
    for (const auto& layer : a.layers) s.drop_layer(layer);
    if (a.refs.empty()) drop_attempts(s, a.id, "");
    s.objects.erase(a.id);
  });
}

void Storage::extend(Call& call, const ExtendArgs& a) {
  run(call, "extend", a.id, [&](State& s) {
    auto o = existing(s, a.id);
    if (a.size_bytes < o.size_bytes)
      throw Error(VBS_INVALID, "faulty: volume " + a.id + " has " + std::to_string(o.size_bytes) +
                                   " bytes and does not shrink to " + std::to_string(a.size_bytes));
    o.size_bytes = a.size_bytes;
    s.objects.put(a.id, o);
    add(call, told(a.id, o));
  });
}

void Storage::snapshot_prepare(Call& call, const std::vector<SnapshotArgs>& list) {
  run(call, "snapshot_prepare", list.front().id, [&](State& s) {
    for (const auto& a : list) {
      if (config_.layers && a.in_use)
        throw Error(VBS_CONFLICT, "faulty: volume " + a.volume_id + " is in use, and no file for it to go over to");
      drop_attempts(s, a.id, "." + std::to_string(call.epoch()));
    }
  });
}

void Storage::snapshot_take(Call& call, const std::vector<SnapshotArgs>& list) {
  run(call, "snapshot_take", list.front().id, [&](State& s) {
    for (const auto& a : list) {
      if (!s.layers.find(a.volume_refs))
        throw Error(VBS_NOT_FOUND, "faulty: the volume " + a.volume_id + " has no layer " + a.volume_refs);
      faulty::Object o;
      o.snapshot = true;
      o.size_bytes = existing(s, a.volume_id).size_bytes;
      o.facts = a.facts;
      o.layer = a.volume_refs;
      if (config_.layers) {
        if (a.in_use) throw Error(VBS_BUSY, "faulty: volume " + a.volume_id + " is in use: detach it");
        move_source(call, s, a.volume_id, a.volume_refs, a.id);
      } else {
        Layer layer;
        layer.owner = layer.made_for = a.id;
        o.layer = add_layer(call, s, layer);
      }
      s.objects.put(a.id, o);
      add(call, told(a.id, o));
    }
  });
}

void Storage::snapshot_finish(Call& call, const std::vector<SnapshotArgs>& list, bool commit) {
  run(call, "snapshot_finish", list.front().id, [&](State& s) {
    if (commit) return;
    for (const auto& a : list) {
      s.objects.erase(a.id);
      drop_attempts(s, a.id, "");
    }
  });
}

Connection Storage::export_object(Call& call, const ExportArgs& a) {
  return run(call, "export", a.export_id, [&](State& s) {
    if (!s.layers.find(a.volume_refs))
      throw Error(VBS_NOT_FOUND, "faulty: the volume " + a.volume_id + " has no layer " + a.volume_refs);
    Export e;
    e.volume = a.volume_id;
    e.host = a.host;
    e.read_only = a.read_only;
    s.exports.put(a.export_id, e);
    return Connection{a.read_only, "file", "raw", "{\"path\": " + json_quoted(s.disks + "/" + a.volume_refs) + "}",
                      "1"};
  });
}

void Storage::unexport(Call& call, const ExportArgs& a) {
  run(call, "unexport", a.export_id, [&](State& s) {
    if (const auto* e = s.exports.find(a.export_id)) world_->require(may_unexport(s, *e, vms_of(e->host)));
    s.exports.erase(a.export_id);
  });
}

bool Storage::live_sessions(Call& call, const ExportArgs& a) {
  return run(call, "live_sessions", "", [&](State& s) {
    const auto* e = s.exports.find(a.export_id);
    return e && may_unexport(s, *e, vms_of(e->host)).has_value();
  });
}

void Storage::list(Call& call) {
  run(call, "list", "", [&](State& s) {
    std::set<std::string> reached;
    for (const auto& [id, o] : s.objects.all()) {
      add(call, told(id, o));
      for (auto name = o.layer; !name.empty() && reached.insert(name).second;) {
        const auto* layer = s.layers.find(name);
        name = layer ? layer->parent : "";
      }
    }
    for (const auto& [name, l] : s.layers.all())
      if (!reached.count(name)) add(call, Leftover{name, l.owner, 0});
  });
}

plugin::Object Storage::inspect(Call& call, const ObjectRef& ref) {
  return run(call, "inspect", "", [&](State& s) { return told(ref.id, existing(s, ref.id)); });
}

// The bytes are nowhere, so only who stands on whom changes: offline in a new layer, in use in the one that streamed.
void Storage::flatten(Call& call, const FlattenArgs& a) {
  run(call, "flatten", a.volume_id, [&](State& s) {
    const auto* top = s.layers.find(a.volume_refs);
    if (!top) throw Error(VBS_NOT_FOUND, "faulty: the volume " + a.volume_id + " has no layer " + a.volume_refs);
    auto o = existing(s, a.volume_id);
    if (a.in_use) {
      if (!top->parent.empty()) return;  // not streamed yet
      add(call, plugin::Layer{a.volume_refs, "", "raw", 0});
      return add(call, told(a.volume_id, o));
    }
    drop_attempts(s, a.id, "." + std::to_string(call.epoch()));
    Layer layer;
    layer.owner = a.volume_id;
    layer.made_for = a.id;
    layer.former = a.volume_refs;
    o.layer = add_layer(call, s, layer);
    s.objects.put(a.volume_id, o);
    add(call, told(a.volume_id, o));
  });
}

void Storage::discard(Call& call, const std::string& leftover) {
  run(call, "discard", leftover, [&](State& s) { s.drop_layer(leftover); });
}

}  // namespace vbs::faulty
