#include <fmt/format.h>

#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
Mode mode(bool rw) { return rw ? Mode::rw : Mode::ro; }

void put_layers(const std::vector<LayerState>& layers, google::protobuf::RepeatedPtrField<wire::Layer>* to) {
  for (const auto& l : layers) {
    auto* w = to->Add();
    w->set_name(l.name);
    w->set_parent(l.parent);
    w->set_format(l.format);
    w->set_allocated_bytes(l.allocated_bytes);
  }
}
std::vector<LayerState> layers_of(const google::protobuf::RepeatedPtrField<wire::Layer>& from) {
  std::vector<LayerState> out;
  for (const auto& l : from) out.push_back({l.name(), l.parent(), l.format(), l.allocated_bytes()});
  return out;
}
std::vector<ObjectState> objects_of(const google::protobuf::RepeatedPtrField<wire::Object>& from) {
  std::vector<ObjectState> out;
  for (const auto& o : from) out.push_back(from_wire(o));
  return out;
}
}  // namespace

void to_wire(const Error& e, wire::Failure* to) {
  to->set_code(std::string(to_string(e.code())));
  to->set_message(e.what());
  to->set_field(e.field());
}
Error error_from(const wire::Failure& f) { return Error(code_from_string(f.code()), f.message(), f.field()); }

void to_wire(const InstanceFacts& f, wire::InstanceFacts* to) {
  to->set_capabilities(f.capabilities);
  to->set_max_parallel_calls(f.max_parallel_calls);
  to->set_facts(f.facts);
}
InstanceFacts from_wire(const wire::InstanceFacts& f) {
  return {f.capabilities(), f.max_parallel_calls(), f.facts().empty() ? "{}" : f.facts()};
}

ObjectKind object_kind(uint32_t number) {
  if (number != static_cast<uint32_t>(ObjectKind::volume) && number != static_cast<uint32_t>(ObjectKind::snapshot))
    throw Error(Code::internal, fmt::format("the other side named an object of kind {}, which this side does not "
                                            "know: bring vbsd and vbs-delegate to one version",
                                            number));
  return static_cast<ObjectKind>(number);
}

void to_wire(const ObjectState& o, wire::Object* to) {
  to->set_kind(static_cast<uint32_t>(o.kind));
  to->set_id(o.id);
  to->set_refs(o.refs);
  to->set_size_bytes(o.size_bytes);
  to->set_allocated_bytes(o.allocated_bytes);
  to->set_format(o.format);
  to->set_layer(o.layer);
  to->set_facts(o.facts);
}
ObjectState from_wire(const wire::Object& o) {
  return {object_kind(o.kind()), o.id(),     o.refs(),  o.size_bytes(),
          o.allocated_bytes(),   o.format(), o.layer(), o.facts()};
}

void to_wire(const StorageChange& c, wire::Change* to) {
  for (const auto& o : c.objects) to_wire(o, to->add_objects());
  put_layers(c.layers, to->mutable_layers());
}
StorageChange from_wire(const wire::Change& c) { return {objects_of(c.objects()), layers_of(c.layers())}; }

void to_wire(const StorageListing& l, wire::Listing* to) {
  for (const auto& o : l.objects) to_wire(o, to->add_objects());
  put_layers(l.layers, to->mutable_layers());
  for (const auto& leftover : l.leftovers) {
    auto* w = to->add_leftovers();
    w->set_name(leftover.name);
    w->set_object_id(leftover.object_id);
    w->set_allocated_bytes(leftover.allocated_bytes);
  }
}
StorageListing from_wire(const wire::Listing& l) {
  StorageListing out{objects_of(l.objects()), layers_of(l.layers()), {}};
  for (const auto& w : l.leftovers()) out.leftovers.push_back({w.name(), w.object_id(), w.allocated_bytes()});
  return out;
}

void to_wire(const Capacity& c, wire::Capacity* to) {
  to->set_total_bytes(c.total_bytes);
  to->set_free_bytes(c.free_bytes);
  to->set_over_commit_ratio(c.over_commit_ratio);
}
Capacity from_wire(const wire::Capacity& c) { return {c.total_bytes(), c.free_bytes(), c.over_commit_ratio()}; }

void to_wire(const Connection& c, wire::Connection* to) {
  to->set_rw(c.mode == Mode::rw);
  to->set_kind(c.kind);
  to->set_format(c.format);
  to->set_data(c.data);
  to->set_refs(c.refs);
  to->set_initiator(c.initiator);
  to->set_secret(c.secret);
}
Connection from_wire(const wire::Connection& c) {
  return {mode(c.rw()), c.kind(), c.format(), c.data(), c.refs(), c.initiator(), c.secret()};
}

void to_wire(const Source& s, wire::Source* to) {
  to->set_kind(s.kind);
  to->set_format(s.format);
  to->set_path(s.path);
  to->set_data(s.data);
  to->set_secret(s.secret);
}
Source from_wire(const wire::Source& s) { return {s.kind(), s.format(), s.path(), s.data(), s.secret()}; }

void to_wire(const CreateArgs& a, wire::CreateArgs* to) {
  to->set_id(a.id);
  to->set_size_bytes(a.size_bytes);
  to->set_source_kind(a.source_kind ? static_cast<uint32_t>(*a.source_kind) : 0);
  to->set_source_id(a.source_id);
  to->set_source_refs(a.source_refs);
  to->set_source_in_use(a.source_in_use);
  to->set_facts(a.facts);
  to->set_options(a.options);
}
CreateArgs from_wire(const wire::CreateArgs& w) {
  CreateArgs a;
  a.id = w.id();
  a.size_bytes = w.size_bytes();
  if (w.source_kind() != 0) a.source_kind = object_kind(w.source_kind());
  a.source_id = w.source_id();
  a.source_refs = w.source_refs();
  a.source_in_use = w.source_in_use();
  a.facts = w.facts();
  a.options = w.options();
  return a;
}

void to_wire(const std::vector<SnapshotArgs>& list, wire::SnapshotList* to) {
  for (const auto& s : list) {
    auto* w = to->add_snapshots();
    w->set_id(s.id);
    w->set_volume_id(s.volume_id);
    w->set_volume_refs(s.volume_refs);
    w->set_in_use(s.in_use);
    w->set_facts(s.facts);
  }
}
std::vector<SnapshotArgs> from_wire(const wire::SnapshotList& list) {
  std::vector<SnapshotArgs> out;
  for (const auto& w : list.snapshots()) out.push_back({w.id(), w.volume_id(), w.volume_refs(), w.in_use(), w.facts()});
  return out;
}

void to_wire(const RevertArgs& a, wire::RevertArgs* to) {
  to->set_id(a.id);
  to->set_volume_id(a.volume_id);
  to->set_volume_refs(a.volume_refs);
  to->set_snapshot_id(a.snapshot_id);
  to->set_snapshot_refs(a.snapshot_refs);
}
RevertArgs from_wire(const wire::RevertArgs& w) {
  return {w.id(), w.volume_id(), w.volume_refs(), w.snapshot_id(), w.snapshot_refs()};
}

void to_wire(const FlattenArgs& a, wire::FlattenArgs* to) {
  to->set_id(a.id);
  to->set_volume_id(a.volume_id);
  to->set_volume_refs(a.volume_refs);
  to->set_in_use(a.in_use);
}
FlattenArgs from_wire(const wire::FlattenArgs& w) { return {w.id(), w.volume_id(), w.volume_refs(), w.in_use()}; }

void to_wire(const ExportArgs& a, wire::ExportArgs* to) {
  to->set_export_id(a.export_id);
  to->set_volume_id(a.volume_id);
  to->set_volume_refs(a.volume_refs);
  to->set_host(a.host);
  to->set_initiator(a.initiator);
  to->set_refs(a.refs);
  to->set_rw(a.mode == Mode::rw);
  to->set_secret(a.secret);
}
ExportArgs from_wire(const wire::ExportArgs& w) {
  return {w.export_id(), w.volume_id(), w.volume_refs(), w.host(), w.initiator(), w.refs(), mode(w.rw()), w.secret()};
}

}  // namespace vbs
