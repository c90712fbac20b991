// Private to core/delegates: the core's values to and from the messages of delegate.proto, field by field. What a peer
// leaves out has the core's default. Errors: Error(internal) for a value that the core has no word for.
#pragma once
#include "core/base/error.hpp"
#include "core/connectors/connector.hpp"
#include "core/delegates/delegate.pb.h"
#include "core/plugin_host/hypervisor.hpp"
#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

void to_wire(const Error&, wire::Failure* to);
Error error_from(const wire::Failure&);

void to_wire(const InstanceFacts&, wire::InstanceFacts* to);
InstanceFacts from_wire(const wire::InstanceFacts&);

ObjectKind object_kind(uint32_t number);
void to_wire(const ObjectState&, wire::Object* to);
ObjectState from_wire(const wire::Object&);
void to_wire(const StorageChange&, wire::Change* to);
StorageChange from_wire(const wire::Change&);
void to_wire(const StorageListing&, wire::Listing* to);
StorageListing from_wire(const wire::Listing&);
void to_wire(const Capacity&, wire::Capacity* to);
Capacity from_wire(const wire::Capacity&);
void to_wire(const Connection&, wire::Connection* to);
Connection from_wire(const wire::Connection&);
void to_wire(const Source&, wire::Source* to);
Source from_wire(const wire::Source&);

void to_wire(const CreateArgs&, wire::CreateArgs* to);
CreateArgs from_wire(const wire::CreateArgs&);
void to_wire(const std::vector<SnapshotArgs>&, wire::SnapshotList* to);
std::vector<SnapshotArgs> from_wire(const wire::SnapshotList&);
void to_wire(const RevertArgs&, wire::RevertArgs* to);
RevertArgs from_wire(const wire::RevertArgs&);
void to_wire(const FlattenArgs&, wire::FlattenArgs* to);
FlattenArgs from_wire(const wire::FlattenArgs&);
void to_wire(const ExportArgs&, wire::ExportArgs* to);
ExportArgs from_wire(const wire::ExportArgs&);

void to_wire(const Vm&, wire::Vm* to);
Vm from_wire(const wire::Vm&);
void to_wire(const Disk&, wire::Disk* to);
Disk from_wire(const wire::Disk&);
void to_wire(const DiskSpec&, wire::DiskSpec* to);
DiskSpec from_wire(const wire::DiskSpec&);

}  // namespace vbs
