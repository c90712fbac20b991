// What a plugin added to a call (vbs_call.add_item), copied into the core's types and checked: plugins are other
// people's code, and what they answer goes into the store.
#pragma once
#include <string>
#include <vector>

#include "core/plugin_host/hypervisor.hpp"
#include "core/plugin_host/storage_backend.hpp"
#include "vbs/plugin/abi.h"

namespace vbs {

struct CallResults {
  std::vector<ObjectState> objects;
  std::vector<LayerState> layers;
  std::vector<Leftover> leftovers;
  std::vector<Capacity> capacities;
  std::vector<InstanceFacts> instances;
  std::vector<Connection> connections;
  std::vector<Source> sources;
  std::vector<Vm> vms;
  std::vector<Disk> disks;
  size_t count = 0;

  // Copies one item. Kinds that are not known are ignored. Throws Error(internal): "OBJECT refs have 5000 bytes; ...".
  void add(uint32_t kind, const void* item);
};

}  // namespace vbs
