// `vbs store backup`: a copy of the store, made by the service while it works.
#pragma once
#include <cstdint>
#include <string>

#include "core/service/core.hpp"

namespace vbs {

struct StoreBackup {
  std::string file;
  uint64_t size_bytes = 0;
};

// Operators only. `file`: a name, or a path right in the configured backup_dir: an operator of VBS is not thereby
// somebody who may write any file of the machine. Empty: a name with the time. Waits for the disk; one at a time, a
// second one is Error(busy). Error(conflict) if the file exists.
StoreBackup backup_store(Core&, const Caller&, const std::string& file);

std::string backup_dir(const Config&);  // as configured, or data_dir/backups

}  // namespace vbs
